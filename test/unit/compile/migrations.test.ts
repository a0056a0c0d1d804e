import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LockedEnvironment, LockedMigration } from "../../../src/compile/lock-file.ts";
import { exportsOf, joinMigrations, liveClasses, type Migration } from "../../../src/compile/migrations.ts";

const write = (value: object) => JSON.stringify(value);

function join(users: readonly Migration[], locked: LockedEnvironment, classes: LockedEnvironment["classes"]) {
  return joinMigrations({ users, locked, classes, file: "wrangler.toml", write });
}

function joined(users: readonly Migration[], locked: LockedEnvironment, classes: LockedEnvironment["classes"]): readonly LockedMigration[] {
  const result = join(users, locked, classes);
  if ("problem" in result) throw new Error(result.problem);
  return result.joined;
}

const v1: Migration = { tag: "v1", new_classes: ["Counter"] };
const v2: Migration = { tag: "v2", new_sqlite_classes: ["Room"], renamed_classes: [{ from: "Counter", to: "Tally" }] };
const BUILT = { a__X: { state: "built" } } as const;
const FIRST: LockedEnvironment = { classes: BUILT, migrations: joined([v1], { classes: {} }, BUILT) };

describe("the user's migrations and the system's own", () => {
  it("[M1] [M2] make a list that only grows at its end, whichever side grows", () => {
    const step = fc.record({
      users: fc.nat(2),
      classes: fc.subarray(["a__X", "a__Y", "b__Z"]),
      doomed: fc.subarray(["a__X", "a__Y", "b__Z"]),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        let locked: LockedEnvironment = { classes: {} };
        const users: Migration[] = [{ tag: "u0", new_classes: ["Own0"] }];
        for (const { users: more, classes, doomed } of steps) {
          for (let count = 0; count < more; count++) users.push({ tag: `u${users.length}`, new_sqlite_classes: [`Own${users.length}`] });
          const states: Record<string, { state: "built" | "deleted" }> = { ...locked.classes };
          for (const name of doomed) if (name in states) states[name] = { state: "deleted" };
          for (const name of classes) states[name] = { state: "built" };
          const before = locked.migrations ?? [];
          const after = joined(users, locked, states);
          expect(after.slice(0, before.length)).toEqual(before);
          expect(after.filter(({ by }) => by === "user").map(({ migration }) => migration)).toEqual(users);
          const tags = after.map(({ migration: { tag } }) => tag);
          expect(new Set(tags).size).toBe(tags.length);
          const live = liveClasses(after.map(({ migration }) => migration));
          const own = Object.entries(states).filter(([, { state }]) => state === "built");
          expect([...live.keys()].filter((name) => name.includes("__")).toSorted()).toEqual(own.map(([name]) => name).toSorted());
          locked = { classes: states, migrations: after };
        }
      }),
    );
  });

  it("come to the classes that there are, with the storage that they have", () => {
    expect(Object.fromEntries(liveClasses([v1, v2, { tag: "v3", deleted_classes: ["Room"] }]))).toEqual({ Tally: "legacy-kv" });
    expect(exportsOf([v1, v2])).toEqual({
      Tally: { type: "durable-object", storage: "legacy-kv" },
      Room: { type: "durable-object", storage: "sqlite" },
    });
  });

  it.each([
    ["a migration that is gone", [v2], FIRST, ['"v1"', write({ migrations: [v1, v2] })]],
    ["one that has changed", [{ ...v1, new_classes: ["Other"] }], FIRST, ["has changed", write({ migrations: [v1] })]],
    ["one before those that were built", [v2, v1], FIRST, ["stands elsewhere", write({ migrations: [v1, v2] })]],
    ["a tag of the system's own", [v1, { tag: "edge-serve-1", new_classes: ["B"] }], FIRST, ["edge-serve-1"]],
    ["a class that is also a deployment's", [{ tag: "v1", new_classes: ["a__X"] }], { classes: {} }, ["a__X"]],
    [
      "classes that were built with exports",
      [v1, v2],
      { classes: BUILT },
      [
        write({
          exports: { Tally: { type: "durable-object", storage: "legacy-kv" }, Room: { type: "durable-object", storage: "sqlite" } },
        }),
      ],
    ],
  ] as [string, Migration[], LockedEnvironment, string[]][])(
    "cannot be joined with %s, and the text to write is there",
    (_, users, locked, says) => {
      const result = join(users, locked, BUILT);
      for (const part of says) expect(result).toHaveProperty("problem", expect.stringContaining(part));
    },
  );

  it("are the same in whatever order the keys of a file stand", () => {
    expect(joined([{ new_classes: ["Counter"], tag: "v1" }], FIRST, BUILT)).toEqual(FIRST.migrations);
  });
});
