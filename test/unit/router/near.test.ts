import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { initialReplicaSet } from "../../../src/protocol/replica-set.ts";
import { Router } from "../../../src/router/router.ts";
import { requestMeta } from "../../support/scope.ts";

/** Six replicas, two in each region, and which of them a caller there asks. */
async function askedFrom(region: string | undefined, isFull: (name: string) => boolean = () => false): Promise<Set<string>> {
  const placement = { locationHints: ["weur", "enam", "apac"] };
  const config = deployment(() => 1, { name: "Rank", numReplicas: 6, placement }).resolve();
  const taken = new Set<string>();
  const router = new Router({ app: "news", deployment: "Rank" }, initialReplicaSet("news", "Rank", config, null), {
    random: Math.random,
    now: () => 0,
    sleep: async () => {},
    region: () => region,
    connect: ({ name }) => ({
      async call() {
        if (isFull(name)) return { kind: "refused", load: { ongoing: 100, queued: 0 } };
        taken.add(name);
        return { kind: "value", value: 1 };
      },
      fetch: () => Promise.reject(new Error("unused")),
      reserve: () => Promise.reject(new Error("unused")),
      cancel: () => {},
    }),
  });
  for (let count = 0; count < 100; count++) await router.call({ meta: requestMeta({ hops: 1 }), method: undefined, args: [] });
  return taken;
}

describe("a caller whose region is known", () => {
  it("asks the replicas of its region", async () => {
    expect([...(await askedFrom("enam"))].toSorted()).toEqual(["news/Rank/enam/1.0", "news/Rank/enam/4.0"]);
  });

  it("goes further when those are full", async () => {
    const taken = await askedFrom("enam", (name) => name.includes("enam"));
    expect(taken.size).toBeGreaterThan(0);
    expect([...taken].some((name) => name.includes("enam"))).toBe(false);
  });

  it("asks any where there is none of its region, or the region is not known", async () => {
    expect((await askedFrom("oc")).size).toBe(6);
    expect((await askedFrom(undefined)).size).toBe(6);
  });
});
