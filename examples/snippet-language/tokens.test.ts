import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytePairs, letterNgrams } from "./tokens.ts";

const tokenizers = [
  { name: "bytePairs", tokensOf: bytePairs, inputs: 5000 },
  { name: "letterNgrams", tokensOf: letterNgrams, inputs: 620 },
];

describe.each(tokenizers)("$name", ({ tokensOf, inputs }) => {
  it("[T1] names inputs of the model in ascending order, each once, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const { indices, values } = tokensOf(text);
        expect(values).toHaveLength(indices.length);
        expect([...indices]).toEqual([...new Set(indices)].toSorted((a, b) => a - b));
        for (const index of indices) expect(index).toBeLessThan(inputs);
        for (const value of values) expect(value).toBeGreaterThan(0);
      }),
    );
  });

  it.each(["a", "-", " ", "\r\n", "\u0301", "😀", "<!--"])("[T2] is done in no time with a megabyte of %j", { timeout: 5000 }, (part) => {
    expect(tokensOf(part.repeat(1_048_576 / part.length)).indices.length).toBeLessThanOrEqual(inputs);
  });
});

describe("bytePairs", () => {
  it("counts pairs of neighbouring bytes, in one bucket those that are equal", () => {
    expect(bytePairs("aaaa")).toEqual({ indices: expect.any(Uint16Array), values: Float32Array.of(3) });
    expect(bytePairs("abab").values.toSorted()).toEqual(Float32Array.of(1, 2));
  });

  it("takes a line break for the same whichever system wrote it, and reads 10,000 pairs at most", () => {
    expect(bytePairs("if a:\r\n  b\r\n")).toEqual(bytePairs("if a:\n  b\n"));
    expect(bytePairs("x".repeat(20_000)).values).toEqual(Float32Array.of(10_000));
  });
});

describe("letterNgrams", () => {
  it("leaves out what is no letter, and whether letters are capital", () => {
    expect(letterNgrams("Was heißt “das”, 2024?!")).toEqual(letterNgrams("was heißt das"));
  });
});
