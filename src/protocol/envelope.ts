/**
 * What travels beside a request, as text: who it is for, how it asks for a slot, and its answer on the way back.
 *
 * On the platform the shape of a message decides its price. One string costs a call about 1 us, the same as nested
 * records 10 to 15; an object in an answer gets a disposer, which a primitive does not. So metadata is one string, by
 * position, and a primitive result goes bare.
 *
 * Callers and replicas may run different versions of the code for a while. So fields are only added, at the end, and
 * whoever reads takes a missing one for `undefined` and looks at none that it does not know. What older code must not
 * ignore raises {@link PROTOCOL}, and a request that uses it says so.
 *
 * Invariants:
 *   P1. What newer code writes is read by older code as far as that knows it, and the other way round.
 *   P2. A request that needs a newer protocol is refused and never misread. It has not begun, so it is sent elsewhere.
 *   P3. An answer of an unknown kind is a failure of a request that may have begun, and never a result.
 */
import type { CompiledPlace } from "./http-request.ts";
import type { KeyedConfig } from "./keys.ts";
import type { Delivery, Load, Refusal, Reply, RequestMeta } from "./messages.ts";
import { NOT_UNDERSTOOD, UNKNOWN_ANSWER } from "./platform-failures.ts";
import { isScalar } from "./plain-data.ts";

/**
 * The newest protocol that this code understands.
 *
 * A field that older code may ignore does not change it. Whatever older code would misread does: another way to ask for
 * a slot, a field that decides whether or how the request may run. {@link encodeEnvelope} then writes the new number, as
 * the envelope's last field, for the requests that use it, and for no others.
 */
export const PROTOCOL = 1;

/** A request's metadata and its delivery. */
export interface Envelope {
  readonly meta: RequestMeta;
  readonly delivery: Delivery;
}

/** Where {@link RequestMeta.hasSlash} is. JSON writes what lies between as `null`. */
const HAS_SLASH = 12;
/** Where {@link RequestMeta.task} is. */
const TASK = 13;
/** Where {@link RequestMeta.traffic} and {@link RequestMeta.shadow} are. */
const TRAFFIC = 14;
const SHADOW = 15;
/** Where {@link Delivery.wantsState} is. */
const WANTS_STATE = 16;
/** Where {@link RequestMeta.tracestate} is. */
const TRACESTATE = 17;
/** Where {@link RequestMeta.isTraced} is. */
const TRACED = 18;

const CLAIM = 0;
const QUEUE = 1;
const RESERVED = 2;
const SPILL = 3;

/** The envelope of one attempt at a request. Read it with {@link decodeEnvelope}. */
export function encodeEnvelope(meta: RequestMeta, { id, mode, isReserved, isSpill, epoch, wantsState }: Delivery): string {
  const admission = isReserved === true ? RESERVED : mode === "queue" ? QUEUE : isSpill === true ? SPILL : CLAIM;
  const fields: unknown[] = [id, admission, epoch ?? null, meta.requestId, meta.hops, meta.chain, meta.routePrefix];
  const { deadline, multiplexedModelId, key, traceparent } = meta;
  if (deadline !== undefined || multiplexedModelId !== undefined || key !== undefined || traceparent !== undefined)
    fields.push(deadline, multiplexedModelId, key, traceparent);
  if (meta.hasSlash === true) fields[HAS_SLASH] = 1;
  if (meta.task !== undefined) fields[TASK] = [meta.task.id, meta.task.attempt];
  if (meta.traffic !== undefined) fields[TRAFFIC] = meta.traffic;
  if (meta.shadow === true) fields[SHADOW] = 1;
  if (wantsState === true) fields[WANTS_STATE] = 1;
  if (traceparent !== undefined && meta.tracestate !== undefined) fields[TRACESTATE] = meta.tracestate;
  if (meta.isTraced === true) fields[TRACED] = 1;
  return JSON.stringify(fields);
}

/**
 * Whether an HTTP request needs no envelope, because both ends know all that there is to say: it is a claim by a caller that has
 * said lately what it knows, made for no call, with no deadline, looked at by nobody, with the key of its header, at the place that the
 * application was compiled for, and not counted for a canary. One for the object of a key takes its turn there instead of claiming a slot.
 *
 * A request of a prefix that several applications share says so otherwise: its application need not have a prefix of its own.
 */
export function isImplied(
  meta: RequestMeta,
  { mode, epoch, isSpill, isReserved, wantsState }: Delivery,
  { prefix, isShared, isKeyed }: CompiledPlace,
): boolean {
  const isUsual = mode === (isKeyed === true ? "queue" : "claim");
  const isFirst = isUsual && epoch === undefined && isSpill === undefined && isReserved === undefined && wantsState === undefined;
  const isPlain = meta.deadline === undefined && meta.hasSlash === undefined && meta.shadow === undefined && meta.hasOtherKey !== true;
  return (
    isFirst &&
    isPlain &&
    meta.isTraced !== true &&
    meta.hops === 0 &&
    meta.traffic === (isShared ? 0 : undefined) &&
    meta.routePrefix === prefix
  );
}

// `null` is how JSON writes an `undefined` in an array.
type Fields = readonly [
  id: string,
  admission: number,
  epoch: number | null,
  requestId: string,
  hops: number,
  chain: readonly string[],
  routePrefix?: string | null,
  deadline?: number | null,
  multiplexedModelId?: string | null,
  key?: string | null,
  traceparent?: string | null,
  /** The least protocol that whoever reads must understand. */
  protocol?: number | null,
  hasSlash?: number | null,
  task?: readonly [id: string, attempt: number] | null,
  traffic?: number | null,
  shadow?: number | null,
  wantsState?: number | null,
  tracestate?: string | null,
  traced?: number | null,
];

/** Reads what {@link encodeEnvelope} wrote; `undefined` for a request that this code does not understand. */
export function decodeEnvelope(text: string): Envelope | undefined {
  const fields = fieldsOf(text);
  if (fields === undefined) return undefined;
  const [id, admission, epoch, requestId, hops, chain, ...optional] = fields;
  const [routePrefix, deadline, multiplexedModelId, key, traceparent, protocol, hasSlash, task, traffic, shadow, wantsState, tracestate] =
    optional;
  const traced = fields[TRACED];
  if ((protocol ?? 1) > PROTOCOL || !(admission >= CLAIM && admission <= SPILL)) return undefined;
  const meta: { -readonly [K in keyof RequestMeta]: RequestMeta[K] } = { requestId, chain, hops };
  if (routePrefix != null) meta.routePrefix = routePrefix;
  if (hasSlash === 1) meta.hasSlash = true;
  if (deadline != null) meta.deadline = deadline;
  if (multiplexedModelId != null) meta.multiplexedModelId = multiplexedModelId;
  if (key != null) meta.key = key;
  if (traceparent != null) meta.traceparent = traceparent;
  if (task != null) meta.task = { id: task[0], attempt: task[1] };
  if (typeof traffic === "number") meta.traffic = traffic;
  if (shadow === 1) meta.shadow = true;
  if (traceparent != null && typeof tracestate === "string") meta.tracestate = tracestate;
  if (traced === 1) meta.isTraced = true;
  const delivery = deliveryOf(id, admission, epoch ?? undefined);
  return { meta, delivery: wantsState === 1 ? { ...delivery, wantsState: true } : delivery };
}

function fieldsOf(text: string): Fields | undefined {
  try {
    const fields = JSON.parse(text) as Fields | null;
    return Array.isArray(fields) ? fields : undefined;
  } catch {
    // Not JSON: newer code writes something else.
    return undefined;
  }
}

function deliveryOf(id: string, admission: number, epoch: number | undefined): Delivery {
  if (admission === CLAIM) return { id, mode: "claim", epoch };
  if (admission === SPILL) return { id, mode: "claim", epoch, isSpill: true };
  return admission === RESERVED ? { id, mode: "queue", epoch, isReserved: true } : { id, mode: "queue", epoch };
}

/** What a call carries besides its envelope, method and arguments. */
export interface CallExtras {
  readonly handleArgs?: readonly number[];
  readonly keyed?: KeyedConfig;
}

/** A refusal by code that does not understand the request, with the protocol that it understands. */
interface NotUnderstood extends Refusal {
  readonly protocol: number;
}

/** What to answer to a request that {@link decodeEnvelope} does not understand. It has not begun. */
export function refuseUnread(load: Load): NotUnderstood {
  return { kind: "refused", load, protocol: PROTOCOL };
}

/**
 * Tells a refusal for want of room from one by older code, where waiting for room does not help.
 *
 * @throws An error that says that the replica has not begun the request, as `classifyFailure` reads it.
 */
export function checkUnderstood(answer: { readonly kind: string }): void {
  const { protocol } = answer as Partial<NotUnderstood>;
  if (answer.kind === "refused" && protocol !== undefined)
    throw new Error(`${NOT_UNDERSTOOD}: it runs older code, of protocol ${protocol}. Deploy the newest code to all of the Worker.`);
}

/** A reply as it crosses: a scalar result bare, everything else as it is. */
export type WireReply = Reply | NotUnderstood | string | number | boolean | null | undefined;

/** What to answer for `reply`. Read it with {@link decodeReply}. */
export function encodeReply(reply: Reply): WireReply {
  return reply.kind === "value" && reply.set === undefined && reply.state === undefined && isScalar(reply.value) ? reply.value : reply;
}

/**
 * Reads what {@link encodeReply} wrote.
 *
 * @throws An error for `classifyFailure`, when the replica has not understood the request, or the caller not the answer.
 */
export function decodeReply(wire: WireReply): Reply {
  if (isScalar(wire)) return { kind: "value", value: wire };
  const { kind } = wire;
  if (kind === "refused") checkUnderstood(wire);
  else if (kind !== "value" && kind !== "error" && kind !== "stream")
    throw new Error(`${UNKNOWN_ANSWER}: it runs newer code, which answered ${JSON.stringify(kind satisfies never)}.`);
  return wire;
}
