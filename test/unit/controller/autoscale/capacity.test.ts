import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adjustByCapacity } from "../../../../src/config/target-capacity.ts";
import { replicaBounds } from "../../../../src/controller/autoscale/capacity.ts";
import { configOf } from "../../../support/autoscale-input.ts";

describe("the target capacity", () => {
  it.each([
    { replicas: 10, capacity: undefined, adjusted: 10 },
    { replicas: 10, capacity: null, adjusted: 10 },
    { replicas: 10, capacity: 100, adjusted: 10 },
    { replicas: 10, capacity: 50, adjusted: 5 },
    { replicas: 5, capacity: 50, adjusted: 3 },
    { replicas: 3, capacity: 50, adjusted: 2 },
    { replicas: 7, capacity: 50, adjusted: 4 },
    { replicas: 10, capacity: 33, adjusted: 3 },
    { replicas: 10, capacity: 34.9, adjusted: 3 },
    { replicas: 10, capacity: 35, adjusted: 4 },
    { replicas: 1, capacity: 10, adjusted: 1 },
    { replicas: 10, capacity: 0.1, adjusted: 1 },
    { replicas: 10, capacity: 0, adjusted: 0 },
    { replicas: 0, capacity: 50, adjusted: 0 },
    { replicas: 0, capacity: 0, adjusted: 0 },
  ])("makes $replicas replicas $adjusted at $capacity percent", ({ replicas, capacity, adjusted }) => {
    expect(adjustByCapacity(replicas, capacity)).toBe(adjusted);
  });

  it("adjusts both bounds", () => {
    const config = configOf({ minReplicas: 4, initialReplicas: 8, maxReplicas: 20 });
    expect(replicaBounds(config)).toEqual({ min: 4, max: 20 });
    expect(replicaBounds(config, { targetCapacity: 50 })).toEqual({ min: 2, max: 10 });
    expect(replicaBounds(config, { targetCapacity: 0 })).toEqual({ min: 0, max: 0 });
  });

  it("has the initial number as the lower bound while it goes up, and the smallest one on its way down", () => {
    const config = configOf({ minReplicas: 4, initialReplicas: 8, maxReplicas: 20 });
    expect(replicaBounds(config, { targetCapacity: 50, targetCapacityDirection: "up" })).toEqual({ min: 4, max: 10 });
    expect(replicaBounds(config, { targetCapacity: 50, targetCapacityDirection: "down" })).toEqual({ min: 2, max: 10 });
  });

  it("never turns the bounds around", () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50)),
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.constantFrom("up", "down", undefined),
        (numbers, targetCapacity, targetCapacityDirection) => {
          const [minReplicas, initialReplicas, maxReplicas] = numbers.toSorted((a, b) => a - b) as [number, number, number];
          const { min, max } = replicaBounds(configOf({ minReplicas, initialReplicas, maxReplicas }), {
            targetCapacity,
            targetCapacityDirection,
          });
          expect(min).toBeLessThanOrEqual(max);
        },
      ),
    );
  });
});
