/**
 * From an HTTP request to snippets.
 *
 * Owns: what may be sent, how much of it, and what a client is told that sends something else.
 *
 * Invariants:
 *   R1. Never holds more of a body than the limit and one chunk, whatever its headers say.
 *   R2. Every refusal is a RequestError with a status that says whose fault it is and a message that says what to do.
 */
import * as v from "valibot";
import type { Kind } from "./features.ts";

/** The longest body, in bytes. */
export const MAX_BYTES = 1_048_576;
/** How many snippets one request may bring. */
export const MAX_SNIPPETS = 64;
/** The shortest text that a language can be told from, in characters. */
export const MIN_CHARACTERS = 20;

/** A text whose language is wanted. */
export interface Snippet {
  readonly text: string;
  readonly kind: Kind;
  /** The client's name for it, given back with the answer. */
  readonly id?: string | undefined;
}

// Each message follows the path of what it is about.
const object = ({ received }: { received: string }) => (received === "undefined" ? "It is missing." : "It must be an object.");

const snippet = v.object(
  {
    text: v.pipe(
      v.string("It must be a string."),
      v.check((text) => text.trim().length >= MIN_CHARACTERS, `It must have at least ${MIN_CHARACTERS} characters.`),
    ),
    kind: v.optional(
      v.picklist(["code", "prose"], ({ received }) => `It must be "code" or "prose", got ${received}.`),
      "code",
    ),
    id: v.optional(v.string("It must be a string.")),
  },
  object,
);

const document = v.object(
  {
    snippets: v.pipe(
      v.array(snippet, "It must be a list."),
      v.minLength(1, "It is empty."),
      v.maxLength(MAX_SNIPPETS, ({ received }) => `It has ${received} entries, and ${MAX_SNIPPETS} are the most.`),
    ),
  },
  object,
);

/** A request that can't be worked on. The framework answers with its status and message. */
export class RequestError extends Error {
  override name = "RequestError";

  constructor(
    readonly status: 400 | 413 | 415,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Reads the snippets that a request brings: a text (`text/plain`, with the kind in `?kind=`), or many in JSON.
 *
 * @throws RequestError that says what was wrong with it.
 */
export async function readSnippets(request: Request): Promise<Snippet[]> {
  const mediaType = (request.headers.get("content-type") ?? "none").split(";")[0]!.trim().toLowerCase();
  if (mediaType !== "text/plain" && mediaType !== "application/json") {
    const accepted = "text/plain with one snippet, application/json with many";
    throw new RequestError(415, `The Content-Type is ${JSON.stringify(mediaType)}. What can be read is: ${accepted}.`);
  }
  const text = utf8(await readAtMost(request.body, MAX_BYTES));
  if (mediaType === "application/json") return checked(document, parsed(text)).snippets;
  const wanted = new URL(request.url).searchParams.get("kind") ?? undefined;
  return [checked(snippet, { text, kind: wanted })];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestError(400, `The body is not JSON: ${(cause as Error).message}`, { cause });
  }
}

function checked<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const { success, output, issues } = v.safeParse(schema, value, { abortPipeEarly: true });
  if (success) return output;
  // Ten of them say what is wrong; a thousand would be a gift to whoever wants to keep the replica busy.
  const problems = issues.slice(0, 10).map((issue) => `${v.getDotPath(issue) ?? "The body"}: ${issue.message}`);
  throw new RequestError(400, `${problems.join(" ")} Send a text of code or prose, or { "snippets": [{ "text": "..." }] }.`);
}

function utf8(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body);
  } catch (cause) {
    throw new RequestError(400, "The body is not UTF-8. Text in another encoding must be converted first.", { cause });
  }
}

async function readAtMost(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw new RequestError(413, `The body is longer than ${maxBytes} bytes. The beginning of a text is enough.`);
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
