import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CountedWindows, WindowCount } from "../../../src/protocol/traffic.ts";
import { FigureLog } from "../../../src/traffic/figure-log.ts";
import { decodeFigures, requestsIn } from "../../../src/traffic/figures.ts";
import { summed } from "../../../src/traffic/window-sums.ts";
import { NO_TALLY, type Tally, tallied, type Told, totalOf } from "../../../src/traffic/tally.ts";

/** A source that counts, is lost now and then, and whose reports are lost, repeated and late. */
const event = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("answer" as const), source: fc.nat(2), ms: fc.nat(1000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("report" as const), source: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("begin" as const, "late" as const, "again" as const), source: fc.nat(2) }) },
);

describe("a tally", () => {
  it("[Y1] [Y2] comes to what was counted, whatever is lost, repeated or late", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const sources = [0, 1, 2].map(() => ({ run: 0, log: new FigureLog(), sent: [] as Told[] }));
        let tally: Tally = NO_TALLY;
        let sums: readonly WindowCount[] = [];
        const last = new Map<string, CountedWindows>();
        const take = ({ source, run, figures }: Told) => {
          tally = tallied(tally, { source, run, figures });
          const after = summed(sums, last.get(source), { run, counts: [[1, figures]] });
          sums = after.sums;
          last.set(source, after.last);
        };
        let counted = 0;
        const report = (name: number) => {
          const { run, log, sent } = sources[name]!;
          const figures = log.counts()[0]?.[1];
          if (figures !== undefined) sent.push({ source: `s${name}`, run, figures });
          if (sent.length > 0) take(sent.at(-1)!);
        };
        for (const one of events) {
          const source = sources[one.source]!;
          if (one.kind === "answer") {
            source.log.count(1, one.ms, one.ms % 7 === 0);
            counted++;
          } else if (one.kind === "report") report(one.source);
          else if (one.kind === "begin") {
            // What it has not told is lost with it, so it tells all here.
            report(one.source);
            Object.assign(source, { run: source.run + 1, log: new FigureLog() });
          } else {
            const told = one.kind === "again" ? source.sent.at(-1) : source.sent.find(({ run }) => run < source.run);
            // One of an earlier run is late only when the later one has told something.
            const isLate = told !== undefined && (told.run === source.run || source.sent.at(-1)!.run === source.run);
            if (isLate) take(told);
          }
        }
        for (const name of [0, 1, 2]) report(name);
        expect(requestsIn(totalOf(JSON.parse(JSON.stringify(tally)) as Tally))).toBe(counted);
        expect(requestsIn(decodeFigures(sums[0]?.[1] ?? "0/0/")!)).toBe(counted);
      }),
      { numRuns: 1000 },
    );
  });

  it("is the same object where there is no news", () => {
    const told = { source: "a", run: 0, figures: "0/0/1" };
    const tally = tallied(NO_TALLY, told);
    expect(tallied(tally, told)).toBe(tally);
    expect(tallied(tally, { ...told, figures: "of another version" })).toBe(tally);
  });

  it("counts a source that forgot its run and begins below what it had", () => {
    const tally = tallied(tallied(NO_TALLY, { source: "a", run: 0, figures: "0/0/5" }), { source: "a", run: 0, figures: "0/0/2" });
    expect(requestsIn(totalOf(tally))).toBe(7);
  });

  it("tells sources apart whatever they are called", () => {
    const names = ["__proto__", "constructor", "toString", ""];
    const twice = [...names, ...names];
    const tally = twice.reduce<Tally>((so, source) => tallied(so, { source, run: 0, figures: "1/0/2" }), NO_TALLY);
    expect(totalOf(tally)).toEqual({ errors: 4, counts: [8] });
  });

  it("[Y3] does not count more sources than it can tell apart, and the known ones still", () => {
    const of = (n: number, figures: string) => ({ source: `s${n}`, run: 0, figures });
    let tally: Tally = NO_TALLY;
    for (let n = 0; n < 600; n++) tally = tallied(tally, of(n, "0/0/1"));
    expect(requestsIn(totalOf(tally))).toBe(500);
    expect(requestsIn(totalOf(tallied(tally, of(0, "0/0/3"))))).toBe(502);
  });
});

describe("the sums of an application's replicas", () => {
  it("are by window, of which the newest are kept, and the same object where there is no news", () => {
    const told: CountedWindows = { run: 5, counts: Array.from({ length: 20 }, (_, index) => [index + 1, "0/0/2"]) };
    const { sums, last } = summed([], undefined, told);
    expect(sums).toEqual(told.counts.slice(4));
    const more = summed(sums, undefined, { run: 7, counts: [[20, "1/0/3"]] });
    expect(more.sums.at(-1)).toEqual([20, "1/0/5"]);
    expect(summed(more.sums, last, { run: 5, counts: [[20, "0/0/2"]] }).sums).toBe(more.sums);
    expect(summed(more.sums, last, { run: 4, counts: [[20, "0/0/9"]] })).toEqual({ sums: more.sums, last });
  });
});

describe("a log of figures", () => {
  it("keeps the newest windows", () => {
    const log = new FigureLog();
    for (let window = 1; window <= 40; window++) log.count(window, 5, false);
    expect(log.counts().map(([window]) => window)).toEqual(Array.from({ length: 16 }, (_, index) => 25 + index));
    expect(log.counts((window) => window > 38).length).toBe(2);
  });
});
