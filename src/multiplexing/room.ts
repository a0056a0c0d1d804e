/**
 * What has to go before one more model is loaded. Pure: what is there and who waits go in.
 *
 * Invariants:
 *   M1. No model goes while a request uses it, or while it loads.
 *   M2. The least recently used goes first, and no more go than have to.
 *   M3. A load waits only for models that come free without it: a limit may be exceeded, a wait never lasts for ever.
 */
import type { RequestScope } from "../context/scope.ts";
import type { Held } from "./blocked.ts";

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
