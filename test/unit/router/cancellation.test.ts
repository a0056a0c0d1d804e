import { describe, expect, it, vi } from "vitest";
import { Cancellation } from "../../../src/protocol/cancellation.ts";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { requestMeta } from "../../support/scope.ts";
import { CALL, onlyQueues, refused, scripted } from "../../support/scripted-replicas.ts";

const reason = new RequestCancelledError("The request was cancelled by its caller.");

describe("a cancellation", () => {
  it("tells whoever listens just then, once", () => {
    const cancellation = new Cancellation();
    const [before, now] = [vi.fn(), vi.fn()];
    cancellation.listen(before);
    cancellation.listen(now);
    cancellation.check();
    cancellation.cancel(reason);
    cancellation.cancel(new Error("again"));
    expect(before).not.toHaveBeenCalled();
    expect(now.mock.calls).toEqual([[reason]]);
    expect(() => cancellation.check()).toThrow(reason);
  });
});

describe("a request that is cancelled", () => {
  it("before it is sent goes nowhere", async () => {
    const cancellation = new Cancellation();
    cancellation.cancel(reason);
    const { router, trace } = scripted(() => "taken");
    expect(await rejectionOf(router.call(CALL, cancellation))).toBe(reason);
    expect(trace()).toEqual([]);
  });

  it("while a replica refuses it is sent to no other", async () => {
    const cancellation = new Cancellation();
    const { router, trace } = scripted(() => {
      cancellation.cancel(reason);
      return refused(1);
    });
    expect(await rejectionOf(router.call(CALL, cancellation))).toBe(reason);
    expect(trace()).toEqual(["claim 0"]);
  });

  it.each([
    ["runs", () => new Promise<never>(() => {}), "claim 0"],
    ["waits", ({ mode }: { mode: string }) => (mode === "claim" ? refused(1) : new Promise<never>(() => {})), "queue 0"],
  ] as const)("while it %s is stopped at the replica where it is, under its id", async (_, behave, last) => {
    const cancellation = new Cancellation();
    const { router, hops, cancelled, trace } = scripted(behave);
    void router.call(CALL, cancellation);
    await turnOfTheEventLoop();
    cancellation.cancel(reason);
    expect(cancelled).toEqual([{ replica: 0, id: hops.at(-1)!.delivery.id, reason }]);
    expect(trace().at(-1)).toBe(last);
  });

  it("between two attempts is not tried again", async () => {
    const cancellation = new Cancellation();
    const { router, trace, slept } = scripted(
      () => {
        throw Object.assign(new Error("overloaded"), { overloaded: true });
      },
      { sleep: () => cancellation.cancel(reason) },
    );
    expect(await rejectionOf(router.call(CALL, cancellation))).toBe(reason);
    expect([trace(), slept.length]).toEqual([["claim 0"], 1]);
  });

  it("while a slot is kept for it gives the slot back, and goes nowhere else", async () => {
    const cancellation = new Cancellation();
    const { router, hops, cancelled, trace } = scripted(({ delivery }) => {
      cancellation.cancel(reason);
      return delivery.isReserved === true ? refused(0) : "taken";
    });
    expect(await rejectionOf(router.call({ ...CALL, isOnce: true }, cancellation))).toBe(reason);
    expect(cancelled).toEqual([{ replica: 0, id: hops[0]!.delivery.id, reason }]);
    expect(trace()).toEqual(["reserve claim 0", "reserved 0"]);
  });

  it("after its answer changes nothing", async () => {
    const cancellation = new Cancellation();
    const { router, cancelled } = scripted(() => "taken");
    await router.call(CALL, cancellation);
    cancellation.cancel(reason);
    expect(cancelled).toEqual([]);
  });

  it("in a broadcast is stopped at every replica that has not answered", async () => {
    const cancellation = new Cancellation();
    const { router, cancelled } = scripted(({ replica }) => (replica === 1 ? "taken" : new Promise<never>(() => {})), { numReplicas: 3 });
    void router.broadcast(CALL, cancellation);
    await turnOfTheEventLoop();
    cancellation.cancel(reason);
    expect(cancelled.map(({ replica }) => replica)).toEqual([0, 2]);
  });
});

describe("an HTTP request whose client goes away", () => {
  it("while it waits leaves the queue", async () => {
    const client = new AbortController();
    const { router, hops, cancelled, trace } = scripted((hop) => (hop.mode === "queue" ? new Promise<never>(() => {}) : onlyQueues(hop)));
    void router.fetch(new Request("http://host/", { signal: client.signal }), requestMeta());
    await turnOfTheEventLoop();
    client.abort();
    expect(cancelled).toEqual([{ replica: 0, id: hops.at(-1)!.delivery.id, reason: expect.any(RequestCancelledError) }]);
    expect(trace().at(-1)).toBe("queue 0");
  });

  it("while it is refused is not put in a queue", async () => {
    const client = new AbortController();
    const { router, trace } = scripted(({ replica }) => {
      if (replica === 2) client.abort();
      return refused(1);
    });
    const error = await rejectionOf(router.fetch(new Request("http://host/", { signal: client.signal }), requestMeta()));
    expect(error).toBeInstanceOf(RequestCancelledError);
    expect(trace()).toEqual(["fetch claim 0", "fetch claim 1", "fetch claim 2"]);
  });
});
