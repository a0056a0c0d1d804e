/** Alarms and WebSockets that hibernate, of a built system: what the platform itself does with the classes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { frame, RawSocket } from "../support/raw-socket.ts";

const TOKEN = "correct horse battery staple";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

/** Requests are divided by chance. */
const MOST_TRIES = 200;

interface Look {
  replicaId: string;
  ordinal: number;
  notes: string[];
  seats: string | null;
  alarmAt: number | null;
}

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/rooms.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server?.stop());

const text = async (path: string) => (await server.fetch(path)).text();
const look = async (path: string): Promise<Look> => JSON.parse(await text(path)) as Look;

/** Sends a request until the replica of this number has taken it. */
async function at(ordinal: number, path: string): Promise<Look> {
  for (let n = 0; n < MOST_TRIES; n++) {
    const looked = await look(path);
    if (looked.ordinal === ordinal) return looked;
  }
  throw new Error(`No request has come to replica ${ordinal}.`);
}

/** Looks at the replica of this number without changing anything there. */
const lookAt = (ordinal: number) => at(ordinal, "/room/look");

class Client {
  readonly socket: WebSocket;
  readonly received: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(path: string) {
    this.socket = new WebSocket(new URL(path, server.url.replace(/^http/, "ws")));
    this.closed = new Promise((resolve) => this.socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })));
    this.socket.addEventListener("message", ({ data }) => void this.received.push(data as string));
  }
  /** What comes next after `count` messages. */
  async message(count: number): Promise<string> {
    await expect.poll(() => this.received.length).toBeGreaterThan(count);
    return this.received[count]!;
  }
  /** One whose socket the replica of this number has accepted. */
  static async at(ordinal: number): Promise<Client> {
    for (let n = 0; n < MOST_TRIES; n++) {
      const client = new Client("/room/enter");
      if ((await client.message(0)) === `welcome to ${ordinal}`) return client;
      client.socket.close();
    }
    throw new Error(`No socket has come to replica ${ordinal}.`);
  }
}

async function scale(replicas: number): Promise<void> {
  const response = await server.fetch("/-/api/applications/room/deployments/Room/scale", {
    method: "POST",
    headers: AUTHORIZED,
    body: JSON.stringify({ target_num_replicas: replicas }),
  });
  expect([response.status, response.ok ? "" : await response.text()]).toEqual([200, ""]);
}

const linesOf = (level: string) =>
  server.logs().filter((line) => (line as { level?: string }).level === level) as unknown as Record<string, unknown>[];

describe("an alarm", () => {
  it("rings in the replica that has set it, after setup(), with what the platform says of it", async () => {
    expect(await text("/room/alarm?in=0&failures=0")).toBe("set");
    await expect.poll(async () => [...(await lookAt(0)).notes, ...(await lookAt(1)).notes]).toContain("alarm 0 false after setup true");
  });

  it("survives a crash of the system, and wakes its replica by itself", async () => {
    await at(0, "/room/delete-all");
    await at(1, "/room/delete-all");
    expect(await text("/room/alarm?in=3000&failures=0")).toBe("set");
    await server.restart();
    await expect.poll(async () => [...(await lookAt(0)).notes, ...(await lookAt(1)).notes]).toEqual(["alarm 0 false after setup true"]);
  });

  it("that fails is tried again by the platform, and each failure is one ERROR line with the id of a request", async () => {
    await at(0, "/room/delete-all");
    await at(1, "/room/delete-all");
    expect(await text("/room/alarm?in=0&failures=1")).toBe("set");
    await expect
      .poll(async () => [...(await lookAt(0)).notes, ...(await lookAt(1)).notes])
      .toEqual(["alarm 0 false after setup true", "alarm 1 true after setup true"]);
    expect(linesOf("ERROR").filter(({ message }) => String(message).includes("the alarm is broken"))).toEqual([
      expect.objectContaining({ message: "alarm() failed: the alarm is broken", requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) }),
    ]);
  });

  it.each(["decorated", "inherits"])("reaches a method that is inherited or decorated: %s", async (app) => {
    expect(await text(`/${app}/alarm`)).toBe("set");
    await expect.poll(() => text(`/${app}/notes`)).toBe('["alarm","alarm"]');
  });

  it.each(["mute", "field", "plain"])("cannot be set where the class has no method for it, as the platform says it: %s", async (app) => {
    expect(await text(`/${app}/alarm`)).toMatch(/^TypeError: Your Durable Object class must have an alarm\(\) handler/);
  });
});

describe("a socket that hibernates", () => {
  it("has its messages answered, each with the id of a request, and its close told", async () => {
    const client = await Client.at(1);
    client.socket.send("hello");
    expect(await client.message(1)).toMatch(/^hello in room\/Room\/-\/1\.0 for [0-9a-f-]{36}$/);
    client.socket.close(4001, "bye");
    expect(await client.closed).toEqual({ code: 4001, reason: "bye" });
    expect((await lookAt(1)).notes).toContain("close 4001 bye");
  });

  it.each(["mute", "field", "plain"])("of a class without webSocketMessage is closed with 1011 at its first message: %s", async (app) => {
    const client = new Client(`/${app}/enter`);
    expect(await client.message(0)).toBe("welcome to 0");
    client.socket.send("is anybody there?");
    expect((await client.closed).code).toBe(1011);
    const said = linesOf("ERROR").filter((line) => line["app"] === app);
    expect(said).toEqual([expect.objectContaining({ message: expect.stringContaining("webSocketMessage(socket, message)") })]);
  });

  it.each([
    ["mute", 4002, "enough"],
    ["plain", 1000, ""],
    ["mute", undefined, ""],
  ])("is closed in answer to its client where the class has no webSocketClose: %s, %s", async (app, code, reason) => {
    const client = new Client(`/${app}/enter`);
    await client.message(0);
    client.socket.close(code, reason);
    expect(await client.closed).toEqual({ code: code ?? 1005, reason });
  });

  it.each([
    ["a bad frame", (socket: RawSocket) => void socket.write(frame(3, "no such kind")), /^error after setup true: /],
    ["a client that vanishes", (socket: RawSocket) => void socket.socket.resetAndDestroy(), /^close 1006 /],
  ])("tells the class of %s", async (_, play, expected) => {
    await Promise.all([0, 1].map((ordinal) => at(ordinal, "/room/delete-all")));
    const socket = new RawSocket(new URL("/room/enter", server.url));
    await socket.until(/welcome/);
    play(socket);
    await expect.poll(async () => [...(await lookAt(0)).notes, ...(await lookAt(1)).notes]).toContainEqual(expect.stringMatching(expected));
  });
});

describe("deleteAll()", () => {
  it("leaves the system serving, and the replica with what it was told, also after a crash", async () => {
    await scale(3);
    await expect.poll(async () => (await at(2, "/room/delete-all")).notes).toEqual([]);
    await server.restart();
    expect((await at(2, "/room/put?seats=5")).seats).toBe("5");
  });
});

describe("a replica that leaves the set", () => {
  it("closes its sockets with 1001, loses its alarm, and has its storage when its number returns", async () => {
    await at(2, "/room/put?seats=9");
    expect((await at(2, "/room/ring-later")).alarmAt).toBeGreaterThan(Date.now());
    const [leaving, staying] = await Promise.all([Client.at(2), Client.at(0)]);
    await scale(2);
    expect((await leaving.closed).code).toBe(1001);
    staying.socket.send("still here");
    expect(await staying.message(1)).toContain("still here");
    staying.socket.close();
    await scale(3);
    expect(await at(2, "/room/look")).toMatchObject({ replicaId: "room/Room/-/2.0", seats: "9", alarmAt: null });
  });

  it("for its health is replaced by one with new storage", async () => {
    await at(0, "/room/put?seats=7");
    expect((await at(0, "/room/ring-later")).alarmAt).toBeGreaterThan(Date.now());
    const client = await Client.at(0);
    await at(0, "/room/catch-fire");
    await expect.poll(async () => (await lookAt(0)).replicaId, { timeout: 60_000 }).toBe("room/Room/-/0.1");
    expect(await lookAt(0)).toMatchObject({ seats: null, notes: [], alarmAt: null });
    expect((await client.closed).code).toBe(1001);
  });
});
