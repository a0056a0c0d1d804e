/**
 * The life of a canary: its step, what was measured in it, and how it ends.
 *
 * A step has a window of its own, a number that travels with each request of the prefix. What answers a request counts it under
 * that number, so figures are of this step and this canary only, however late they come.
 *
 * Invariants:
 *   A1. It goes on by one step at a time, and only on the gate's word or the operator's.
 *   A2. Once it has been promoted or has gone back, figures change nothing: only the operator does, or another entry.
 */
import type { CanaryConfig, RouteState, WindowCount } from "../protocol/traffic.ts";
import { encodeFigures, type Figures, figuresIn, noFigures, plus, requestsIn } from "./figures.ts";
import { judge, type Verdict } from "./gate.ts";
import { closed, NO_TALLY, type Tally, tallied, totalOf } from "./tally.ts";

/** What is kept of a canary. JSON. */
export interface Canary {
  readonly state: Exclude<RouteState, "SPLIT">;
  /** Index into the steps. */
  readonly step: number;
  /** When it came to this step, or to its end. */
  readonly sinceMs: number;
  /** What requests of this step are counted under; absent when nothing is measured any more. */
  readonly window?: number;
  readonly candidate: Tally;
  readonly stable: Tally;
  /** What was last known of the stable application before this step: figures as text. */
  readonly stableBefore: string;
  /** Why it ended; absent while it goes on. */
  readonly reason?: string;
}

/** When something happens, and the number of the next window. */
export interface Moment {
  readonly nowMs: number;
  readonly window: number;
}

/** A canary at its first step. */
export function begun({ nowMs, window }: Moment): Canary {
  const stableBefore = encodeFigures(noFigures());
  return { state: "PROGRESSING", step: 0, sinceMs: nowMs, window, candidate: NO_TALLY, stable: NO_TALLY, stableBefore };
}

/** The candidate's share, in percent. */
export function percentAt({ state, step }: Canary, { steps }: CanaryConfig): number {
  if (state === "PROGRESSING") return steps[step]!;
  return state === "PROMOTED" ? 100 : 0;
}

/** Takes what a source has counted for one of the two; the same object if that is nothing new. */
export function counted(canary: Canary, side: "candidate" | "stable", told: { source: string; run: number; count: WindowCount }): Canary {
  const [window, figures] = told.count;
  if (canary.window === undefined || window !== canary.window) return canary;
  const tally = tallied(canary[side], { source: told.source, run: told.run, figures });
  return tally === canary[side] ? canary : { ...canary, [side]: tally };
}

/** What the gate says now. */
export function verdictOn(canary: Canary, config: CanaryConfig, nowMs: number): Verdict {
  return judge(config, {
    candidate: totalOf(canary.candidate),
    stable: stableOf(canary, config),
    isOver: nowMs >= canary.sinceMs + config.stepIntervalMs,
  });
}

/**
 * What the candidate is measured by: the stable application's answers in this step. Where it has few, or at 100 % none,
 * those that were known before count too.
 */
export function stableOf({ stable, stableBefore }: Canary, { minRequests }: CanaryConfig): Figures {
  const inStep = totalOf(stable);
  if (requestsIn(inStep) >= minRequests) return inStep;
  return plus(inStep, figuresIn(stableBefore));
}

/** The canary after the gate has looked at it; the same object if nothing follows. */
export function moved(canary: Canary, config: CanaryConfig, moment: Moment): Canary {
  if (canary.state !== "PROGRESSING") return canary;
  const { kind, reason } = verdictOn(canary, config, moment.nowMs);
  if (kind === "wait") return canary;
  if (kind === "back") return rolledBack(canary, `At ${percentAt(canary, config)} %: ${reason}`, moment.nowMs);
  if (canary.step === config.steps.length - 1) return promoted(canary, `A good interval at 100 %: ${reason}`, moment.nowMs);
  const stableBefore = encodeFigures(stableOf(canary, config));
  return { ...begun(moment), step: canary.step + 1, stableBefore };
}

/** Its end at 100 %. */
export function promoted(canary: Canary, reason: string, nowMs: number): Canary {
  return ended(canary, "PROMOTED", { reason, nowMs });
}

/** Its end at 0. */
export function rolledBack(canary: Canary, reason: string, nowMs: number): Canary {
  return ended(canary, "ROLLED_BACK", { reason, nowMs });
}

function ended(canary: Canary, state: Canary["state"], { reason, nowMs }: { reason: string; nowMs: number }): Canary {
  if (canary.state === state) return canary;
  const { window: _, ...rest } = canary;
  return { ...rest, state, reason, sinceMs: nowMs, candidate: closed(canary.candidate), stable: closed(canary.stable) };
}

/** When the gate is to look again although nobody has told anything; `undefined` if what is told next is early enough. */
export function nextLookMs(canary: Canary, config: CanaryConfig): number | undefined {
  if (canary.state !== "PROGRESSING" || requestsIn(totalOf(canary.candidate)) < config.minRequests) return undefined;
  return canary.sinceMs + config.stepIntervalMs;
}
