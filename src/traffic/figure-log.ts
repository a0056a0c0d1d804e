/**
 * What one teller has counted, by window: a replica of what it answered, an isolate of what it answered in a
 * candidate's place and of what nobody else counts.
 *
 * On the path of a request, so counting in a window that is known allocates nothing.
 */
import type { WindowCount } from "../protocol/traffic.ts";
import { count, encodeFigures, type Figures, noFigures } from "./figures.ts";

/** How many windows are kept: one for each canary that the teller takes part in, and those before, which still have requests. */
const MAX_WINDOWS = 16;

export class FigureLog {
  readonly #figures = new Map<number, Figures>();

  /** Counts an answer. @param durationMs How long it took. */
  count(window: number, durationMs: number, isError: boolean): void {
    let figures = this.#figures.get(window);
    if (figures === undefined) {
      figures = noFigures();
      this.#figures.set(window, figures);
      // The oldest: numbers only grow. What comes late for one that is gone is of no use to anybody.
      if (this.#figures.size > MAX_WINDOWS) this.#figures.delete(Math.min(...this.#figures.keys()));
    }
    count(figures, durationMs, isError);
  }

  /** All that was counted, to be told. @param isWanted Leaves windows out. */
  counts(isWanted: (window: number) => boolean = () => true): WindowCount[] {
    return [...this.#figures].filter(([window]) => isWanted(window)).map(([window, figures]) => [window, encodeFigures(figures)]);
  }
}
