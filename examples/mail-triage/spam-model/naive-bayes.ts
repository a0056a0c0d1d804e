/**
 * A naive Bayes classifier of mails, over the set of words that each has.
 *
 * Owns:          what a word is, and the arithmetic. Training and serving both take it from here, so they agree.
 * Does not own:  the counts (`counts.json`), and where to draw the line between spam and the rest.
 *
 * Invariants:
 *   N1. A probability is strictly between 0 and 1, and depends on the set of words only, not on their order.
 *   N2. Words that training has not seen change nothing.
 */
import type { Mail } from "../mail.ts";

/** What training leaves: in how many ham and spam mails each word was. */
export interface WordCounts {
  readonly mails: { readonly ham: number; readonly spam: number };
  /** The words, separated by spaces; the counts, separated likewise, follow their order. */
  readonly words: string;
  readonly ham: string;
  readonly spam: string;
  /**
   * What the log odds are divided by. Words of one mail are not independent, as naive Bayes takes them to be, so its
   * odds are far too sure of themselves; training finds the divisor that makes them fit mails it has not counted.
   */
  readonly temperature: number;
}

/** How likely a mail is spam, and why. */
export interface SpamScore {
  readonly probability: number;
  /** The words that spoke loudest for the answer, loudest first. */
  readonly because: readonly string[];
}

const WORD = /\p{L}[\p{L}'-]*|\$(?=\d)/gu;
// A longer mail says nothing new after this many words, and must not cost more.
const MAX_WORDS = 2000;

/** The different words of a mail; those of the subject count as words of their own as well. */
export function wordsOf({ subject, text }: Mail): Set<string> {
  const words = new Set<string>();
  for (const word of split(subject)) words.add(`subject:${word}`);
  for (const word of split(`${subject}\n${text}`)) {
    if (words.size >= MAX_WORDS) break;
    words.add(word);
  }
  return words;
}

// A sum of money counts, whatever it is; so do words that are neither "of" nor an identifier.
function* split(text: string): Generator<string> {
  for (const [word] of text.toLowerCase().matchAll(WORD)) {
    if (word === "$" || (word.length >= 3 && word.length <= 20)) yield word;
  }
}

/** Scores mails by counts. Immutable. */
export class NaiveBayes {
  readonly #prior: number;
  readonly #temperature: number;
  readonly #weights = new Map<string, number>();

  constructor({ mails, words, ham, spam, temperature }: WordCounts) {
    this.#prior = Math.log(mails.spam / mails.ham);
    this.#temperature = temperature;
    const hamCounts = ham.split(" ");
    const spamCounts = spam.split(" ");
    for (const [index, word] of words.split(" ").entries()) {
      // One is added to every count, so that a word that was never in a ham mail is not proof.
      const inSpam = (Number(spamCounts[index]) + 1) / (mails.spam + 2);
      const inHam = (Number(hamCounts[index]) + 1) / (mails.ham + 2);
      this.#weights.set(word, Math.log(inSpam / inHam));
    }
  }

  /** How many words it knows. */
  get size(): number {
    return this.#weights.size;
  }

  score(mail: Mail): SpamScore {
    const known = [...wordsOf(mail)].flatMap((word) => {
      const weight = this.#weights.get(word);
      return weight === undefined ? [] : [{ word, weight }];
    });
    const logOdds = known.reduce((sum, { weight }) => sum + weight, this.#prior) / this.#temperature;
    // Beyond 30 the probability would round to 0 or 1.
    const probability = 1 / (1 + Math.exp(-Math.max(-30, Math.min(30, logOdds))));
    const sign = Math.sign(logOdds);
    const loudest = known.filter(({ weight }) => weight * sign > 0).toSorted((a, b) => (b.weight - a.weight) * sign);
    return { probability, because: loudest.slice(0, 5).map(({ word }) => word) };
  }
}
