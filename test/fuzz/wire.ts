/**
 * Requests as bytes on a connection, right and wrong, and what comes back.
 */
import { connect, type Socket } from "node:net";
import type { Choices } from "./choices.ts";
import type { HttpRequest } from "./requests.ts";
import { scrap } from "./text.ts";

/** Bytes to be sent, and what may be expected of them. */
export interface WireInput {
  /** In pieces, with a little time between. Each character is a byte. */
  readonly pieces: readonly string[];
  /**
   * How the connection is left: when the answer has come, after the last byte, or without a word, for upgrades once the
   * answer has begun. Before that workerd waits for ever to take the connection over, and tells nobody that it is gone.
   */
  readonly end: "answered" | "half-close" | "reset" | "reset once open";
  /** Whether it is a request as HTTP/1.1 has it, which must be answered. */
  readonly isSound: boolean;
  readonly request: HttpRequest;
}

interface Draft {
  line: string;
  headers: string[];
  body: string;
  end: WireInput["end"];
  isSound: boolean;
  pieces?: string[];
}

type Flaw = (draft: Draft, choices: Choices) => void;

const unsound = (draft: Draft) => (draft.isSound = false);
const withoutLength = (draft: Draft) => (draft.headers = draft.headers.filter((header) => !/^content-length/i.test(header)));

const FLAWS: readonly (readonly [number, Flaw])[] = [
  [40, () => {}],
  [4, (draft) => chunked(draft, (body) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)],
  [2, (draft) => (chunked(draft, () => "zz\r\nhello\r\n0\r\n\r\n"), unsound(draft))],
  [2, (draft) => (chunked(draft, (body) => `${body.length.toString(16)}\r\n${body}`), unsound(draft), (draft.end = "reset"))],
  [1, (draft) => (draft.headers.push("Transfer-Encoding: chunked"), unsound(draft))],
  [2, (draft) => (withoutLength(draft), draft.headers.push(`Content-Length: ${draft.body.length + 100}`), unsound(draft), (draft.end = "reset"))],
  [2, (draft) => (withoutLength(draft), draft.headers.push(`Content-Length: ${draft.body.length + 7}`), unsound(draft), (draft.end = "half-close"))],
  [2, (draft) => (draft.headers.push("Content-Length: 1"), unsound(draft))],
  [1, (draft, choices) => (draft.headers.push(`Content-Length: ${choices.of(["-1", "1e3", "99999999999999999999", "abc", ""])}`), unsound(draft))],
  [2, (draft) => (withoutLength(draft), draft.headers.push("Content-Length: 0"), (draft.body = ""))],
  [2, (draft) => ((draft.line = draft.line.replace("HTTP/1.1", "HTTP/1.0")), unsound(draft))],
  [1, (draft, choices) => ((draft.line = draft.line.replace("HTTP/1.1", choices.of(["HTTP/2.0", "HTTP/9", "http/1.1", ""]))), unsound(draft))],
  [1, (draft) => (draft.headers.shift(), unsound(draft))],
  [1, (draft) => (draft.headers.push("no colon"), unsound(draft))],
  [1, (draft) => (draft.headers.push("bad name: x", ": empty", "x-nul: a\0b"), unsound(draft))],
  [1, (draft, choices) => (draft.headers.push(`x-long: ${"x".repeat(choices.of([10_000, 70_000, 300_000]))}`), unsound(draft))],
  [1, (draft) => (draft.headers.push(...Array.from({ length: 500 }, (_, at) => `x-${at}: ${at}`)), unsound(draft))],
  [1, (draft, choices) => ((draft.line = draft.line.replace(" /", ` /${"a/".repeat(choices.of([3000, 50_000]))}`)), unsound(draft))],
  [1, (draft) => ((draft.line = draft.line.replace(" /", " http://other.test/")), unsound(draft))],
  [1, (draft, choices) => ((draft.line = scrap(choices)), unsound(draft))],
  [3, (draft) => upgrade(draft)],
  [2, (draft) => (upgrade(draft), draft.headers.push("Content-Length: 0"))],
  [4, (draft, choices) => (upgrade(draft), (draft.body = frames(choices)), (draft.end = choices.of(["reset once open", "half-close", "answered"])))],
  [1, (draft) => (draft.headers.push("Upgrade: h2c", "Connection: upgrade"), unsound(draft))],
  [2, (draft) => (draft.headers.push("Expect: 100-continue"), unsound(draft))],
  [2, (draft) => (unsound(draft), (draft.end = "reset"))],
  [1, (draft) => (unsound(draft), (draft.end = "half-close"))],
  [1, (draft) => ((draft.pieces = ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /second HTTP/1.1\r\nHost: a\r\n\r\n"]), unsound(draft))],
  [1, (draft) => ((draft.pieces = ["GET / HT"]), unsound(draft), (draft.end = "reset"))],
]; // prettier-ignore

function chunked(draft: Draft, encode: (body: string) => string): void {
  if (draft.body === "") return;
  withoutLength(draft);
  draft.headers.push("Transfer-Encoding: chunked");
  draft.body = encode(draft.body);
}

function upgrade(draft: Draft): void {
  draft.headers = draft.headers.filter((header) => !/^connection/i.test(header));
  draft.headers.push(
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  );
  draft.isSound = false;
  draft.end = "reset once open";
}

/** WebSocket frames, most of them against the protocol. */
function frames(choices: Choices): string {
  const frame = () => {
    const first = choices.of([0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x80, 0x0d, 0x8f, 0xc1, 0x00, choices.below(256)]);
    const payload = choices.of(["hello", "", "\x03\xe8", "\x00\x05no", "\xff\xfe", "x".repeat(125), "close"]);
    const length = choices.of([payload.length, payload.length, 126, 127, 0]);
    const isMasked = choices.below(4) > 0;
    return String.fromCharCode(first, length | (isMasked ? 0x80 : 0)) + (isMasked ? "\0\0\0\0" : "") + payload;
  };
  return choices.list(1, 4, frame).join("");
}

/** Puts a request into bytes, mostly right. */
export function makeWire(choices: Choices, request: HttpRequest): WireInput {
  const { method, target, headers, body } = request;
  const plain = `${method} ${encoded(target)} HTTP/1.1`;
  const isText = headers.every(([, value]) => /^[\t -~]*$/.test(value));
  const draft: Draft = {
    line: plain,
    headers: ["Host: host.test", "Connection: close", ...headers.map(([name, value]) => `${name}: ${value}`)],
    body: Buffer.from(body ?? "").toString("latin1"),
    end: "answered",
    // Methods that the platform does not know, and paths that no client writes, are answered by it as it likes.
    isSound: isText && /^(GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH)$/.test(method) && TARGET.test(target),
  };
  if (body !== undefined) draft.headers.push(`Content-Length: ${draft.body.length}`);
  choices.weighted(FLAWS)(draft, choices);
  const head = `${[draft.line, ...draft.headers].join("\r\n")}\r\n\r\n`;
  return { pieces: draft.pieces ?? [head, draft.body], end: draft.end, isSound: draft.isSound, request };
}

/** Everything else is encoded by clients. */
const TARGET = /^\/(?!\/)(?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/;

// Bytes that would end the line are no part of a target.
function encoded(target: string): string {
  return target.replaceAll(/[\s#]|[^!-~]/g, (character) => encodeURIComponent(character.isWellFormed() ? character : "?"));
}

/** What came back. */
export interface WireAnswer {
  readonly kind: "answered" | "closed" | "silent";
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes over a connection of their own, and reads until the other side closes, or for `waitMs`. */
export async function exchange(port: number, { pieces, end }: WireInput, waitMs: number): Promise<WireAnswer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const open = new Promise<void>((resolve) => socket.once("data", () => resolve()));
  const closed = new Promise<boolean>((resolve) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    for (const event of ["end", "close", "error"]) socket.on(event, () => resolve(true));
  });
  for (const piece of pieces) if (piece !== "") socket.write(piece, "latin1");
  const isClosed = await left(socket, end, { closed, open, waitMs });
  socket.destroy();
  const text = Buffer.concat(chunks).toString("latin1");
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.\d (\d+)/.exec(head)?.[1] ?? 0);
  return { kind: status > 0 ? "answered" : isClosed ? "closed" : "silent", status, head, body: rest.join("\r\n\r\n") };
}

/** How long a request that is given up stays before its client goes. */
const BEFORE_RESET_MS = 3;

interface Waiting {
  readonly closed: Promise<boolean>;
  /** The answer has begun. */
  readonly open: Promise<void>;
  readonly waitMs: number;
}

async function left(socket: Socket, end: WireInput["end"], { closed, open, waitMs }: Waiting): Promise<boolean> {
  if (end === "half-close") socket.end();
  if (end === "reset once open") await Promise.race([open, closed, after(waitMs)]);
  if (end === "reset" || end === "reset once open") {
    await after(BEFORE_RESET_MS);
    socket.resetAndDestroy();
    return true;
  }
  return Promise.race([closed, after(waitMs).then(() => false)]);
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
