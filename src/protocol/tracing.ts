/**
 * Spans of the platform's own tracing, where there is one and somebody looks.
 *
 * Opening a span costs microseconds, also when nobody looks. So that is asked first, once for each place that would open one.
 */
import { type TraceMeta, traceIdOf } from "./trace.ts";

/** What can be said of a span. */
export type SpanValue = string | number | boolean;

/** A span while it is open. */
export interface Span {
  /** Says something of it. Without tracing it does nothing. */
  setAttribute(key: string, value: SpanValue): void;
}

/** What of the platform's tracing is used. */
export interface PlatformTracing {
  enterSpan<T>(name: string, body: (span: { setAttribute(key: string, value: SpanValue): unknown }) => T): T;
  getActiveSpan(): { readonly isTraced: boolean } | undefined;
}

let platform: PlatformTracing | undefined;

/** Says where spans go. */
export function setTracing(tracing: PlatformTracing | undefined): void {
  platform = tracing;
}

/** Whether somebody looks at the spans of what is running. */
export function isTraced(): boolean {
  // A platform may lack it, or refuse it outside of requests.
  try {
    return platform?.getActiveSpan()?.isTraced === true;
  } catch {
    return false;
  }
}

/** Attributes of a span; one that is `undefined` is left out. */
export type SpanAttributes = Readonly<Record<string, SpanValue | undefined>>;

const NO_SPAN: Span = { setAttribute() {} };

// The platform throws for anything else.
function isSpanValue(value: unknown): value is SpanValue {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** Runs `body` in a span: to the end of the promise that it gives, if it gives one. Ask {@link isTraced} before. */
export function inSpan<T>(name: string, attributes: SpanAttributes, body: (span: Span) => T): T {
  return platform!.enterSpan(name, (span) => {
    for (const [key, value] of Object.entries(attributes)) if (isSpanValue(value)) span.setAttribute(key, value);
    return body(span as Span);
  });
}

/** What the framework's spans say of a request. */
export interface SpanOf {
  readonly meta: TraceMeta & { readonly chain: readonly string[] };
  readonly replica?: string | undefined;
  readonly method?: string | undefined;
  readonly attempt?: number | undefined;
  /** The hop's, where there is one: by the header, since the platform's own ids are others. */
  readonly spanId?: string | undefined;
}

/** @param isNamed Whether the request's id is known here: a replica makes the id of one that came without. */
export function attributesOf({ meta, replica, method, attempt, spanId }: SpanOf, isNamed = true): SpanAttributes {
  const [app, deployment] = (meta.chain.at(-1) ?? "").split("/");
  return {
    "serve.app": app,
    "serve.deployment": deployment,
    "serve.replica": replica,
    "serve.method": method,
    "serve.attempt": attempt,
    ...(isNamed ? { "serve.request_id": meta.requestId } : {}),
    "serve.trace_id": traceIdOf(isNamed ? meta : { traceparent: meta.traceparent }),
    "serve.span_id": spanId,
  };
}

/** Says which request a span is of, once its answer tells. */
export function nameSpan(span: Span, requestId: string | null): void {
  if (requestId === null) return;
  span.setAttribute("serve.request_id", requestId);
  const traceId = traceIdOf({ requestId });
  if (traceId !== undefined) span.setAttribute("serve.trace_id", traceId);
}

/**
 * Runs `fn` in a span of the platform's tracing; without one, it just runs it.
 *
 * @param name What the span is called.
 * @param fn Given the span. It is open until `fn` returns, or the promise that it returns has settled.
 * @param attributes Set at its beginning: strings, numbers and booleans. Anything else is left out, here and by `setAttribute`, so that
 * a request does not depend on whether somebody looks.
 * @returns What `fn` returns. What it throws is thrown.
 *
 * @example
 * const page = await serve.span("render", async (span) => {
 *   span.setAttribute("candidates", 12);
 *   return render();
 * });
 */
export function span<T>(name: string, fn: (span: Span) => T, attributes: SpanAttributes = {}): T {
  return isTraced() ? inSpan(String(name), attributes ?? {}, (open) => fn(lenient(open))) : fn(NO_SPAN);
}

function lenient(open: Span): Span {
  return {
    setAttribute(key, value) {
      if (typeof key === "string" && isSpanValue(value)) open.setAttribute(key, value);
    },
  };
}
