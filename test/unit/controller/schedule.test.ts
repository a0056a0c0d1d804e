import fc from "fast-check";
import { expect, it } from "vitest";
import { Schedule } from "../../../src/controller/schedule.ts";

it("a schedule knows what is due first, whatever was set, changed and taken back", () => {
  const change = fc.record({ key: fc.nat(12), timeMs: fc.option(fc.nat(40), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(fc.oneof(change, fc.nat(40)), { maxLength: 80 }), (changes) => {
      const schedule = new Schedule<number>();
      const known = new Map<number, number>();
      for (const one of changes) {
        if (typeof one === "number") {
          const due = [...schedule.due(one)];
          const expected = [...known].filter(([, timeMs]) => timeMs <= one);
          expect(due.toSorted()).toEqual(expected.map(([key]) => key).toSorted());
          expect(due.map((key) => known.get(key)!)).toEqual(expected.map(([, timeMs]) => timeMs).toSorted((a, b) => a - b));
          for (const key of due) known.delete(key);
        } else {
          schedule.set(one.key, one.timeMs);
          if (one.timeMs === undefined) known.delete(one.key);
          else known.set(one.key, one.timeMs);
        }
        expect(schedule.size).toBe(known.size);
        expect(schedule.first?.timeMs).toBe(known.size === 0 ? undefined : Math.min(...known.values()));
      }
    }),
  );
});
