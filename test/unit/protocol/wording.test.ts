import { describe, expect, it } from "vitest";
import { closest, show } from "../../../src/protocol/wording.ts";

const circular: Record<string, unknown> = {};
circular["self"] = circular;
const doubled = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner, inner], 1);
const hostile = {
  get a(): never {
    throw new Error("hostile");
  },
};

describe("a value in an error", () => {
  it.each<[string, unknown, string]>([
    ["text", "a", '"a"'],
    ["a number", 1.5, "1.5"],
    ["NaN", Number.NaN, "NaN"],
    ["a bigint", 1n, "1n"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["a function", () => 1, "a function"],
    ["an object", { a: [1, "b", null], c: undefined }, '{"a":[1,"b",null],"c":undefined}'],
    ["an object without a prototype", Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    ["an instance", new Map([[1, 2]]), "a Map"],
    ["an instance inside", { when: new Date(0), of: new ArrayBuffer(1) }, '{"when":a Date,"of":an ArrayBuffer}'],
    ["a getter that throws", hostile, "a value of type object"],
  ])("reads as it is written: %s", (_, value, text) => {
    expect(show(value)).toBe(text);
  });

  it.each<[string, unknown, string]>([
    ["a long text", "x".repeat(1_000_000), '"xxxx'],
    ["a long name", { ["x".repeat(1_000_000)]: 1 }, '{"xxxx'],
    ["a circular object", circular, '{"self":{"self":'],
    ["a graph that has no end as text", doubled, "[[[[[["],
    ["an array of holes", Object.assign([], { length: 2 ** 32 - 1 }), "[undefined,"],
    ["many members", Array.from({ length: 100_000 }, (_, index) => index), "[0,1,2,3,"],
  ])("is cut in a moment: %s", (_, value, beginning) => {
    const startedAt = performance.now();
    const text = show(value);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(text).toHaveLength(80);
    expect(text.startsWith(beginning)).toBe(true);
    expect(text.endsWith("...")).toBe(true);
  });
});

describe("the nearest name", () => {
  it.each([
    ["numReplica", "numReplicas"],
    ["replicas", "numReplicas"],
    ["MAXSIZE", "maxSize"],
    ["zzzzzz", undefined],
    ["x".repeat(1_000_000), undefined],
  ])("to %.20s is %s", (typed, nearest) => {
    expect(closest(typed, ["numReplicas", "maxSize"])).toBe(nearest);
  });
});
