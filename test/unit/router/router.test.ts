import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import {
  BackPressureError,
  DeploymentUnavailableError,
  ReplicaUnavailableError,
  SerializationError,
} from "../../../src/protocol/errors.ts";
import type { CallRequest, Reply } from "../../../src/protocol/messages.ts";
import { initialReplicaSet, type ReplicaRef } from "../../../src/router/replica-set.ts";
import { type ReplicaConnection, Router } from "../../../src/router/router.ts";
import { requestMeta } from "../../support/scope.ts";

const request: CallRequest = { meta: requestMeta({ hops: 1 }), method: "score", args: [] };

function setOf(numReplicas: number, locationHints: readonly string[] = []) {
  return initialReplicaSet("news", "Rank", deployment(() => 1, { name: "Rank", numReplicas, placement: { locationHints } }).resolve());
}

/** A router whose replicas answer with their names, unless `fail` throws. */
function routerOf(numReplicas: number, fail: (replica: ReplicaRef) => void = () => {}, random: () => number = Math.random): Router {
  const connect = (replica: ReplicaRef): ReplicaConnection => ({
    async call(): Promise<Reply> {
      fail(replica);
      return { kind: "value", value: replica.name };
    },
    async fetch(): Promise<Response> {
      fail(replica);
      return new Response(replica.name);
    },
  });
  return new Router("news", "Rank", setOf(numReplicas), { connect, random });
}

const throwing = (error: unknown) => () => {
  throw error;
};

async function answerOf(router: Router): Promise<unknown> {
  const reply = await router.call(request);
  return reply.kind === "value" ? reply.value : reply;
}

describe("the replicas that a deployment starts with", () => {
  it("are numbered from 0, spread over the location hints in order", () => {
    expect(setOf(3)).toMatchObject({
      epoch: 0,
      replicas: [{ name: "news/Rank/-/0.0" }, { name: "news/Rank/-/1.0" }, { name: "news/Rank/-/2.0" }],
    });
    expect(setOf(3, ["weur", "enam"]).replicas).toEqual([
      { name: "news/Rank/weur/0.0", locationHint: "weur" },
      { name: "news/Rank/enam/1.0", locationHint: "enam" },
      { name: "news/Rank/weur/2.0", locationHint: "weur" },
    ]);
    expect(setOf(0).replicas).toEqual([]);
  });
});

describe("a router", () => {
  it("reaches every replica, and no other", async () => {
    for (const count of [1, 2, 7]) {
      const reached = new Set<unknown>();
      for (let attempt = 0; attempt < 60 * count; attempt++) reached.add(await answerOf(routerOf(count)));
      expect([...reached].toSorted()).toEqual(setOf(count).replicas.map(({ name }) => name));
    }
  });

  it("reaches some replica whatever the random numbers are", async () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.infiniteStream(random), async (count, stream) => {
        const router = routerOf(
          count,
          () => {},
          () => stream.next().value as number,
        );
        expect(setOf(count).replicas.map(({ name }) => name)).toContain(await answerOf(router));
      }),
    );
  });

  it("gives HTTP requests to a replica as well", async () => {
    const response = await routerOf(1).fetch(new Request("http://host/"), requestMeta());
    expect(await response.text()).toBe("news/Rank/-/0.0");
  });

  it("without replicas says so, for calls and for HTTP", async () => {
    const router = routerOf(0);
    const sentence = 'Deployment "Rank" of application "news" has no replicas. Set numReplicas to at least 1.';
    await expect(router.call(request)).rejects.toThrow(new DeploymentUnavailableError(sentence));
    await expect(router.fetch(new Request("http://host/"), requestMeta())).rejects.toThrow(DeploymentUnavailableError);
    expect(await router.broadcast(request)).toEqual([]);
  });

  it("[T2] names the replica that was lost, and keeps the platform's error as the cause", async () => {
    const lost = Object.assign(new Error("Network connection lost."), { retryable: false });
    const error: unknown = await routerOf(1, throwing(lost))
      .call(request)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ReplicaUnavailableError);
    expect(error).toMatchObject({ message: expect.stringContaining('"news/Rank/-/0.0"'), cause: lost });
  });

  it("[T2] says which call could not be sent", async () => {
    const refusal = new DOMException('Could not serialize object of type "Document".', "DataCloneError");
    const error: unknown = await routerOf(1, throwing(refusal))
      .call(request)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toMatchObject({ message: expect.stringContaining('"Rank.score"') });
  });

  it("passes errors of edge-serve on", async () => {
    const full = new BackPressureError("full");
    await expect(routerOf(1, throwing(full)).call(request)).rejects.toBe(full);
  });

  it("asks every replica in a broadcast, and answers in their order", async () => {
    const failSecond = ({ name }: ReplicaRef) => {
      if (name.endsWith("/1.0")) throw new Error("Network connection lost.");
    };
    expect(await routerOf(3, failSecond).broadcast(request)).toEqual([
      { status: "fulfilled", value: { kind: "value", value: "news/Rank/-/0.0" } },
      { status: "rejected", reason: expect.any(ReplicaUnavailableError) },
      { status: "fulfilled", value: { kind: "value", value: "news/Rank/-/2.0" } },
    ]);
  });
});
