/** What happens to a replica's object besides requests: alarms, and WebSockets that hibernate. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Replica } from "./room-replica.ts";

const UUID = /^[0-9a-f-]{36}$/;
let logged: Record<string, unknown>[];
const linesOf = (level: string) => logged.filter((line) => line["level"] === level);

beforeEach(() => {
  logged = [];
  for (const method of ["log", "warn", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((line: unknown) => {
      if (typeof line === "string" && line.startsWith("{")) logged.push(JSON.parse(line) as Record<string, unknown>);
    });
  }
});
afterEach(() => vi.restoreAllMocks());

describe("an alarm", () => {
  it("wakes the object, and runs in the replica's scope after setup(), with a request id of its own", async () => {
    const room = new Replica("Room");
    expect(await room.ask("setAlarm", 100_000)).toBe("set");
    await room.evict();
    expect(await room.ring()).toBe(true);
    const notes = (await room.ask("notes")) as string[];
    expect(notes).toEqual([
      "constructor",
      "setup",
      "constructor",
      "setup",
      "alarm after setup true",
      expect.stringMatching(/^alarm called plain for [0-9a-f-]{36}$/),
    ]);
    const [line] = logged.filter(({ message }) => message === "the alarm has rung");
    expect(line).toMatchObject({ app: "rooms", deployment: "Room", replica: room.name, requestId: expect.stringMatching(UUID) });
    expect(line!["requestOfScope"]).toBe(line!["requestId"]);
    expect(notes.at(-1)).toBe(`alarm called plain for ${line!["requestId"]}`);
  });

  it("that throws is logged once, with its request id, and is the platform's to try again", async () => {
    const room = new Replica("Room");
    await room.ask("put", "alarm", "throw");
    await room.ask("setAlarm", 100_000);
    await expect(room.ring()).rejects.toThrow("the alarm is broken");
    expect(linesOf("ERROR")).toEqual([
      expect.objectContaining({
        message: "alarm() failed: the alarm is broken",
        deployment: "Room",
        requestId: expect.stringMatching(UUID),
        error: expect.stringContaining("RangeError: the alarm is broken"),
      }),
    ]);
  });

  it("is for a class that inherits or decorates its handler, too", async () => {
    const room = new Replica("SubRoom");
    expect(await room.ask("setAlarm", 100_000)).toBe("set");
    expect(await room.ring()).toBe(true);
    expect(await room.ask("notes")).toContain("bound alarm after setup true");
  });

  // That it cannot be set is shown where the platform itself has the class: test/e2e/alarms-and-sockets.test.ts.
  it("is not for a class that has its handler as a field, and the log says so when it starts", async () => {
    await new Replica("FieldRoom").ask("notes");
    expect(linesOf("WARNING")).toEqual([expect.objectContaining({ message: expect.stringContaining("has alarm as a field") })]);
    await new Replica("Room").ask("notes");
    expect(linesOf("WARNING")).toHaveLength(1);
  });
});

describe("a socket that hibernates", () => {
  it("keeps its attachment and its tags while the object is gone, and wakes it", async () => {
    const room = new Replica("Room");
    const client = await room.connect("/window-seat");
    const first = await client.ask("hello");
    expect(first).toMatchObject({ text: "hello", from: "/window-seat", isSetUp: true, count: 1, requestId: expect.stringMatching(UUID) });
    await room.evict();
    const second = await client.ask(new Uint8Array([1, 2, 3]));
    expect(second).toMatchObject({
      text: "3 bytes",
      from: "/window-seat",
      isSetUp: true,
      count: 1,
      called: `plain for ${second["requestId"]}`,
    });
    expect(second["requestId"]).not.toBe(first["requestId"]);
    expect(await room.ask("notes")).toEqual(["constructor", "setup", "constructor", "setup"]);
  });

  it("tells the class how its client has closed it, and wakes the object for it", async () => {
    const room = new Replica("Room");
    const client = await room.connect();
    await room.evict();
    client.socket.close(4001, "bye");
    await expect.poll(() => room.ask("notes")).toContain('close 4001 "bye" true after setup true');
    expect(await client.closed).toEqual({ code: 4001, reason: "bye" });
  });

  it("stays open when a handler throws, which is logged once, with its request id", async () => {
    const room = new Replica("Room");
    const client = await room.connect();
    client.socket.send("throw");
    expect(await client.ask("hello")).toMatchObject({ text: "hello" });
    expect(linesOf("ERROR")).toEqual([
      expect.objectContaining({ message: "webSocketMessage() failed: the message is broken", requestId: expect.stringMatching(UUID) }),
    ]);
  });

  it("is not counted by maxOngoingRequests, and neither is an alarm", async () => {
    const room = new Replica("Room");
    const client = await room.connect();
    await room.ask("put", "alarm", "hold");
    client.socket.send("hold");
    await room.ask("setAlarm", 100_000);
    const rung = room.ring();
    await expect.poll(() => room.ask("notes")).toContain("alarm after setup true");
    expect(await client.ask("hello")).toMatchObject({ text: "hello" });
    expect(await room.ask("release")).toBe(true);
    expect(await rung).toBe(true);
  });

  it("of a class without webSocketMessage is closed with 1011 at its first message, and the log says why", async () => {
    const mute = new Replica("Mute");
    const client = await mute.connect();
    await mute.evict();
    client.socket.send("is anybody there?");
    expect((await client.closed).code).toBe(1011);
    expect(linesOf("ERROR")).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/"Mute".*webSocketMessage.*1011.*accept\(\)/),
        replica: mute.name,
        requestId: expect.stringMatching(UUID),
      }),
    ]);
    // Nothing of the class's was needed for that.
    expect(await mute.ask("notes")).toEqual(["constructor", "setup", "constructor", "setup"]);
  });

  it("is closed in answer to its client where the class has no webSocketClose", async () => {
    const client = await new Replica("Mute").connect();
    client.socket.close(4001, "bye");
    expect(await client.closed).toEqual({ code: 4001, reason: "bye" });
  });

  it("is answered by the platform where that was asked for, also for a class without a handler", async () => {
    const mute = new Replica("Mute");
    await mute.ask("autoResponse");
    const client = await mute.connect();
    await mute.evict();
    client.socket.send("ping");
    await expect.poll(() => client.received).toEqual(["pong"]);
  });

  it("of a replica that does not start is closed with 1011, and an alarm there is tried again", async () => {
    const broken = new Replica("Broken");
    const client = await broken.connect();
    await broken.ask("setAlarm", 100_000);
    await broken.ask("breakDown");
    await broken.evict();
    client.socket.send("hello");
    expect((await client.closed).code).toBe(1011);
    expect(linesOf("ERROR").map(({ message }) => message)).toEqual([
      expect.stringContaining("the room is closed"),
      expect.stringMatching(/^webSocketMessage\(\) did not run, and its socket was closed with 1011: .*the room is closed/),
    ]);
    await expect(broken.ring()).rejects.toThrow("the room is closed");
  });
});
