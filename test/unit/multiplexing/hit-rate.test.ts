import { describe, expect, it } from "vitest";
import { zipf } from "../../../bench/multiplexing/popularity.ts";
import { BY_MODEL, RENDEZVOUS, TWO_CHOICES } from "../../../bench/multiplexing/routings.ts";
import { type Scenario, simulate } from "../../../bench/multiplexing/run.ts";
import { seeded } from "../../../bench/simulation/random.ts";

const SCENARIO: Scenario = {
  replicas: 10,
  isolates: 20,
  models: 200,
  maxModels: 8,
  slots: 5,
  perSecond: 80,
  serviceMs: 20,
  loadMs: 200,
  seconds: 12,
  warmUpSeconds: 8,
};

describe("the popularity of models", () => {
  it("follows Zipf's law", () => {
    const draw = zipf(100);
    const random = seeded(1);
    const counts = new Map<string, number>();
    for (let n = 0; n < 50_000; n++) {
      const model = draw(random);
      counts.set(model, (counts.get(model) ?? 0) + 1);
    }
    for (const rank of [2, 5, 10]) {
      const ratio = counts.get("model-1")! / counts.get(`model-${rank}`)!;
      expect(Math.abs(ratio / rank - 1)).toBeLessThan(0.15);
    }
  });
});

describe("routing by model", () => {
  it("finds models loaded more than twice as often as routing by load", async () => {
    const [ours, theirs] = [await simulate(SCENARIO, BY_MODEL, { seed: 1 }), await simulate(SCENARIO, TWO_CHOICES, { seed: 1 })];
    expect(ours.outcome.hitRate).toBeGreaterThan(2 * theirs.outcome.hitRate);
  });

  it("spreads a model that becomes hot, which hashing alone does not, and shrinks back", async () => {
    const hot = { modelId: "model-150", perSecond: 700, from: 8, to: 14 };
    const options = { seed: 1, windowSeconds: 3 };
    const [ours, hashed] = [
      await simulate({ ...SCENARIO, hot }, BY_MODEL, options),
      await simulate({ ...SCENARIO, hot }, RENDEZVOUS, options),
    ];
    const [, during, , after] = ours.windows;
    expect(during!.served).toBeGreaterThanOrEqual(3);
    expect(after!.served).toBeLessThanOrEqual(1);
    expect(during!.p99Ms).toBeLessThan(0.5 * hashed.windows[1]!.p99Ms);
  });

  it("gives equal numbers for equal seeds", async () => {
    const [first, second] = [await simulate(SCENARIO, BY_MODEL, { seed: 2 }), await simulate(SCENARIO, BY_MODEL, { seed: 2 })];
    expect(second).toEqual(first);
  });
});
