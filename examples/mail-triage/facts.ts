import type { ItemEntity, WinkMethods } from "wink-nlp";
import type { LanguageGuess } from "./language.ts";
import type { Mail } from "./mail.ts";

/** What a mail mentions, and in what tone. */
export interface MailFacts {
  /** From -1, angry, to 1, delighted. */
  readonly sentiment: number;
  /** What it mentions, in the order of the text, by kind: `DATE`, `TIME`, `MONEY`, `PERCENT`, `EMAIL`, `URL`, ... */
  readonly mentions: Readonly<Record<string, readonly string[]>>;
}

// Numbers without a unit say nothing about a mail.
const KINDS: ReadonlySet<string> = new Set(["DATE", "TIME", "DURATION", "MONEY", "PERCENT", "EMAIL", "URL"]);
const MAX_PER_KIND = 5;
// What a mail is about is at its beginning.
const MAX_CHARACTERS = 20_000;
// The model's patterns take time that grows with the square of a word's length: 30 s for one of 128 KiB.
const ENDLESS_WORD = /\S{200,}/g;

/** Extracts dates, sums, addresses and the like, and the sentiment, with a statistical model of English. */
export class Facts {
  #nlp: WinkMethods | undefined;

  /** Imports the model here and not above, so that only this deployment's replicas spend the time and the memory. */
  async setup() {
    const [{ default: winkNlp }, { default: model }] = await Promise.all([import("wink-nlp"), import("wink-eng-lite-web-model")]);
    this.#nlp = winkNlp(model, ["sbd", "negation", "sentiment", "ner", "pos"]);
  }

  /** `null` for a mail that is not in English: the model would find nonsense. */
  call({ subject, text }: Mail, { language }: LanguageGuess): MailFacts | null {
    if (language !== "en") return null;
    const { its, readDoc } = this.#nlp!;
    const document = readDoc(`${subject}\n\n${text}`.slice(0, MAX_CHARACTERS).replaceAll(ENDLESS_WORD, " "));
    const mentions: Record<string, string[]> = {};
    document.entities().each((entity: ItemEntity) => {
      const { type, value } = entity.out(its.detail) as { type: string; value: string };
      const found = KINDS.has(type) ? (mentions[type] ??= []) : undefined;
      if (found !== undefined && found.length < MAX_PER_KIND && !found.includes(value)) found.push(value);
    });
    return { sentiment: Math.round(Number(document.out(its.sentiment)) * 1000) / 1000, mentions };
  }
}
