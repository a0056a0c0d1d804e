import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import type { Candidate } from "../../../src/router/policy.ts";
import { type ChooseReplica, customPolicy, customPolicyOf } from "../../../src/router/policies/custom.ts";
import { policyOf } from "../../../src/router/policies/policy-of.ts";
import { powerOfTwoChoices } from "../../../src/router/policies/power-of-two-choices.ts";
import { rendezvous } from "../../../src/router/policies/rendezvous.ts";
import { candidatesOf, describePolicy, randomOf } from "../../support/describe-policy.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";

describePolicy("powerOfTwoChoices", powerOfTwoChoices);
describePolicy("rendezvous", rendezvous);
describePolicy(
  "custom, with a router that takes the last candidate",
  customPolicy((candidates) => candidates.length - 1),
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

  it("puts the less loaded of both first, so the most loaded of all never is", () => {
    const fractions = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(100), { minLength: 2, maxLength: 9 }), fractions, (loads, randoms) => {
        const [first, second] = powerOfTwoChoices({ candidates: candidatesOf(loads), affinity: undefined, random: randomOf(randoms) }, 2);
        expect(loads[first!]).toBeLessThan(loads[second!]!);
        expect(loads[first!]).not.toBe(Math.max(...loads));
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

  it("sees the candidates as the contract names them, and the key", () => {
    const seen: Parameters<ChooseReplica>[] = [];
    const policy = customPolicy((...given) => {
      seen.push(given);
      return 1;
    });
    expect(policy({ candidates, affinity: "k", random: () => 0 }, 2)).toEqual([1, 0]);
    policy({ candidates, affinity: undefined, random: () => 0 }, 1);
    const expected = [
      { replicaId: "news/Rank/weur/0.0", ordinal: 0, location: "weur", inFlight: 3 },
      { replicaId: "news/Rank/enam/1.2", ordinal: 1, location: "enam", inFlight: 0 },
    ];
    expect(seen).toEqual([
      [expected, { key: "k" }],
      [expected, {}],
    ]);
  });

  it.each([-1, 2, 0.5, Number.NaN, undefined, "0"])("that returns %s is told what it may return", (given) => {
    const policy = customPolicy(() => given as number);
    expect(() => policy({ candidates, affinity: undefined, random: () => 0 }, 2)).toThrow(
      new ConfigError(`requestRouter must return the index of one of its 2 candidates, got ${String(given)}.`),
    );
  });

  it("is taken from the deployment's options", () => {
    const own = deployment(() => 1, { name: "Rank", requestRouter: () => 1 }).bind();
    const named = deployment(() => 1, { name: "Rank", requestRouter: "consistentHash" }).bind();
    const { customPolicy: policy } = customPolicyOf(own);
    expect(policy?.({ candidates, affinity: undefined, random: () => 0 }, 1)).toEqual([1]);
    expect([customPolicyOf(named), customPolicyOf(undefined)]).toEqual([{}, {}]);
  });
});

describe("the policy of a request", () => {
  const own = customPolicy(() => 0);

  it("is hashing for a request with a key or a model id, and two choices for others", () => {
    expect(policyOf("powerOfTwoChoices", undefined, undefined)).toBe(powerOfTwoChoices);
    expect(policyOf("consistentHash", undefined, undefined)).toBe(powerOfTwoChoices);
    expect(policyOf("powerOfTwoChoices", "k", undefined)).toBe(rendezvous);
    expect(policyOf("consistentHash", "k", undefined)).toBe(rendezvous);
  });

  it("is the application's own where it has one", () => {
    expect([policyOf("custom", undefined, own), policyOf("custom", "k", own)]).toEqual([own, own]);
    expect(policyOf("custom", undefined, undefined)).toBe(powerOfTwoChoices);
  });
});
