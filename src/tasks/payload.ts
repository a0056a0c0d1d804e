/**
 * Arguments and results as they are kept: text, in the spelling of `text-codec.ts`.
 */
import { encodeError, type WireError } from "../protocol/error-codec.ts";
import { SerializationError } from "../protocol/errors.ts";
import { isScalar } from "../protocol/plain-data.ts";
import { toSendable } from "../protocol/sendable.ts";
import { decodeText, encodeStored, encodeText } from "../protocol/text-codec.ts";
import type { ErrorText } from "./machine.ts";

/** How many bytes the arguments of a task may have, together, and its result. */
const MAX_PAYLOAD_BYTES = 1_048_576;

/**
 * Writes the arguments of a task, in an order to be stored.
 *
 * @param method What they are arguments of: `"Rank.score"`, for the error.
 * @throws SerializationError naming the argument, and the place in it, that cannot be kept; or when they are too large.
 */
export async function encodeArguments(args: readonly unknown[], method: string): Promise<string> {
  const name = (index: number) => `Argument ${index + 1} of ${JSON.stringify(method)}`;
  const sendable = args.map((arg, index) => toSendable(arg, name(index)));
  const text = await stored(sendable, (path) => {
    const [, index = "0", rest = ""] = /^\[(\d+)\](.*)$/s.exec(path) ?? [];
    return `${name(Number(index))}${rest === "" ? "" : `, at ${rest},`}`;
  });
  return withinLimit(text, `The arguments of ${JSON.stringify(method)} are`);
}

/**
 * Writes the result of a task, to be stored.
 *
 * @param method What it is the result of: `"Rank.score"`, for the error.
 * @throws SerializationError naming the place in it that cannot be kept; or when it is too large.
 */
export async function encodeResult(value: unknown, method: string): Promise<string> {
  const subject = `The result of ${JSON.stringify(method)}`;
  const sendable = toSendable(value, subject);
  const text = isScalar(sendable)
    ? encodeText(sendable)
    : await stored(sendable, (path) => (path === "" ? subject : `${subject}, at ${path},`));
  return withinLimit(text, `${subject} is`);
}

/** Reads what {@link encodeArguments} wrote. */
export function decodeArguments(text: string): unknown[] {
  return decodeText(text) as unknown[];
}

/** Reads what {@link encodeResult} wrote. */
export function decodeResult(text: string): unknown {
  return decodeText(text);
}

/** An error as it is stored. */
export function errorText(error: WireError): ErrorText {
  const { name, message } = error.kind === "error" ? error : { name: "Error", message: wordsFor(error.value) };
  let whole: string;
  try {
    whole = encodeText(error);
  } catch {
    // What it holds crosses between replicas, but cannot be written down.
    whole = encodeText(error.kind === "error" ? { ...error, props: {} } : encodeError(new Error(message)));
  }
  return { name, message: message.slice(0, MAX_MESSAGE), whole };
}

/** How much of a message a status shows. */
const MAX_MESSAGE = 2000;

function wordsFor(thrown: unknown): string {
  return isScalar(thrown) ? String(thrown) : "What was thrown is no Error.";
}

/** Reads the `whole` of what {@link errorText} wrote. */
export function decodeErrorText(text: string): WireError {
  return decodeText(text) as WireError;
}

/** Whether an error says, itself or by its class, that another attempt is of no use: `retryable: false`. */
export function isFinal(error: WireError): boolean {
  const said = error.kind === "error" ? error.props : error.value;
  return typeof said === "object" && said !== null && (said as { retryable?: unknown }).retryable === false;
}

async function stored(value: unknown, naming: (path: string) => string): Promise<string> {
  try {
    return await encodeStored(value, naming);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("non-POJO")) throw error;
    // Everything else that is no plain data has been refused already.
    const [subject] = error.message.split(" cannot be sent");
    throw new SerializationError(
      `${subject} is something that can be read only once (a Request, a Response or a stream), and cannot be kept with a task. ` +
        "Read it first, and give what it holds.",
    );
  }
}

function withinLimit(text: string, subject: string): string {
  // No text has more bytes than three times its length.
  if (text.length * 3 <= MAX_PAYLOAD_BYTES || new TextEncoder().encode(text).length <= MAX_PAYLOAD_BYTES) return text;
  throw new SerializationError(`${subject} more than 1 MiB as stored. Store what is large elsewhere, and give its name.`);
}
