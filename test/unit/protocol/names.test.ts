import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classNameOf, formatReplicaId, NAME_PATTERN, parseClassName, parseReplicaId } from "../../../src/protocol/names.ts";

// Few letters, so that names that could be confused are tried often.
const name = fc.stringMatching(/^[abud][abud_-]{0,6}$/);
const replicaId = fc.record({
  app: name,
  deployment: name,
  location: fc.constantFrom("-", "weur", "enam", "apac-ne"),
  ordinal: fc.nat(),
  incarnation: fc.nat(),
});

describe("NAME_PATTERN", () => {
  it.each(["a", "Z9", "a-b_c", "x".repeat(63)])("accepts %s", (text) => expect(text).toMatch(NAME_PATTERN));
  it.each(["", "9a", "-a", "_a", "a b", "a.b", "a/b", "a\n", "x".repeat(64)])("refuses %j", (text) =>
    expect(text).not.toMatch(NAME_PATTERN),
  );
});

describe("replica ids", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(replicaId, (id) => {
        expect(parseReplicaId(formatReplicaId(id))).toEqual(id);
      }),
    );
    expect(formatReplicaId({ app: "news", deployment: "Rank", location: "-", ordinal: 3, incarnation: 0 })).toBe("news/Rank/-/3.0");
  });

  it("differ when anything in them differs", () => {
    fc.assert(
      fc.property(replicaId, replicaId, (a, b) => {
        expect(formatReplicaId(a) === formatReplicaId(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it.each(["", "a/b/-/1", "a/b/-/1.0/x", "a//-/1.0", "a/b/-/x.0", "a/b/-/01.0", "a/b/-/1.00", "a/b/-/99999999999999999999.0", "0123abcd"])(
    "are not read from %j",
    (text) => expect(parseReplicaId(text)).toBeUndefined(),
  );

  it("are read from no text that they would not be written as", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "/", ".", "-", "0", "1", "\n"), maxLength: 12 });
    fc.assert(
      fc.property(text, (any) => {
        const id = parseReplicaId(any);
        if (id !== undefined) expect(formatReplicaId(id)).toBe(any);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("class names", () => {
  it("are read as they were written, and are identifiers", () => {
    fc.assert(
      fc.property(name, name, (app, deployment) => {
        const className = classNameOf(app, deployment);
        expect(className).toMatch(/^[A-Za-z]\w*$/);
        expect(parseClassName(className)).toEqual({ app, deployment });
      }),
      { numRuns: 2000 },
    );
  });

  it("differ when either name differs", () => {
    fc.assert(
      fc.property(name, name, name, name, (appA, a, appB, b) => {
        expect(classNameOf(appA, a) === classNameOf(appB, b)).toBe(appA === appB && a === b);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["default", "Hello", "default__Hello"],
    ["my-app", "Rank_v2", "my_dapp__Rank_uv2"],
    ["a_", "_".padStart(2, "b"), "a_u__b_u"],
  ])("of %s and %s is %s, for ever", (app, deployment, className) => expect(classNameOf(app, deployment)).toBe(className));

  it.each(["", "Hello", "__Hello", "a__", "a_b__C", "a__b__c", "Serve__9", "EdgeServeController"])("are not read from %j", (className) => {
    expect(parseClassName(className)).toBeUndefined();
  });
});
