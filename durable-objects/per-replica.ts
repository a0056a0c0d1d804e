/**
 * What a caller makes once for each replica, such as the id of its object.
 *
 * An isolate lives for days, and a deploy or a crash gives a deployment replicas of other names. So this is kept by the record of
 * the replica in the caller's set, and not by its name: it goes when the set goes.
 */
import type { ReplicaRef } from "../src/protocol/replica-set.ts";

/** Gives what `make` makes of a replica's name: the same each time, for the same record. */
export function perReplica<T extends object>(make: (name: string) => T): (replica: ReplicaRef) => T {
  const made = new WeakMap<ReplicaRef, T>();
  return (replica) => {
    let value = made.get(replica);
    if (value === undefined) made.set(replica, (value = make(replica.name)));
    return value;
  };
}
