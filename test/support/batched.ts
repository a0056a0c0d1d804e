/** Batched functions that remember their batches, and who calls them; for tests with fake timers. */
import { vi } from "vitest";
import { batch } from "../../src/batching/batch.ts";
import { type RequestScope, runInScope, type Scope } from "../../src/context/scope.ts";
import { RequestCancelledError } from "../../src/protocol/errors.ts";
import type { RequestMeta } from "../../src/protocol/messages.ts";
import { replicaScope, requestScope } from "./scope.ts";

type Options = Parameters<typeof batch>[1];

/** Lets time pass. */
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** What a promise gives, or what it rejects with. */
export const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** Why a caller has left. */
export const gone = new RequestCancelledError("gone");

const home = replicaScope();

/** A request and its calls. */
export function caller(meta: Partial<RequestMeta> = {}, replica = home) {
  const request = requestScope(meta).request as RequestScope;
  const scope: Scope = { replica, request };
  return { request, in: <R>(body: () => R): R => runInScope(scope, body), abort: () => request.abort(gone) };
}

/** A function that gives each item back, in upper case. */
export function upper(options: Options = {}) {
  const batches: string[][] = [];
  const call = batch(async (texts: string[]) => {
    batches.push(texts);
    return texts.map((text) => text.toUpperCase());
  }, options);
  return { call, batches };
}

/** A function whose batches end together, when they are let go. */
export function held(options: Options = {}) {
  const batches: string[][] = [];
  let letGo = Promise.withResolvers<void>();
  const call = batch(async (texts: string[]) => {
    batches.push(texts);
    await letGo.promise;
    return texts;
  }, options);
  return { call, batches, letGo: () => (letGo.resolve(), (letGo = Promise.withResolvers())) };
}

/** A function whose batches end one by one, each when it is let go. */
export function heldEach(options: Options = {}) {
  const batches: { readonly items: number[]; letGo(): void }[] = [];
  const call = batch((items: number[]) => {
    const { promise, resolve } = Promise.withResolvers<number[]>();
    batches.push({ items, letGo: () => resolve(items) });
    return promise;
  }, options);
  return { call, batches, items: () => batches.map(({ items }) => items) };
}
