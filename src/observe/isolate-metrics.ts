/**
 * What code of the Worker counts that runs in no replica.
 *
 * An isolate comes and goes without a word, and has nowhere to keep a number. So what it has counted is told soon, as what has been
 * added since, and is lost with an isolate that ends before.
 */
import type { UserCounts } from "../protocol/metrics.ts";
import { UserSeries } from "./user-series.ts";

/** Where an isolate tells what it has counted. */
export interface MetricsTeller {
  /** Rejects if it was not heard. */
  tell(counts: UserCounts): Promise<void>;
  /** Lets a promise finish although its request is over. Throws where there is none. */
  keepAlive(promise: Promise<unknown>): void;
  sleep(ms: number): Promise<void>;
  now(): number;
}

/** How long counts are gathered before they are told. */
const TELL_MS = 2000;
/** When it is taken for lost that something waits to tell them: the platform has ended its request. */
const LOST_MS = 15_000;

let teller: MetricsTeller | undefined;
let series = new UserSeries();
let tellingUntilMs = -Infinity;

/** Says where to tell. Without this nothing is told: in a test, in Node. */
export function setMetricsTeller(to: MetricsTeller | undefined): void {
  teller = to;
  series = new UserSeries();
  tellingUntilMs = -Infinity;
}

/** Where code outside of replicas counts. */
export function isolateSeries(): UserSeries {
  if (teller !== undefined) tellSoon(teller);
  return series;
}

function tellSoon(to: MetricsTeller): void {
  const nowMs = to.now();
  if (nowMs < tellingUntilMs) return;
  try {
    to.keepAlive(told(to).catch(() => {}));
    tellingUntilMs = nowMs + LOST_MS;
  } catch {
    // While modules load: the first request tells it.
  }
}

async function told(to: MetricsTeller): Promise<void> {
  await to.sleep(TELL_MS);
  const gathered = series;
  const { series: counted, about } = gathered.take();
  series = new UserSeries();
  tellingUntilMs = -Infinity;
  // Not told again when it was not heard: whether it was is not known, and a count must not be counted twice.
  if (Object.keys(counted).length > 0) await to.tell({ series: counted, about }).catch(() => {});
}
