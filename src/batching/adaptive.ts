/**
 * Adaptive batching: which size and wait keep the latency near a target.
 *
 * Owns: the decision. Does not own: time, measuring, or running a batch.
 *
 * What a batch costs is learned as `fixed + each * size`, by least squares in which old batches count ever less, as BentoML does it.
 *
 * The size goes up by addition while batches are full, and down by multiplication when results were late, as Clipper does it; but
 * not down while the fixed cost is a good part of a batch. Smaller batches then mean less throughput, a longer queue, and results that
 * are later still. Where they do not (each item of a large batch costs more, because it no longer fits in memory) they help.
 *
 * Waiting for one more item delays the `n` that are there by the time to the next arrival, and spares that one a batch of its own; the
 * sum is least when as many are waited for as arrive during the fixed cost.
 *
 * Invariants:
 *   D1. Same inputs, same decision. No clock, no randomness.
 *   D2. 1 <= enough <= size <= maxBatchSize, and 0 <= waitMs <= the smaller of maxWaitMs and the target.
 *   D3. Nobody waits for items that are not expected: few arrivals, no wait.
 *   D4. Size goes down only where that means hardly less throughput.
 */

/** What adaptive batching may choose from, and what it aims at. */
export interface AdaptiveBounds {
  readonly targetLatencyMs: number;
  readonly maxBatchSize: number;
  readonly maxWaitMs: number;
  readonly maxConcurrentBatches: number;
}

/** What a batch showed. */
export interface Observation {
  /** In items, or by `batchSizeOf`, as all sizes here. */
  readonly size: number;
  /** Whether more would have been taken, had the size allowed it. */
  readonly wasCut: boolean;
  /** How long its oldest item had waited. */
  readonly waitedMs: number;
  /** From its beginning to its results; `undefined` if the clock stood still. */
  readonly durationMs: number | undefined;
  /** What arrived since the previous batch began, and in what time. */
  readonly arrived: number;
  readonly elapsedMs: number;
}

/** What was learned. The sums are of past batches, the older the less. */
export interface AdaptiveState {
  /** The size that AIMD has come to; not rounded. */
  readonly size: number;
  /** Until it has been too large once, the size doubles. */
  readonly isProbing: boolean;
  readonly arrivalsPerMs: number;
  readonly weight: number;
  readonly sumSize: number;
  readonly sumDuration: number;
  readonly sumSizeSize: number;
  readonly sumSizeDuration: number;
}

/** What is to be done. */
export interface AdaptiveSettings {
  readonly size: number;
  readonly enough: number;
  readonly waitMs: number;
}

/** What a batch costs, in milliseconds. */
export interface BatchCost {
  readonly fixedMs: number;
  readonly eachMs: number;
  /** Whether batches differed enough in size to tell one from the other. */
  readonly isLine: boolean;
}

/** Nothing is known yet. */
export const UNKNOWN: AdaptiveState = {
  size: 1,
  isProbing: true,
  arrivalsPerMs: 0,
  weight: 0,
  sumSize: 0,
  sumDuration: 0,
  sumSizeSize: 0,
  sumSizeDuration: 0,
};

/** Of what was learned from past batches, how much stays with each new one: some 30 batches count. */
const MEMORY = 0.97;
/** Over how long the rate of arrivals is averaged. */
const ARRIVALS_MS = 250;
/** After results that were late, the size is multiplied by the target over their latency, within these. */
const LEAST_DECREASE = 0.9;
const MOST_DECREASE = 0.5;
/** Of the size; at least 1. */
const INCREASE = 0.05;
/** While results are late and larger batches mean more throughput. */
const LATE_INCREASE = 0.25;
/** Until the size was too large once. */
const FAST_INCREASE = 1;
/** What share of a batch the fixed cost must be, so that a larger batch is worth it: at most this much throughput is given up. */
const WORTH_SPREADING = 0.02;

/** What is known after one more batch. */
export function learn(state: AdaptiveState, seen: Observation, bounds: AdaptiveBounds): AdaptiveState {
  const share = seen.elapsedMs <= 0 ? 0 : 1 - Math.exp(-seen.elapsedMs / ARRIVALS_MS);
  const arrivalsPerMs =
    share === 0 ? state.arrivalsPerMs : state.arrivalsPerMs + share * (seen.arrived / seen.elapsedMs - state.arrivalsPerMs);
  if (seen.durationMs === undefined) return { ...state, arrivalsPerMs };
  const { size, durationMs } = seen;
  const learned: AdaptiveState = {
    ...state,
    arrivalsPerMs,
    weight: state.weight * MEMORY + 1,
    sumSize: state.sumSize * MEMORY + size,
    sumDuration: state.sumDuration * MEMORY + durationMs,
    sumSizeSize: state.sumSizeSize * MEMORY + size * size,
    sumSizeDuration: state.sumSizeDuration * MEMORY + size * durationMs,
  };
  return { ...learned, ...resized(learned, seen, durationMs, bounds) };
}

/** The settings that follow from what is known. */
export function settingsOf(state: AdaptiveState, bounds: AdaptiveBounds): AdaptiveSettings {
  const size = clamp(Math.floor(state.size), 1, bounds.maxBatchSize);
  const { fixedMs, eachMs } = costOf(state);
  // With several batches at once the next slot is free the sooner.
  const worthwhile = Math.floor((state.arrivalsPerMs * fixedMs) / bounds.maxConcurrentBatches);
  const enough = clamp(worthwhile, 1, size);
  if (enough === 1) return { size, enough, waitMs: 0 };
  const spareMs = bounds.targetLatencyMs - fixedMs - eachMs * enough;
  return { size, enough, waitMs: clamp(enough / state.arrivalsPerMs, 0, Math.max(0, Math.min(bounds.maxWaitMs, spareMs))) };
}

/** The line through the batches seen; as long as they all had one size, their cost counts as fixed. */
export function costOf({ weight, sumSize, sumDuration, sumSizeSize, sumSizeDuration }: AdaptiveState): BatchCost {
  if (weight === 0) return { fixedMs: 0, eachMs: 0, isLine: false };
  const meanSize = sumSize / weight;
  const meanDuration = sumDuration / weight;
  const spread = sumSizeSize / weight - meanSize * meanSize;
  const isLine = spread > 1e-3 * Math.max(1, meanSize * meanSize);
  const slope = isLine ? (sumSizeDuration / weight - meanSize * meanDuration) / spread : 0;
  const eachMs = clamp(slope, 0, meanSize === 0 ? 0 : meanDuration / meanSize);
  // Rounding must not make it negative.
  return { fixedMs: Math.max(0, meanDuration - eachMs * meanSize), eachMs, isLine };
}

function resized(
  state: AdaptiveState,
  { size, wasCut, waitedMs }: Observation,
  durationMs: number,
  { targetLatencyMs, maxBatchSize }: AdaptiveBounds,
): Pick<AdaptiveState, "size" | "isProbing"> {
  const latencyMs = waitedMs + durationMs;
  const isLate = latencyMs > targetLatencyMs;
  const { fixedMs, isLine } = costOf(state);
  const isSpread = isLine && fixedMs <= durationMs * WORTH_SPREADING;
  // What is late at size 1 is late whatever is done, and larger batches have to be seen to know what they cost.
  if (isLate && isSpread && size > 1) {
    const reduced = Math.max(1, state.size * clamp(targetLatencyMs / latencyMs, MOST_DECREASE, LEAST_DECREASE));
    return { size: Math.min(reduced, maxBatchSize), isProbing: false };
  }
  if (!wasCut) return { size: Math.min(state.size, maxBatchSize), isProbing: state.isProbing };
  const share = state.isProbing ? FAST_INCREASE : isLate ? LATE_INCREASE : INCREASE;
  return { size: Math.min(maxBatchSize, state.size + Math.max(1, state.size * share)), isProbing: state.isProbing };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
