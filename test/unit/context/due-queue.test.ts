import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Due, DueQueue } from "../../../src/context/due-queue.ts";

describe("a queue of what is due", () => {
  it("has the earliest first, and of two at the same time the one that was there first, whatever leaves", () => {
    const step = fc.oneof(fc.record({ atMs: fc.integer({ min: 0, max: 20 }) }), fc.record({ remove: fc.nat() }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const queue = new DueQueue();
        const all: Due[] = [];
        let inside: Due[] = [];
        for (const [number, next] of steps.entries()) {
          if ("atMs" in next) {
            const due: Due = { atMs: next.atMs, number, place: -1 };
            queue.add(due);
            all.push(due);
            inside = [...inside, due].toSorted((a, b) => a.atMs - b.atMs || a.number - b.number);
          } else if (all.length > 0) {
            const due = all[next.remove % all.length]!;
            queue.remove(due);
            inside = inside.filter((other) => other !== due);
          }
          expect([queue.first, queue.size]).toEqual([inside[0], inside.length]);
        }
        const left: Due[] = [];
        for (let { first } = queue; first !== undefined; { first } = queue) {
          queue.remove(first);
          left.push(first);
        }
        expect(left).toEqual(inside);
      }),
    );
  });
});
