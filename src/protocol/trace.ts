/**
 * W3C trace context: what a `traceparent` is, and how a request that has none gets one.
 *
 * Most requests come without one, and nobody looks at theirs. So a trace is not carried where it need not be: the id of a request that is a
 * UUID is the id of its trace, in whichever replica somebody asks.
 *
 * Invariants:
 *   X1. What is carried is a `traceparent` by the specification, or nothing.
 *   X2. All replicas that a request reaches have one trace id and the same flags for it, and each a span id of its own.
 */

/** Where a request is in a trace. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: this hop's own. */
  readonly spanId: string;
  /** The header of what is sent on. */
  readonly traceparent: string;
}

/** The part of a request's metadata that says which trace it is part of. */
export interface TraceMeta {
  readonly requestId?: string;
  readonly traceparent?: string | undefined;
}

const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const VERSION = "00";
/** Of a trace that begins here: recorded, in the log at least. */
const FLAGS = "01";
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const LENGTH = 55;
/** Where the flags begin. */
const FLAGS_AT = 53;

/** Whether a text that came from outside is a `traceparent`. A version that is not known may have more at the end. */
export function isTraceparent(text: string): boolean {
  const match = PATTERN.exec(text);
  if (match === null) return false;
  const [, version, traceId, spanId, , more] = match;
  return version !== "ff" && traceId !== NO_TRACE && spanId !== NO_SPAN && (version !== VERSION || more === undefined);
}

/** Whether every replica makes out by itself which trace a request without a `traceparent` is part of. */
export function isImpliedTrace(requestId: string | undefined): requestId is string {
  return requestId !== undefined && requestId.length === 36 && UUID.test(requestId);
}

/** The trace that a request is known to be part of. */
export function traceIdOf({ requestId, traceparent }: TraceMeta): string | undefined {
  if (traceparent !== undefined && isTraceparent(traceparent)) return traceparent.slice(3, 35);
  return isImpliedTrace(requestId) ? requestId.replaceAll("-", "") : undefined;
}

/** A hop of the trace that a request is part of; of a new one for a request that is part of none. */
export function nextHop({ requestId, traceparent }: TraceMeta): Trace {
  const spanId = newSpanId();
  if (traceparent !== undefined && isTraceparent(traceparent)) {
    const traceId = traceparent.slice(3, 35);
    return { traceId, spanId, traceparent: `${VERSION}-${traceId}-${spanId}-${traceparent.slice(FLAGS_AT, LENGTH)}` };
  }
  const traceId = (isImpliedTrace(requestId) ? requestId : crypto.randomUUID()).replaceAll("-", "");
  return { traceId, spanId, traceparent: `${VERSION}-${traceId}-${spanId}-${FLAGS}` };
}

// Of the digits that are all by chance.
function newSpanId(): string {
  const uuid = crypto.randomUUID();
  return uuid.slice(0, 8) + uuid.slice(-8);
}
