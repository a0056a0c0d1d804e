import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeSet, encodeSet } from "../../../src/protocol/news.ts";
import { initialReplicaSet, type ReplicaRef, replicaRef, type ReplicaSet, routerConfigOf } from "../../../src/protocol/replica-set.ts";
import { configOf } from "../../support/controlled-world.ts";

const config = configOf();
const hints = fc.array(fc.constantFrom("weur", "enam", "apac"), { maxLength: 5 });
const ordinal = fc.nat(2000);
const identity = fc.record({ ordinal, incarnation: fc.constantFrom(0, 0, 0, 1, 12) });

/** Replicas of one deployment, as a controller makes them; some from before its hints changed. */
const refs = fc
  .tuple(hints, hints, fc.array(identity, { maxLength: 30 }), fc.nat(40), fc.nat(3))
  .map(([before, after, odd, count, old]) => {
    const make = (locationHints: string[], { ordinal, incarnation }: { ordinal: number; incarnation: number }) =>
      replicaRef({ app: "my-app", deployment: "Model", config: { placement: { locationHints } }, ordinal, incarnation });
    const regular = Array.from({ length: count }, (_, index) => make(index < old ? before : after, { ordinal: index, incarnation: 0 }));
    return [...regular, ...odd.map((one) => make(after, one))];
  });
const anyRef: fc.Arbitrary<ReplicaRef> = fc.record({ name: fc.string() });
const sets: fc.Arbitrary<ReplicaSet> = fc.record({
  epoch: fc.nat(),
  replicas: fc.oneof({ weight: 5, arbitrary: refs }, { weight: 1, arbitrary: fc.array(anyRef) }),
  spill: refs,
  config: fc.constant(routerConfigOf(config)),
  routePrefix: fc.option(fc.string({ unit: "binary" }).map((path) => `/${path}`)),
});

describe("a replica set as news", () => {
  it("[N1, N2] is read as it was written, from ASCII", () => {
    fc.assert(
      fc.property(sets, (set) => {
        const text = encodeSet(set);
        expect(text).toMatch(/^[ -~]*$/);
        expect(decodeSet(text)).toEqual(set);
      }),
    );
  });

  it("is no longer with 1,000 replicas in nine places than a header may be", () => {
    const placement = { locationHints: ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as never[] };
    const set = initialReplicaSet("application", "Deployment", { ...config, numReplicas: 1000, placement }, "/");
    expect(decodeSet(encodeSet(set))).toEqual(set);
    expect(encodeSet(set).length).toBeLessThan(500);
  });
});
