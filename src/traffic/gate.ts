/**
 * Whether a canary goes on a step, waits, or goes back: a pure decision from the figures of one step.
 *
 * Invariants:
 *   J1. With fewer requests than `minRequests` it waits, whatever the figures say.
 *   J2. Over a limit it goes back, as soon as there are that many, however much of the interval is left.
 *   J3. It goes on only when the interval has passed.
 */
import type { CanaryConfig } from "../protocol/traffic.ts";
import { errorPercentOf, type Figures, p95Of, requestsIn } from "./figures.ts";

/** The resolution of the platform's clock: a measured latency may be this much too long. */
const CLOCK_MS = 1;

/** What there is to judge by. */
export interface Evidence {
  /** The candidate's answers in this step. */
  readonly candidate: Figures;
  /** The stable application's, which the candidate's are measured by; without any only errors count. */
  readonly stable: Figures;
  /** Whether the step's interval has passed. */
  readonly isOver: boolean;
}

/** What to do. */
export interface Verdict {
  readonly kind: "wait" | "on" | "back";
  /** A sentence for a person. */
  readonly reason: string;
}

/** Judges one step. */
export function judge(limits: CanaryConfig, { candidate, stable, isOver }: Evidence): Verdict {
  const requests = requestsIn(candidate);
  if (requests < limits.minRequests) {
    return { kind: "wait", reason: `${requests} of the ${limits.minRequests} requests that it takes to judge it.` };
  }
  const broken = tooManyErrors(limits, candidate) ?? tooSlow(limits, candidate, stable);
  if (broken !== undefined) return { kind: "back", reason: `${broken}, in ${requests} requests.` };
  const good = `${figured(errorPercentOf(candidate))} % errors in ${requests} requests`;
  return isOver ? { kind: "on", reason: `${good}.` } : { kind: "wait", reason: `${good}, and the step is not over.` };
}

function tooManyErrors({ maxErrorPercent }: CanaryConfig, candidate: Figures): string | undefined {
  const percent = errorPercentOf(candidate);
  return percent > maxErrorPercent ? `${figured(percent)} % errors, more than ${maxErrorPercent} %` : undefined;
}

function tooSlow({ maxP95Ratio, stable: name }: CanaryConfig, candidate: Figures, stable: Figures): string | undefined {
  const [own, other] = [p95Of(candidate), p95Of(stable)];
  if (own === undefined || other === undefined || own <= other * maxP95Ratio + CLOCK_MS) return undefined;
  return `a p95 of ${figured(own)} ms, more than ${maxP95Ratio} times the ${figured(other)} ms of ${name}`;
}

/** A figure as a person reads it: three digits that count. */
export function figured(value: number): string {
  return String(Number(value.toPrecision(3)));
}
