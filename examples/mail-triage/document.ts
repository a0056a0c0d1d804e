/**
 * From an HTTP request to a mail.
 *
 * Owns: what may be sent, how much of it, and what a client is told that sends something else.
 *
 * Invariants:
 *   D1. Never holds more of a body than the limit and one chunk, whatever its headers say.
 *   D2. Every refusal is a DocumentError with a status that says whose fault it is and a message that says what to do.
 */
import * as v from "valibot";
import { type Mail, readMail } from "./mail.ts";

/** The longest body, in bytes. */
export const MAX_BYTES = 131_072;

const jsonMail = v.object(
  { subject: v.optional(v.string('"subject" must be a string.'), ""), text: v.string('"text" must be a string.') },
  'It must be an object that has "text".',
);

/** A body that can't be worked on. The framework answers with its status and message. */
export class DocumentError extends Error {
  override name = "DocumentError";

  constructor(
    readonly status: 400 | 413 | 415,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Reads the mail that a request brings: a raw message (`message/rfc822`), its text, or JSON with `subject` and `text`.
 *
 * @throws DocumentError that says what was wrong with it.
 */
export async function readDocument(request: Request): Promise<Mail> {
  const mediaType = (request.headers.get("content-type") ?? "none").split(";")[0]!.trim().toLowerCase();
  const read = READERS[mediaType];
  if (read === undefined) {
    const accepted = Object.keys(READERS).join(", ");
    throw new DocumentError(415, `The Content-Type is ${JSON.stringify(mediaType)}. What can be read is: ${accepted}.`);
  }
  const body = await readAtMost(request.body, MAX_BYTES);
  if (body.length === 0) throw new DocumentError(400, "The body is empty. Send the mail in it.");
  const mail = await read(body);
  if (`${mail.subject}${mail.text}`.trim() === "") throw new DocumentError(400, "The mail has neither a subject nor any text.");
  return mail;
}

const READERS: Readonly<Record<string, (body: Uint8Array) => Mail | Promise<Mail>>> = {
  "message/rfc822": fromMessage,
  "text/plain": (body) => ({ subject: "", text: utf8(body) }),
  "application/json": (body) => fromJson(utf8(body)),
};

async function fromMessage(body: Uint8Array): Promise<Mail> {
  try {
    return await readMail(body);
  } catch (cause) {
    throw new DocumentError(400, `The message can't be read: ${(cause as Error).message}`, { cause });
  }
}

function utf8(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch (cause) {
    throw new DocumentError(400, "The body is not UTF-8. Send it as UTF-8, or as message/rfc822 that names its charset.", { cause });
  }
}

function fromJson(text: string): Mail {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DocumentError(400, `The body is not JSON: ${(cause as Error).message}`, { cause });
  }
  const { success, output, issues } = v.safeParse(jsonMail, value);
  if (success) return output;
  throw new DocumentError(
    400,
    `The JSON is not a mail: ${issues.map(({ message }) => message).join(" ")} Send { "subject": "...", "text": "..." }.`,
  );
}

async function readAtMost(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new DocumentError(413, `The body is longer than ${maxBytes} bytes. Leave out the attachments.`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
