import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestCancelledError, RequestTimeoutError } from "../../../src/protocol/errors.ts";
import type { Reply } from "../../../src/protocol/messages.ts";
import { Clock } from "../../support/clock.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { gateOf } from "../../support/gate.ts";
import { delivered, valueOf } from "../../support/model-replica.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { replicaScope, requestMeta } from "../../support/scope.ts";

const reason = new RequestCancelledError("gone");
const errorOf = (reply: Promise<Reply>) => rejectionOf(reply.then(valueOf));

beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a reserved slot", () => {
  it("is for the request with its id, sent once, and for nobody else", async () => {
    const gate = gateOf();
    expect(await gate.replica.reserve(requestMeta(), { id: "a", mode: "claim" })).toMatchObject({ kind: "reserved" });
    expect(await gate.send("claim", "b")).toMatchObject({ kind: "refused" });
    const reserved = delivered({ id: "a", mode: "claim", isReserved: true }, "hold", "a");
    const reply = gate.replica.call(reserved);
    expect(await gate.replica.call(reserved)).toMatchObject({ kind: "refused" });
    expect(gate.replica.load).toEqual({ ongoing: 1, queued: 0 });
    gate.let("a");
    expect(valueOf(await reply)).toBe("a");
    expect(gate.replica.load).toEqual({ ongoing: 0, queued: 0 });
  });

  it("may be waited for, and is refused by a full queue", async () => {
    const gate = gateOf({ limits: { maxOngoingRequests: 1, maxQueuedRequests: 1 } });
    const running = gate.send("claim", "a");
    const waiting = gate.replica.reserve(requestMeta(), { id: "b", mode: "queue" });
    expect(await gate.replica.reserve(requestMeta(), { id: "c", mode: "queue" })).toEqual({
      kind: "refused",
      load: { ongoing: 1, queued: 1 },
    });
    await turnOfTheEventLoop();
    gate.let("a");
    await running;
    expect(await waiting).toMatchObject({ kind: "reserved" });
    gate.replica.cancel("b", reason);
  });

  it("is given back after two seconds in which its request does not come, which is then refused", async () => {
    vi.useFakeTimers();
    const gate = gateOf();
    await gate.replica.reserve(requestMeta(), { id: "a", mode: "claim" });
    await vi.advanceTimersByTimeAsync(1999);
    expect(gate.replica.load.ongoing).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(gate.replica.load.ongoing).toBe(0);
    expect(await gate.replica.call(delivered({ id: "a", mode: "claim", isReserved: true }, "hold", "a"))).toMatchObject({
      kind: "refused",
    });
  });

  it("is not taken from a request that came in time", async () => {
    vi.useFakeTimers();
    const gate = gateOf();
    await gate.replica.reserve(requestMeta(), { id: "a", mode: "claim" });
    void gate.replica.call(delivered({ id: "a", mode: "claim", isReserved: true }, "hold", "a"));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(gate.replica.load.ongoing).toBe(1);
  });

  it("is given back at once when its caller is gone, as the platform says by disposing of the grant", async () => {
    const gate = gateOf();
    const running = gate.send("claim", "a");
    const waiting = gate.replica.reserve(requestMeta(), { id: "b", mode: "queue" });
    await turnOfTheEventLoop();
    gate.let("a");
    await running;
    const reservation = await waiting;
    if (reservation.kind !== "reserved") throw new Error(`The reservation is ${reservation.kind}.`);
    expect(gate.replica.load).toEqual({ ongoing: 1, queued: 0 });
    reservation.grant![Symbol.dispose]();
    expect(gate.replica.load).toEqual({ ongoing: 0, queued: 0 });
  });

  it("is not taken from its request when the grant is disposed of afterwards", async () => {
    const gate = gateOf();
    const reservation = await gate.replica.reserve(requestMeta(), { id: "a", mode: "claim" });
    const reply = gate.replica.call(delivered({ id: "a", mode: "claim", isReserved: true }, "hold", "a"));
    if (reservation.kind === "reserved") reservation.grant![Symbol.dispose]();
    expect(gate.replica.load).toEqual({ ongoing: 1, queued: 0 });
    gate.let("a");
    expect(valueOf(await reply)).toBe("a");
  });

  it("is given back at once when its request is cancelled", async () => {
    const gate = gateOf();
    await gate.replica.reserve(requestMeta(), { id: "a", mode: "claim" });
    gate.replica.cancel("a", reason);
    gate.replica.cancel("a", reason);
    expect(gate.replica.load.ongoing).toBe(0);
  });
});

describe("cancelling", () => {
  it("takes a waiting request out of the queue: it never runs", async () => {
    const gate = gateOf();
    void gate.send("claim", "a");
    const waiting = gate.send("queue", "b");
    gate.replica.cancel("b", reason);
    expect(await errorOf(waiting)).toBeInstanceOf(RequestCancelledError);
    await turnOfTheEventLoop();
    gate.let("a");
    await turnOfTheEventLoop();
    expect(gate.begun).toEqual(["a"]);
    expect(gate.replica.load).toEqual({ ongoing: 0, queued: 0 });
  });

  it("aborts the signal of a running request, whose slot it keeps until it ends", async () => {
    const gate = gateOf();
    const running = gate.send("claim", "a");
    await turnOfTheEventLoop();
    gate.replica.cancel("a", reason);
    gate.replica.cancel("a", reason);
    expect([gate.aborted, gate.replica.load.ongoing]).toEqual([[reason], 1]);
    gate.let("a");
    await running;
    expect(gate.replica.load.ongoing).toBe(0);
  });

  it("an unknown request, or one that has ended, changes nothing", async () => {
    const gate = gateOf();
    const running = gate.send("claim", "a");
    await turnOfTheEventLoop();
    gate.replica.cancel("b", reason);
    gate.let("a");
    expect(valueOf(await running)).toBe("a");
    gate.replica.cancel("a", reason);
    expect([gate.aborted, gate.replica.load.ongoing]).toEqual([[], 0]);
  });
});

describe("a request whose deadline passes while it waits", () => {
  it("never runs, and is told so", async () => {
    const clock = new Clock();
    const gate = gateOf({ now: clock.now });
    void gate.send("claim", "a");
    const meta = requestMeta({ hops: 1, deadline: clock.now() + 100 });
    const call = gate.replica.call({ ...delivered({ id: "b", mode: "queue" }, "hold", "b"), meta });
    const http = gate.replica.fetch(new Request("http://host/"), meta, { id: "c", mode: "queue" });
    await turnOfTheEventLoop();
    clock.advance(100);
    gate.let("a");
    expect(await errorOf(call)).toBeInstanceOf(RequestTimeoutError);
    expect(await http).toMatchObject({ status: 408 });
    expect(gate.begun).toEqual(["a"]);
  });
});

describe("a call that waits for a slot behind a call of its own chain", () => {
  const chains = [
    [["news/A", "news/A"], "news/A -> news/A"],
    [["news/A", "news/B", "news/A"], "news/A -> news/B -> news/A"],
  ] as const;

  const scope = { ...replicaScope(), logging: { level: "INFO", accessLog: false } } as const;

  it.each(chains)("is named in the log once it has waited for five seconds: %j", async (chain, named) => {
    vi.useFakeTimers();
    const gate = gateOf({ scope });
    void gate.send("claim", "a");
    const waiting = gate.replica.reserve(requestMeta({ chain }), { id: "b", mode: "queue" });
    await vi.advanceTimersByTimeAsync(4999);
    expect(console.warn).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.mocked(console.warn).mock.calls.flat().join()).toContain(named);
    gate.replica.cancel("b", reason);
    expect(await waiting).toMatchObject({ kind: "error" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not named when it gets its slot, or waits behind others only", async () => {
    vi.useFakeTimers();
    const gate = gateOf({ scope });
    void gate.send("claim", "a");
    void gate.replica.reserve(requestMeta({ chain: ["news/B", "news/A"] }), { id: "b", mode: "queue" });
    const own = gate.replica.reserve(requestMeta({ chain: ["news/A", "news/A"] }), { id: "c", mode: "queue" });
    await vi.advanceTimersByTimeAsync(1000);
    gate.replica.cancel("b", reason);
    gate.let("a");
    expect(await own).toMatchObject({ kind: "reserved" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(console.warn).not.toHaveBeenCalled();
  });
});
