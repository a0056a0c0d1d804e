/**
 * HTTP as a client that repeats nothing: what it sends goes out once, and what it sees is what came.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What to send. */
export interface HttpRequest {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Ends the connection. */
  readonly signal: AbortSignal;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Rejects if the connection ends before the answer does. */
export function sendHttp(url: URL, { method = "GET", headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers, signal }, (response) => {
      bodyOf(response).then((text) => resolve({ status: response.statusCode!, headers: response.headers, body: text }), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  // Throws if the connection ends early.
  for await (const chunk of response) text += String(chunk);
  return text;
}

/** An open WebSocket, or what was answered instead. */
export type Upgraded = { readonly socket: Socket; readonly rest: Buffer } | HttpAnswer;

export function upgrade(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request(url, {
      headers: {
        ...headers,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": Buffer.from("chaos-chaos-chao").toString("base64"),
      },
      signal,
    });
    sent.on("upgrade", (_, socket: Socket, rest: Buffer) => resolve({ socket, rest }));
    sent.on("response", (response) => {
      bodyOf(response).then((body) => resolve({ status: response.statusCode!, headers: response.headers, body }), reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}

const CLOSE = 8;
const MASK = Buffer.from([1, 2, 3, 4]);

/** A frame of a client's, with fewer than 126 bytes. */
export function frameOf(payload: Uint8Array, opcode = 1): Buffer {
  const masked = Buffer.from(payload).map((byte, n) => byte ^ MASK[n % MASK.length]!);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), MASK, masked]);
}

/** A close frame with a code. */
export function closeFrame(code: number): Buffer {
  return frameOf(Buffer.from([code >> 8, code & 0xff]), CLOSE);
}

/** Frames of a server's, with fewer than 126 bytes each. */
export async function* framesOf(socket: Socket, rest: Buffer): AsyncGenerator<{ opcode: number; payload: Buffer }> {
  let bytes = rest;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes[1]!) {
      const end = 2 + bytes[1]!;
      yield { opcode: bytes[0]! & 0xf, payload: bytes.subarray(2, end) };
      bytes = bytes.subarray(end);
    }
  }
}

export function closeCodeOf({ opcode, payload }: { opcode: number; payload: Buffer }): number | undefined {
  if (opcode !== CLOSE) return undefined;
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
}
