/** Sockets whose clients go away without a word: what they held comes free. The two suites have a server each, and wait beside each other. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { frame, RawSocket } from "../support/raw-socket.ts";

const started = () => serve("test/e2e/apps/sockets.ts:app", { quiet: true });

const urlOf = (server: Server, id: string, waitMs: number) =>
  new URL(`/socket?${new URLSearchParams({ id, "wait-ms": String(waitMs) })}`, server.url);

const within = <T>(ms: number, what: string, promise: Promise<T>): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Not within ${ms} ms: ${what}.`)), ms);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

const notesOf = async (server: Server, id: string) =>
  (await server.fetch(`/notes?id=${id}`, { signal: AbortSignal.timeout(5000) })).json() as Promise<string[]>;

/** Neither caller is answered before both run: both slots are free, or come free. */
async function fillBothSlots(server: Server): Promise<void> {
  const met = await Promise.all([1, 2].map(() => server.fetch("/meet", { signal: AbortSignal.timeout(15_000) })));
  expect(met.map(({ status }) => status)).toEqual([200, 200]);
}

/** Busy, because a timer is too coarse for moments within a millisecond. */
function pass(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until the client is to go; `index` counts the row's clients. */
type Leave = (socket: RawSocket, index: number, id: string, server: Server) => Promise<unknown> | void;

const begun: Leave = (_socket, _index, id, server) => server.waitForLog(({ message }) => message === `Working on ${id}.`);

const connected = (socket: RawSocket) => new Promise((resolve) => socket.socket.once("connect", resolve));

/** When a client resets its connection. Another row is another moment. */
const MOMENTS: readonly { readonly when: string; readonly waitMs: number; readonly clients: number; readonly leave: Leave }[] = [
  { when: "with the request", waitMs: 0, clients: 30, leave: () => {} },
  { when: "in the milliseconds in which it is answered", waitMs: 0, clients: 150, leave: (_, index) => pass(index / 20) },
  { when: "while the handler works", waitMs: 200, clients: 4, leave: begun },
  {
    when: "around the moment in which the handler answers after a wait",
    waitMs: 20,
    clients: 60,
    leave: async (_, index) => {
      await later(15);
      pass(index / 4);
    },
  },
  { when: "while it waits for a slot", waitMs: 100, clients: 20, leave: () => {} },
  { when: "long before the handler answers", waitMs: 11_000, clients: 2, leave: begun },
  { when: "as soon as it is answered", waitMs: 0, clients: 30, leave: (socket) => socket.until(/^HTTP\/1.1 101/) },
  {
    when: "some time after it is answered",
    waitMs: 0,
    clients: 2,
    leave: async (socket) => {
      await socket.until(/^HTTP\/1.1 101/);
      await later(100);
    },
  },
];

describe.concurrent("one server:", () => {
  describe("a client that resets its connection", { concurrent: false }, () => {
    let server: Server;

    beforeAll(async () => {
      server = await started();
    });
    afterAll(() => server?.stop());
    // A slot that is lost is lost to this row only.
    beforeEach(({ onTestFailed }) => onTestFailed(() => server.restart()));

    it.each(MOMENTS)("leaves its slot free: $when", { timeout: 60_000 }, async ({ when, waitMs, clients, leave }) => {
      for (let index = 0; index < clients; index++) {
        const id = `${when} ${index}`;
        const socket = new RawSocket(urlOf(server, id, waitMs));
        await within(5000, "a connection", connected(socket));
        await within(5000, "the moment to leave", Promise.resolve(leave(socket, index, id, server)));
        socket.socket.resetAndDestroy();
        await within(5000, "the end of the connection", socket.until(/^end/));
      }
      await fillBothSlots(server);
    });

    it("before it is answered ends the application's socket as a lost one", async ({ expect }) => {
      const socket = new RawSocket(urlOf(server, "lost", 200));
      await within(5000, "a connection", connected(socket));
      socket.socket.resetAndDestroy();
      await expect.poll(() => notesOf(server, "lost"), { timeout: 5000 }).toContainEqual(expect.stringMatching(/^close 1006 /));
    });
  });
});

describe.concurrent("a socket that the application has closed", () => {
  it("holds its slot for ten seconds at most when its client never answers", { timeout: 60_000 }, async () => {
    await using server = await started();
    const silent = [1, 2].map((n) => new RawSocket(urlOf(server, `silent ${n}`, 0)));
    for (const socket of silent) {
      await within(5000, "an answer", socket.until(/^HTTP\/1.1 101/));
      socket.write(frame(1, "close:4001:as asked"));
      await within(5000, "a close frame", socket.until(/^close 4001/));
    }
    const closedAtMs = performance.now();
    await fillBothSlots(server);
    expect(performance.now() - closedAtMs).toBeLessThan(12_000);
    for (const { socket } of silent) socket.resetAndDestroy();
  });
});
