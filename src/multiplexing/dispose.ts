/**
 * The end of a model: `[Symbol.asyncDispose]`, else `[Symbol.dispose]`, where it has one.
 */
interface MaybeDisposable {
  readonly [Symbol.asyncDispose]?: unknown;
  readonly [Symbol.dispose]?: unknown;
}

/** Resolves when the model has been disposed of; rejects with what that threw. */
export async function disposeModel(model: unknown): Promise<void> {
  if ((typeof model !== "object" && typeof model !== "function") || model === null) return;
  const disposable = model as MaybeDisposable;
  const dispose = disposable[Symbol.asyncDispose] ?? disposable[Symbol.dispose];
  if (typeof dispose === "function") await (dispose as (this: unknown) => unknown).call(model);
}
