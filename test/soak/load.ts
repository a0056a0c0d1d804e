/**
 * The load, in a process of its own: `node load.ts <port> <connections> [kinds]`. It is told how many requests to send, sends them, and
 * says what came of them.
 *
 * Plain sockets, because a client that parses more would take the processor from what it loads.
 */
import { connect, type Socket } from "node:net";
import { type Asked, mixOf } from "./mix.ts";

/** To the process: send so many requests more. */
export interface LoadOrder {
  readonly requests: number;
}

/** From the process: what was sent, by kind, and what was answered wrongly. */
export interface LoadReport {
  readonly sent: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

const RESET_AFTER_MS = 5;
const ANSWER_MS = 10_000;

/** A connection that is kept, one request at a time. */
class Connection {
  readonly #port: number;
  #socket: Socket | undefined;
  #received = "";
  #answered: ((head: string) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** The status of the answer, once all of it is here; 0 when the connection ended before. */
  async ask({ path, headers }: Asked): Promise<number> {
    const socket = (this.#socket ??= this.#open());
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#answered = resolve;
    socket.write(`GET ${path} HTTP/1.1\r\nhost: soak\r\n${headers}\r\n`);
    const head = await promise;
    return Number(head.slice(9, 12));
  }

  #open(): Socket {
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.toString("latin1");
      const head = wholeHead(this.#received);
      if (head === undefined) return;
      this.#received = "";
      this.#answered?.(head);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#socket = undefined;
      this.#received = "";
      this.#answered?.("");
    });
    return socket;
  }

  close(): void {
    this.#socket?.destroy();
  }
}

/** The head of a response of which all has come; `undefined` until then. */
export function wholeHead(received: string): string | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = received.slice(0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return received.length >= end + 4 + Number(length) ? head : undefined;
  return received.endsWith("0\r\n\r\n") && received.length > end + 4 ? head : undefined;
}

// A client that leaves without a word, while its request runs.
async function reset(port: number, { path }: Asked): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1" }).on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nhost: soak\r\n\r\n`);
  await new Promise((resolve) => setTimeout(resolve, RESET_AFTER_MS));
  socket.resetAndDestroy();
  return 200;
}

async function echoOnce(port: number, { path }: Asked): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  socket.addEventListener("open", () => socket.send("echo"));
  socket.addEventListener("message", () => socket.close(1000));
  socket.addEventListener("close", ({ code }) => resolve(code === 1000 ? 101 : code));
  return promise;
}

interface Loading {
  readonly port: number;
  readonly connections: readonly Connection[];
  readonly askedAt: (number: number) => Asked;
}

let next = 0;

async function load({ port, connections, askedAt }: Loading, { requests }: LoadOrder): Promise<LoadReport> {
  const sent: Record<string, number> = {};
  const wrong: string[] = [];
  let left = requests;
  const send = async (connection: Connection) => {
    while (left > 0) {
      const asked = askedAt(next++);
      left -= asked.requests;
      const { kind, manner } = asked;
      const status = await (manner === "http" ? connection.ask(asked) : manner === "reset" ? reset(port, asked) : echoOnce(port, asked));
      sent[kind] = (sent[kind] ?? 0) + asked.requests;
      if (status !== asked.status && wrong.length < 10) wrong.push(`${kind} ${asked.path}: ${status} for ${asked.status}`);
    }
  };
  await Promise.all(connections.map(send));
  return { sent, wrong };
}

if (import.meta.main) {
  const [, , port = "0", count = "16", only = ""] = process.argv;
  const connections = Array.from({ length: Number(count) }, () => new Connection(Number(port)));
  const loading = { port: Number(port), connections, askedAt: mixOf(only === "" ? undefined : only.split(",")) };
  process.on("message", (order: LoadOrder) => void load(loading, order).then((report) => process.send!(report)));
  process.on("disconnect", () => process.exit());
}
