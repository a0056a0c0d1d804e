/**
 * A handle over HTTP: the target behind `connect()` and `edge-serve/testing`'s `server.handle()`.
 */
import { createHandle } from "../handle/handle.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { DeploymentUnavailableError, ReplicaUnavailableError, SerializationError } from "../protocol/errors.ts";
import type { DeploymentHandle } from "../protocol/handle-types.ts";
import type { Answer, ItemBatch, ItemPuller } from "../protocol/messages.ts";
import type { PlatformUrl } from "../protocol/platform-types.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import { FRAMES_TYPE, type OutsideAnswer, RPC_PATH, type RpcCall, type RpcFrame } from "../protocol/rpc-messages.ts";
import { decodeText, encodeWhole } from "../protocol/text-codec.ts";
import { BROKEN_OFF, type Called, OutsideTarget, unexpected } from "./outside-target.ts";

/** Target and token of a connection. */
export interface ConnectionOptions {
  /** Of the ingress Worker, with or without a path. */
  readonly url: string | PlatformUrl;
  readonly token: string;
  /** @default "default" */
  readonly app?: string;
  /** @default the application's ingress deployment */
  readonly deployment?: string;
}

/** A handle to the ingress deployment of an application that runs behind a URL. */
export function connectHandle<T>({ url, token, app = "default", deployment }: ConnectionOptions): DeploymentHandle<T> {
  const place = new URL(`${RPC_PATH}${encodeURIComponent(app)}`, typeof url === "string" ? url : url.href);
  return createHandle<T>(new Connection(place, token, { app, deployment }), () => undefined);
}

class Connection extends OutsideTarget {
  readonly #url: URL;
  readonly #token: string;

  constructor(url: URL, token: string, called: Called) {
    super(called);
    this.#url = url;
    this.#token = token;
  }

  protected to(called: Called): Connection {
    return new Connection(this.#url, this.#token, called);
  }

  protected async send(call: RpcCall, cancellation?: Cancellation): Promise<OutsideAnswer> {
    const lines = await this.#post(call, cancellation);
    const frame = await lines.next();
    if (frame.kind === "stream") return { kind: "stream", items: new ItemLines(lines) };
    if (frame.kind === "items") throw unexpected(frame.kind);
    return frame.kind === "broadcast" ? { kind: "broadcast", replies: frame.replies as readonly Answer[] } : frame;
  }

  #headers(): Headers {
    try {
      // Compression on the way would hold back the items of a stream.
      return new Headers({ authorization: `Bearer ${this.#token}`, "content-type": "text/plain", "accept-encoding": "identity" });
    } catch {
      // Without a cause, which would show the token.
      throw new DeploymentUnavailableError(`${this.#url.href} was not asked: the token has characters that no HTTP header can carry.`);
    }
  }

  async #post(call: RpcCall, cancellation: Cancellation | undefined): Promise<FrameReader> {
    const body = await encodeBody(call, this.deployment);
    const abort = new AbortController();
    cancellation?.listen((reason) => abort.abort(reason));
    cancellation?.check();
    const response = await fetch(this.#url, {
      signal: abort.signal,
      method: "POST",
      headers: this.#headers(),
      body,
    }).catch((error: unknown) => {
      cancellation?.check();
      throw notAnswered(`${this.#url.href} could not be reached: ${String(error)}`, error);
    });
    // A call that is refused for what it holds is answered in frames too.
    const isAnswer = response.ok || response.headers.get("content-type") === FRAMES_TYPE;
    if (isAnswer && response.body !== null) return new FrameReader(response.body as ReadableStream<Uint8Array>);
    const hint = response.status === 404 ? " Is there such an application, and does its configuration say rpc: true?" : "";
    const text = `${this.#url.href} answered ${response.status}: ${await response.text().catch(String)}${hint}`;
    if (response.status >= 500 && response.status !== 503) throw new ReplicaUnavailableError(text, { hasBegun: true });
    throw new DeploymentUnavailableError(text);
  }
}

/** How a call fails before any of it has been sent, by the codes of Node's `fetch`. */
const NOT_SENT: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "refused by fetch itself",
]);

// Only a call of which nothing has been sent is known not to have begun.
function notAnswered(message: string, cause: unknown): Error {
  const reason = (cause as Partial<Error> | undefined)?.cause;
  const code = reason instanceof Error ? ((reason as { readonly code?: unknown }).code ?? "refused by fetch itself") : undefined;
  return NOT_SENT.has(code)
    ? new DeploymentUnavailableError(message, { cause })
    : new ReplicaUnavailableError(message, { cause, hasBegun: true });
}

// Seen here: a server that refuses a body while it is being sent looks like one that is not reached.
async function encodeBody(call: RpcCall, deployment: string): Promise<string> {
  const method = JSON.stringify(`${deployment}.${call.method ?? "call"}`);
  const body = await encodeWhole(call, (path) => {
    const [, index, inside] = /^\.args\[(\d+)\](.*)$/s.exec(path) ?? [];
    return index === undefined
      ? `An argument of ${method}`
      : `Argument ${Number(index) + 1} of ${method}${inside === "" ? "" : `, at ${inside},`}`;
  });
  if (body.length <= MAX_MESSAGE_BYTES) return body;
  throw new SerializationError(`The call takes ${body.length} bytes with its arguments, and at most ${MAX_MESSAGE_BYTES} can be sent.`);
}

/** Frames as they arrive, one a line. */
class FrameReader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  }

  async next(): Promise<RpcFrame> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end !== -1) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return decodeText(line) as RpcFrame;
      }
      const { value, done } = await this.#reader.read().catch((error: unknown) => {
        throw new ReplicaUnavailableError(BROKEN_OFF, { cause: error, hasBegun: true });
      });
      if (done) throw new ReplicaUnavailableError(BROKEN_OFF, { hasBegun: true });
      this.#rest += value;
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

class ItemLines implements ItemPuller {
  readonly #lines: FrameReader;

  constructor(lines: FrameReader) {
    this.#lines = lines;
  }

  async pull(): Promise<ItemBatch> {
    try {
      const frame = await this.#lines.next();
      if (frame.kind === "items") return frame;
      throw unexpected(frame.kind);
    } catch (error) {
      return { items: [], done: true, error: encodeError(error) };
    }
  }

  cancel(): Promise<void> {
    return this.#lines.cancel();
  }
}
