import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import {
  BackPressureError,
  DeploymentUnavailableError,
  ReplicaUnavailableError,
  SerializationError,
} from "../../../src/protocol/errors.ts";
import { powerOfTwoChoices } from "../../../src/router/policies/power-of-two-choices.ts";
import { initialReplicaSet } from "../../../src/protocol/replica-set.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { requestMeta } from "../../support/scope.ts";
import { type Behaviour, CALL, lost, onlyQueues, refused, scripted } from "../../support/scripted-replicas.ts";

function setOf(numReplicas: number, locationHints: readonly string[] = []) {
  return initialReplicaSet(
    "news",
    "Rank",
    deployment(() => 1, { name: "Rank", numReplicas, placement: { locationHints } }).resolve(),
    null,
  );
}

const taken = () => "taken" as const;
const get = () => new Request("http://host/");

const throwing = (error: unknown) => () => {
  throw error;
};

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
  it.each([1, 2, 7])("reaches each of %i replicas, and no other", async (numReplicas) => {
    const reached: number[] = [];
    for (let draw = 0; draw < numReplicas; draw++) {
      const random = () => (draw + 0.5) / numReplicas;
      const { router, hops } = scripted(() => "taken", {
        numReplicas,
        policy: (input, count) => powerOfTwoChoices({ ...input, random }, count),
      });
      await router.call(CALL);
      reached.push(hops[0]!.replica);
    }
    expect(reached).toEqual(Array.from({ length: numReplicas }, (_, ordinal) => ordinal));
  });

  it("gives HTTP requests to a replica as well", async () => {
    const { router, trace } = scripted(taken);
    expect(await (await router.fetch(get(), requestMeta())).text()).toBe("0");
    expect(trace()).toEqual(["fetch claim 0"]);
  });

  it("without replicas says so, for calls and for HTTP", async () => {
    const { router } = scripted(taken, { numReplicas: 0 });
    const sentence = 'Deployment "Rank" of application "news" has no replicas. Set numReplicas to at least 1.';
    await expect(router.call(CALL)).rejects.toThrow(new DeploymentUnavailableError(sentence));
    await expect(router.fetch(get(), requestMeta())).rejects.toThrow(DeploymentUnavailableError);
    expect(await router.broadcast(CALL)).toEqual([]);
  });

  it("[T1] takes a new connection for each attempt", async () => {
    const { router, connections } = scripted(onlyQueues);
    await router.call(CALL);
    expect(connections()).toBe(4);
    await router.call(CALL);
    expect(connections()).toBe(8);
  });

  it("[T2] names the replica that was lost, and keeps the platform's error as the cause", async () => {
    const cause = lost();
    const error = await rejectionOf(scripted(throwing(cause)).router.call(CALL));
    expect(error).toBeInstanceOf(ReplicaUnavailableError);
    expect(error).toMatchObject({ message: expect.stringContaining('"news/Rank/-/0.0"'), cause });
  });

  it("[T2] says which call could not be sent", async () => {
    const refusal = new DOMException('Could not serialize object of type "Document".', "DataCloneError");
    const error = await rejectionOf(scripted(throwing(refusal)).router.call(CALL));
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toMatchObject({ message: expect.stringContaining('"Rank.score"') });
  });

  it("passes errors of edge-serve on, and sends nothing again", async () => {
    const full = new BackPressureError("full");
    const { router, trace } = scripted(throwing(full));
    await expect(router.call(CALL)).rejects.toBe(full);
    expect(trace()).toEqual(["claim 0"]);
  });

  it("asks every replica in a broadcast to take it in turn, and answers in their order", async () => {
    const { router, trace } = scripted(({ replica }) => {
      if (replica === 1) throw lost();
      return replica === 2 ? refused(1) : "taken";
    });
    expect(await router.broadcast(CALL)).toEqual([
      { status: "fulfilled", value: { kind: "value", value: 0 } },
      { status: "rejected", reason: expect.any(ReplicaUnavailableError) },
      { status: "rejected", reason: expect.any(BackPressureError) },
      { status: "fulfilled", value: { kind: "value", value: 3 } },
    ]);
    expect(trace()).toEqual(["queue 0", "queue 1", "queue 2", "queue 3"]);
  });
});

describe("claim, then queue", () => {
  it("runs the request where the first slot is free", async () => {
    const { router, trace } = scripted(({ replica }) => (replica === 0 ? refused(1) : "taken"));
    expect(await router.call(CALL)).toEqual({ kind: "value", value: 1 });
    expect(trace()).toEqual(["claim 0", "claim 1"]);
  });

  it("waits at the least loaded of those that refused", async () => {
    const { router, trace } = scripted(({ mode, replica }) => (mode === "queue" ? "taken" : refused(5, [3, 1, 2, 0][replica])));
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 1"]);
  });

  it("waits at the first that refused when all are as loaded", async () => {
    const { router, trace } = scripted(onlyQueues);
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0"]);
  });

  it("claims at an only replica, then waits there", async () => {
    const { router, trace } = scripted(onlyQueues, { numReplicas: 1 });
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "queue 0"]);
  });

  it("tries all queues that it has seen, the least loaded first", async () => {
    const { router, trace } = scripted(({ mode, replica }) => (mode === "queue" && replica === 0 ? "taken" : refused(9 - replica)), {
      numReplicas: 8,
    });
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 2", "queue 1", "queue 0"]);
  });

  it("asks no queue that was full a moment ago, but those of others", async () => {
    const full = { maxQueuedRequests: 7 };
    const { router, trace } = scripted(
      ({ mode, replica }) => (mode === "queue" && replica > 3 ? "taken" : refused(9, replica === 1 ? 6 : 7)),
      { numReplicas: 8, options: full },
    );
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 1", "queue 3", "queue 4"]);
  });

  it("asks any queue where they have no limit", async () => {
    const { router, trace } = scripted(({ mode }) => (mode === "queue" ? "taken" : refused(5, 9)), { options: { maxQueuedRequests: -1 } });
    await router.call(CALL);
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0"]);
  });

  it("gives up when three queues are full, and says when to come back", async () => {
    const options = { maxOngoingRequests: 3, maxQueuedRequests: 7, backpressure: { statusCode: 429, retryAfterMs: 2500 } } as const;
    const { router, trace } = scripted(() => refused(1), { numReplicas: 8, options });
    const error = await rejectionOf(router.call(CALL));
    expect(error).toBeInstanceOf(BackPressureError);
    expect(error).toMatchObject({
      status: 429,
      retryAfterMs: 2500,
      message:
        'Request dropped due to backpressure: all 8 replicas of "Rank" run 3 requests each (maxOngoingRequests) and hold 7 waiting each ' +
        "(maxQueuedRequests). Retry after 3 s.",
    });
    expect(trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0", "queue 1", "queue 2"]);
  });
});

describe("claims under saturation", () => {
  /** Two slots, and four that wait: as long as it takes to run two. */
  const longQueues: Behaviour = ({ mode }) => (mode === "claim" ? refused(2, 4) : "taken");

  async function saturate({ router, hops }: ReturnType<typeof scripted>): Promise<void> {
    for (let request = 0; request < 4; request++) await router.call(CALL);
    hops.length = 0;
  }

  it("are not made when those before met long queues: a request takes one hop", async () => {
    const deployed = scripted(longQueues);
    await deployed.router.call(CALL);
    expect(deployed.trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0"]);
    await deployed.router.call(CALL);
    expect(deployed.trace()).toEqual(["queue 0"]);
  });

  it("are made while queues are short, however often they are refused", async () => {
    const deployed = scripted(({ mode }) => (mode === "claim" ? refused(2, 3) : "taken"));
    for (let request = 0; request < 50; request++) {
      await deployed.router.call(CALL);
      expect(deployed.trace()).toEqual(["claim 0", "claim 1", "claim 2", "queue 0"]);
    }
  });

  it("are not made when full queues were short ones", async () => {
    const deployed = scripted(({ mode }) => (mode === "claim" ? refused(100, 3) : "taken"), { options: { maxQueuedRequests: 3 } });
    await saturate(deployed);
    await deployed.router.call(CALL);
    expect(deployed.trace()).toEqual(["queue 0"]);
  });

  it("are made one at a time after some seconds, until one finds a slot", async () => {
    let isOver = false;
    const deployed = scripted((hop) => (isOver ? "taken" : longQueues(hop)));
    await saturate(deployed);
    deployed.clock.advance(3000);
    await deployed.router.call(CALL);
    expect(deployed.trace()).toEqual(["claim 0", "queue 0"]);
    deployed.clock.advance(3000);
    isOver = true;
    for (let request = 0; request < 3; request++) await deployed.router.call(CALL);
    expect(deployed.trace()).toEqual(["claim 0", "claim 0", "claim 0"]);
  });

  it("leave the choice of a queue to what is known of two replicas", async () => {
    let isFull = false;
    const deployed = scripted((hop) => (isFull && hop.replica === 0 ? refused(2, 9) : longQueues(hop)));
    await saturate(deployed);
    isFull = true;
    await deployed.router.call(CALL);
    await deployed.router.call(CALL);
    expect(deployed.trace()).toEqual(["queue 0", "queue 1", "queue 1"]);
  });

  it("still end in back pressure when all are full", async () => {
    let isFull = false;
    const deployed = scripted((hop) => (isFull ? refused(1) : longQueues(hop)));
    await saturate(deployed);
    isFull = true;
    expect(await rejectionOf(deployed.router.call(CALL))).toBeInstanceOf(BackPressureError);
    expect(deployed.trace()).toEqual(["queue 0", "queue 1", "queue 2"]);
  });
});
