/**
 * The callers of a running batch: whether anybody still waits for it.
 *
 * Invariants:
 *   P1. A caller is there until it is told its end, leaves, or its request is over, whichever comes first.
 *   P2. There is a timer only while a batch runs that nobody waits for.
 *   P3. A batch that runs for `GIVE_UP_MS` without a caller is given up, once.
 */
import type { RequestScope } from "../context/scope.ts";
import type { After } from "../context/with-timeout.ts";
import { GIVE_UP_MS } from "../protocol/limits.ts";
import type { Item } from "./item.ts";

export class Callers {
  readonly #present: Set<Item>;
  readonly #after: After;
  readonly #givenUp = Promise.withResolvers<void>();
  #stopTimer: (() => void) | undefined;
  #isOver = false;

  constructor(items: readonly Item[], after: After) {
    this.#present = new Set(items);
    this.#after = after;
    const gone = (item: Item) => this.#gone(item);
    for (const item of items) item.onClose = gone;
    for (const [request, its] of byRequest(items)) request.onEnd(() => its.forEach(gone));
  }

  /** Resolves when the batch is to be given up; never, if it ends before. */
  get givenUp(): Promise<void> {
    return this.#givenUp.promise;
  }

  /** The batch is over, or about to tell its callers so: from now on nobody need be there. */
  end(): void {
    this.#isOver = true;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #gone(item: Item): void {
    this.#present.delete(item);
    if (this.#present.size > 0 || this.#isOver || this.#stopTimer !== undefined) return;
    this.#stopTimer = this.#after(GIVE_UP_MS, () => {
      this.end();
      this.#givenUp.resolve();
    });
  }
}

// A handler may answer without waiting for its batch: its caller is gone then, although nothing was aborted.
function byRequest(items: readonly Item[]): ReadonlyMap<RequestScope, Item[]> {
  const groups = new Map<RequestScope, Item[]>();
  for (const item of items) {
    const request = item.call.scope?.request;
    if (request === undefined) continue;
    const group = groups.get(request);
    if (group === undefined) groups.set(request, [item]);
    else group.push(item);
  }
  return groups;
}
