/**
 * What replicas measure, on its way to their controller and to whoever asks.
 *
 * Plain numbers and no names: what they mean is in `observe/metric-definitions.ts`. Messages only grow, for the reasons given in
 * `messages.ts`.
 */
import type { ApplicationDetails } from "./status.ts";

/** The value of a label; in the text that is scraped all of them are text. */
export type Label = string | number;

/**
 * One series of a metric: the values of its labels, in the order of its definition, and its numbers. A counter or a gauge has one
 * number. A histogram has the sum of its values first, then how many fell into each bucket; buckets after the last that is
 * not empty are left out.
 */
export type Series = readonly [labels: readonly Label[], numbers: number[]];

/** With more replicas than these a deployment's series are sums, without the label `replica`. */
export const MANY_REPLICAS = 500;
/**
 * With more replicas than these in all, the series of each of an application's deployments are. Each that is shown by itself is some
 * 7 kB to be scraped.
 */
export const MANY_REPLICAS_IN_ALL = 2000;

/**
 * Whether a deployment's series are sums.
 *
 * @param replicas How many it has.
 * @param inAll How many its application has.
 */
export function isShownAsSum(replicas: number, inAll: number): boolean {
  return replicas > MANY_REPLICAS || inAll > MANY_REPLICAS_IN_ALL;
}

/**
 * Series by the key of their metric in the definitions; of the application's own metrics the key is the definition, as JSON. A key that
 * is not known is another version's.
 */
export type SeriesByKey = Readonly<Record<string, readonly Series[]>>;

/** Whether series with this key are of a metric of the application's own. */
export function isUserKey(key: string): boolean {
  return key.startsWith("[");
}

/** What joins the key of a metric and the deployment that runs inline in whoever measures it. */
const GUEST = "@";

/** Series of a deployment that runs inline, for its caller to tell. @param deployment `<application>/<deployment>`. */
export function guestSeries(deployment: string, series: SeriesByKey): SeriesByKey {
  return Object.fromEntries(Object.entries(series).map(([key, list]) => [key + GUEST + deployment, list]));
}

/** What such a key, or one of the caller's own, is of; `deployment` is `undefined` for the caller's own. */
export function splitKey(key: string): { readonly metric: string; readonly deployment: string | undefined } {
  const at = key.indexOf(GUEST);
  return at < 0 ? { metric: key, deployment: undefined } : { metric: key.slice(0, at), deployment: key.slice(at + 1) };
}

/** What a replica has measured since it was started. Of the application's own metrics only series that have changed are in it. */
export interface MetricsSnapshot {
  /** When it was started; tells a replica that goes on from one that began anew, after sleep for instance. */
  readonly startedAtMs: number;
  readonly series: SeriesByKey;
  /** What the application's own metrics are, by name: their HELP lines. Missing from older code. */
  readonly about?: Descriptions;
}

/** Descriptions of metrics, by name. */
export type Descriptions = Readonly<Record<string, string>>;

/** What an isolate has counted outside of replicas since it told so last; a gauge is what was set last. */
export interface UserCounts {
  readonly series: SeriesByKey;
  readonly about: Descriptions;
}

/** What a controller keeps of a replica. JSON. */
export interface Measured {
  /** How many starts it has seen. */
  readonly starts: number;
  /** When it was told. */
  readonly atMs: number;
  readonly latest: MetricsSnapshot;
  /** What was counted before the latest start, all together; no gauges. */
  readonly earlier: SeriesByKey;
  /** The counts that have appeared lately. */
  readonly births?: readonly Birth[];
  /** When the replica left the deployment. */
  readonly goneAtMs?: number;
}

/** The key of a replica's starts among what has appeared. They are counted where they are heard of, and no series. */
export const STARTS = "starts";

/** A count, and when it was heard of first. */
export type Birth = readonly [key: string, labels: readonly Label[], bornAtMs: number];

/** What is known of one replica, or of all of a deployment together where there are very many. */
export interface ReplicaMetrics {
  readonly deployment: string;
  /** The deployment runs inline, in this replica of another one or, where that is `""`, in Workers. */
  readonly isInline?: true;
  /** Its application, where that is another one than the caller's. */
  readonly app?: string;
  /** The name of its object; `undefined` is all of them. */
  readonly replica: string | undefined;
  readonly starts: number;
  readonly series: SeriesByKey;
  /** The counts among them that have just appeared: whoever scrapes is to see them begin at 0. */
  readonly young?: readonly Birth[];
  /** When it was told. Of two definitions of one name the newer one holds. */
  readonly atMs?: number;
  readonly about?: Descriptions;
}

/** For how many minutes there is a history. */
export const HISTORY_MINUTES = 60;

/**
 * How a deployment was at a moment: replicas that ran, requests that waited; and what its replicas had counted together until then: requests
 * that succeeded, requests that failed, the histogram of how long requests ran.
 */
export type Looked = readonly [replicas: number, queued: number, requests: number, errors: number, ...latency: number[]];

/** What an application's deployments had counted when a minute (since the epoch) began to be counted. JSON. */
export interface Look {
  readonly minute: number;
  readonly deployments: Readonly<Record<string, Looked>>;
}

/** What a controller knows of its application. */
export interface ApplicationMetrics {
  readonly details: ApplicationDetails;
  readonly replicas: readonly ReplicaMetrics[];
  /** The last hour, the oldest first and now last. Missing where it was not asked for, and from older code. */
  readonly history?: readonly Look[];
}
