/**
 * A WebSocket client that may do what no well-behaved one does: any bytes, any way of ending.
 */
import { connect, type Socket } from "node:net";

const HANDSHAKE =
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** How a frame is made. */
export interface FrameOptions {
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
}

/** The bytes of a frame. */
export function frame(opcode: number, payload: string | Uint8Array = "", options: FrameOptions = {}): Buffer {
  const { isFinal = true, isMasked = true, reserved = 0 } = options;
  const body = Buffer.from(payload as string);
  const mask = isMasked ? 0x80 : 0;
  const length =
    body.length < 126
      ? Buffer.from([mask | body.length])
      : body.length < 65_536
        ? Buffer.from([mask | 126, body.length >> 8, body.length & 255])
        : Buffer.from([mask | 127, 0, 0, 0, 0, body.length >>> 24, (body.length >> 16) & 255, (body.length >> 8) & 255, body.length & 255]);
  return Buffer.concat([
    Buffer.from([(isFinal ? 0x80 : 0) | (reserved << 4) | opcode]),
    length,
    isMasked ? Buffer.alloc(4) : Buffer.alloc(0),
    body,
  ]);
}

/** The payload of a close frame. */
export function closing(code: number, reason = ""): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}

/** One connection. Whatever arrives is kept as text that a test can compare. */
export class RawSocket {
  readonly socket: Socket;
  /** The status line of the answer to the upgrade, then each frame; `end` when the connection is over. */
  readonly seen: string[] = [];
  #rest = Buffer.alloc(0);
  #isUpgraded = false;
  readonly #waiting = new Set<() => void>();

  constructor(url: URL) {
    this.socket = connect(Number(url.port), url.hostname);
    this.socket.setNoDelay(true);
    this.socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${HANDSHAKE}\r\n`);
    this.socket.on("data", (data) => this.#take(data));
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.#saw("end"));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Resolves once something that matches has arrived. */
  async until(matches: RegExp): Promise<void> {
    while (!this.seen.some((text) => matches.test(text))) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #take(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    const head = this.#isUpgraded ? -1 : this.#rest.indexOf("\r\n\r\n");
    if (head !== -1) {
      this.#isUpgraded = true;
      this.#saw(this.#rest.subarray(0, this.#rest.indexOf("\r\n")).toString());
      this.#rest = this.#rest.subarray(head + 4);
    }
    while (this.#isUpgraded && this.#takeFrame());
  }

  #takeFrame(): boolean {
    const bytes = this.#rest;
    if (bytes.length < 2) return false;
    const short = bytes[1]! & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return false;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < start + length) return false;
    const payload = bytes.subarray(start, start + length);
    this.#rest = bytes.subarray(start + length);
    this.#saw(describe(bytes[0]! & 0x0f, payload));
    return true;
  }

  #saw(text: string): void {
    this.seen.push(text);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function describe(opcode: number, payload: Buffer): string {
  if (opcode === 8) return payload.length < 2 ? "close" : `close ${payload.readUInt16BE(0)} ${payload.subarray(2).toString()}`;
  const content = payload.length > 100 ? `${payload.length} bytes` : payload.toString();
  return `${{ 1: "text", 2: "binary", 10: "pong" }[opcode] ?? `opcode ${opcode}`} ${content}`;
}
