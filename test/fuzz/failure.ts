/** A failure as it is told: in one line that is the same for all of its sort, and with the input that showed it. */
import { inspect } from "node:util";
import { Broken } from "./kind.ts";

/** What was seen of one input. */
export interface Failure {
  readonly kind: string;
  /** The input's number. */
  readonly index: number;
  /** The same for failures of one sort. */
  readonly sort: string;
  readonly detail: string;
  readonly input: string;
}

/** The failure that `thrown` shows. */
export function failureOf(kind: string, index: number, thrown: unknown, input: unknown): Failure {
  return { kind, index, sort: sortOf(kind, thrown), detail: detailOf(thrown), input: shown(input) };
}

function sortOf(kind: string, thrown: unknown): string {
  if (thrown instanceof Broken) return `${kind}: ${thrown.message.split(" | ")[0]}`;
  const message = nameAndMessage(thrown).replaceAll(/\d+/g, "#").slice(0, 120);
  const all = frames(thrown);
  const where = all.find((line) => /(?:src|durable-objects)\/[^:]*\.ts/.test(line)) ?? all[0];
  return `${kind}: threw ${message} (${where?.trim() ?? "no stack"})`;
}

function detailOf(thrown: unknown): string {
  return [nameAndMessage(thrown).slice(0, 500), ...frames(thrown).slice(0, 8)].join("\n");
}

function nameAndMessage(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `no error but ${typeof thrown}`;
  } catch {
    return "an error that can't be read";
  }
}

function frames(thrown: unknown): string[] {
  try {
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    const lines = typeof stack === "string" ? stack.slice(-20_000).split("\n") : [];
    // Paths of this checkout would tell sorts apart that are the same.
    return lines
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.replace(/file:\/\/\S*?\/(?=(?:src|test|durable-objects)\/)/, ""));
  } catch {
    return [];
  }
}

const OPTIONS = {
  depth: 6,
  maxArrayLength: 12,
  maxStringLength: 200,
  breakLength: 140,
  showProxy: true,
  customInspect: false,
  getters: false,
} as const;

/** An input as text: short, and without running its code. */
export function shown(input: unknown): string {
  try {
    const text = inspect(input, OPTIONS);
    return text.length > 2000 ? `${text.slice(0, 2000)}...` : text;
  } catch (error) {
    return `(cannot be shown: ${nameAndMessage(error)})`;
  }
}
