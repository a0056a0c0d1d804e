/**
 * What travels beside a request, as text: who it is for, how it asks for a slot, and its answer on the way back.
 *
 * On the platform the shape of a message decides its price. One string costs a call about 1 us, the same as nested
 * records 10 to 15; an object in an answer gets a disposer, which a primitive does not. So metadata is one string, by
 * position, and a primitive result goes bare.
 *
 * Fields are only added, at the end, and whoever reads takes a missing one for `undefined`: callers and replicas may
 * run different versions of the code for a while.
 */
import type { Delivery, Reply, RequestMeta } from "./messages.ts";
import { isScalar } from "./sendable.ts";

/** A request's metadata and its delivery, without `started`, which no text can hold. */
export interface Envelope {
  readonly meta: RequestMeta;
  readonly delivery: Delivery;
}

const CLAIM = 0;
const QUEUE = 1;
const RESERVED = 2;
const SPILL = 3;

/** The envelope of one attempt at a request. Read it with {@link decodeEnvelope}. */
export function encodeEnvelope(meta: RequestMeta, { id, mode, isReserved, isSpill, epoch }: Delivery): string {
  const admission = isReserved === true ? RESERVED : mode === "queue" ? QUEUE : isSpill === true ? SPILL : CLAIM;
  const fields: unknown[] = [id, admission, epoch ?? 0, meta.requestId, meta.hops, meta.chain, meta.routePrefix];
  const { deadline, multiplexedModelId, key, traceparent } = meta;
  if (deadline !== undefined || multiplexedModelId !== undefined || key !== undefined || traceparent !== undefined)
    fields.push(deadline, multiplexedModelId, key, traceparent);
  return JSON.stringify(fields);
}

// `null` is how JSON writes an `undefined` in an array.
type Fields = readonly [
  id: string,
  admission: number,
  epoch: number,
  requestId: string,
  hops: number,
  chain: readonly string[],
  routePrefix?: string | null,
  deadline?: number | null,
  multiplexedModelId?: string | null,
  key?: string | null,
  traceparent?: string | null,
];

/** Reads what {@link encodeEnvelope} wrote. */
export function decodeEnvelope(text: string): Envelope {
  const [id, admission, epoch, requestId, hops, chain, routePrefix, deadline, multiplexedModelId, key, traceparent] = JSON.parse(
    text,
  ) as Fields;
  const meta: { -readonly [K in keyof RequestMeta]: RequestMeta[K] } = { requestId, chain, hops };
  if (routePrefix != null) meta.routePrefix = routePrefix;
  if (deadline != null) meta.deadline = deadline;
  if (multiplexedModelId != null) meta.multiplexedModelId = multiplexedModelId;
  if (key != null) meta.key = key;
  if (traceparent != null) meta.traceparent = traceparent;
  return { meta, delivery: deliveryOf(id, admission, epoch) };
}

function deliveryOf(id: string, admission: number, epoch: number): Delivery {
  if (admission === CLAIM) return { id, mode: "claim", epoch };
  if (admission === SPILL) return { id, mode: "claim", epoch, isSpill: true };
  return admission === RESERVED ? { id, mode: "queue", epoch, isReserved: true } : { id, mode: "queue", epoch };
}

/** What a call carries besides its envelope, method and arguments. */
export interface CallExtras {
  readonly handleArgs?: readonly number[];
  readonly started?: () => unknown;
}

/** A reply as it crosses: a scalar result bare, everything else as it is. */
export type WireReply = Reply | string | number | boolean | null | undefined;

/** What to answer for `reply`. Read it with {@link decodeReply}. */
export function encodeReply(reply: Reply): WireReply {
  return reply.kind === "value" && reply.set === undefined && isScalar(reply.value) ? reply.value : reply;
}

/** Reads what {@link encodeReply} wrote. */
export function decodeReply(wire: WireReply): Reply {
  return isScalar(wire) ? { kind: "value", value: wire } : wire;
}
