/**
 * What happens in each object, as rows of its own: a message to another object would be held back by the output gate, lost
 * with the object, and would so hide what it is to show.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Happened } from "./steps.ts";

const TABLE = "CREATE TABLE IF NOT EXISTS chaos (n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, id TEXT, at_ms INTEGER, who TEXT)";

const owners = new AsyncLocalStorage<DurableObjectState>();
let isWatched = false;
let seen: Happened[] = [];

/** Writes a row into an object's own storage. */
export function note(state: DurableObjectState, kind: Happened["kind"], id = ""): void {
  const row = { kind, id, atMs: Date.now(), who: state.id.name ?? state.id.toString() };
  state.storage.sql.exec("INSERT INTO chaos (kind, id, at_ms, who) VALUES (?, ?, ?, ?)", row.kind, row.id, row.atMs, row.who);
  if (isWatched) seen.push(row);
}

/** Begins to watch timers too, which run too often under load for a row each. Forgets what was seen. */
export function watch(): void {
  isWatched = true;
  seen = [];
}

/** What has happened since `watch`, in any object and in the Worker. */
export function happened(): readonly Happened[] {
  return seen;
}

const setTimer = globalThis.setTimeout;
globalThis.setTimeout = ((callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
  // Whose timer it is; a Worker has no storage, and is only seen.
  const state = owners.getStore();
  return setTimer(() => {
    if (isWatched && state !== undefined) note(state, "timer");
    else if (isWatched) seen.push({ kind: "timer", id: "", atMs: Date.now(), who: "the Worker" });
    callback(...args);
  }, ms);
}) as typeof setTimeout;

type ObjectClass = new (state: DurableObjectState, env: Cloudflare.Env) => { readonly ctx?: DurableObjectState };

/** The same class, whose objects write down when they are made and woken, and can be ended from outside. */
export function witnessed<Base extends new (...args: never) => object>(base: Base): Base {
  const Witnessed = class extends (base as unknown as ObjectClass) {
    readonly #state: DurableObjectState;

    constructor(state: DurableObjectState, env: Cloudflare.Env) {
      state.storage.sql.exec(TABLE);
      note(state, "object");
      super(state, env);
      this.#state = state;
    }

    /** RPC, of the tests' own door. */
    chaosAbort(): void {
      this.#state.abort("ended from outside");
    }

    static stateOf(object: InstanceType<typeof Witnessed>): DurableObjectState {
      return object.#state;
    }
  };
  for (const [name, method] of methodsOf(base.prototype as object)) {
    Object.defineProperty(Witnessed.prototype, name, {
      value(this: InstanceType<typeof Witnessed>, ...args: unknown[]): unknown {
        const state = Witnessed.stateOf(this);
        if (name === "alarm") note(state, "alarm");
        return owners.run(state, () => Reflect.apply(method, this, args));
      },
      writable: true,
      configurable: true,
    });
  }
  return Witnessed as unknown as Base;
}

function methodsOf(prototype: object): Map<string, (...args: unknown[]) => unknown> {
  const methods = new Map<string, (...args: unknown[]) => unknown>();
  for (let level = prototype; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    if (level.constructor.name === "DurableObject") break;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (name !== "constructor" && typeof value === "function" && !methods.has(name)) methods.set(name, value as () => unknown);
  }
  return methods;
}
