/**
 * How fast something grows, and how sure that is.
 *
 * Samples of memory hang together: a collection that comes late lifts several of them. So the samples are put into blocks, the
 * line goes through the means of the blocks, and if the residuals of neighbouring blocks still go together, the interval is
 * made wider by what that costs: with a correlation r, n blocks tell as much as n (1 - r) / (1 + r) independent ones.
 */

/** A sample: after so many requests, so many bytes. */
export interface Sample {
  readonly requests: number;
  readonly bytes: number;
}

/** Bytes for each request. */
export interface Slope {
  readonly estimate: number;
  /** The 95 % interval. */
  readonly low: number;
  readonly high: number;
  readonly blocks: number;
}

/** Fewer are longer than what hangs together; more would be known better. */
const BLOCKS = 12;

/** @throws RangeError if there are fewer than 6 samples, or all have the same number of requests. */
export function slopeOf(samples: readonly Sample[]): Slope {
  if (samples.length < 6) throw new RangeError(`A slope takes at least 6 samples, got ${samples.length}.`);
  const blocks = Math.min(BLOCKS, Math.floor(samples.length / 2));
  const means = Array.from({ length: blocks }, (_, block) => {
    const part = samples.slice(Math.floor((block * samples.length) / blocks), Math.floor(((block + 1) * samples.length) / blocks));
    return { x: mean(part.map(({ requests }) => requests)), y: mean(part.map(({ bytes }) => bytes)) };
  });
  const [xMean, yMean] = [mean(means.map(({ x }) => x)), mean(means.map(({ y }) => y))];
  const spread = sum(means.map(({ x }) => (x - xMean) ** 2));
  if (spread === 0) throw new RangeError("A slope takes samples at different numbers of requests.");
  const estimate = sum(means.map(({ x, y }) => (x - xMean) * (y - yMean))) / spread;
  const residuals = means.map(({ x, y }) => y - yMean - estimate * (x - xMean));
  const variance = sum(residuals.map((residual) => residual ** 2)) / (blocks - 2) / spread;
  const half = student(blocks - 2) * Math.sqrt(variance * inflation(residuals));
  return { estimate, low: estimate - half, high: estimate + half, blocks };
}

/** How much faster `a` grows than `b`, which was measured apart from it. */
export function differenceOf(a: Slope, b: Slope): Pick<Slope, "estimate" | "low" | "high"> {
  const estimate = a.estimate - b.estimate;
  const half = Math.hypot(a.high - a.estimate, b.high - b.estimate);
  return { estimate, low: estimate - half, high: estimate + half };
}

// Only what goes together widens the interval: alternating residuals don't make it narrower.
function inflation(residuals: readonly number[]): number {
  const whole = sum(residuals.map((residual) => residual ** 2));
  if (whole === 0) return 1;
  const neighbours = sum(residuals.slice(1).map((residual, at) => residual * residuals[at]!));
  const seen = neighbours / whole;
  // Few values make a correlation look smaller than it is (Kendall).
  const correlation = Math.min(0.9, Math.max(0, seen + (1 + 4 * seen) / residuals.length));
  return (1 + correlation) / (1 - correlation);
}

const NORMAL_975 = 1.959964;

/** Student's t at 97.5 %, by the expansion around the normal distribution: within 0.5 % from 4 degrees of freedom on. */
export function student(freedom: number): number {
  const z = NORMAL_975;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
