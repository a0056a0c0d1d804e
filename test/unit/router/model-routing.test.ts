import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import type { Reply } from "../../../src/protocol/messages.ts";
import { initialReplicaSet } from "../../../src/protocol/replica-set.ts";
import { Router } from "../../../src/router/router.ts";
import { Clock } from "../../support/clock.ts";
import { requestMeta } from "../../support/scope.ts";
import { lost, refused } from "../../support/scripted-replicas.ts";

/** A router to four replicas of two slots, and which of them were asked; `behave` says what comes of each request. */
function routerTo(behave: (count: number) => Reply) {
  const config = deployment(() => 1, { name: "Rank", numReplicas: 4, maxOngoingRequests: 2 }).resolve();
  const clock = new Clock();
  const asked: string[] = [];
  let count = 0;
  const unused = () => {
    throw new Error("Only calls are made.");
  };
  const router = new Router(
    { app: "news", deployment: "Rank" },
    { ...initialReplicaSet("news", "Rank", config, null), spill: [] },
    {
      random: () => 0.5,
      now: clock.now,
      sleep: async () => {},
      connect: ({ name }) => ({
        call: async () => {
          asked.push(name);
          return behave(++count);
        },
        fetch: unused,
        reserve: unused,
        cancel: () => {},
      }),
    },
  );
  const call = (multiplexedModelId: string) =>
    router.call({ meta: requestMeta({ hops: 1, multiplexedModelId }), method: "score", args: [] });
  return { call, clock, asked: () => asked.splice(0) };
}

const taken: Reply = { kind: "value", value: 1 };

describe("a router of requests for models", () => {
  it("asks the replica that answered for the model before, which need not be the first by hash", async () => {
    const { call, asked } = routerTo((count) => (count === 1 ? refused(2) : taken));
    await call("fr");
    const [first, second] = asked();
    await call("fr");
    expect(asked()).toEqual([second]);
    expect(first).not.toBe(second);
  });

  it("goes by hash again when it has not heard of the model for long", async () => {
    const { call, asked, clock } = routerTo((count) => (count === 1 ? refused(2) : taken));
    await call("fr");
    const [first] = asked();
    clock.advance(60_000);
    await call("fr");
    expect(asked()).toEqual([first]);
  });

  it("goes elsewhere when those that have the model hold twice what they run", async () => {
    const { call, asked } = routerTo((count) => (count === 2 ? refused(2, 2) : taken));
    await call("fr");
    const [holder] = asked();
    await call("fr");
    const [again, other] = asked();
    await call("fr");
    expect([again, asked()]).toEqual([holder, [other]]);
  });

  it("forgets what a lost replica had", async () => {
    const { call, asked, clock } = routerTo((count) => {
      if (count === 1) return refused(2);
      if (count === 3) throw lost();
      return taken;
    });
    await call("fr");
    const [first, holder] = asked();
    await call("fr").catch(() => {});
    expect(asked()[0]).toBe(holder);
    clock.advance(1000);
    await call("fr");
    expect(asked()).toEqual([first]);
  });
});
