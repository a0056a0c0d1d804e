/**
 * What user code holds of a keyed deployment: `carts.get(key)` is the handle to the object of that key.
 */
import type { AnyHandle, KeyedHandle, ObjectHandle } from "../protocol/handle-types.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import { createHandle, type HandleTarget, registerKeyed, type ScopeOf } from "./handle.ts";

/** The objects of a keyed deployment. */
export interface KeyedTarget {
  readonly app: string;
  readonly deployment: string;
  /** @throws KeyError for what is no key. */
  at(key: string): HandleTarget;
  delete(key: string): Promise<void>;
  /** Asks for tasks of any key: an id is all that it takes. Missing where the system has none, or where nobody asks. */
  readonly tasks?: TaskPort | undefined;
}

const keyedHandles = new WeakSet<object>();

/** How many handles of keys are kept: to make one costs as much as a third of a call. */
const MAX_KEPT = 100;

/** Whether a handle is one of a keyed deployment. */
export function isKeyed(handle: AnyHandle): handle is KeyedHandle<unknown> {
  return keyedHandles.has(handle);
}

/** Makes the handle of a keyed deployment. `T` is the deployment's class, or the type of its function. */
export function createKeyedHandle<T>(target: KeyedTarget, scopeOf: ScopeOf): KeyedHandle<T> {
  const kept = new Map<string, ObjectHandle<T>>();
  const handle = Object.freeze({
    get(key: string): ObjectHandle<T> {
      let ofKey = kept.get(key);
      if (ofKey === undefined) {
        ofKey = createHandle<T>(target.at(key), scopeOf) as unknown as ObjectHandle<T>;
        if (kept.size === MAX_KEPT) kept.clear();
        kept.set(key, ofKey);
      }
      return ofKey;
    },
    // A rejection, whatever is wrong: who awaits it hears of it.
    delete: async (key: string) => target.delete(key),
  });
  registerKeyed(handle, { app: target.app, deployment: target.deployment });
  keyedHandles.add(handle);
  return handle as unknown as KeyedHandle<T>;
}
