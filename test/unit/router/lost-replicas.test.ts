import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BackPressureError, ReplicaUnavailableError } from "../../../src/protocol/errors.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { type Behaviour, CALL, type Hop, lost, onlyQueues, refused, scripted } from "../../support/scripted-replicas.ts";

const overloaded = () => Object.assign(new Error("Durable Object is overloaded."), { overloaded: true });
const notStarted = () => new Error("Cannot resolve Durable Object due to transient issue on remote node.");

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

  it.each([
    ["overloaded", overloaded],
    ["out of reach", notStarted],
  ])("never began the request when it was %s, which is tried elsewhere", async (_, error) => {
    const { router, trace, slept } = scripted(failingOnce(error, first));
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 1 });
    expect(trace()).toEqual(["claim 0", "claim 1"]);
    expect(slept).toEqual([10]);
  });
});

describe("a replica lost with a request in its queue", () => {
  const inQueue = ({ mode }: Hop) => mode === "queue";

  it("never began it unless it said so, and the request is tried elsewhere", async () => {
    const { router, trace } = scripted(failingOnce(lost, inQueue, onlyQueues));
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 1 });
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0", "claim 1", "claim 2", "claim 3", "queue 1"]);
  });

  it("[T3] had begun it when it said so, and the request is not sent again", async () => {
    const behave = failingOnce(lost, inQueue, onlyQueues);
    const { router, trace } = scripted((hop) => {
      if (inQueue(hop)) hop.begin();
      return behave(hop);
    });
    expect(await rejectionOf(router.call(CALL))).toBeInstanceOf(ReplicaUnavailableError);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0"]);
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

  it("goes back to an only replica that was out of reach", async () => {
    const { router, trace } = scripted(failingOnce(notStarted, first), { numReplicas: 1 });
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 0 });
    expect(trace()).toEqual(["claim 0", "claim 0"]);
  });
});

describe("a lost replica", () => {
  it("is left out for a while, then asked again, and then longer if it is still lost", async () => {
    let isLost = true;
    const { router, clock, trace } = scripted(({ replica }) => {
      if (replica === 0 && isLost) throw notStarted();
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
        if (isLost) throw notStarted();
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
  const kinds = ["taken", "refused", "lost", "begun, then lost", "overloaded", "out of reach", "unheard-of"] as const;

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
          const isReservation = hop.verb === "reserve";
          if (kind === "refused") return refused(1);
          if (kind === "overloaded") throw overloaded();
          if (kind === "out of reach") throw notStarted();
          if (kind === "begun, then lost" && hop.mode === "queue" && !isReservation) hop.begin();
          if (!isReservation && (kind !== "lost" || hop.mode === "claim" || hop.delivery.isReserved === true)) mayHaveBegun++;
          if (kind === "unheard-of") throw new Error("no such thing");
          if (kind === "taken") return "taken";
          throw lost();
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
        if (outcome instanceof Error) expect([ReplicaUnavailableError, BackPressureError]).toContain(outcome.constructor);
        else expect(outcome).toMatchObject({ kind: "value" });
        expect(hops.length).toBeLessThanOrEqual(2 * (attempts + 1) * (3 + 3));
      }),
      { numRuns: 500 },
    );
  });
});
