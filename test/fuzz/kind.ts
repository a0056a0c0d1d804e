/** What a kind of input is: how one is made, and what must hold of it. */
import type { Choices } from "./choices.ts";

/** A kind of input, and its check. */
export interface Kind<Input = unknown> {
  readonly name: string;
  /** Its share of the inputs, beside those of others. */
  readonly weight: number;
  /** Makes an input. Draws from `choices` and from nothing else. */
  make(choices: Choices): Input;
  /** Throws, or rejects, when something is wrong with what the product does with the input. */
  check(input: Input): void | Promise<void>;
}

/** A claim about the product that does not hold. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** @throws Broken that says `claim`, which is the same for all inputs, and what was seen of this one. */
export function holds(isSo: boolean, claim: string, seen?: () => unknown): asserts isSo {
  if (!isSo) throw new Broken(seen === undefined ? claim : `${claim} | ${brief(seen())}`);
}

/** A value in a line, whatever it is. */
export function brief(value: unknown, length = 300): string {
  let text: string;
  try {
    text =
      typeof value === "string"
        ? JSON.stringify(value.slice(0, length))
        : String(value instanceof Error ? `${value.name}: ${value.message}` : value);
  } catch {
    text = "(cannot be shown)";
  }
  return text.length > length ? `${text.slice(0, length)}... (${text.length})` : text;
}
