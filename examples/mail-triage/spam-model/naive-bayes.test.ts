import fc from "fast-check";
import { describe, expect, it } from "vitest";
import counts from "./counts.json" with { type: "json" };
import { NaiveBayes, wordsOf } from "./naive-bayes.ts";

const model = new NaiveBayes(counts);
const vocabulary = counts.words.split(" ").filter((word) => /^[a-z]+$/.test(word));
const words = fc.array(fc.constantFrom(...vocabulary), { maxLength: 60 });

describe("NaiveBayes", () => {
  it("[N1] gives a probability strictly between 0 and 1 that order and repetition do not change", () => {
    fc.assert(
      fc.property(words, (list) => {
        const { probability } = model.score({ subject: "", text: list.join(" ") });
        expect(probability).toBeGreaterThan(0);
        expect(probability).toBeLessThan(1);
        const again = [...list, ...list.toReversed()].join("\n");
        expect(model.score({ subject: "", text: again }).probability).toBeCloseTo(probability, 10);
      }),
    );
  });

  it("[N2] takes no notice of words that it has not seen", () => {
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join(" ");
        expect(model.score({ subject: "zyzzyva", text: `${text} qwertyuiopas` })).toEqual(model.score({ subject: "", text }));
      }),
    );
  });

  it("explains itself with the words that spoke for its answer", () => {
    const { probability, because } = model.score({
      subject: "Mortgage",
      text: "Lowest rates, no obligation. Click here to be removed. thanks",
    });
    expect(probability).toBeGreaterThan(0.9);
    expect(because).toContain("mortgage");
    expect(because).not.toContain("thanks");
  });
});

describe("wordsOf", () => {
  it("tells words of the subject from the same words in the text, and sums of money from numbers", () => {
    expect(wordsOf({ subject: "Free", text: "Pay $100 or 20 of them: don't" })).toEqual(
      new Set(["subject:free", "free", "pay", "$", "them", "don't"]),
    );
  });
});
