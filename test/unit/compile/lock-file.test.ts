import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { takenOver } from "../../../src/compile/declared-classes.ts";
import {
  type ClassChanges,
  changeClasses,
  formatLock,
  type Lock,
  lockedFor,
  parseLock,
  type Prune,
  withEnvironment,
} from "../../../src/compile/lock-file.ts";

const NAMES = ["a__X", "a__Y", "b__X", "EdgeServeController"];

function changed(before: ClassChanges["classes"], current: readonly string[], prune: Prune = false): ClassChanges {
  const changes = changeClasses(
    { classes: before },
    current.map((name) => ({ name })),
    { prune },
  );
  if ("problem" in changes) throw new Error(changes.problem);
  return changes;
}

describe("the classes that have been built", () => {
  it("[L1] never leave the lock file, whatever is built and pruned", () => {
    const step = fc.record({ current: fc.subarray(NAMES), prune: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        let classes: ClassChanges["classes"] = {};
        for (const { current, prune } of steps) {
          const before = classes;
          const changes = changed(before, current, prune);
          classes = changes.classes;
          expect(Object.keys(classes).slice(0, Object.keys(before).length)).toEqual(Object.keys(before));
          for (const name of current) expect(classes[name]).toEqual({ state: "built" });
          // What is gone is kept, deleted, or was deleted before.
          const gone = Object.keys(before).filter((name) => !current.includes(name));
          expect([...changes.retired, ...changes.pruned].toSorted()).toEqual(
            gone.filter((name) => before[name]!.state === "built").toSorted(),
          );
          if (!prune) expect(changes.pruned).toEqual([]);
        }
      }),
    );
  });

  it("are added without a word in the first build, and told about in later ones", () => {
    expect(changed({}, ["a__X"]).added).toEqual([]);
    expect(changed({ a__X: { state: "built" } }, ["a__X", "a__Y"]).added).toEqual(["a__Y"]);
    expect(changed({ a__X: { state: "deleted" } }, ["a__X"]).added).toEqual(["a__X"]);
  });

  it("are deleted only by name where they are keyed", () => {
    const before = { a__X: { state: "built", keyed: true }, a__Y: { state: "built" } } as const;
    expect(changed(before, [], true)).toMatchObject({ pruned: ["a__Y"], retired: ["a__X"] });
    expect(changed(before, [], "a/X")).toMatchObject({ pruned: ["a__X"], retired: ["a__Y"] });
  });

  it.each([
    [undefined, "eu"],
    ["eu", undefined],
    ["eu", "us"],
  ])("do not move from jurisdiction %s to %s where they are keyed, unless they may show nothing", (was, is) => {
    const known = { classes: { a__X: { state: "built", keyed: true, ...(was === undefined ? {} : { jurisdiction: was }) } } } as const;
    const built = [{ name: "a__X", keyed: true, ...(is === undefined ? {} : { jurisdiction: is }) }];
    expect(changeClasses(known, built, { prune: false })).toEqual({
      problem: expect.stringMatching(/Deployment a\/X .* --accept-empty\.$/),
    });
    const after = { state: "built", keyed: true, ...(is === undefined ? {} : { jurisdiction: is }) };
    expect(changeClasses(known, built, { prune: false, acceptEmpty: true })).toMatchObject({ classes: { a__X: after } });
    expect(changeClasses(known, [{ ...built[0]!, keyed: false }], { prune: false })).toHaveProperty("classes");
  });

  it.each([
    ["a/Z", [], "Those that are gone: a/X."],
    ["a/X", ["a__X"], "still there"],
    ["a/Y", ["a__X"], "No deployment is gone."],
  ])("are not pruned by %s, which is no deployment that is gone", (prune, current, says) => {
    const changes = changeClasses(
      { classes: { a__X: { state: "built" } } },
      current.map((name) => ({ name })),
      { prune },
    );
    expect(changes).toHaveProperty("problem", expect.stringContaining(says));
  });
});

describe("the lock file", () => {
  const entry = fc.record({ state: fc.constantFrom("built" as const, "deleted" as const) });
  const environment = fc.record({ classes: fc.dictionary(fc.constantFrom(...NAMES), entry, { noNullPrototype: true }) });

  it("[L2] is read as it was written, and keeps the environments apart", () => {
    fc.assert(
      fc.property(environment, environment, (top, staging) => {
        const lock = withEnvironment(withEnvironment({ environments: {} }, undefined, top), "staging", staging);
        const read = parseLock(formatLock(lock)) as Lock;
        expect(formatLock(read)).toBe(formatLock(lock));
        expect(lockedFor(read, undefined)).toEqual(top);
        expect(lockedFor(read, "staging")).toEqual(staging);
        expect(lockedFor(read, "constructor")).toEqual({ classes: {} });
      }),
    );
  });

  it.each([
    "",
    "<<<<<<< HEAD",
    "{}",
    '{"version":2,"environments":{}}',
    '{"version":1}',
    '{"version":1,"environments":{"x":{"classes":{"A":1}}}}',
  ])("is refused as %j", (text) => expect(parseLock(text)).toHaveProperty("problem", expect.stringContaining("edge-serve.lock.json")));

  it("takes over what a configuration of the earlier form declared", () => {
    const exports = {
      a__X: { storage: "sqlite" },
      a__Y: { state: "deleted" },
      EdgeServeConfig: { storage: "sqlite" },
      Mine: { storage: "sqlite" },
    };
    expect(takenOver(exports)).toEqual({ a__X: { state: "built" }, a__Y: { state: "deleted" }, EdgeServeConfig: { state: "built" } });
  });
});
