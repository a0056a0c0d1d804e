import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { type ByHand, serveByHand } from "../support/by-hand.ts";
import { closing, frame, RawSocket } from "../support/raw-socket.ts";

let server: Server;
let byHand: ByHand;

beforeAll(async () => {
  [server, byHand] = await Promise.all([serve("test/e2e/apps/sockets.ts:app"), serveByHand("test/e2e/apps/room.ts", "room")]);
});
afterAll(async () => {
  await Promise.all([server?.stop(), byHand?.[Symbol.asyncDispose]()]);
});

type Play = (socket: RawSocket) => Promise<void> | void;

const text = (content: string) => frame(1, content);

/** Asks the server for something, and waits for what it answers. */
const ask = async (socket: RawSocket, command: string, answer: RegExp) => {
  socket.write(text(command));
  await socket.until(answer);
};

/** What one client does. Another row is another way for a socket to live or end. */
const SCENES: [name: string, play: Play, mode?: string][] = [
  ["the client closes with a code and a reason", (s) => s.write(frame(8, closing(4000, "bye")))],
  ["the client closes without a code", (s) => s.write(frame(8))],
  ["the client closes with 1000", (s) => s.write(frame(8, closing(1000)))],
  ["the client closes with a code that nobody may send", (s) => s.write(frame(8, closing(1006)))],
  ["the client closes with half a code", (s) => s.write(frame(8, "x"))],
  ["the client resets the connection", (s) => void s.socket.resetAndDestroy()],
  ["the client ends the connection without a close", (s) => void s.socket.end()],
  [
    "the client resets in the middle of a frame",
    (s) => {
      s.write(text("half a message").subarray(0, 8));
      s.socket.resetAndDestroy();
    },
  ],
  [
    "messages, then a reset",
    async (s) => {
      await ask(s, "state", /state 1/);
      s.socket.resetAndDestroy();
    },
  ],
  [
    "the server closes, and the client answers",
    async (s) => {
      await ask(s, "close:4001:as asked", /close/);
      s.write(frame(8, closing(4001, "as asked")));
    },
  ],
  [
    "the server closes, and the client answers otherwise",
    async (s) => {
      await ask(s, "close:4001:as asked", /close/);
      s.write(frame(8, closing(4999, "my own")));
    },
  ],
  [
    "the server closes, and the client vanishes",
    async (s) => {
      await ask(s, "close:4001:as asked", /close/);
      s.socket.resetAndDestroy();
    },
  ],
  [
    "the server closes without a code",
    async (s) => {
      await ask(s, "close", /close/);
      s.write(frame(8));
    },
  ],
  [
    "the server closes with 1000",
    async (s) => {
      await ask(s, "close:1000", /close/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "the server closes with a code that it may not send",
    async (s) => {
      s.write(text("close:1005"));
      await ask(s, "state", /state/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "the server closes with a reason of 123 bytes",
    async (s) => {
      await ask(s, "close-long:123", /close/);
      s.write(frame(8, closing(4000)));
    },
  ],
  [
    "the server closes with a reason of 124 bytes",
    async (s) => {
      s.write(text("close-long:124"));
      s.write(text("state"));
      await s.until(/state|close/);
      s.write(frame(8, closing(4000)));
    },
  ],
  [
    "the server sends after closing",
    async (s) => {
      await ask(s, "send-after-close", /close/);
      s.write(frame(8, closing(4003, "first")));
    },
  ],
  [
    "the server closes twice",
    async (s) => {
      await ask(s, "twice", /close/);
      s.write(frame(8, closing(4004)));
    },
  ],
  [
    "the server closes before anything is said",
    async (s) => {
      await s.until(/close/);
      s.write(frame(8, closing(4002)));
    },
    "close-at-once",
  ],
  [
    "the server greets first",
    async (s) => {
      await s.until(/welcome/);
      s.write(frame(8, closing(1000)));
    },
    "greet",
  ],
  [
    "the server sends before it has accepted",
    async (s) => {
      await ask(s, "state", /state/);
      s.write(frame(8, closing(1000)));
    },
    "before-accept",
  ],
  [
    "a listener throws",
    async (s) => {
      s.write(text("throw"));
      await s.until(/end/);
    },
  ],
  [
    "a listener rejects",
    async (s) => {
      s.write(text("reject"));
      await ask(s, "state", /state/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "bytes as they come by default",
    async (s) => {
      s.write(frame(2, "abc"));
      await ask(s, "bytes", /binary/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "bytes as an ArrayBuffer",
    async (s) => {
      s.write(text("arraybuffer"));
      s.write(frame(2, "abc"));
      await ask(s, "state", /state/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "large messages both ways",
    async (s) => {
      s.write(text("z".repeat(200_000)));
      await ask(s, "big:300000", /300000 bytes/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "a message in two fragments",
    async (s) => {
      s.write(frame(1, "sta", { isFinal: false }));
      s.write(frame(0, "te"));
      await s.until(/state/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "a ping",
    async (s) => {
      s.write(frame(9, "are you there"));
      await s.until(/pong/);
      s.write(frame(8, closing(1000)));
    },
  ],
  ["an unknown opcode, not final", (s) => s.write(Buffer.alloc(60, 0x0d))],
  [
    "an unknown opcode, then a reset",
    async (s) => {
      s.write(Buffer.alloc(60, 0x0d));
      await s.until(/close/);
      s.socket.resetAndDestroy();
    },
  ],
  [
    "an unknown opcode, final",
    async (s) => {
      s.write(frame(0x0d, "x"));
      s.write(frame(8, closing(1000)));
      await s.until(/end/);
    },
  ],
  ["reserved bits", (s) => s.write(frame(1, "x", { reserved: 4 }))],
  [
    "a frame without a mask",
    async (s) => {
      s.write(frame(1, "state", { isMasked: false }));
      s.write(frame(8, closing(1000)));
      await s.until(/end/);
    },
  ],
  ["a control frame in pieces", (s) => s.write(frame(9, "x", { isFinal: false }))],
  ["a continuation of nothing", (s) => s.write(frame(0, "x"))],
  [
    "text that is no UTF-8",
    async (s) => {
      s.write(frame(1, new Uint8Array([0xff, 0xfe])));
      await ask(s, "state", /state/);
      s.write(frame(8, closing(1000)));
    },
  ],
  [
    "the upgrade is refused",
    async (s) => {
      await s.until(/HTTP/);
      s.socket.destroy();
    },
    "refuse",
  ],
];

const pathOf = (id: string, mode: string | undefined) => `/socket?id=${encodeURIComponent(id)}${mode === undefined ? "" : `&mode=${mode}`}`;

/** Plays a scene, and returns what both ends have seen. */
async function play(base: URL, name: string, act: Play, mode?: string) {
  const socket = new RawSocket(new URL(pathOf(name, mode), base));
  await socket.until(/^HTTP/);
  await act(socket);
  await socket.until(/^end/);
  return {
    client: socket.seen,
    notes: async () => (await fetch(new URL(`/notes?id=${encodeURIComponent(name)}`, base))).json() as Promise<string[]>,
  };
}

const settled = /^(?:close|error) /;

describe("a socket of a deployment", () => {
  it.each(SCENES)("lives and ends as that of a hand-written Durable Object: %s", async (...[name, act, mode]) => {
    const hand = await play(byHand.url, name, act, mode);
    const own = await play(new URL(server.url), name, act, mode);
    // The object hears of the end when the connection has gone, which the client saw first.
    await expect.poll(async () => mode === "refuse" || (await hand.notes()).some((note) => settled.test(note))).toBe(true);
    // An error may follow a close.
    await expect.poll(async () => JSON.stringify(await own.notes()) === JSON.stringify(await hand.notes())).toBe(true);
    // The ends of a connection that both sides give up at once are in no order.
    expect(own.client).toEqual(hand.client);
    // Neither caller is answered before both run: both slots are free.
    const met = await Promise.all([1, 2].map(() => server.fetch("/meet", { signal: AbortSignal.timeout(3000) })));
    expect(met.map(({ status }) => status)).toEqual([200, 200]);
    expect(await own.notes()).toEqual(await hand.notes());
  });

  it.each(["hibernate", "never-accept"])("that nobody listens to in the replica holds no slot: %s", async (mode) => {
    const sockets = [1, 2, 3].map((n) => new RawSocket(new URL(pathOf(`${mode}${n}`, mode), server.url)));
    for (const socket of sockets) await socket.until(/^HTTP\/1.1 101/);
    const met = await Promise.all([1, 2].map(() => server.fetch("/meet", { signal: AbortSignal.timeout(3000) })));
    expect(met.map(({ status }) => status)).toEqual([200, 200]);
    for (const { socket } of sockets) socket.resetAndDestroy();
  });

  it("holds its slot while it is open", async () => {
    const socket = new RawSocket(new URL(pathOf("open", undefined), server.url));
    await socket.until(/^HTTP/);
    await expect(Promise.all([1, 2].map(() => server.fetch("/meet", { signal: AbortSignal.timeout(500) })))).rejects.toThrow();
    socket.socket.resetAndDestroy();
  });
});
