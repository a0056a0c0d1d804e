import { francAll } from "franc-min";
import type { Mail } from "./mail.ts";

/** What a mail is written in. */
export interface LanguageGuess {
  /** As in `en` or `pt`; `und` when there is too little text to tell. */
  readonly language: string;
  /** How far behind the second most likely language is, from 0 to 1. */
  readonly margin: number;
}

// Below this many letters trigrams are a coin toss.
const MIN_LETTERS = 20;
// Written the same in every language. The bound keeps a word without end from being tried from each of its letters.
const NOT_PROSE = /^>.*$|https?:\/\/\S+|www\.\S+|\S{1,64}@\S+/gim;

/** Identifies the language of a mail, one of 82, by the frequencies of its trigrams. */
export class Language {
  call({ subject, text }: Mail): LanguageGuess {
    const prose = `${subject}\n${text}`.replaceAll(NOT_PROSE, " ");
    const [best, second] = francAll(prose, { minLength: MIN_LETTERS });
    if (best === undefined || best[0] === "und") return { language: "und", margin: 0 };
    // franc says "eng", everybody else "en".
    const [language = "und"] = Intl.getCanonicalLocales(best[0]);
    return { language, margin: rounded(best[1] - (second?.[1] ?? 0)) };
  }
}

function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}
