/**
 * What is measured of an application's answers: how many there were, how many of them were errors, and how long they took.
 *
 * Invariants:
 *   G1. A percentile is at most 5 % off, for latencies from 1 ms on. Anything shorter counts as 1 ms, the resolution of
 *       the platform's clock.
 *   G2. Figures add up: adding loses nothing, and growth undoes it.
 */

/** Counts of one application's answers. */
export interface Figures {
  errors: number;
  /** How many answers took how long, by bucket. Buckets after the last that is not empty are left out. */
  readonly counts: number[];
}

const ERROR = 0.05;
/** From the upper bound of one bucket to that of the next. The buckets are wire format. */
const GROWTH = (1 + ERROR) / (1 - ERROR);
const LOG_GROWTH = Math.log(GROWTH);
/** Holds the longest time that a timer can have. */
const LAST_BUCKET = 215;

/** No figures yet, to be added to. */
export function noFigures(): Figures {
  return { errors: 0, counts: [] };
}

/** Counts an answer. @param durationMs How long it took. */
export function count(figures: Figures, durationMs: number, isError: boolean): void {
  const bucket = bucketOf(durationMs);
  while (figures.counts.length <= bucket) figures.counts.push(0);
  figures.counts[bucket]!++;
  if (isError) figures.errors++;
}

function bucketOf(durationMs: number): number {
  // NaN counts as 0: counting must never fail a request.
  if (!(durationMs > 1)) return 0;
  return Math.min(Math.ceil(Math.log(durationMs) / LOG_GROWTH), LAST_BUCKET);
}

// The same relative distance from both bounds of the bucket.
function latencyOf(bucket: number): number {
  return bucket === 0 ? 1 : (2 * GROWTH ** bucket) / (GROWTH + 1);
}

/** How many answers there were. */
export function requestsIn({ counts }: Figures): number {
  return counts.reduce((sum, one) => sum + one, 0);
}

/** The share of errors in percent; 0 without an answer. */
export function errorPercentOf(figures: Figures): number {
  const requests = requestsIn(figures);
  // Rounded once, so that 7 of 100 is 7 and not a little more.
  return requests === 0 ? 0 : (figures.errors * 100) / requests;
}

/** The 95th percentile of latency in milliseconds; `undefined` without an answer. */
export function p95Of(figures: Figures): number | undefined {
  // In whole numbers: 0.95 times 20 is a little more than 19.
  let left = Math.ceil((requestsIn(figures) * 95) / 100);
  if (left === 0) return undefined;
  const bucket = figures.counts.findIndex((one) => (left -= one) <= 0);
  return latencyOf(bucket);
}

/** What two have counted together. Neither is changed. */
export function plus(a: Figures, b: Figures): Figures {
  return { errors: a.errors + b.errors, counts: combined(a.counts, b.counts, (one, other) => one + other) };
}

/**
 * What was counted since `before` by someone who counts on: `now` less `before`. One whose counts have fallen has begun anew,
 * and all that it has counted is new.
 */
export function growth(now: Figures, before: Figures): Figures {
  const grown = { errors: now.errors - before.errors, counts: combined(now.counts, before.counts, (one, other) => one - other) };
  return [grown.errors, ...grown.counts].some((one) => one < 0) ? now : grown;
}

function combined(a: readonly number[], b: readonly number[], combine: (one: number, other: number) => number): number[] {
  const counts = Array.from({ length: Math.max(a.length, b.length) }, (_, bucket) => combine(a[bucket] ?? 0, b[bucket] ?? 0));
  while (counts.at(-1) === 0) counts.pop();
  return counts;
}

/** As text: errors, the first bucket, and the counts from there on, in base 36; a count of 0 is left empty. */
export function encodeFigures({ errors, counts }: Figures): string {
  const first = counts.findIndex((one) => one > 0);
  const rest = first === -1 ? [] : counts.slice(first);
  return `${errors.toString(36)}/${Math.max(first, 0).toString(36)}/${rest.map((one) => (one === 0 ? "" : one.toString(36))).join(",")}`;
}

const FIGURES = /^([0-9a-z]{1,10})\/([0-9a-z]{1,2})\/([0-9a-z,]{0,2400})$/;

/** The figures in a text; none where there is no text, or another version's. */
export function figuresIn(text: string | undefined): Figures {
  return (text === undefined ? undefined : decodeFigures(text)) ?? noFigures();
}

/** Reads what {@link encodeFigures} wrote; `undefined` for any other text. */
export function decodeFigures(text: string): Figures | undefined {
  const [, errors, first, rest] = FIGURES.exec(text) ?? [];
  if (errors === undefined || first === undefined || rest === undefined) return undefined;
  const counts = Array.from({ length: Number.parseInt(first, 36) }, () => 0);
  if (rest !== "") for (const one of rest.split(",")) counts.push(one === "" ? 0 : Number.parseInt(one, 36));
  const figures = { errors: Number.parseInt(errors, 36), counts };
  const isCounted = [figures.errors, ...counts].every((one) => Number.isSafeInteger(one));
  return isCounted && counts.length <= LAST_BUCKET + 1 && figures.errors <= requestsIn(figures) ? figures : undefined;
}
