import fc from "fast-check";
import { describe, expect, it } from "vitest";
import codeTexts from "../data/code.json" with { type: "json" };
import proseTexts from "../data/prose.json" with { type: "json" };
import { bytePairs, letterNgrams } from "../tokens.ts";
import code from "./code.json" with { type: "json" };
import expected from "./expected.json" with { type: "json" };
import { guesslang, lande } from "./networks.ts";
import prose from "./prose.json" with { type: "json" };

const MODELS = {
  code: { model: guesslang(code), tokensOf: bytePairs, texts: codeTexts },
  prose: { model: lande(prose), tokensOf: letterNgrams, texts: proseTexts },
};
const kinds = ["code", "prose"] as const;

function classify(kind: (typeof kinds)[number], texts: readonly string[]) {
  const { model, tokensOf } = MODELS[kind];
  return model.classify(texts.map(tokensOf));
}

function best(kind: (typeof kinds)[number], texts: readonly string[]): (string | undefined)[] {
  return classify(kind, texts).map((row) => MODELS[kind].model.labels[row.indexOf(Math.max(...row))]);
}

describe.each(kinds)("the model of %s", (kind) => {
  const { model, texts } = MODELS[kind];

  it("[N1] gives what the package gives that its weights come from", () => {
    const cases = expected.filter((one) => one.model === kind);
    expect(cases.length).toBeGreaterThanOrEqual(20);
    const rows = classify(
      kind,
      cases.map(({ text }) => text),
    );
    for (const [row, { top }] of cases.entries()) {
      for (const { label, confidence } of top) expect(rows[row]![model.labels.indexOf(label)]).toBeCloseTo(confidence, 3);
    }
  });

  it("[N2] gives probabilities that add up to 1, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        const [row] = classify(kind, [text]);
        expect(row).toHaveLength(model.labels.length);
        expect(row!.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
      }),
      { numRuns: 30 },
    );
  });

  it("[L1] gives a text the same in a batch of any size as alone", () => {
    const some = texts.slice(0, 40).map(({ text }) => text);
    const alone = some.map((text) => classify(kind, [text])[0]!);
    for (const size of [2, 3, 4, 5, 7, 40]) {
      const together = classify(kind, some.slice(0, size));
      for (const [row, values] of together.entries()) {
        for (const [label, value] of values.entries()) expect(value).toBeCloseTo(alone[row]![label]!, 9);
      }
    }
  });
});

// What README.md says. Real texts that the models were not made for: files of packages, and paragraphs of a declaration.
it.each([
  { kind: "code", of: 159, right: 142 },
  { kind: "prose", of: 196, right: 190 },
] as const)("names the language of $right of $of texts of the kind $kind", ({ kind, of, right }) => {
  const { texts } = MODELS[kind];
  const answers = best(
    kind,
    texts.map(({ text }) => text),
  );
  expect(texts).toHaveLength(of);
  expect(texts.filter(({ language }, index) => answers[index] === language)).toHaveLength(right);
});
