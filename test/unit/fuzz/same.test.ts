import { describe, expect, it } from "vitest";
import { difference } from "../../fuzz/same.ts";

const circular = () => {
  const value: Record<string, unknown> = {};
  value["self"] = value;
  return value;
};
const shared = () => {
  const inner = {};
  return [inner, inner];
};
const deep = (depth: number) => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { in: value };
  return value;
};

describe("difference", () => {
  it.each<[string, unknown, unknown]>([
    ["numbers", NaN, NaN],
    ["records, whatever their prototype", Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
    ["circles", circular(), circular()],
    ["what is shared", shared(), shared()],
    ["something very deep", deep(50_000), deep(50_000)],
    ["maps", new Map([[{ a: 1 }, [1]]]), new Map([[{ a: 1 }, [1]]])],
    ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    ["errors", new TypeError("a"), new TypeError("a")],
  ])("finds none between equal %s", (_, a, b) => {
    expect(difference(a, b)).toBeUndefined();
  });

  it.each<[string, unknown, unknown]>([
    ["0 and -0", 0, -0],
    ["an array with a hole and one without", [undefined], Array.from({ length: 1 }).fill(undefined).concat([1])],
    ["a circle and a longer one", circular(), { self: circular() }],
    ["what is shared and what is equal", shared(), [{}, {}]],
    ["keys in another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
    ["a Map and a Set", new Map(), new Set()],
    ["other bytes", new Uint8Array([1]), new Uint8Array([2])],
    ["another message", new Error("a"), new Error("b")],
    ["a date and a number", new Date(0), 0],
  ])("finds one between %s", (_, a, b) => {
    expect(difference(a, b)).toBeDefined();
  });
});
