/**
 * A request that another application gets too, once the client has its answer.
 *
 * Invariants:
 *   S1. Nothing that becomes of a shadow reaches the client: it is sent when the answer has begun, and read by nobody.
 *   S2. No more is kept of a body than a shadow may have.
 */
import { type HttpMeta, requestWithBody, takesBody } from "../protocol/http-request.ts";
import { PlatformRequest } from "../protocol/platform-request.ts";
import { cfOf } from "../protocol/wire.ts";
import { decideShadow, SHADOW_BODY_BYTES, SHADOW_TIMEOUT_MS, shadowOutcome, type ShadowOutcome } from "../traffic/shadow.ts";
import type { Share } from "../protocol/traffic.ts";
import type { RoutedApplication } from "./application-routes.ts";
import { Deadline } from "./deadline.ts";

/** A request whose shadow is to be sent. */
export interface ForkedRequest {
  /** What is sent to the application that answers the client. */
  readonly request: Request;
  /** The shadow's body; `null` if there is none, `undefined` if it is too large or has broken off. */
  readonly body: Promise<ArrayBuffer | null | undefined>;
}

/** Decides on the shadow of a request: none, one that is skipped, or one whose body is kept from now on. */
export function shadowOf(request: Request, shadow: Share, application: string): ForkedRequest | "none" | "skip" {
  const { headers, body } = request;
  const length = body === null ? 0 : Number(headers.get("content-length") ?? Number.NaN);
  const decision = decideShadow(
    shadow,
    { application, isUpgrade: headers.has("upgrade"), bodyBytes: Number.isNaN(length) ? undefined : length },
    Math.random(),
  );
  if (decision !== "send") return decision;
  if (body === null) return { request, body: Promise.resolve(null) };
  if (!takesBody(request)) return "skip";
  const [own, copy] = body.tee();
  return { request: requestWithBody(request, own), body: kept(copy) };
}

async function kept(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<ArrayBuffer | undefined> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return new Blob(chunks).arrayBuffer();
      bytes += value.byteLength;
      if (bytes > SHADOW_BODY_BYTES) {
        // The other branch goes on.
        reader.cancel().catch(() => {});
        return undefined;
      }
      chunks.push(value);
    }
  } catch {
    return undefined;
  }
}

/** What a shadow is sent with. */
export interface ShadowSending {
  readonly url: string;
  /** Of the client's request. */
  readonly request: Request;
  readonly meta: HttpMeta;
  /** What the client has got. */
  readonly status: number;
}

/** Sends a shadow, and waits for what becomes of it, for {@link SHADOW_TIMEOUT_MS} at most. Never rejects. */
export async function sendShadow(
  body: ForkedRequest["body"],
  { target, ...origin }: RoutedApplication,
  { url, request, meta, status }: ShadowSending,
): Promise<ShadowOutcome> {
  const bytes = await body;
  if (bytes === undefined) return "skipped";
  const end = new AbortController();
  const deadline = new Deadline(SHADOW_TIMEOUT_MS, (reason) => end.abort(reason));
  try {
    const { method, headers } = request;
    const cf = cfOf(request);
    const init = {
      method,
      headers,
      body: bytes,
      redirect: "manual",
      signal: end.signal,
      ...(cf === undefined ? {} : { cf }),
    } as RequestInit;
    const shadow = meta.shadowing(origin, Date.now() + SHADOW_TIMEOUT_MS);
    const response = await deadline.wait(target.fetch(await target.prepare(new PlatformRequest(url, init)), shadow));
    // Read to its end, as the client's is: one that is cut off would not be the work that it stands for.
    await response.body?.pipeTo(new WritableStream()).catch(() => {});
    return shadowOutcome(status, response.status);
  } catch {
    return shadowOutcome(status, undefined);
  } finally {
    deadline.over();
    end.abort();
  }
}
