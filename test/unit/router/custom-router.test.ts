import { describe, expect, it, vi } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import type { CallRequest, ReplicaState } from "../../../src/protocol/messages.ts";
import { initialReplicaSet } from "../../../src/protocol/replica-set.ts";
import type { RequestRouter, RouterCandidate, RouterRequest } from "../../../src/protocol/request-router.ts";
import { customPolicy } from "../../../src/router/policies/custom.ts";
import { Router } from "../../../src/router/router.ts";
import { Clock } from "../../support/clock.ts";
import { requestMeta } from "../../support/scope.ts";

/** A router with an application's own, to two replicas that say what they are told to. */
function ownRouter({ maxOngoingRequests = 2, region }: { maxOngoingRequests?: number; region?: string } = {}) {
  const clock = new Clock();
  const seen: { candidates: readonly RouterCandidate[]; request: RouterRequest }[] = [];
  const problems: string[] = [];
  let choose: RequestRouter = () => 0;
  let answer = (_replica: string): Promise<ReplicaState | undefined> => Promise.resolve(undefined);
  const asked: unknown[] = [];
  const config = deployment(() => 1, {
    name: "Rank",
    numReplicas: 2,
    maxOngoingRequests,
    requestRouter: () => 0,
    placement: { locationHints: ["weur", "enam"] },
  }).resolve();
  const { requestRouter: _, ...rest } = config;
  const set = initialReplicaSet("news", "Rank", { ...rest, requestRouter: "custom" }, null);
  const router: Router = new Router({ app: "news", deployment: "Rank" }, set, {
    random: () => 0,
    now: clock.now,
    sleep: async () => {},
    ...(region === undefined ? {} : { region: () => region }),
    customPolicy: customPolicy(
      (candidates, request) => {
        seen.push({ candidates, request });
        return choose(candidates, request);
      },
      (problem) => problems.push(problem),
    ),
    connect: ({ name }, learner) => ({
      async call(_call, delivery) {
        asked.push(delivery.wantsState);
        const state = await answer(name);
        if (state !== undefined) learner.heard(name, state);
        return { kind: "value", value: name };
      },
      fetch: async () => expect.unreachable(),
      reserve: async () => expect.unreachable(),
      cancel: () => {},
    }),
  });
  const call = (meta: Parameters<typeof requestMeta>[0] = {}, method?: string) =>
    router.call({ meta: requestMeta(meta), method, args: [] } satisfies CallRequest);
  return {
    clock,
    seen,
    problems,
    asked,
    router,
    set,
    call,
    choose: (given: RequestRouter) => (choose = given),
    answer: (given: typeof answer) => (answer = given),
    /** What the next request's router sees of a replica. */
    async next(ordinal: number): Promise<Partial<RouterCandidate>> {
      await call();
      const { inFlight, ongoing, queued, models } = seen.at(-1)!.candidates[ordinal]!;
      return { inFlight, ongoing, queued, models };
    },
  };
}

describe("what an application's own router is told of a request", () => {
  it.each<[string, { meta?: Parameters<typeof requestMeta>[0]; method?: string; region?: string }, RouterRequest]>([
    ["of the default method", {}, { method: "call" }],
    ["of a method", { method: "named" }, { method: "named" }],
    ["with a key", { meta: { key: "k" } }, { method: "call", key: "k" }],
    ["with a model id", { meta: { multiplexedModelId: "m" } }, { method: "call", multiplexedModelId: "m" }],
    ["with both", { meta: { key: "k", multiplexedModelId: "m" } }, { method: "call", key: "k", multiplexedModelId: "m" }],
    ["from a region that is known", { region: "apac" }, { method: "call", region: "apac" }],
  ])("%s", async (_, { meta, method, region }, expected) => {
    const { call, seen } = ownRouter(region === undefined ? {} : { region });
    await call(meta, method);
    expect(seen[0]!.request).toStrictEqual(expected);
  });
});

describe("what an application's own router is told of a replica", () => {
  it("is where it was placed, and nothing else before the replica has said something", async () => {
    const { call, seen } = ownRouter();
    await call();
    expect(seen[0]!.candidates).toStrictEqual(
      ["weur", "enam"].map((region, ordinal) => ({
        replicaId: `news/Rank/${region}/${ordinal}.0`,
        ordinal,
        location: region,
        region,
        inFlight: 0,
        ongoing: 0,
        queued: 0,
        models: [],
      })),
    );
  });

  it("is what the replica said with its last answer, its load for a second, its models for 30", async () => {
    const { answer, next, clock, call } = ownRouter({ maxOngoingRequests: 10 });
    answer(async () => ({ ongoing: 3, queued: 1, models: ["b", "a"] }));
    await call();
    answer(async () => undefined);
    expect(await next(0)).toEqual({ inFlight: 0, ongoing: 3, queued: 1, models: ["b", "a"] });
    expect(await next(1)).toEqual({ inFlight: 0, ongoing: 0, queued: 0, models: [] });
    clock.advance(1001);
    expect(await next(0)).toEqual({ inFlight: 0, ongoing: 0, queued: 0, models: ["b", "a"] });
    clock.advance(30_000);
    expect(await next(0)).toEqual({ inFlight: 0, ongoing: 0, queued: 0, models: [] });
  });

  it("is at least what this caller has there itself", async () => {
    const { answer, next, call } = ownRouter({ maxOngoingRequests: 2 });
    const held = Promise.withResolvers<undefined>();
    answer(() => held.promise);
    const calls = [call(), call(), call()];
    answer(async () => undefined);
    expect(await next(0)).toMatchObject({ inFlight: 3, ongoing: 2, queued: 1 });
    held.resolve(undefined);
    await Promise.all(calls);
    expect(await next(0)).toMatchObject({ inFlight: 0, ongoing: 0, queued: 0 });
  });

  it("can't be changed by the router for the requests that follow", async () => {
    const { answer, choose, next, call, problems } = ownRouter();
    answer(async () => ({ ongoing: 0, queued: 0, models: ["a"] }));
    await call();
    choose(([first]) => (first!.models as string[]).push("b"));
    await call();
    expect(problems).toEqual([expect.stringMatching(/^threw TypeError/)]);
    choose(() => 0);
    expect(await next(0)).toMatchObject({ models: ["a"] });
  });

  it("is forgotten with a replica that leaves the set", async () => {
    const { answer, next, call, router, set } = ownRouter();
    answer(async () => ({ ongoing: 0, queued: 0, models: ["a"] }));
    await call();
    answer(async () => undefined);
    const [first, second] = set.replicas;
    const third = { name: "news/Rank/weur/2.0", locationHint: "weur" };
    router.learn({ ...set, epoch: 1, replicas: [second!, third] });
    router.learn({ ...set, epoch: 2, replicas: [first!, second!] });
    expect(await next(0)).toMatchObject({ models: [] });
  });
});

describe("a replica", () => {
  it("is asked for what it has where there is a choice by an application's own router, and nowhere else", async () => {
    const { call, asked, router, set } = ownRouter();
    await call();
    router.learn({ ...set, epoch: 1, replicas: set.replicas.slice(0, 1) });
    await call();
    router.learn({ ...set, epoch: 2, config: { ...set.config, requestRouter: "powerOfTwoChoices" } });
    await call();
    expect(asked).toEqual([true, undefined, undefined]);
  });
});

it("an application's own router that fails leaves a request to its model, its key, or the load", async () => {
  const { call, choose, answer, problems } = ownRouter();
  const complete = vi.fn<(replica: string) => void>();
  choose(() => 7);
  answer(async (replica) => void complete(replica) as undefined);
  for (let n = 0; n < 3; n++) await call({ multiplexedModelId: "m" });
  for (let n = 0; n < 3; n++) await call({ key: "k" });
  const names = complete.mock.calls.map(([name]) => name);
  expect(new Set(names.slice(0, 3)).size).toBe(1);
  expect(new Set(names.slice(3)).size).toBe(1);
  expect(problems).toHaveLength(6);
});
