/**
 * Sums what many sources count on their own, each since it began.
 *
 * Invariants:
 *   Y1. A report that is repeated or late changes nothing, and one that is lost is made good by the next.
 *   Y2. A source that begins anew adds to what it has counted before.
 *   Y3. Nothing is counted twice. Beyond the limit of sources a new one is not counted at all.
 */
import { own } from "../protocol/own.ts";
import { decodeFigures, encodeFigures, type Figures, figuresIn, growth, noFigures, plus } from "./figures.ts";

/**
 * How many sources are told apart: controllers, which sum their replicas (`window-sums.ts`), and isolates with something to tell.
 * As many isolates that tell of errors are evidence enough.
 */
const MAX_SOURCES = 500;

/** What was counted in all, and what each source has said last. JSON; figures as text. */
export interface Tally {
  readonly total: string;
  readonly sources: Readonly<Record<string, Word>>;
}

/** Nothing counted. */
export const NO_TALLY: Tally = { total: encodeFigures(noFigures()), sources: {} };

/** A source's word. */
export interface Told {
  readonly source: string;
  /** Grows when the source begins anew, from 0. */
  readonly run: number;
  /** What it has counted in this run, as text. */
  readonly figures: string;
}

/** The tally with one more word; the same object if that changes nothing. */
export function tallied(tally: Tally, { source, run, figures }: Told): Tally {
  const last = own(tally.sources, source);
  const more = news(last, [run, figures]);
  if (more === undefined) return tally;
  if (last === undefined && Object.keys(tally.sources).length >= MAX_SOURCES) return tally;
  const total = encodeFigures(plus(totalOf(tally), more));
  return { total, sources: { ...tally.sources, [source]: [run, figures] } };
}

/** A source's run, and what it has counted in it as text. */
export type Word = readonly [run: number, figures: string];

/** What a source has counted since its last word; `undefined` if there is no news in this one. */
export function news(last: Word | undefined, [run, figures]: Word): Figures | undefined {
  const [lastRun, lastFigures] = last ?? [run, undefined];
  const now = decodeFigures(figures);
  // The last word of a source that was lost may come late. Text that cannot be read is another version's.
  if (now === undefined || run < lastRun || (run === lastRun && figures === lastFigures)) return undefined;
  return growth(now, figuresIn(run === lastRun ? lastFigures : undefined));
}

/** What all sources have counted. */
export function totalOf({ total }: Tally): Figures {
  return figuresIn(total);
}

/** What is left to look at when nothing more will be counted. */
export function closed({ total }: Tally): Tally {
  return { total, sources: {} };
}
