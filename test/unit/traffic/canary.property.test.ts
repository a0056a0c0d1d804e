import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CanaryRoute } from "../../../src/protocol/traffic.ts";
import { cellsIn } from "../../../src/traffic/cells.ts";
import { errorPercentOf, type Figures, noFigures, plus, requestsIn } from "../../../src/traffic/figures.ts";
import { applied, judged, NO_TRAFFIC, ordered, reported, tableOf, type TrafficState, wakeAtMs } from "../../../src/traffic/state.ts";
import { routesStatus } from "../../../src/traffic/status.ts";
import { answers, CANARY, report } from "../../support/measured-traffic.ts";

const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("answers" as const),
      application: fc.constantFrom("v1", "v2"),
      requests: fc.nat(40),
      errors: fc.constantFrom(0, 0, 0, 0, 1, 30),
      ms: fc.constantFrom(20, 20, 20, 25, 200),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.constantFrom(1000, 100_000, 300_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("promote" as const, "rollback" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("document" as const), maxErrorPercent: fc.constantFrom(1, 1, 5) }) },
);

describe("a canary", () => {
  it("[A1] [A2] [J1] [J2] [J3] goes up only step by step, on enough good requests of its own, in any order of events", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let nowMs = 0;
        let config: CanaryRoute = { prefix: "/", canary: CANARY };
        let state = applied(NO_TRAFFIC, [config], nowMs);
        let sinceMs = 0;
        const told = new Map<string, Figures>();
        const of = (application: string, window: number) => told.get(`${application}/${window}`) ?? noFigures();
        const look = (next: TrafficState, isOrdered: boolean, isOther = false) => {
          const [before, after] = [state, next].map((one) => routesStatus(one, nowMs)["/"]!) as [Status, Status];
          const [last, now] = [windowOf(state), windowOf(next)];
          state = JSON.parse(JSON.stringify(next)) as TrafficState;
          const { cells } = tableOf(state).entries[0]!;
          expect([cellsIn(cells, "v1"), cellsIn(cells, "v2")]).toEqual([10_000 - after.percent! * 100, after.percent! * 100]);
          if (last === now && before.state === after.state) return;
          if (!isOrdered && !isOther) {
            expect(before.state, "[A2]").toBe("PROGRESSING");
            const own = of("v2", last!);
            expect(requestsIn(own), "[J1]").toBeGreaterThanOrEqual(CANARY.minRequests);
            if (after.state !== "ROLLED_BACK") {
              expect(errorPercentOf(own), "[J2]").toBeLessThanOrEqual(config.canary.maxErrorPercent);
              expect(nowMs - sinceMs, "[J3]").toBeGreaterThanOrEqual(CANARY.stepIntervalMs);
              const steps = CANARY.steps.indexOf(before.percent!) + 1;
              expect(after.percent, "[A1]").toBe(CANARY.steps[steps] ?? 100);
              expect(after.state, "[A1]").toBe(steps < CANARY.steps.length ? "PROGRESSING" : "PROMOTED");
            }
          }
          if (isOther) expect([after.state, after.percent]).toEqual(["PROGRESSING", 5]);
          sinceMs = nowMs;
        };
        for (const one of events) {
          const window = windowOf(state) ?? 0;
          if (one.kind === "answers") {
            const key = `${one.application}/${window}`;
            const { requests, errors, ms } = one;
            told.set(key, plus(told.get(key) ?? noFigures(), answers(requests, { errors: Math.min(errors, requests), ms })));
            look(reported(state, report(one.application, window, told.get(key)!), nowMs), false);
          } else if (one.kind === "document") {
            const { maxErrorPercent } = one;
            const isOther = maxErrorPercent !== config.canary.maxErrorPercent;
            config = { prefix: "/", canary: { ...CANARY, maxErrorPercent } };
            look(applied(state, [config], nowMs), false, isOther);
          } else if (one.kind === "time") {
            const endMs = nowMs + one.ms;
            for (let atMs = wakeAtMs(state); atMs !== undefined && atMs <= endMs; atMs = wakeAtMs(state)) {
              nowMs = Math.max(nowMs, atMs);
              look(judged(state, nowMs), false);
            }
            nowMs = endMs;
          } else look(ordered(state, { prefix: "/", kind: one.kind }, nowMs)!, true);
          // Over a limit with enough requests it is back at once, whatever else happened.
          const status = routesStatus(state, nowMs)["/"]!;
          const own = of("v2", windowOf(state) ?? -1);
          const isBad = requestsIn(own) >= CANARY.minRequests && errorPercentOf(own) > config.canary.maxErrorPercent;
          if (isBad) expect(status.state, "[J2]").not.toBe("PROGRESSING");
        }
      }),
      { numRuns: 500 },
    );
  });
});

type Status = ReturnType<typeof routesStatus>[string];

function windowOf(state: TrafficState): number | undefined {
  return tableOf(state).entries[0]?.canary?.window;
}
