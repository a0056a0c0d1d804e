import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byModel } from "../../../src/router/policies/by-model.ts";
import type { Candidate } from "../../../src/router/policy.ts";
import { rendezvous } from "../../../src/router/policies/rendezvous.ts";
import { candidatesOf, describePolicy } from "../../support/describe-policy.ts";

const LIMIT = 3;

describePolicy("byModel", byModel(LIMIT));

const situation = fc.record({
  model: fc.string(),
  known: fc.array(fc.record({ load: fc.nat(5), hasModel: fc.option(fc.boolean(), { nil: undefined }) }), { minLength: 1, maxLength: 10 }),
});

const candidatesIn = (known: readonly { load: number; hasModel: boolean | undefined }[]): Candidate[] =>
  candidatesOf(known.map(({ load }) => load)).map((candidate, index) => {
    const { hasModel } = known[index]!;
    return hasModel === undefined ? candidate : { ...candidate, hasModel };
  });

const orderOf = (candidates: readonly Candidate[], model: string) =>
  byModel(LIMIT)({ candidates, affinity: model, random: Math.random }, candidates.length);

describe("routing by model", () => {
  it("is rendezvous hashing as long as nothing is known", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 12 }), (model, count) => {
        const candidates = candidatesOf(Array(count).fill(0));
        expect(orderOf(candidates, model)).toEqual(rendezvous({ candidates, affinity: model, random: Math.random }, count));
      }),
    );
  });

  it("puts who has the model first while there is room, then who has room, then who has the model", () => {
    fc.assert(
      fc.property(situation, ({ model, known }) => {
        const candidates = candidatesIn(known);
        const order = orderOf(candidates, model).map((index) => candidates[index]!);
        const kinds = order.map(({ load, hasModel }) => [load < LIMIT, hasModel === true]);
        const kind = (kinds: readonly boolean[]) => ["true,true", "true,false", "false,true", "false,false"].indexOf(kinds.join());
        expect(kinds.map(kind)).toEqual(kinds.map(kind).toSorted());
      }),
    );
  });

  it("keeps the order of the hash among those that are alike, so that callers agree", () => {
    fc.assert(
      fc.property(situation, ({ model, known }) => {
        const candidates = candidatesIn(known);
        const hashed = rendezvous({ candidates, affinity: model, random: Math.random }, candidates.length);
        for (const isLoaded of [true, false]) {
          for (const hasModel of [true, false]) {
            const alike = (index: number) =>
              candidates[index]!.load >= LIMIT === isLoaded && (candidates[index]!.hasModel ?? false) === hasModel;
            expect(orderOf(candidates, model).filter(alike)).toEqual(hashed.filter(alike));
          }
        }
      }),
    );
  });

  it("spreads a hot model to as many replicas as it needs, and shrinks back to the first of them", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (model, running) => {
        const candidates = candidatesOf(Array(10).fill(0)).map((candidate) => ({ ...candidate, hasModel: false }));
        const hashed = rendezvous({ candidates, affinity: model, random: Math.random }, 10);
        for (let n = 0; n < running; n++) {
          const chosen = candidates[orderOf(candidates, model)[0]!]!;
          chosen.load++;
          chosen.hasModel = true;
        }
        const used = candidates.flatMap(({ load }, index) => (load > 0 ? [index] : []));
        expect(new Set(used)).toEqual(new Set(hashed.slice(0, Math.ceil(running / LIMIT))));
        for (const candidate of candidates) candidate.load = 0;
        expect(orderOf(candidates, model)[0]).toBe(hashed[0]);
      }),
    );
  });

  it("stays with a replica that has the model when the first in the order is new", () => {
    const candidates = candidatesOf(Array(5).fill(0));
    const [first, second] = orderOf(candidates, "fr") as [number, number];
    const known = candidates.map((candidate, index) => ({ ...candidate, hasModel: index === second }));
    expect(orderOf(known, "fr").slice(0, 2)).toEqual([second, first]);
  });
});
