import { describe, expect, it } from "vitest";
import { type Change, converge } from "../../../bench/simulation/convergence.ts";

describe("a change of the replica set", () => {
  const changes: readonly Change[] = [
    { before: 20, after: 40 },
    { before: 40, after: 20 },
    { before: 20, after: 20 },
  ];

  it.each(changes)("reaches every isolate by its own requests, fails none, and is obeyed by those it removes: %o", async (change) => {
    const { ms, requests, fromRemoved, failed } = await converge(change, 100, 7);
    expect({ fromRemoved, failed }).toEqual({ fromRemoved: 0, failed: 0 });
    expect(requests.median).toBeLessThanOrEqual(2);
    // Replicas hear of it for 100 ms: an isolate asks ten times a second, and may meet those that have not.
    expect(requests.last).toBeLessThanOrEqual(10);
    expect(ms.last).toBeLessThan(2000);
  });

  it("costs messages in vain only where replicas are removed", async () => {
    const [more, fewer] = [await converge(changes[0]!, 100, 7), await converge(changes[1]!, 100, 7)];
    expect(more.extraHops).toBe(0);
    expect(fewer.extraHops).toBeGreaterThan(0);
    expect(fewer.extraHops).toBeLessThan(2);
  });
});
