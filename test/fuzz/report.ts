/** What a run says: each sort of failure once, with the smallest input that showed it. */
import type { Failure } from "./failure.ts";

/** How much was run. */
export interface RunFigures {
  readonly inProcess: number;
  readonly inWorkerd: number;
  readonly seconds: number;
}

export class Report {
  readonly #seed: number;
  readonly #sorts = new Map<string, { numbers: Set<number>; smallest: Failure }>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Takes a failure. A sort that is new is said at once, so that a run which is ended early has told it. */
  failed(failure: Failure): void {
    const known = this.#sorts.get(failure.sort);
    if (known === undefined) {
      console.error(`FAIL ${failure.sort} (seed ${this.#seed}, number ${failure.index})`);
      this.#sorts.set(failure.sort, { numbers: new Set([failure.index]), smallest: failure });
      return;
    }
    known.numbers.add(failure.index);
    if (failure.input.length < known.smallest.input.length) known.smallest = failure;
  }

  get hasFailures(): boolean {
    return this.#sorts.size > 0;
  }

  /** All of it. */
  text({ inProcess, inWorkerd, seconds }: RunFigures): string {
    const sorts = [...this.#sorts].map(
      ([
        sort,
        {
          numbers,
          smallest: { index, detail, input },
        },
      ]) =>
        [sort, `  seen ${numbers.size} times; seed ${this.#seed}, number ${index}`, indented(detail), indented(`input: ${input}`), ""].join(
          "\n",
        ),
    );
    const outcome = sorts.length === 0 ? "nothing failed" : `${sorts.length} sorts of failure`;
    return [
      ...sorts,
      `${inProcess} inputs in process, ${inWorkerd} in workerd, seed ${this.#seed}: ${outcome}, ${seconds.toFixed(0)} s`,
    ].join("\n");
  }
}

function indented(text: string): string {
  return `  ${text.replaceAll("\n", "\n  ")}`;
}
