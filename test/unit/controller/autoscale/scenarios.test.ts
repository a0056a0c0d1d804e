/** What users of autoscalers complain about, played in virtual time. */
import { describe, expect, it } from "vitest";
import { autoscale, type AutoscaleInput, NEW_AUTOSCALE_STATE } from "../../../../src/controller/autoscale/autoscale.ts";
import { pruneSeries, type Series } from "../../../../src/controller/autoscale/step-function.ts";
import type { AutoscalingConfig } from "../../../../src/protocol/manifest.ts";
import { configOf, inputOf, START_MS } from "../../../support/autoscale-input.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Scenario {
  readonly config: AutoscalingConfig;
  readonly targetReplicas: number;
  readonly durationMs: number;
  /** Requests running or waiting, at a time since the beginning. */
  loadAt(elapsedMs: number): number;
  /** How long a replica takes to start. */
  readonly startMs?: number;
  /** When all reporters go silent, whatever they said last. */
  readonly silentAtMs?: number;
}

interface Played {
  /** The target, whenever it moved. */
  readonly moves: readonly { readonly elapsedMs: number; readonly from: number; readonly to: number }[];
  readonly targetReplicas: number;
  /** When the target was evaluated without a report. */
  readonly wakeUps: readonly number[];
}

/** A controller whose replicas report every second while they work, and once when they stop. */
function play({ config, targetReplicas, durationMs, loadAt, startMs = 0, silentAtMs = Infinity }: Scenario): Played {
  let target = targetReplicas;
  let state: AutoscaleInput["state"] = NEW_AUTOSCALE_STATE;
  let alarmAtMs: number | undefined;
  let replicas = Array.from({ length: target }, () => ({ runsAtMs: 0, points: [] as Series }));
  let waiting: Series = [];
  const moves: { elapsedMs: number; from: number; to: number }[] = [];
  const wakeUps: number[] = [];
  const evaluate = (elapsedMs: number) => {
    const running = replicas.filter(({ runsAtMs }) => runsAtMs <= elapsedMs);
    const nowMs = START_MS + elapsedMs;
    const series = [...replicas.map(({ points }) => points), waiting].filter((points) => points.length > 0);
    const result = autoscale(inputOf({ config, nowMs, targetReplicas: target, runningReplicas: running.length, series, state }));
    state = JSON.parse(JSON.stringify(result.state)) as AutoscaleInput["state"];
    alarmAtMs = result.evaluateAtMs === undefined ? undefined : result.evaluateAtMs - START_MS;
    if (result.targetReplicas === target) return;
    moves.push({ elapsedMs, from: target, to: result.targetReplicas });
    target = result.targetReplicas;
    const started = Array.from({ length: Math.max(0, target - replicas.length) }, () => ({ runsAtMs: elapsedMs + startMs, points: [] }));
    replicas = [...replicas, ...started].slice(0, target);
  };
  const wakeBefore = (untilMs: number) => {
    for (let atMs = alarmAtMs; atMs !== undefined && atMs < untilMs; atMs = alarmAtMs) {
      wakeUps.push(atMs);
      evaluate(atMs);
      if (alarmAtMs !== undefined && alarmAtMs <= atMs) throw new Error(`Evaluated at ${atMs}, and asked for ${alarmAtMs}.`);
    }
  };
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += SECOND) {
    wakeBefore(elapsedMs);
    if (elapsedMs >= silentAtMs) continue;
    const nowMs = START_MS + elapsedMs;
    const running = replicas.filter(({ runsAtMs }) => runsAtMs <= elapsedMs);
    let hasReported = false;
    const report = (points: Series, value: number): Series => {
      // One that is idle and has said so stays silent.
      if (value === 0 && (points.at(-1)?.value ?? 0) === 0) return points;
      hasReported = true;
      return pruneSeries([...points, { atMs: nowMs, value }], nowMs, config.lookBackPeriodMs);
    };
    for (const replica of running) replica.points = report(replica.points, loadAt(elapsedMs) / running.length);
    waiting = report(waiting, running.length === 0 ? loadAt(elapsedMs) : 0);
    if (hasReported) evaluate(elapsedMs);
  }
  wakeBefore(durationMs);
  return { moves, targetReplicas: target, wakeUps };
}

/** Numbers in [-1, 1) that are the same in every run. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const isDown = ({ from, to }: { from: number; to: number }) => to < from;

describe("oscillation", () => {
  it.each([1, 2, 3])("does not happen under a load at the target with 10 percent of noise (seed %i)", (seed) => {
    const random = noise(seed);
    const { moves, targetReplicas } = play({
      config: configOf({ targetOngoingRequests: 10 }),
      targetReplicas: 5,
      durationMs: HOUR,
      loadAt: () => 50 + 5 * random(),
    });
    expect(moves.length).toBeLessThanOrEqual(1);
    expect(moves.filter(isDown)).toEqual([]);
    expect(targetReplicas).toBeLessThanOrEqual(6);
  });

  it("does not happen under a load that swings faster than the delays", () => {
    const loadAt = (elapsedMs: number) => (Math.floor(elapsedMs / (40 * SECOND)) % 2 === 0 ? 80 : 20);
    const { moves } = play({ config: configOf({ targetOngoingRequests: 10 }), targetReplicas: 5, durationMs: HOUR, loadAt });
    expect(moves.filter(isDown)).toEqual([]);
    expect(moves.length).toBeLessThanOrEqual(3);
  });

  it("#18925: does not happen while replicas are slow to start", () => {
    const config = configOf({ upscaleDelayMs: 0, lookBackPeriodMs: SECOND });
    const { moves, targetReplicas } = play({ config, targetReplicas: 1, durationMs: 5 * MINUTE, startMs: MINUTE, loadAt: () => 40 });
    expect(moves).toEqual([{ elapsedMs: 0, from: 1, to: 40 }]);
    expect(targetReplicas).toBe(40);
  });

  it.each([
    { upscalingFactor: 2, downscalingFactor: 1, targets: [10, 29, 20] },
    { upscalingFactor: 2, downscalingFactor: 2, targets: [10, 29, 20] },
    { upscalingFactor: 0.5, downscalingFactor: 2, targets: [10, 15, 18, 19, 20] },
  ])("does not happen under a steady load with factors of $upscalingFactor and $downscalingFactor", ({ targets, ...factors }) => {
    const config = configOf({ ...factors, targetOngoingRequests: 2, downscaleDelayMs: MINUTE, lookBackPeriodMs: 5 * SECOND });
    const { moves } = play({ config, targetReplicas: 10, durationMs: HOUR, loadAt: () => 39 });
    expect([10, ...moves.map(({ to }) => to)]).toEqual(targets);
  });
});

describe("phantom load", () => {
  it("#61551: of replicas that died with requests on them goes, and the target goes to its minimum and stays", () => {
    const { moves, wakeUps } = play({
      config: configOf({ minReplicas: 0, targetOngoingRequests: 5 }),
      targetReplicas: 4,
      durationMs: 6 * HOUR,
      loadAt: () => 20,
      silentAtMs: 10 * MINUTE,
    });
    // The last report is at 599 s; 20 s later it counts no more, and the delays begin.
    expect(moves).toEqual([
      { elapsedMs: 599 * SECOND + 20 * SECOND + 10 * MINUTE, from: 4, to: 1 },
      { elapsedMs: 599 * SECOND + 20 * SECOND + 20 * MINUTE, from: 1, to: 0 },
    ]);
    expect(wakeUps.at(-1)).toBe(moves.at(-1)?.elapsedMs);
  });

  it("#59076: is not made of the load before: with minReplicas 0 the last replica goes too", () => {
    const { moves, targetReplicas, wakeUps } = play({
      config: configOf({ minReplicas: 0, upscaleDelayMs: 5 * SECOND, downscaleDelayMs: 2 * MINUTE }),
      targetReplicas: 0,
      durationMs: 6 * HOUR,
      loadAt: (elapsedMs) => (elapsedMs < 5 * MINUTE ? 8 : 0),
    });
    expect(moves.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 8],
      [8, 1],
      [1, 0],
    ]);
    expect(targetReplicas).toBe(0);
    // Idle from there on: nothing is evaluated for the rest of the day.
    expect(wakeUps.at(-1)).toBe(moves.at(-1)?.elapsedMs);
    expect(moves.at(-1)?.elapsedMs).toBeLessThan(5 * MINUTE + 30 * SECOND + 6 * SECOND + 4 * MINUTE);
    expect(wakeUps.length).toBeLessThan(20);
  });
});

describe("0 <-> 1", () => {
  const sparse = (elapsedMs: number) => (elapsedMs % (5 * SECOND) === 0 ? 1 : 0);
  const zero = (given: Partial<AutoscalingConfig>) => configOf({ minReplicas: 0, downscaleDelayMs: MINUTE, ...given });

  it("#33416: does not flap when single requests come every 5 s", () => {
    const { moves } = play({ config: zero({}), targetReplicas: 0, durationMs: HOUR, loadAt: sparse });
    expect(moves).toEqual([{ elapsedMs: 0, from: 0, to: 1 }]);
  });

  it("#38118: does not flap when the look-back period is shorter than the pause, either", () => {
    const config = zero({ lookBackPeriodMs: 500, downscaleToZeroDelayMs: 10 * SECOND });
    const { moves } = play({ config, targetReplicas: 0, durationMs: HOUR, loadAt: sparse });
    expect(moves).toEqual([{ elapsedMs: 0, from: 0, to: 1 }]);
  });

  it.each([2 * SECOND, 3 * SECOND, 30 * SECOND])("goes to 0 no sooner than %i ms after the last load", (downscaleToZeroDelayMs) => {
    const config = zero({ lookBackPeriodMs: 500, downscaleToZeroDelayMs });
    const { moves } = play({ config, targetReplicas: 0, durationMs: 10 * MINUTE, loadAt: sparse });
    for (const { elapsedMs } of moves.filter(isDown)) {
      const lastLoadMs = Math.floor(elapsedMs / (5 * SECOND)) * 5 * SECOND;
      expect(elapsedMs - lastLoadMs).toBeGreaterThanOrEqual(downscaleToZeroDelayMs);
    }
    const ups = moves.filter((move) => !isDown(move));
    expect(ups.every(({ from, to }) => from === 0 && to === 1)).toBe(true);
    expect(moves.length > 2).toBe(downscaleToZeroDelayMs < 4 * SECOND);
  });

  it("wakes nobody at 0", () => {
    const { moves, wakeUps } = play({ config: zero({}), targetReplicas: 0, durationMs: 24 * HOUR, loadAt: () => 0 });
    expect({ moves, wakeUps }).toEqual({ moves: [], wakeUps: [] });
  });
});
