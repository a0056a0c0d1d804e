import { describe, expect, it } from "vitest";
import type { Delivery, Refusal } from "../../../src/protocol/messages.ts";
import { parseReplicaId } from "../../../src/protocol/names.ts";
import { initialReplicaSet } from "../../../src/protocol/replica-set.ts";
import { Router } from "../../../src/router/router.ts";
import { configOf } from "../../support/controlled-world.ts";
import { Clock } from "../../support/clock.ts";
import { CALL, refused } from "../../support/scripted-replicas.ts";

type Behave = (ordinal: number, isSpill: boolean) => "taken" | Refusal;

/** A router to up to four replicas, of which as many are in the set. */
function spilling(inSet: number, behave: Behave, spillover = true) {
  const config = configOf({ maxOngoingRequests: 1, autoscaling: { minReplicas: 0, initialReplicas: inSet, maxReplicas: 4, spillover } });
  const asked: string[] = [];
  const router = new Router(
    { app: "app", deployment: "Model" },
    initialReplicaSet("app", "Model", { ...config, numReplicas: inSet }, null),
    {
      random: () => 0.5,
      now: new Clock().now,
      sleep: async () => {},
      connect: ({ name }, learner) => {
        const { ordinal } = parseReplicaId(name)!;
        return {
          async call(_: typeof CALL, delivery: Delivery) {
            const isSpill = delivery.isSpill === true;
            if (delivery.isReserved !== true) asked.push(`${isSpill ? "spill" : delivery.mode} ${ordinal}`);
            const outcome = behave(ordinal, isSpill);
            if (outcome === "taken") return { kind: "value" as const, value: ordinal };
            if (outcome.set !== undefined) learner.learn(outcome.set);
            return outcome;
          },
          fetch: () => Promise.reject(new Error("not used")),
          async reserve(_: unknown, delivery: Delivery) {
            asked.push(`${delivery.mode} ${ordinal}`);
            const outcome = behave(ordinal, false);
            if (outcome === "taken") return { kind: "reserved" as const };
            if (outcome.set !== undefined) learner.learn(outcome.set);
            return outcome;
          },
          cancel: () => {},
        };
      },
    },
  );
  return { router, asked, config };
}

describe("a request", () => {
  it("goes to the set while that has room, and starts nothing", async () => {
    const { router, asked } = spilling(2, () => "taken");
    for (let count = 0; count < 10; count++) await router.call(CALL);
    expect(asked.filter((hop) => hop.startsWith("spill"))).toEqual([]);
  });

  it("that finds queues at every replica of the set starts the next one", async () => {
    const { router, asked } = spilling(2, (_, isSpill) => (isSpill ? "taken" : refused(1, 1)));
    expect(await router.call(CALL)).toMatchObject({ value: 2 });
    expect(asked.at(-1)).toBe("spill 2");
  });

  it("waits in the set where those beyond it refuse too, after three of them at most", async () => {
    let isFull = true;
    const { router, asked } = spilling(1, (ordinal) => {
      if (ordinal === 3) isFull = false;
      return isFull || ordinal > 0 ? refused(1, 1) : "taken";
    });
    expect(await router.call(CALL)).toMatchObject({ value: 0 });
    expect(asked.filter((hop) => hop.startsWith("spill"))).toEqual(["spill 1", "spill 2", "spill 3"]);
    expect(asked.at(-1)).toBe("queue 0");
  });

  it("waits, and starts none, where spillover is off", async () => {
    const { router, asked } = spilling(1, () => refused(1, 1), false);
    await router.call(CALL).catch(() => {});
    expect(asked.some((hop) => hop.startsWith("spill"))).toBe(false);
  });

  it.each([true, false])("starts the first replica where there is none, with spillover %s", async (spillover) => {
    const { router, asked } = spilling(0, () => "taken", spillover);
    expect(await router.call(CALL)).toMatchObject({ value: 0 });
    expect(asked).toEqual(["spill 0"]);
  });

  it("is answered, and not refused, where each replica that refuses brings a newer set", async () => {
    let epoch = 0;
    const { router, asked, config } = spilling(3, () => {
      const set = { ...initialReplicaSet("app", "Model", { ...config, numReplicas: 3 }, null), epoch: ++epoch, spill: [] };
      return epoch > 8 ? "taken" : { ...refused(1, 1), set };
    });
    expect(await router.call(CALL)).toMatchObject({ kind: "value" });
    expect(asked.length).toBeGreaterThan(8);
  });

  it("goes on with the newer set that a refusal brings", async () => {
    const { router, asked, config } = spilling(0, (ordinal, isSpill) => {
      if (!isSpill || ordinal > 0) return "taken";
      return { ...refused(0), set: { ...initialReplicaSet("app", "Model", { ...config, numReplicas: 2 }, null), epoch: 9, spill: [] } };
    });
    await router.call(CALL);
    expect(asked[0]).toBe("spill 0");
    expect(asked.at(-1)).toMatch(/^claim [01]$/);
  });
});
