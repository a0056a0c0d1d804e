/**
 * The way to a replica that runs in its caller's isolate: what passes is copied, as it would be on the way to another object.
 *
 * Invariants:
 *   V1. Neither side sees what the other does to a value afterwards, but for what can only be handed over: bodies and streams.
 */
import { bodiesIn } from "../protocol/bodies.ts";
import { decodeError, encodeError } from "../protocol/error-codec.ts";
import type { CallRequest, Delivery, ItemPuller, ReplicaState, Reply, Reservation } from "../protocol/messages.ts";
import { isScalar } from "../protocol/plain-data.ts";
import { define } from "../protocol/wire-error.ts";
import type { Replica } from "../replica/replica.ts";
import type { ReplicaConnection } from "../router/router.ts";

/** The way to a replica in this process. @param heard Told what the replica has, where its answer says so. */
export function connectionTo(replica: Replica, heard: (state: ReplicaState) => void = () => {}): ReplicaConnection {
  const hear = <T extends Reply | Reservation>(answer: T): T => {
    if ("state" in answer && answer.state !== undefined) heard(answer.state);
    return answer;
  };
  return {
    async call(request: CallRequest, delivery: Delivery): Promise<Reply> {
      const reply = hear(await replica.call({ ...request, delivery, args: request.args.map(cloned) }));
      if (reply.kind === "value") return isScalar(reply.value) ? reply : { ...reply, value: cloned(reply.value) };
      return reply.kind === "stream" ? { kind: "stream", items: clonedItems(reply.items) } : reply;
    },
    fetch: (request, meta, delivery) => replica.fetch(request, meta, delivery),
    reserve: async (meta, delivery) => hear(await replica.reserve(meta, delivery)),
    cancel: (id, reason) => replica.cancel(id, reason),
  };
}

function clonedItems(items: ItemPuller): ItemPuller {
  return {
    async pull() {
      const batch = await items.pull();
      return { ...batch, items: batch.items.map(cloned) };
    },
    cancel: () => items.cancel(),
  };
}

// As between objects, which Node's own clone is not: bodies and streams are handed over, wherever in the value they are, and
// an error keeps what it holds.
function cloned(value: unknown): unknown {
  return isScalar(value) ? value : copied(value, new Map([...bodiesIn(value)].map((body) => [body, body])));
}

function copied(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (isScalar(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const begun = <T>(copy: T): T => {
    copies.set(value, copy);
    return copy;
  };
  if (value instanceof Map) {
    const copy = begun(new Map<unknown, unknown>());
    for (const [key, item] of value) copy.set(copied(key, copies), copied(item, copies));
    return copy;
  }
  if (value instanceof Set) {
    const copy = begun(new Set<unknown>());
    for (const item of value) copy.add(copied(item, copies));
    return copy;
  }
  if (value instanceof Error) return begun(decodeError(encodeError(value)));
  if (value instanceof Headers) return begun(new Headers(value));
  if (value instanceof WritableStream) return value;
  const isRecord = typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
  if (!isRecord && !Array.isArray(value)) return begun(structuredClone(value));
  const copy = begun<object>(Array.isArray(value) ? Object.assign([], { length: value.length }) : {});
  for (const [key, item] of Object.entries(value as object)) define(copy, key, copied(item, copies), true);
  return copy;
}
