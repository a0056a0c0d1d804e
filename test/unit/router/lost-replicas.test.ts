import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeError } from "../../../src/protocol/error-codec.ts";
import { BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError } from "../../../src/protocol/errors.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { type Behaviour, CALL, type Hop, lost, onlyQueues, refused, scripted } from "../../support/scripted-replicas.ts";

const overloaded = () => Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
const NO_START = { ...refused(0), failedStart: encodeError(new DeploymentUnavailableError("It cannot start.")) };

/** Throws at the first message that `matches`, and does as `behave` says otherwise. */
function failingOnce(error: () => Error, matches: (hop: Hop) => boolean, behave: Behaviour = () => "taken"): Behaviour {
  let hasFailed = false;
  return (hop) => {
    if (hasFailed || !matches(hop)) return behave(hop);
    hasFailed = true;
    throw error();
  };
}

const first = () => true;

describe("a replica lost with a claim", () => {
  it("[T3] may have begun the request, which is not sent again", async () => {
    const { router, trace } = scripted(failingOnce(lost, first));
    const error = await rejectionOf(router.call(CALL));
    expect(error).toBeInstanceOf(ReplicaUnavailableError);
    expect((error as Error).message).toContain("It may have begun the request, which is therefore not sent again.");
    expect(trace()).toEqual(["claim 0"]);
  });

  it("[T3] is no reason to fail where the deployment allows running twice", async () => {
    const { router, trace } = scripted(failingOnce(lost, first), { options: { retries: { onlyIfNotStarted: false } } });
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 1 });
    expect(trace()).toEqual(["claim 0", "claim 1"]);
  });

  it("never began the request when it was overloaded, which is tried elsewhere", async () => {
    const { router, trace, slept } = scripted(failingOnce(overloaded, first));
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 1 });
    expect(trace()).toEqual(["claim 0", "claim 1"]);
    expect(slept).toEqual([10]);
  });

  it.each([
    "Cannot resolve Durable Object due to transient issue on remote node.",
    "Your account is generating too much load on Durable Objects. Please back off and try again later.",
    "something new",
  ])("[T3] may have begun the request whatever the platform says: %s", async (message) => {
    const { router, trace } = scripted(failingOnce(() => new Error(message), first));
    expect(await rejectionOf(router.call(CALL))).toMatchObject({ code: "REPLICA_UNAVAILABLE", status: 502, retryAfterMs: undefined });
    expect(trace()).toEqual(["claim 0"]);
  });
});

describe("a request that a lost replica may have begun, and that is sent again", () => {
  it.each<[string, Behaviour]>([
    ["refused by all others", ({ replica }) => (replica === 0 ? "taken" : refused(1, 1000))],
    ["not started by the others", ({ replica }) => (replica === 0 ? "taken" : NO_START)],
  ])("has begun for its caller when it is %s", async (_, others) => {
    const { router } = scripted(
      (hop) => {
        if (hop.replica === 0) throw lost();
        return others(hop);
      },
      { options: { retries: { attempts: 5, onlyIfNotStarted: false }, maxQueuedRequests: 1 } },
    );
    expect(await rejectionOf(router.call(CALL))).toMatchObject({ code: "REPLICA_UNAVAILABLE", status: 502, retryAfterMs: undefined });
  });
});

describe("a replica whose instance does not start", () => {
  it.each(["claim", "queue"] as const)("has not begun the request, which is tried elsewhere after a pause: %s", async (mode) => {
    const { router, trace, slept } = scripted((hop) => {
      if (hop.verb === "reserve") return "taken";
      if (hop.replica === 0 && hop.mode === mode) return NO_START;
      return mode === "queue" && hop.mode === "claim" && hop.replica < 3 ? refused(1) : "taken";
    });
    expect(await router.call(CALL)).toMatchObject({ kind: "value" });
    expect(trace().filter((hop) => hop.endsWith(" 0"))).toEqual(mode === "claim" ? ["claim 0"] : ["claim 0", "queue 0"]);
    expect(slept).toEqual([10]);
  });

  it("is not asked again when there is no other, and its caller is told why", async () => {
    const { router, trace } = scripted(() => NO_START, { numReplicas: 2, options: { retries: { attempts: 5 } } });
    expect(await rejectionOf(router.call(CALL))).toMatchObject({
      code: "DEPLOYMENT_UNAVAILABLE",
      message: "It cannot start.",
      status: 503,
    });
    expect(trace()).toEqual(["claim 0", "claim 1"]);
  });
});

describe("a replica lost with a request in its queue", () => {
  const inQueue = ({ mode }: Hop) => mode === "queue";

  it("never began it while it waited for its slot, and the request is tried elsewhere", async () => {
    const { router, trace } = scripted(failingOnce(lost, (hop) => inQueue(hop) && hop.verb === "reserve", onlyQueues));
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 1 });
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0", "claim 1", "claim 2", "claim 3", "queue 1"]);
  });

  it("[T3] may have begun it once it had been sent, and the request is not sent again", async () => {
    const { router, trace } = scripted(failingOnce(lost, (hop) => inQueue(hop) && hop.verb === "call", onlyQueues));
    expect(await rejectionOf(router.call(CALL))).toMatchObject({ code: "REPLICA_UNAVAILABLE", status: 502, retryAfterMs: undefined });
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0"]);
  });

  it("asks the next one when the slot that was kept for it had been given back", async () => {
    const { router, trace } = scripted((hop) => (hop.verb === "call" && inQueue(hop) && hop.replica === 0 ? refused(1) : onlyQueues(hop)));
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 1 });
    expect(trace().slice(3)).toEqual(["queue 0", "queue 1"]);
  });
});

describe("a request that is tried again", () => {
  it.each([0, 1, 2, 5])("is so at most %i times, each after a pause", async (attempts) => {
    const { router, trace, slept } = scripted(
      () => {
        throw overloaded();
      },
      { numReplicas: 10, options: { retries: { attempts } } },
    );
    expect(await rejectionOf(router.call(CALL))).toBeInstanceOf(ReplicaUnavailableError);
    expect(trace()).toEqual(Array.from({ length: attempts + 1 }, (_, ordinal) => `claim ${ordinal}`));
    expect(slept).toEqual([10, 20, 40, 80, 160].slice(0, attempts));
  });

  it("never goes back to a replica that was overloaded, even if there is no other", async () => {
    const { router, trace } = scripted(
      () => {
        throw overloaded();
      },
      { numReplicas: 2, options: { retries: { attempts: 5 } } },
    );
    const error = await rejectionOf(router.call(CALL));
    expect(error).toBeInstanceOf(ReplicaUnavailableError);
    expect(trace()).toEqual(["claim 0", "claim 1"]);
  });

  it("goes back to an only replica that was lost before the request had been sent", async () => {
    const { router, trace } = scripted(
      failingOnce(lost, (hop) => hop.verb === "reserve", onlyQueues),
      { numReplicas: 1 },
    );
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 0 });
    expect(trace()).toEqual(["claim 0", "queue 0", "claim 0", "queue 0"]);
  });
});

describe("a lost replica", () => {
  it("is left out for a while, then asked again, and then longer if it is still lost", async () => {
    let isLost = true;
    const { router, clock, trace } = scripted(({ replica }) => {
      if (replica === 0 && isLost) throw overloaded();
      return "taken";
    });
    await router.call(CALL);
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 1"]);
    clock.advance(250);
    await router.call(CALL);
    clock.advance(499);
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 1"]);
    clock.advance(1);
    isLost = false;
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0"]);
  });

  it("is asked when all are lost: there is nobody else", async () => {
    let isLost = true;
    const { router } = scripted(
      () => {
        if (isLost) throw lost();
        return "taken";
      },
      { numReplicas: 2 },
    );
    await rejectionOf(router.call(CALL));
    isLost = false;
    expect(await router.call(CALL)).toMatchObject({ kind: "value" });
  });
});

describe("whatever the replicas do", () => {
  const kinds = ["taken", "refused", "lost", "overloaded", "no start", "unheard-of"] as const;

  it("[T2][T3][T4] a request is at one replica at a time, begins at most once, and ends in an answer or one of our errors", async () => {
    const situation = fc.record({
      numReplicas: fc.integer({ min: 1, max: 6 }),
      attempts: fc.integer({ min: 0, max: 4 }),
      outcomes: fc.infiniteStream(fc.constantFrom(...kinds)),
      isOnce: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(situation, async ({ numReplicas, attempts, outcomes, isOnce }) => {
        let atOnce = 0;
        let mayHaveBegun = 0;
        const act = (hop: Hop): "taken" | ReturnType<typeof refused> => {
          const kind = outcomes.next().value as (typeof kinds)[number];
          if (kind === "refused") return refused(1);
          if (kind === "no start") return NO_START;
          if (kind === "overloaded") throw overloaded();
          if (hop.verb !== "reserve") mayHaveBegun++;
          if (kind === "taken") return "taken";
          throw kind === "lost" ? lost() : new Error("no such thing");
        };
        const { router, hops } = scripted(
          async (hop) => {
            expect(++atOnce).toBe(1);
            await Promise.resolve();
            atOnce--;
            return act(hop);
          },
          { numReplicas, options: { retries: { attempts } } },
        );
        const outcome: unknown = await router.call(isOnce ? { ...CALL, isOnce: true } : CALL).catch((error: unknown) => error);
        expect(mayHaveBegun).toBeLessThanOrEqual(1);
        if (outcome instanceof Error)
          expect([ReplicaUnavailableError, BackPressureError, DeploymentUnavailableError]).toContain(outcome.constructor);
        else expect(outcome).toMatchObject({ kind: "value" });
        expect(hops.length).toBeLessThanOrEqual(2 * (attempts + 1) * (3 + 3));
      }),
      { numRuns: 500 },
    );
  });
});
