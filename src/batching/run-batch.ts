/**
 * Runs one batch: calls the user's function and gives each caller its part.
 *
 * Invariants:
 *   X1. Every caller of the batch is told something, whatever the function does.
 *   X2. It never rejects: nobody waits for a batch, only for its parts.
 *   X3. A generator whose callers have all ended or left is returned, and its `finally` has run when the batch is over.
 *   X4. A batch that nobody waits for ends all the same, `GIVE_UP_MS` later at the latest: user code that hangs is left behind,
 *       and what comes of it then changes nothing.
 */
import { writeLog } from "../context/logger.ts";
import { RequestScope, runInScope, type Scope } from "../context/scope.ts";
import type { After } from "../context/with-timeout.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import { isError } from "../protocol/strangers.ts";
import { GIVE_UP_MS } from "../protocol/limits.ts";
import { inSpan, isTraced, type SpanAttributes } from "../protocol/tracing.ts";
import { show } from "../protocol/wording.ts";
import { Callers } from "./callers.ts";
import { END, type Item } from "./item.ts";
import { columnsOf } from "./pending-batches.ts";
import type { RequestMeta } from "../protocol/messages.ts";

/** The user's function, whose kind only its result tells. */
export type BatchFunction = (...columns: unknown[][]) => unknown;

/** How many values may wait for a caller; when they do for every caller, the generator pauses. */
const HIGH_WATER = 256;

/** Who wants to know how a batch goes, and what it needs of the platform. */
export interface BatchListener {
  /** Called when the first results are there; perhaps more than once. */
  answered(): void;
  /** Called when the function has shown whether it streams. */
  showed(kind: "promise" | "stream"): void;
  readonly after: After;
}

/** How a batch ended: by itself, or because nobody waited for it any more. */
export type BatchEnd = "ended" | "givenUp";

/** Runs `fn` over `items` and resolves when it is over. */
export async function runBatch(fn: BatchFunction, items: readonly Item[], { answered, showed, after }: BatchListener): Promise<BatchEnd> {
  const { scope, request } = batchScopeOf(items.map(({ call }) => call.scope));
  const inScope = <R>(body: () => R): R => (scope === undefined ? body() : runInScope(scope, body));
  const callers = new Callers(items, after);
  const run: Run = { fn, items, inScope, callers, answered, showed, request, generator: undefined, isOver: false, wake: undefined };
  const left = () => {
    if (!items.some(({ isOpen }) => isOpen)) request?.abort(new RequestCancelledError("All callers of the batch have left."));
    run.wake?.();
  };
  for (const item of items) item.onLeave = left;
  const end = await Promise.race([performed(run, scope).then((): BatchEnd => "ended"), callers.givenUp.then((): BatchEnd => "givenUp")]);
  if (end === "givenUp") giveUp(run, scope);
  return end;
}

interface Run {
  readonly fn: BatchFunction;
  readonly items: readonly Item[];
  readonly inScope: <R>(body: () => R) => R;
  readonly callers: Callers;
  readonly answered: () => void;
  readonly showed: BatchListener["showed"];
  readonly request: RequestScope | undefined;
  /** What the function returned, if that streams. */
  generator: AsyncIterator<unknown, unknown, undefined> | undefined;
  /** Whether the batch has been given up. */
  isOver: boolean;
  /** Set while the generator pauses. */
  wake: (() => void) | undefined;
}

function performed(run: Run, scope: Scope | undefined): Promise<void> {
  return isTraced() ? inSpan("serve.batch", attributesOfBatch(run, scope), () => perform(run)) : perform(run);
}

/** How much is said of the requests of a batch, in characters. */
const MAX_IDS_LENGTH = 4096;

function attributesOfBatch({ fn, items }: Run, scope: Scope | undefined): SpanAttributes {
  const { appName, deployment, replicaId } = scope?.replica.context ?? {};
  const ids = items.flatMap(({ call }) => call.scope?.request?.requestId ?? []).join();
  return {
    "serve.app": appName,
    "serve.deployment": deployment,
    "serve.replica": replicaId,
    "serve.method": fn.name,
    "serve.batch_size": items.length,
    "serve.request_ids": ids.length > MAX_IDS_LENGTH ? `${ids.slice(0, MAX_IDS_LENGTH)}...` : ids,
  };
}

async function perform(run: Run): Promise<void> {
  const { fn, items, inScope, callers, answered, showed, request } = run;
  try {
    const result = await inScope(() => fn.apply(items[0]!.call.self, columnsOf(items, fn.length)));
    const isStream = isAsyncIterator(result);
    showed(isStream ? "stream" : "promise");
    if (isStream) return await stream((run.generator = result), run);
    callers.end();
    answered();
    distribute(result, items, "returned");
    for (const item of items) item.end();
  } catch (error) {
    callers.end();
    answered();
    for (const item of items) item.fail(error);
  } finally {
    callers.end();
    request?.end();
  }
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
    if (isDone) run.callers.end();
    for (const item of items) item.end();
  } catch (error) {
    answered();
    for (const item of items) item.fail(error);
  }
  // After a failure of its own a generator has ended, and this does nothing.
  if (!isDone) await returned(run);
}

// What clean-up throws has nobody to go to.
async function returned({ generator, inScope }: Run): Promise<void> {
  try {
    await inScope(() => generator?.return?.());
  } catch {
    // Told to nobody, as in a `for await` that is left.
  }
}

function giveUp(run: Run, scope: Scope | undefined): void {
  const { fn, items, request } = run;
  run.isOver = true;
  const where = scope === undefined ? "" : ` of deployment ${JSON.stringify(scope.replica.context.deployment)}`;
  writeLog(
    "WARNING",
    `The batch function ${JSON.stringify(fn.name)}${where} still runs ${GIVE_UP_MS} ms after the last of the ${items.length} callers of ` +
      "its batch has left. The batch is given up: its place is free.",
    undefined,
    scope,
  );
  request?.abort(new RequestCancelledError("All callers of the batch have left."));
  // A generator that waits inside `next` hears of it when that ends, if ever.
  void returned(run);
  run.wake?.();
  request?.end();
}

/** Waits until somebody has read most of what there is; `false` when nobody is left. As fast as the fastest reader. */
async function isWanted(run: Run): Promise<boolean> {
  for (;;) {
    if (run.isOver) return false;
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
    if (isError(value)) item.fail(value);
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

/** The scope of a batch, and the request in it, which the batch aborts when nobody waits any more. */
interface BatchScope {
  readonly scope: Scope | undefined;
  readonly request: RequestScope | undefined;
}

/** Makes the scope of a batch from its callers', the first caller's first. */
function batchScopeOf(scopes: readonly (Scope | undefined)[]): BatchScope {
  const inReplica = scopes.find((scope) => scope !== undefined);
  if (inReplica === undefined) return { scope: undefined, request: undefined };
  const metas = scopes.flatMap((scope) => scope?.request?.meta ?? []);
  const [first] = metas;
  if (first === undefined) return { scope: { replica: inReplica.replica, request: undefined }, request: undefined };
  const request = new RequestScope(sharedMeta(first, metas, metas.length === scopes.length));
  request.work = inReplica.request?.work;
  return { scope: { replica: inReplica.replica, request }, request };
}

function sharedMeta(first: RequestMeta, metas: readonly RequestMeta[], isComplete: boolean): RequestMeta {
  const { deadline: _, ...meta } = first;
  // The longest way here counts, so that batches which call each other come to an end.
  const { hops, chain } = metas.reduce((deepest, other) => (other.hops > deepest.hops ? other : deepest), first);
  const deadline = isComplete ? Math.max(...metas.map((other) => other.deadline ?? Infinity)) : Infinity;
  return { ...meta, hops, chain, ...(deadline === Infinity ? {} : { deadline }) };
}
