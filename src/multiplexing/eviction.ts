/**
 * What has to go before one more model is loaded: by what models take, who uses them, and who waits for whom.
 *
 * Pure but for the sizes that are remembered.
 *
 * Invariants:
 *   M1. No model goes while a request uses it, or while it loads.
 *   M2. The least recently used goes first, and no more go than have to.
 *   M3. A load waits only for models that come free without it: a limit may be exceeded, a wait never lasts for ever.
 */
import type { RequestScope } from "../context/scope.ts";

/** A model that has a place in the replica. */
export interface Occupant extends Held {
  readonly isLoaded: boolean;
  /** While it loads, what it is expected to take. */
  readonly sizeBytes: number;
}

/** How much a replica holds; `Infinity` is no limit. */
export interface RoomLimits {
  readonly maxModels: number;
  readonly maxBytes: number;
}

/** What is known when a model is to be loaded. */
export interface RoomInput<O extends Occupant> {
  /** The least recently used first. */
  readonly occupants: readonly O[];
  readonly limits: RoomLimits;
  /** What the model took last time; 0 when nothing is known. */
  readonly expectedBytes: number;
  readonly blocked: ReadonlySet<RequestScope>;
}

/** `now`: load, once these have gone. `later`: wait until a model is free; these take no new requests meanwhile. */
export type Room<O> = { readonly when: "now"; readonly evict: readonly O[] } | { readonly when: "later"; readonly drain: readonly O[] };

/** Finds room for one more model. */
export function findRoom<O extends Occupant>(input: RoomInput<O>): Room<O> {
  const { occupants, blocked } = input;
  const loaded = occupants.filter(({ isLoaded }) => isLoaded);
  const unused = loaded.filter(({ users }) => users.size === 0);
  const evict = fewest(unused, input);
  if (evict !== undefined) return { when: "now", evict };
  const isFreedWithoutUs = ({ users }: O) => users.isDisjointFrom(blocked);
  const used = loaded.filter((occupant) => occupant.users.size > 0 && isFreedWithoutUs(occupant));
  const drain = fewest([...unused, ...used], input) ?? used;
  const isWorthWaiting = used.length > 0 || occupants.some((occupant) => !occupant.isLoaded && isFreedWithoutUs(occupant));
  return isWorthWaiting ? { when: "later", drain } : { when: "now", evict: unused };
}

/** The first unused models that have to go so that what is left is within the limits. */
export function findExcess<O extends Occupant>(occupants: readonly O[], limits: RoomLimits): readonly O[] {
  const unused = occupants.filter(({ isLoaded, users }) => isLoaded && users.size === 0);
  let count = occupants.length;
  let bytes = bytesOf(occupants);
  return unused.filter(({ sizeBytes }) => {
    if (count <= limits.maxModels && bytes <= limits.maxBytes) return false;
    count--;
    bytes -= sizeBytes;
    return true;
  });
}

// The beginning of `candidates` that makes room; `undefined` if all of them do not.
function fewest<O extends Occupant>(candidates: readonly O[], { occupants, limits, expectedBytes }: RoomInput<O>): O[] | undefined {
  let count = occupants.length;
  let bytes = bytesOf(occupants);
  // A model that is larger than the limit has room when it is alone.
  const fits = () => count < limits.maxModels && (bytes + expectedBytes <= limits.maxBytes || count === 0);
  const going: O[] = [];
  for (const candidate of candidates) {
    if (fits()) return going;
    going.push(candidate);
    count--;
    bytes -= candidate.sizeBytes;
  }
  return fits() ? going : undefined;
}

function bytesOf(occupants: readonly Occupant[]): number {
  return occupants.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** How many sizes are remembered; more ids than a replica is asked for in a while. */
const REMEMBERED = 1000;

/** What models took when they were last loaded. */
export class KnownSizes<Model> {
  readonly #sizeOf: ((model: Model) => number) | undefined;
  // The first one is the one that was measured longest ago.
  readonly #known = new Map<string, number>();

  constructor(sizeOf: ((model: Model) => number) | undefined) {
    this.#sizeOf = sizeOf;
  }

  /** What the model took last time, in bytes; 0 when nothing is known. */
  expected(id: string): number {
    return this.#known.get(id) ?? 0;
  }

  /** @throws TypeError if `sizeOf` gives no size. */
  measure(id: string, model: Model): number {
    if (this.#sizeOf === undefined) return 0;
    const sizeBytes: unknown = this.#sizeOf(model);
    // A size is asked for, and not waited for.
    if (sizeBytes instanceof Promise) sizeBytes.catch(() => {});
    if (typeof sizeBytes !== "number" || !Number.isFinite(sizeBytes) || sizeBytes < 0) {
      throw new TypeError(`sizeOf must return a number of bytes, got ${String(sizeBytes)} for the model ${JSON.stringify(id)}.`);
    }
    this.#known.delete(id);
    this.#known.set(id, sizeBytes);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > REMEMBERED) this.#known.delete(oldest);
    return sizeBytes;
  }
}

/** A model that has a place, as far as waiting is concerned. */
export interface Held {
  /** The requests that cannot end without it, or are not done with it. */
  readonly users: ReadonlySet<RequestScope>;
  /** What its load runs as, while it loads: a load may need other models. */
  readonly loader: RequestScope | undefined;
}

/**
 * The requests that wait, those that wait for a model whose load waits, and those whose own call came back to this
 * replica and waits there.
 */
export function blockedRequests(waiting: Iterable<RequestScope>, held: Iterable<Held>): ReadonlySet<RequestScope> {
  const blocked = new Set(waiting);
  const all = [...held];
  for (let known = -1; known !== blocked.size;) {
    known = blocked.size;
    // Hardly any application calls itself, so there is hardly ever a pair to compare.
    const returning = [...blocked].filter(isReturning);
    for (const { users, loader } of all) {
      const isLoadBlocked = loader !== undefined && blocked.has(loader);
      for (const user of users) {
        if (isLoadBlocked || returning.some((request) => isAncestor(user, request))) blocked.add(user);
      }
    }
  }
  return blocked;
}

// The way of a request ends with the deployment that it is in: it has come back if it was there before.
function isReturning({ meta: { chain } }: RequestScope): boolean {
  return chain.indexOf(chain.at(-1) ?? "") < chain.length - 1;
}

// By id and way: two calls that one request made side by side have ways of one length, so neither passes for the other's parent.
function isAncestor({ meta }: RequestScope, descendant: RequestScope): boolean {
  const { requestId, chain } = descendant.meta;
  return meta.requestId === requestId && meta.chain.length < chain.length && meta.chain.every((step, index) => chain[index] === step);
}
