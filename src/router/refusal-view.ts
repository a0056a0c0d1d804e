/** What a replica that refused to run a request at once has shown of itself. */
import type { Refusal } from "../protocol/messages.ts";
import type { ReplicaRef, RouterConfig } from "../protocol/replica-set.ts";

/** A replica that refused to run a request at once. */
export interface Seen {
  readonly replica: ReplicaRef;
  readonly load: number;
  readonly queued: number;
  readonly isFull: boolean;
}

/** A queue is long when it is full, or who joins it waits about so many times as long as a request runs. */
const LONG_QUEUE = 2;

/** What a refusal shows, and whether asking that replica was in vain because its queue is long. */
export function viewOf(
  replica: ReplicaRef,
  { load: { ongoing, queued } }: Refusal,
  { maxQueuedRequests }: RouterConfig,
): Seen & { readonly isLong: boolean } {
  const limit = maxQueuedRequests === -1 ? Infinity : maxQueuedRequests;
  const isLong = queued >= Math.min(LONG_QUEUE * ongoing, limit);
  return { replica, load: ongoing + queued, queued, isFull: queued >= limit, isLong };
}
