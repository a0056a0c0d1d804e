/** What a replica's object holds besides its instance: storage, sockets, an alarm; and what becomes of them when the replica leaves. */
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { ReplicaReport } from "../../src/protocol/control.ts";
import { decodeReply, encodeEnvelope } from "../../src/protocol/envelope.ts";
import { Client, Replica } from "./room-replica.ts";

const controllers = exports as unknown as {
  EdgeServeController: { getByName(name: string): { reportsOf(replica: string): Promise<ReplicaReport[]> } };
};

/** The newest set that a replica knows. In a life in which it was told nothing, only what is stored can say it. */
async function newerSet({ stub }: Replica) {
  const meta = { requestId: "r", chain: ["rooms/Room"], hops: 1 };
  return decodeReply(await stub.call(encodeEnvelope(meta, { id: "d", mode: "claim", epoch: 0 }), "notes")).set;
}

describe("deleteAll()", () => {
  it("takes what the application has stored, and its alarm, and leaves what the framework needs", async () => {
    const room = new Replica("Room");
    await room.ask("setAlarm", 100_000);
    // It is told something that it must not forget.
    await room.assign("serving", 7);
    expect(await room.ask("deleteAll")).toBe(0);
    expect(await room.state(({ storage }) => storage.getAlarm())).toBeNull();
    await room.evict();
    expect(await newerSet(room)).toMatchObject({ epoch: 7 });
    expect(await room.ask("setAlarm", 100_000)).toBe("set");
  });

  it("in whose middle the object is lost leaves one that serves, and asks its controller first", async () => {
    const room = new Replica("Room");
    await room.assign("serving", 7);
    await expect(room.ask("deleteAllAndCrash")).rejects.toThrow("the machine is gone");
    expect(await room.ask("get", "seats")).toBeUndefined();
    const reports = await controllers.EdgeServeController.getByName("rooms").reportsOf(room.name);
    expect(reports.map(({ event }) => event.kind)).toContain("woke");
  });
});

describe("a replica that leaves the set", () => {
  it("closes its sockets with 1001 and loses its alarm; its storage is there when it is back", async () => {
    const room = new Replica("Room");
    const client = await room.connect();
    await room.ask("put", "seats", 4);
    await room.ask("setAlarm", 100_000);
    expect(await room.assign("draining", 2)).toMatchObject({ kind: "done" });
    expect((await client.closed).code).toBe(1001);
    await expect.poll(() => room.state(({ storage }) => storage.getAlarm())).toBeNull();
    await room.assign("serving", 3);
    expect(await room.ask("get", "seats")).toBe(4);
    expect(await (await room.connect()).ask("hello")).toMatchObject({ text: "hello" });
  });

  it("finishes the handlers that run, for as long as it finishes requests", async () => {
    const room = new Replica("Room");
    const client = await room.connect();
    client.socket.send("hold");
    expect(await client.ask("hello")).toMatchObject({ text: "hello" });
    await room.assign("draining", 2, { gracefulShutdownTimeoutMs: 60_000 });
    // It still has a message to answer, and takes more of them.
    expect(await client.ask("still there?")).toMatchObject({ text: "still there?" });
    await room.assign("serving", 3);
    expect(await room.ask("release")).toBe(true);
    expect(await client.ask("and now?")).toMatchObject({ text: "and now?" });
  });

  it("does so also while it sleeps, without an instance of the class", async () => {
    const room = new Replica("Room");
    const client = await room.connect();
    await room.ask("setAlarm", 100_000);
    await room.evict();
    await room.assign("draining", 2);
    expect((await client.closed).code).toBe(1001);
    await expect.poll(() => room.state(({ storage }) => storage.getAlarm())).toBeNull();
    await room.assign("serving", 3);
    expect(await room.ask("notes")).toEqual(["constructor", "setup", "constructor", "setup"]);
  });

  it("has no event start the class again", async () => {
    const room = new Replica("Room");
    await room.assign("draining", 2);
    await room.evict();
    const client = await room.state((state) => {
      void state.storage.setAlarm(Date.now() + 100_000);
      const { 0: theirs, 1: ours } = new WebSocketPair();
      state.acceptWebSocket(ours);
      return new Client(theirs);
    });
    expect(await room.ring()).toBe(true);
    expect((await client.closed).code).toBe(1001);
    await room.assign("serving", 3);
    expect(await room.ask("notes")).toEqual(["constructor", "setup"]);
  });

  it("because its deployment is gone keeps its storage only", async () => {
    const gone = new Replica("Gone");
    const ring = async () => void (await gone.state(({ storage }) => storage.setAlarm(Date.now() + 100_000)));
    await ring();
    const client = await gone.state((state) => {
      state.storage.kv.put("seats", 4);
      const { 0: theirs, 1: ours } = new WebSocketPair();
      state.acceptWebSocket(ours);
      return new Client(theirs);
    });
    expect(await gone.stub.assign(undefined as never, false)).toEqual({ kind: "done", version: "tests" });
    expect((await client.closed).code).toBe(1001);
    expect(await gone.state(({ storage }) => storage.kv.get("seats"))).toBe(4);
    expect(await gone.state(({ storage }) => storage.getAlarm())).toBeNull();
    // One that nobody has told of it.
    await ring();
    expect(await gone.ring()).toBe(true);
  });
});
