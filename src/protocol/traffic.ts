/**
 * Traffic on its way between the parts: what a document says of a prefix, what isolates are told, and what they and
 * replicas tell back.
 *
 * Everything here is JSON. Messages only grow, for the reasons given in `messages.ts`.
 */

/** A part of the requests. */
export interface Share {
  readonly application: string;
  /** From 0 to 100, with at most two decimals. */
  readonly percent: number;
}

/** Moves requests from one application to another step by step, as long as the second does well. Every default is filled in. */
export interface CanaryConfig {
  readonly stable: string;
  readonly candidate: string;
  /** The candidate's percentages, ascending; the last is 100. */
  readonly steps: readonly number[];
  /** How long a step lasts at least, in milliseconds. */
  readonly stepIntervalMs: number;
  /** How many requests the candidate must have answered in a step before it is judged. */
  readonly minRequests: number;
  /** The largest share of 5xx among the candidate's answers, in percent. */
  readonly maxErrorPercent: number;
  /** The candidate's 95th percentile of latency is at most this many times the stable application's. */
  readonly maxP95Ratio: number;
}

interface RouteBase {
  /** Obeys the rules of a `routePrefix`. */
  readonly prefix: string;
  /** Requests with equal values of this header go to the same application. In lower case. */
  readonly stickyHeader?: string;
  /** That share of the requests is also sent to this application. */
  readonly shadow?: Share;
}

/** A prefix whose requests are split by fixed shares. They add up to 100. */
export interface SplitRoute extends RouteBase {
  readonly split: readonly Share[];
  readonly canary?: undefined;
}

/** A prefix whose requests move from one application to another. */
export interface CanaryRoute extends RouteBase {
  readonly canary: CanaryConfig;
  readonly split?: undefined;
}

/** What a document says of one prefix. */
export type RouteConfig = SplitRoute | CanaryRoute;

/** Who has which cells of 0.01 % of the requests each. */
export interface CellMap {
  readonly applications: readonly string[];
  /** Pairs, in the order of the cells: an index into `applications`, and how many cells in a row are its. */
  readonly runs: readonly number[];
}

/** What an isolate needs to know of one prefix. */
export interface TableEntry {
  readonly prefix: string;
  readonly cells: CellMap;
  readonly stickyHeader?: string;
  readonly shadow?: Share;
  /** There while a canary is being measured. */
  readonly canary?: {
    readonly candidate: string;
    /** Goes with each request of the prefix; what answers one counts it under this number. */
    readonly window: number;
  };
}

/** What isolates know of all prefixes together. */
export interface TrafficTable {
  /** Counts up with every change. */
  readonly revision: number;
  readonly entries: readonly TableEntry[];
}

/**
 * What was counted under one window: its number, then figures as text, which `traffic/figures.ts` writes and reads. Counted since the
 * teller began, so a report that is lost or repeated does no harm.
 */
export type WindowCount = readonly [window: number, figures: string];

/** What a replica has counted since it was started. */
export interface CountedWindows {
  /** When it was started: grows when it begins anew. */
  readonly run: number;
  readonly counts: readonly WindowCount[];
}

/** What one teller has counted. */
export interface TrafficReport {
  /** Who tells: an isolate, a replica, or the controller of an application for its replicas. */
  readonly source: string;
  /** Grows when the source begins anew, from 0. */
  readonly run: number;
  readonly application: string;
  readonly counts: readonly WindowCount[];
}

/** What a prefix is doing. */
export type RouteState = "SPLIT" | "PROGRESSING" | "PROMOTED" | "ROLLED_BACK";

/** One prefix, as the operator's API shows it. */
export interface RouteStatus {
  readonly state: RouteState;
  /** Percentages by application. */
  readonly split: Readonly<Record<string, number>>;
  /** The candidate's; absent for a split. */
  readonly percent?: number;
  readonly reason: string;
  /** When it came into this state, or to this share. */
  readonly since_s: number;
}
