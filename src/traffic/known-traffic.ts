/**
 * What an isolate knows of traffic: chooses applications by the table that it has, and says when to ask for a newer one.
 *
 * Plain data only: nothing here belongs to a request.
 *
 * Invariants:
 *   K1. The table is asked for at most every `REFRESH_MS`, failed attempts included, and only by requests of such prefixes.
 *   K2. An older table never replaces a newer one.
 */
import type { Share, TableEntry, TrafficReport, TrafficTable } from "../protocol/traffic.ts";
import { CellLookup, cellOfValue, drawnCell } from "./cells.ts";
import { FigureLog } from "./figure-log.ts";
import { addShadows, type ShadowCount, type ShadowOutcome } from "./shadow.ts";

/** How long an isolate goes on with the table that it has, in milliseconds. */
export const REFRESH_MS = 2000;

/** Where a request goes. */
export interface Choice {
  readonly application: string;
  /** What it is counted under by whoever answers it. */
  readonly window?: number;
}

/** A prefix whose requests are divided. Made once for a table. */
export class DividedPrefix {
  readonly prefix: string;
  /** The name of the header by whose value requests are divided. */
  readonly stickyHeader: string | undefined;
  readonly shadow: Share | undefined;
  /** All applications that it can choose. */
  readonly applications: readonly string[];
  readonly #lookup: CellLookup;
  readonly #canary: TableEntry["canary"];

  constructor({ prefix, cells, stickyHeader, shadow, canary }: TableEntry) {
    this.prefix = prefix;
    this.stickyHeader = stickyHeader;
    this.shadow = shadow;
    this.applications = cells.applications;
    this.#lookup = new CellLookup(cells);
    this.#canary = canary;
  }

  /**
   * Chooses the application of a request.
   *
   * @param sticky The value of the sticky header; `null`, `undefined` or empty if the request has none.
   * @param random From 0 to 1, 1 excluded.
   */
  choose(sticky: string | null | undefined, random: number): Choice {
    const isDrawn = sticky === null || sticky === undefined || sticky === "";
    const cell = isDrawn ? drawnCell(random) : cellOfValue(this.prefix, sticky);
    const application = this.#lookup.ownerOf(cell);
    return this.#canary === undefined ? { application } : { application, window: this.#canary.window };
  }

  /** The window to count under if this application has not answered itself; `undefined` if that is not counted. */
  windowOf(application: string): number | undefined {
    return this.#canary?.candidate === application ? this.#canary.window : undefined;
  }
}

/** Whether an answer that the ingress gave in an application's place is an error of the application's. */
export function isOwnError(status: number): boolean {
  return status >= 500 || status === 408;
}

/** An answer, as far as it is counted. */
export interface CountedAnswer {
  readonly status: number;
  readonly durationMs: number;
}

/** What an isolate asks with. */
export interface TrafficQuery {
  /** Of the table that it has. */
  readonly revision: number;
  /** How often prefixes had changed when it was told of them. */
  readonly routing?: number;
  /** What it has answered in a candidate's place. */
  readonly reports: readonly TrafficReport[];
  /** The shadows that have come to their end since the last query. */
  readonly shadows?: readonly ShadowCount[];
}

/** One isolate's knowledge. */
export class KnownTraffic {
  readonly #source: string;
  readonly #logs = new Map<string, FigureLog>();
  #table: TrafficTable;
  #prefixes: readonly DividedPrefix[];
  #askedAtMs = -Infinity;
  #isUntold = false;
  /** What is still to be told. */
  #shadows: readonly ShadowCount[] = [];

  /** @param source A name that no other isolate has. */
  constructor(source: string, table: TrafficTable) {
    this.#source = source;
    this.#table = table;
    this.#prefixes = table.entries.map((entry) => new DividedPrefix(entry));
  }

  get table(): TrafficTable {
    return this.#table;
  }

  get prefixes(): readonly DividedPrefix[] {
    return this.#prefixes;
  }

  /** Counts an error that the ingress answered in the place of a canary's candidate; anything else is not counted. */
  answeredInstead(prefix: DividedPrefix, application: string, answer: CountedAnswer): void {
    const window = prefix.windowOf(application);
    if (window !== undefined && isOwnError(answer.status)) this.#count(window, application, answer, true);
  }

  /** Counts what an application has answered. @param window What the request was sent with; above 0. */
  answered(window: number, application: string, answer: CountedAnswer): void {
    this.#count(window, application, answer, answer.status >= 500);
  }

  #count(window: number, application: string, { durationMs }: CountedAnswer, isError: boolean): void {
    const log = this.#logs.get(application) ?? new FigureLog();
    this.#logs.set(application, log);
    log.count(window, durationMs, isError);
    this.#isUntold = true;
  }

  /** Counts a shadow that has come to its end. @param application The one that it was sent to. */
  shadowed(application: string, outcome: ShadowOutcome): void {
    this.#shadows = addShadows(this.#shadows, [[application, outcome, 1]]);
    this.#isUntold = true;
  }

  /**
   * When to ask although no further request may come: what was counted is to be told. `undefined` if there is nothing to tell.
   * A candidate that never answers is known of only by this.
   */
  get tellAtMs(): number | undefined {
    return this.#isUntold ? this.#askedAtMs + REFRESH_MS : undefined;
  }

  /** What to ask with, if it is time to; asking is then up to the caller. */
  due(nowMs: number): TrafficQuery | undefined {
    if (nowMs - this.#askedAtMs < REFRESH_MS) return undefined;
    this.#askedAtMs = nowMs;
    this.#isUntold = false;
    const open = new Set(this.#table.entries.flatMap(({ canary }) => canary?.window ?? []));
    const reports = [...this.#logs].flatMap(([application, log]): TrafficReport[] => {
      const counts = log.counts((window) => open.has(window));
      return counts.length === 0 ? [] : [{ source: this.#source, run: 0, application, counts }];
    });
    const shadows = this.#shadows;
    this.#shadows = [];
    return { revision: this.#table.revision, reports, ...(shadows.length === 0 ? {} : { shadows }) };
  }

  /** What was asked with has not arrived, as far as is known: what was counted is still to be told. */
  lost({ shadows = [] }: Pick<TrafficQuery, "shadows"> = {}): void {
    this.#shadows = addShadows(this.#shadows, shadows);
    this.#isUntold = this.#logs.size > 0 || this.#shadows.length > 0;
  }

  /** Takes a table; `false` if it is no news. */
  take(table: TrafficTable | undefined): boolean {
    if (table === undefined || table.revision <= this.#table.revision) return false;
    this.#table = table;
    this.#prefixes = table.entries.map((entry) => new DividedPrefix(entry));
    return true;
  }
}
