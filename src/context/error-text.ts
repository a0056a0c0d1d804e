/**
 * What was thrown, as text: an error's stack, and below it those of its causes and members, each once. Never throws.
 */
import { classNameOf, isError, primitiveText, prototypeOf, read } from "../protocol/strangers.ts";

/** How much of one error is written. */
const MAX_STACK = 16_384;
/** How many members of an `AggregateError` are written. */
const MAX_MEMBERS = 100;

/** What was thrown, by name and message, on one line. */
export function thrownName(thrown: unknown): string {
  if (!isError(thrown)) return primitiveText(thrown) ?? (thrown === undefined ? "undefined" : describe(thrown as object));
  const name = primitiveText(read(thrown, "name")) ?? "Error";
  const message = messageOf(thrown);
  return message === "" ? name : `${name}: ${message}`;
}

/** The message of what was thrown; empty if it has none, or none that can be read. */
export function messageOf(thrown: unknown): string {
  const message = typeof thrown === "object" && thrown !== null ? (read(thrown, "message") ?? "") : thrown;
  return primitiveText(message) ?? (message === undefined ? "undefined" : "");
}

function describe(thrown: object): string {
  const message = read(thrown, "message");
  const name = classNameOf(thrown) ?? (prototypeOf(thrown) === null ? "Object" : typeof thrown);
  return typeof message === "string" ? `${name}: ${message}` : `a thrown ${name}`;
}

/**
 * The stack of an error, and below it those of its causes and members.
 *
 * @param room Nothing is begun once it is longer, in characters.
 * @param textOf What is written of an object that is no error.
 */
export function errorText(thrown: unknown, room: number, textOf: (value: object) => string): string {
  const seen = new Set<unknown>();
  const waiting: [thrown: unknown, label: string][] = [[thrown, ""]];
  let text = "";
  for (let next = waiting.shift(); next !== undefined && text.length <= room; next = waiting.shift()) {
    const [error, label] = next;
    text += `${text === "" ? "" : "\n"}${label}`;
    if (seen.has(error)) {
      text += "[shown above]";
      continue;
    }
    if (typeof error === "object" && error !== null) seen.add(error);
    if (isError(error)) {
      text += stackOf(error);
      waiting.unshift(...below(error));
    } else text += typeof error === "object" && error !== null ? textOf(error) : thrownName(error);
  }
  return text;
}

function below(error: Error): [thrown: unknown, label: string][] {
  const cause = read(error, "cause");
  const all: [unknown, string][] = cause === undefined ? [] : [[cause, "Caused by: "]];
  const errors = read(error, "errors");
  const count = listLength(errors);
  for (let index = 0; index < Math.min(count, MAX_MEMBERS); index++) all.push([read(errors as object, index), "Of these: "]);
  if (count > MAX_MEMBERS) all.push([`[${count - MAX_MEMBERS} more]`, "Of these: "]);
  return all;
}

function listLength(value: unknown): number {
  try {
    return Array.isArray(value) ? Number(value.length) : 0;
  } catch {
    return 0;
  }
}

function stackOf(error: Error): string {
  const stack = read(error, "stack");
  if (typeof stack !== "string") return shortened(thrownName(error));
  if (stack.length > MAX_STACK) return shortened(stack, stack.indexOf("\n    at ", Math.min(messageOf(error).length, stack.length)));
  // It was written when the error was made, and the message may have been set since.
  return stack.includes(messageOf(error)) ? stack : shortened(`${thrownName(error)}\n${stack}`);
}

// Of a long stack the frames are worth more than all of the message before them.
function shortened(text: string, frames = -1): string {
  if (text.length <= MAX_STACK) return text;
  const half = MAX_STACK / 2;
  const end = frames === -1 ? "" : text.slice(frames, frames + half);
  return `${text.slice(0, half)}... [${text.length - half - end.length} more characters]${end}`;
}
