import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import type { Replica } from "../../../src/replica/replica.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { gateOf } from "../../support/gate.ts";
import { answerOf, callOf, delivered, replicaOf, valueOf } from "../../support/model-replica.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { requestMeta } from "../../support/scope.ts";

const reason = new RequestCancelledError("gone");

beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("admission to a replica", () => {
  it("refuses a claim when no slot is free, and says what it has on its hands", async () => {
    const gate = gateOf();
    const first = gate.send("claim", "a");
    const waiting = gate.send("queue", "b");
    expect(await gate.send("claim", "c")).toEqual({ kind: "refused", load: { ongoing: 1, queued: 1 } });
    gate.let("a");
    expect(valueOf(await first)).toBe("a");
    await turnOfTheEventLoop();
    gate.let("b");
    expect(valueOf(await waiting)).toBe("b");
    expect(gate.begun).toEqual(["a", "b"]);
    expect(gate.replica.load).toEqual({ ongoing: 0, queued: 0 });
  });

  it("refuses what its queue does not hold", async () => {
    const gate = gateOf();
    for (const name of ["a", "b", "c"]) void gate.send("queue", name);
    expect(await gate.send("queue", "d")).toEqual({ kind: "refused", load: { ongoing: 1, queued: 2 } });
  });

  it("refuses without starting the instance, by call and over HTTP", async () => {
    let made = 0;
    class Model {
      constructor() {
        made++;
      }
      call() {}
    }
    const replica = replicaOf(Model, { limits: { maxOngoingRequests: 1, maxQueuedRequests: 0 } });
    await replica.reserve(requestMeta(), { id: "r", mode: "claim" });
    expect(await replica.call(delivered({ id: "a", mode: "claim" }))).toMatchObject({ kind: "refused" });
    const refusal = await replica.fetch(new Request("http://host/"), requestMeta(), { id: "b", mode: "queue" });
    expect(refusal).toEqual({ kind: "refused", load: { ongoing: 1, queued: 0 } });
    expect(made).toBe(0);
    replica.cancel("r", reason);
  });

  it("queues calls of older callers, which name no delivery, one after the other", async () => {
    const gate = gateOf();
    const replies = ["a", "b", "c"].map((name) => gate.replica.call(callOf("hold", name)));
    for (const name of ["a", "b", "c"]) {
      await turnOfTheEventLoop();
      gate.let(name);
    }
    expect((await Promise.all(replies)).map(valueOf)).toEqual(["a", "b", "c"]);
  });
});

describe("a slot", () => {
  const oneSlot = { limits: { maxOngoingRequests: 1, maxQueuedRequests: 0 } };
  const ongoing = (replica: Replica) => replica.load.ongoing;

  it("[R4] is free after a result, an error, an unknown method and a result that cannot cross", async () => {
    class Model {
      call() {}
      throws() {
        throw new Error("no");
      }
      bad() {
        return () => 1;
      }
    }
    const replica = replicaOf(Model, oneSlot);
    for (const method of [undefined, "throws", "nope", "bad"]) {
      await replica.call(delivered({ id: "a", mode: "claim" }, method));
      expect(ongoing(replica), method ?? "call").toBe(0);
    }
  });

  it("[R4] is free after a start that failed, by call and over HTTP", async () => {
    class Model {
      setup() {
        throw new Error("no weights");
      }
      call() {}
    }
    const replica = replicaOf(Model, oneSlot);
    expect(await replica.call(callOf())).toMatchObject({ kind: "refused", failedStart: { code: "DEPLOYMENT_UNAVAILABLE" } });
    expect(await rejectionOf(answerOf(replica))).toMatchObject({ code: "DEPLOYMENT_UNAVAILABLE" });
    expect(ongoing(replica)).toBe(0);
  });

  it("[R4] is held by a generator until its end", async () => {
    const replica = replicaOf(function* () {
      yield* Array(600).keys();
    }, oneSlot);
    const reply = await replica.call(callOf());
    if (reply.kind !== "stream") throw new Error(`The reply is a ${reply.kind}.`);
    await turnOfTheEventLoop();
    expect(ongoing(replica)).toBe(1);
    for (let isOver = false; !isOver;) isOver = (await reply.items.pull()).done;
    expect(ongoing(replica)).toBe(0);
  });

  it.each(["its consumer", "its caller"])("[R4] is free when a generator is stopped by %s, once", async (who) => {
    let hasCleanedUp = false;
    const replica = replicaOf(async function* () {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        hasCleanedUp = true;
      }
    }, oneSlot);
    const reply = await replica.call(delivered({ id: "a", mode: "claim" }));
    if (reply.kind !== "stream") throw new Error(`The reply is a ${reply.kind}.`);
    if (who === "its consumer") await reply.items.cancel();
    else replica.cancel("a", reason);
    replica.cancel("a", reason);
    await turnOfTheEventLoop();
    expect([ongoing(replica), hasCleanedUp]).toEqual([0, true]);
  });

  it("[R4] is free when a stopped generator fails to clean up, which nobody is told", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const replica = replicaOf(async function* () {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- what this test is about
        throw new Error("no clean-up");
      }
    }, oneSlot);
    await replica.call(delivered({ id: "a", mode: "claim" }));
    replica.cancel("a", reason);
    await turnOfTheEventLoop();
    process.off("unhandledRejection", unhandled);
    expect([ongoing(replica), unhandled.mock.calls]).toEqual([0, []]);
  });

  it("[R4] is held by an HTTP response until its last byte, and not without a body", async () => {
    const streaming = replicaOf(function* () {
      yield "a";
      yield "b";
    }, oneSlot);
    const response = await answerOf(streaming);
    expect(ongoing(streaming)).toBe(1);
    expect(await response.text()).toBe("ab");
    await turnOfTheEventLoop();
    const empty = replicaOf(() => new Response(null, { status: 204 }), oneSlot);
    await answerOf(empty);
    expect([ongoing(streaming), ongoing(empty)]).toEqual([0, 0]);
  });

  it("[R4] is free when the client of an HTTP stream goes away", async () => {
    const replica = replicaOf(async function* () {
      for (let n = 0; ; n++) yield `${n} `;
    }, oneSlot);
    const response = await answerOf(replica);
    await response.body!.cancel();
    await turnOfTheEventLoop();
    expect(ongoing(replica)).toBe(0);
  });

  it("[R3] is not lost to a response that has been read already: the answer is 500", async () => {
    const replica = replicaOf(async () => {
      const response = new Response("read");
      await response.text();
      return response;
    }, oneSlot);
    const response = await answerOf(replica);
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error"]);
    await turnOfTheEventLoop();
    expect(ongoing(replica)).toBe(0);
    expect(JSON.stringify(vi.mocked(console.error).mock.calls)).toContain("whose body has been read");
  });
});
