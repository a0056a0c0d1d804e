/**
 * The load of a deployment over its look-back period, as a running sum: a report takes away what its replica said before and adds
 * what it says now, so it costs the same with ten and with a thousand replicas.
 *
 * Owns: what the replicas' series add up to. Does not own: the series (`scaling.ts`), what follows from the load (`decision.ts`).
 *
 * Invariants:
 *   R1. It gives what adding up all series anew would give, but for the rounding of a mean.
 *   R2. Phantom load, of a replica that claims some and has been silent for `staleAfterMs`, counts for nothing until it speaks again.
 */
import { Schedule } from "../schedule.ts";
import { type Series, staleAtMs } from "./step-function.ts";
import { StepSum } from "./step-sum.ts";

/** The load of a look-back period. */
export interface SummedLoad {
  /** Requests running or waiting, on average. */
  readonly total: number;
  /** The bounds of every total that a later look-back period can give, unless there is a new report. */
  readonly lowest: number;
  readonly highest: number;
  /** When the next series becomes stale; `Infinity` when none does. */
  readonly staleAtMs: number;
}

/** What is looked back on. */
export interface LookBack {
  readonly lookBackPeriodMs: number;
  readonly staleAfterMs: number;
}

export class LoadSum {
  readonly lookBack: LookBack;
  readonly #series = new Map<string, Series>();
  readonly #stale = new Set<string>();
  readonly #staleness = new Schedule<string>();
  readonly #sum = new StepSum();
  /** When the youngest series that counts begins. */
  #youngestMs = -Infinity;

  constructor(lookBack: LookBack) {
    this.lookBack = lookBack;
  }

  /** A replica's load is this now. @param series Its values as `exact` gives them, the points before the period left out. */
  set(name: string, series: Series, nowMs: number): void {
    const before = this.#stale.delete(name) ? undefined : this.#series.get(name);
    this.#sum.forget(nowMs - this.lookBack.lookBackPeriodMs);
    if (series.length === 0) this.#series.delete(name);
    else this.#series.set(name, series);
    this.#replace(before, series);
    this.#staleness.set(name, staleAtMs(series, this.lookBack.staleAfterMs));
  }

  /** A replica is gone, and its load with it. */
  delete(name: string, nowMs: number): void {
    if (this.#series.has(name)) this.set(name, [], nowMs);
  }

  /** The load over the look-back period that ends now. */
  at(nowMs: number): SummedLoad {
    for (const name of this.#staleness.due(nowMs)) {
      this.#stale.add(name);
      this.#replace(this.#series.get(name), []);
    }
    const staleAt = this.#staleness.first?.timeMs ?? Infinity;
    if (this.#series.size === this.#stale.size) return { total: 0, lowest: 0, highest: 0, staleAtMs: staleAt };
    const startMs = Math.max(nowMs - this.lookBack.lookBackPeriodMs, this.#youngestMs, this.#sum.fromMs);
    const { lastMs } = this.#sum;
    // The last value has at least a millisecond, so that a request that arrived just now counts.
    const endMs = Math.max(nowMs > lastMs ? nowMs : lastMs + 1, startMs + 1);
    const { area, lowest, highest } = this.#sum.over(startMs, endMs);
    // Between the lowest and the highest value, whatever rounding does.
    const total = Math.min(Math.max(area / (endMs - startMs), lowest), highest);
    return { total, lowest, highest, staleAtMs: staleAt };
  }

  // Takes away the points that are no longer so, and adds the new ones. Most are in both.
  #replace(before: Series = [], after: Series): void {
    const [dropped, common] = sharedBy(before, after);
    for (let index = dropped + common; index < before.length; index++) this.#count(before, index, -1);
    for (let index = common; index < after.length; index++) this.#count(after, index, 1);
    if (common === 0) this.#noteBeginning(before[0]?.atMs, after[0]?.atMs);
  }

  #count(series: Series, index: number, points: 1 | -1): void {
    const { atMs, value } = series[index]!;
    const by = value - (series[index - 1]?.value ?? 0);
    this.#sum.add(atMs, points * by, points);
  }

  // As in Ray Serve, the period begins no earlier than the time at which every series has data, so that a late one does not count as 0.
  #noteBeginning(beforeMs = -Infinity, afterMs = -Infinity): void {
    if (afterMs >= this.#youngestMs) this.#youngestMs = afterMs;
    else if (beforeMs === this.#youngestMs) {
      this.#youngestMs = afterMs;
      for (const [name, [first]] of this.#series) {
        if (!this.#stale.has(name)) this.#youngestMs = Math.max(this.#youngestMs, first!.atMs);
      }
    }
  }
}

/** How many points of `before` come before the first of `after`, and how many follow that are in both. */
function sharedBy(before: Series, after: Series): readonly [dropped: number, common: number] {
  const dropped = after.length === 0 ? -1 : before.findIndex(({ atMs }) => atMs === after[0]!.atMs);
  if (dropped === -1) return [0, 0];
  let common = 0;
  for (; common < after.length; common++) {
    const [a, b] = [before[dropped + common], after[common]!];
    if (a?.atMs !== b.atMs || a.value !== b.value) break;
  }
  return common === 0 ? [0, 0] : [dropped, common];
}
