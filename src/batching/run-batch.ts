/**
 * Runs one batch: calls the user's function and gives each caller its part.
 *
 * Invariants:
 *   X1. Every caller of the batch is told something, whatever the function does.
 *   X2. It never rejects: nobody waits for a batch, only for its parts.
 *   X3. A generator whose callers have all ended or left is returned, and its `finally` has run when the batch is over.
 */
import { runInScope } from "../context/scope.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import { batchScopeOf } from "./batch-scope.ts";
import { END } from "./end.ts";
import type { Item } from "./item.ts";
import { columnsOf } from "./lanes.ts";
import { show } from "./options.ts";

/** The user's function, whose kind only its result tells. */
export type BatchFunction = (...columns: unknown[][]) => unknown;

/** How many values may wait for a caller; when they do for every caller, the generator pauses. */
const HIGH_WATER = 256;

/** Who wants to know how a batch goes. */
export interface BatchListener {
  /** Called when the first results are there; perhaps more than once. */
  answered(): void;
  /** Called when the function has shown whether it streams. */
  showed(kind: "promise" | "stream"): void;
}

/** Runs `fn` over `items` and resolves when it is over. */
export async function runBatch(fn: BatchFunction, items: readonly Item[], { answered, showed }: BatchListener): Promise<void> {
  const { scope, request } = batchScopeOf(items.map(({ call }) => call.scope));
  const inScope = <R>(body: () => R): R => (scope === undefined ? body() : runInScope(scope, body));
  const run: Run = { items, inScope, answered, wake: undefined };
  for (const item of items) {
    item.onLeave = () => {
      if (!items.some(({ isOpen }) => isOpen)) request?.abort(new RequestCancelledError("All callers of the batch have left."));
      run.wake?.();
    };
  }
  try {
    const result = await inScope(() => fn.apply(items[0]!.call.self, columnsOf(items, fn.length)));
    const isStream = isAsyncIterator(result);
    showed(isStream ? "stream" : "promise");
    if (isStream) return await stream(result, run);
    answered();
    distribute(result, items, "returned");
    for (const item of items) item.end();
  } catch (error) {
    answered();
    for (const item of items) item.fail(error);
  } finally {
    request?.end();
  }
}

interface Run {
  readonly items: readonly Item[];
  readonly inScope: <R>(body: () => R) => R;
  readonly answered: () => void;
  /** Set while the generator pauses. */
  wake: (() => void) | undefined;
}

async function stream(generator: AsyncIterator<unknown, unknown, undefined>, run: Run): Promise<void> {
  const { items, inScope, answered } = run;
  for (const item of items) item.stream();
  let isDone = false;
  try {
    while (await isWanted(run)) {
      const step = await inScope(() => generator.next());
      answered();
      isDone = step.done === true;
      if (isDone) break;
      distribute(step.value, items, "yielded");
    }
    for (const item of items) item.end();
  } catch (error) {
    answered();
    for (const item of items) item.fail(error);
  }
  // After a failure of its own a generator has ended, and this does nothing. What clean-up throws has nobody to go to.
  if (!isDone) await Promise.resolve(inScope(() => generator.return?.())).catch(() => {});
}

/** Waits until somebody has read most of what there is; `false` when nobody is left. As fast as the fastest reader. */
async function isWanted(run: Run): Promise<boolean> {
  for (;;) {
    const open = run.items.filter(({ isOpen }) => isOpen);
    if (open.length === 0) return false;
    if (open.some(({ unread }) => unread < HIGH_WATER)) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    run.wake = resolve;
    for (const item of open) item.onRead = resolve;
    await promise;
    run.wake = undefined;
  }
}

function distribute(results: unknown, items: readonly Item[], verb: "returned" | "yielded"): void {
  if (!Array.isArray(results)) {
    throw new TypeError(
      `Batched function doesn't preserve batch size. The input list has length ${items.length} but the function ${verb} ` +
        `${show(results)}, which is no array: it must have one element for each item, in the order of the items.`,
    );
  }
  if (results.length !== items.length) {
    throw new TypeError(
      "Batched function doesn't preserve batch size. " +
        `The input list has length ${items.length} but the ${verb} list has length ${results.length}.`,
    );
  }
  for (const [index, item] of items.entries()) {
    const value: unknown = results[index];
    if (value instanceof Error) item.fail(value);
    else if (value === END && verb === "yielded") item.end();
    else if (value === END) item.fail(new TypeError("A batched function returned serve.batch.end, which only a generator may yield."));
    else item.give(value);
  }
}

function isAsyncIterator(value: unknown): value is AsyncIterator<unknown, unknown, undefined> {
  return (
    typeof value === "object" && value !== null && Symbol.asyncIterator in value && typeof (value as { next?: unknown }).next === "function"
  );
}
