/**
 * The metadata of an HTTP request whose key is what the options of HTTP say: a class of its own, so that other requests cross none of it.
 */
import { type HttpExtras, HttpMeta, type HttpOrigin, type HttpSource, sessionIn } from "../protocol/http-request.ts";

/** What such a request does not tell of itself. */
export interface SessionExtras extends HttpExtras {
  readonly key: string | undefined;
}

export class SessionMeta extends HttpMeta {
  readonly #key: string | undefined;
  /** Whether a replica would take something else for its key. */
  readonly hasOtherKey: boolean;

  constructor(source: HttpSource, origin: HttpOrigin, { key, ...extras }: SessionExtras, requestId?: string) {
    super(source, origin, extras, requestId);
    this.#key = key;
    this.hasOtherKey = key !== sessionIn(source.headers);
  }

  override get key(): string | undefined {
    return this.#key;
  }

  protected override as(origin: HttpOrigin, extras: HttpExtras): HttpMeta {
    const { source, requestId } = this.given;
    return new SessionMeta(source, origin, { ...extras, key: this.#key }, requestId);
  }
}
