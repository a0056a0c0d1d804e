import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import type { Candidate, Policy } from "../../../src/router/policy.ts";
import { customPolicy, customPolicyOf } from "../../../src/router/policies/custom.ts";
import { policyOf } from "../../../src/router/ordering.ts";
import { powerOfTwoChoices } from "../../../src/router/policies/power-of-two-choices.ts";
import { byModel } from "../../../src/router/policies/by-model.ts";
import type { RequestMeta } from "../../../src/protocol/messages.ts";
import type { RequestRouter } from "../../../src/protocol/request-router.ts";
import { requestMeta } from "../../support/scope.ts";
import { rendezvous } from "../../../src/router/policies/rendezvous.ts";
import { seeded } from "../../../bench/simulation/random.ts";
import { candidatesOf, describePolicy, randomOf } from "../../support/describe-policy.ts";

describePolicy("powerOfTwoChoices", powerOfTwoChoices);
describePolicy("rendezvous", rendezvous);
describePolicy(
  "custom, with a router that takes the last candidate",
  customPolicy(
    (candidates) => candidates.length - 1,
    () => {},
  ),
);

describe("two choices", () => {
  it("draws every ordered pair equally often", () => {
    for (const count of [2, 3, 5, 8]) {
      const pairs = new Set<string>();
      for (let first = 0; first < count; first++) {
        for (let second = 0; second < count - 1; second++) {
          const random = randomOf([(first + 0.5) / count, (second + 0.5) / (count - 1)]);
          pairs.add(powerOfTwoChoices({ candidates: candidatesOf(Array(count).fill(0)), affinity: undefined, random }, 2).join());
        }
      }
      expect(pairs.size).toBe(count * (count - 1));
    }
  });

  it("draws two for each place, and puts the less loaded first, so the most loaded never is", () => {
    const fractions = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(100), { minLength: 2, maxLength: 9 }), fractions, (loads, randoms) => {
        const [first, second] = powerOfTwoChoices({ candidates: candidatesOf(loads), affinity: undefined, random: randomOf(randoms) }, 2);
        expect(loads[first!]).toBeLessThan(loads[second!]!);
        const better = loads.filter((load) => load < loads[second!]!).length;
        // Four of at most nine were drawn, and two of those were worse than both.
        expect(better).toBeLessThanOrEqual(Math.max(1, loads.length - 3));
      }),
    );
  });

  it("takes one that refuses less often, of equally loaded ones only", () => {
    const order = (a: Partial<Candidate>, b: Partial<Candidate>) =>
      powerOfTwoChoices({ candidates: [a, b].map((given) => ({ name: "", load: 1, ...given })), affinity: undefined, random: () => 0 }, 2);
    expect(order({ refusals: 0.3 }, { refusals: 0.2 })).toEqual([1, 0]);
    expect(order({ refusals: 0.2 }, { refusals: 0.3 })).toEqual([0, 1]);
    expect(order({ refusals: 0.1 }, {})).toEqual([1, 0]);
    expect(order({ refusals: 1 }, { load: 2 })).toEqual([0, 1]);
  });

  it.each([1, 2, 3])("gives each of equal replicas its share of every place: %i claims", (count) => {
    const random = seeded(count);
    const candidates = candidatesOf(Array(7).fill(0));
    const places = Array.from({ length: count }, () => new Map<number, number>());
    const draws = 7000;
    for (let draw = 0; draw < draws; draw++) {
      powerOfTwoChoices({ candidates, affinity: undefined, random }, count).forEach((index, place) => {
        places[place]!.set(index, (places[place]!.get(index) ?? 0) + 1);
      });
    }
    // Five standard deviations of a fair draw.
    for (const place of places) {
      for (let index = 0; index < 7; index++) expect(Math.abs(place.get(index)! - draws / 7)).toBeLessThan(5 * Math.sqrt(draws / 7));
    }
  });
});

describe("two choices with near and far replicas", () => {
  const near = (index: number, refusals = 0): Candidate => ({ name: `near-${index}`, load: 0, isNear: true, refusals });
  const far = (index: number): Candidate => ({ name: `far-${index}`, load: 0, isNear: false });
  const namesOf = (candidates: readonly Candidate[], count: number, seed = 1) =>
    powerOfTwoChoices({ candidates, affinity: undefined, random: seeded(seed) }, count).map((index) => candidates[index]!.name);
  const flags = fc.array(fc.record({ isNear: fc.boolean(), load: fc.nat(3), refusals: fc.double({ min: 0, max: 1, noNaN: true }) }));

  it("asks near ones first, and a far one last", () => {
    for (let seed = 0; seed < 50; seed++) {
      const names = namesOf([far(0), near(0), far(1), near(1), near(2), far(2)], 3, seed);
      expect(names.map((name) => name.split("-")[0])).toEqual(["near", "near", "far"]);
    }
    expect(namesOf([far(0), near(0), far(1)], 1)).toEqual(["near-0"]);
  });

  it("does not prefer a near one that mostly refuses", () => {
    expect(namesOf([near(0, 0.5), far(0)], 2)).toEqual(["far-0", "near-0"]);
    expect(namesOf([near(0, 0.49), far(0)], 2)).toEqual(["near-0", "far-0"]);
  });

  it("asks all where all are near, or none is", () => {
    expect(namesOf([near(0), near(1)], 3).toSorted()).toEqual(["near-0", "near-1"]);
    expect(namesOf([far(0), far(1)], 3).toSorted()).toEqual(["far-0", "far-1"]);
  });

  it("still gives as many as are wanted, each once", () => {
    fc.assert(
      fc.property(flags, fc.integer({ min: 1, max: 6 }), fc.nat(), (given, count, seed) => {
        const names = namesOf(
          given.map((flag, index) => ({ name: String(index), ...flag })),
          count,
          seed,
        );
        expect(names).toHaveLength(Math.min(count, given.length));
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });
});

describe("rendezvous hashing", () => {
  const keys = Array.from({ length: 3000 }, (_, index) => `user-${index}`);
  const namesFor = (candidates: readonly Candidate[], affinity: string) =>
    rendezvous({ candidates, affinity, random: Math.random }, candidates.length).map((index) => candidates[index]!.name);

  it("orders the replicas alike for equal keys, however they are listed and loaded", () => {
    const shuffled = fc.shuffledSubarray(candidatesOf(Array(9).fill(0)), { minLength: 9 });
    fc.assert(
      fc.property(fc.string(), shuffled, fc.array(fc.nat(9), { minLength: 9, maxLength: 9 }), (key, listed, loads) => {
        const loaded = listed.map(({ name }, index) => ({ name, load: loads[index]! }));
        expect(namesFor(loaded, key)).toEqual(namesFor(candidatesOf(Array(9).fill(0)), key));
      }),
    );
  });

  it("moves the keys of a replica that goes, and no others", () => {
    const all = candidatesOf(Array(7).fill(0));
    for (const gone of all) {
      const left = all.filter((candidate) => candidate !== gone);
      for (const key of keys.slice(0, 200)) expect(namesFor(left, key)).toEqual(namesFor(all, key).filter((name) => name !== gone.name));
    }
  });

  it.each([2, 3, 7, 20])("spreads keys evenly over %i replicas, second choices too", (count) => {
    const candidates = candidatesOf(Array(count).fill(0));
    for (const choice of [0, 1]) {
      const counts = new Map<string, number>();
      for (const key of keys) {
        const name = namesFor(candidates, key)[choice]!;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      const mean = keys.length / count;
      // Four standard deviations of a fair draw.
      for (const { name } of candidates) expect(Math.abs((counts.get(name) ?? 0) - mean)).toBeLessThan(4 * Math.sqrt(mean));
    }
  });
});

describe("an application's own request router", () => {
  const candidates = [
    { name: "news/Rank/weur/0.0", load: 3 },
    { name: "news/Rank/enam/1.2", load: 0 },
  ];

  it("sees the candidates and the request as its type names them", () => {
    const seen: Parameters<RequestRouter>[] = [];
    const policy = customPolicy((...given) => {
      seen.push(given);
      return 1;
    }, expect.unreachable);
    const [weur, enam] = [candidates[0]!, { ...candidates[1]!, state: { ongoing: 4, queued: 2, models: ["m"] } }];
    const request = { key: "k", multiplexedModelId: "m", method: "rank", region: "weur" };
    expect(policy({ candidates: [weur, enam], affinity: "m", request, random: () => 0 }, 2)).toEqual([1, 0]);
    expect(seen).toEqual([
      [
        [
          { replicaId: "news/Rank/weur/0.0", ordinal: 0, location: "weur", region: "weur", inFlight: 3, ongoing: 3, queued: 0, models: [] },
          {
            replicaId: "news/Rank/enam/1.2",
            ordinal: 1,
            location: "enam",
            region: "enam",
            inFlight: 0,
            ongoing: 4,
            queued: 2,
            models: ["m"],
          },
        ],
        request,
      ],
    ]);
  });

  it("sees no region of a replica that was placed nowhere", () => {
    let region: unknown = "none was given";
    const policy = customPolicy(([first]) => {
      region = first!.region;
      return 0;
    }, expect.unreachable);
    policy({ candidates: candidatesOf([0, 0]), affinity: undefined, random: () => 0 }, 1);
    expect(region).toBeUndefined();
  });

  const BAD: Record<string, { readonly choose: RequestRouter; readonly problem: string }> = {
    "returns -1": { choose: () => -1, problem: "must return the index of one of its 2 candidates, got -1" },
    "returns 2": { choose: () => 2, problem: "must return the index of one of its 2 candidates, got 2" },
    "returns a fraction": { choose: () => 0.5, problem: "must return the index of one of its 2 candidates, got 0.5" },
    "returns NaN": { choose: () => NaN, problem: "must return the index of one of its 2 candidates, got NaN" },
    "returns nothing": { choose: () => undefined as never, problem: "must return the index of one of its 2 candidates, got undefined" },
    "returns text": { choose: () => "0" as never, problem: 'must return the index of one of its 2 candidates, got "0"' },
    "returns a list": { choose: () => [0, 1] as never, problem: "must return the index of one of its 2 candidates, got an array" },
    "is asynchronous": {
      choose: () => Promise.reject(new Error("late")) as never,
      problem: "must return the index of one of its 2 candidates, got a promise",
    },
    "returns what has no text": {
      choose: () => Object.create(null) as never,
      problem: "must return the index of one of its 2 candidates, got an object",
    },
    throws: {
      choose: () => {
        throw new RangeError("no");
      },
      problem: "threw RangeError: no",
    },
    "throws what has no text": {
      choose: () => {
        throw Object.create(null);
      },
      problem: "threw something that cannot be shown as text",
    },
    "changes what it is given": {
      choose: (given) => (given as unknown as unknown[]).splice(0).length,
      problem: "must return the index of one of its 2 candidates, got 2",
    },
  };

  it.each(Object.keys(BAD))("that %s costs no request: it is routed without it, and the log says so once a minute", (how) => {
    vi.useFakeTimers({ now: 1000 });
    const { choose, problem } = BAD[how]!;
    const warnings: string[] = [];
    const bound = deployment(() => 1, { name: "Rank", requestRouter: choose }).bind();
    const { customPolicy: policy } = customPolicyOf(bound, (message) => warnings.push(message));
    for (let n = 0; n < 3; n++) {
      for (const affinity of [undefined, "k"]) {
        const order = policy!(
          { candidates, affinity, random: () => 0, otherwise: affinity === undefined ? powerOfTwoChoices : rendezvous },
          2,
        );
        expect(order.toSorted()).toEqual([0, 1]);
        if (affinity !== undefined) expect(order).toEqual(rendezvous({ candidates, affinity, random: () => 0 }, 2));
      }
    }
    const message = `The requestRouter of deployment "Rank" ${problem}. Requests are routed without it.`;
    expect(warnings).toEqual([message]);
    vi.setSystemTime(61_000);
    policy!({ candidates, affinity: undefined, random: () => 0 }, 1);
    expect(warnings).toEqual([message, message]);
    vi.useRealTimers();
  });

  it("is taken from the deployment's options", () => {
    const own = deployment(() => 1, { name: "Rank", requestRouter: () => 1 }).bind();
    const named = deployment(() => 1, { name: "Rank", requestRouter: "consistentHash" }).bind();
    const { customPolicy: policy } = customPolicyOf(own, expect.unreachable);
    expect(policy?.({ candidates, affinity: undefined, random: () => 0 }, 1)).toEqual([1]);
    expect([customPolicyOf(named, expect.unreachable), customPolicyOf(undefined, expect.unreachable)]).toEqual([{}, {}]);
  });
});

describe("the policy of a request", () => {
  const own = customPolicy(() => 0, expect.unreachable);
  const models = byModel(10);
  const chosen = (router: "powerOfTwoChoices" | "consistentHash" | "custom", meta: Partial<RequestMeta>, custom?: Policy) =>
    policyOf({ router, custom, byModel: models }, requestMeta(meta));

  it("is by model for a request with a model id, hashing for one with a key, and two choices for others", () => {
    for (const router of ["powerOfTwoChoices", "consistentHash"] as const) {
      expect(chosen(router, {})).toBe(powerOfTwoChoices);
      expect(chosen(router, { key: "k" })).toBe(rendezvous);
      expect(chosen(router, { multiplexedModelId: "fr", key: "k" })).toBe(models);
    }
  });

  it("is the application's own where it has one", () => {
    for (const meta of [{}, { key: "k" }, { multiplexedModelId: "fr" }]) expect(chosen("custom", meta, own)).toBe(own);
    expect(chosen("custom", {})).toBe(powerOfTwoChoices);
  });
});
