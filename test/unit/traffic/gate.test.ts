import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CanaryConfig } from "../../../src/protocol/traffic.ts";
import { errorPercentOf, type Figures, noFigures, p95Of, requestsIn } from "../../../src/traffic/figures.ts";
import { judge } from "../../../src/traffic/gate.ts";
import { answers, CANARY } from "../../support/measured-traffic.ts";

interface Row {
  readonly candidate: Figures;
  readonly stable?: Figures;
  readonly isOver?: boolean;
  readonly limits?: Partial<CanaryConfig>;
}

const GOOD = answers(60);
const STABLE = answers(1000);

describe("the gate", () => {
  it.each<[string, string, Row]>([
    ["wait", "without a request", { candidate: noFigures() }],
    ["wait", "with one request too few", { candidate: answers(49) }],
    ["wait", "with one request too few, of which all failed", { candidate: answers(49, { errors: 49 }) }],
    ["wait", "with one request too few, all of them slow", { candidate: answers(49, { ms: 10_000 }) }],
    ["on", "with just as many requests as it takes", { candidate: answers(50) }],
    ["wait", "before the interval has passed", { candidate: GOOD, isOver: false }],
    ["back", "before the interval has passed, over the limit of errors", { candidate: answers(60, { errors: 1 }), isOver: false }],
    ["back", "before the interval has passed, over the limit of latency", { candidate: answers(60, { ms: 40 }), isOver: false }],
    ["on", "with as many errors as are allowed", { candidate: answers(100, { errors: 1 }) }],
    ["back", "with one error more", { candidate: answers(100, { errors: 2 }) }],
    ["on", "at 7 of 100 errors where 7 % are allowed", { candidate: answers(100, { errors: 7 }), limits: { maxErrorPercent: 7 } }],
    ["on", "with no error where none is allowed", { candidate: answers(60), limits: { maxErrorPercent: 0 } }],
    ["back", "with one error where none is allowed", { candidate: answers(10_000, { errors: 1 }), limits: { maxErrorPercent: 0 } }],
    ["on", "with errors only where all are allowed", { candidate: answers(60, { errors: 60 }), limits: { maxErrorPercent: 100 } }],
    ["on", "as fast as the stable one where it must be", { candidate: answers(60), limits: { maxP95Ratio: 1 } }],
    [
      "on",
      "a tick of the clock slower than the stable one, however short both are",
      { candidate: answers(60, { ms: 2 }), stable: answers(60, { ms: 0 }) },
    ],
    [
      "back",
      "several times slower than a stable one that takes no time",
      { candidate: answers(60, { ms: 5 }), stable: answers(60, { ms: 0 }) },
    ],
    [
      "on",
      "slower than allowed where there is no stable one to compare with",
      { candidate: answers(60, { ms: 5000 }), stable: noFigures() },
    ],
    ["back", "with errors where there is no stable one to compare with", { candidate: answers(60, { errors: 9 }), stable: noFigures() }],
    ["on", "while the stable one has errors", { candidate: GOOD, stable: answers(60, { errors: 60 }) }],
  ])("says %s %s", (kind, _, { candidate, stable = STABLE, isOver = true, limits = {} }) => {
    expect(judge({ ...CANARY, ...limits }, { candidate, stable, isOver }).kind).toBe(kind);
  });

  const figures = fc
    .record({ requests: fc.nat(120), errors: fc.nat(12), ms: fc.nat(500) })
    .map(({ requests, errors, ms }) => answers(requests, { errors: Math.min(errors, requests), ms }));
  const limits = fc.record({
    minRequests: fc.integer({ min: 1, max: 100 }),
    maxErrorPercent: fc.double({ min: 0, max: 100, noNaN: true }),
    maxP95Ratio: fc.double({ min: 0.5, max: 5, noNaN: true }),
  });

  it("[J1] [J2] [J3] goes up only with enough requests, within the limits, when the interval has passed; and back whenever it is over one", () => {
    fc.assert(
      fc.property(limits, figures, figures, fc.boolean(), (some, candidate, stable, isOver) => {
        const { kind } = judge({ ...CANARY, ...some }, { candidate, stable, isOver });
        const isEnough = requestsIn(candidate) >= some.minRequests;
        const isBad =
          errorPercentOf(candidate) > some.maxErrorPercent || p95Of(candidate)! > (p95Of(stable) ?? Infinity) * some.maxP95Ratio + 1;
        expect(kind).toBe(!isEnough ? "wait" : isBad ? "back" : isOver ? "on" : "wait");
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[Figures, string[]]>([
    [answers(31), ["31", "50"]],
    [answers(64, { errors: 8 }), ["12.5 %", "1 %", "64"]],
    [answers(64, { ms: 100 }), ["1.5", "v1", "ms"]],
  ])("names the figures that it goes by", (candidate, named) => {
    const { reason } = judge(CANARY, { candidate, stable: STABLE, isOver: true });
    for (const part of named) expect(reason).toContain(part);
  });
});
