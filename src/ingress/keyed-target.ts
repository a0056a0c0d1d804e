/**
 * An application whose ingress deployment is keyed: which object an HTTP request is for is asked of the application, here in the Worker.
 *
 * Owns: asking for the key, and what is answered where there is none. Does not own: the way to the object (router/keyed-router.ts), the log.
 */
import { after, within } from "../context/with-timeout.ts";
import { withAnswerHeaders } from "../protocol/answer-headers.ts";
import { ConfigError, DeploymentUnavailableError, KeyError, RequestTimeoutError } from "../protocol/errors.ts";
import { errorResponse } from "../protocol/http-error.ts";
import { checkKey, type KeyOf } from "../protocol/keys.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { PlatformRequest } from "../protocol/platform-request.ts";
import type { IngressTarget, PreparedRequest } from "./application-routes.ts";

/** The way to the objects of a keyed deployment. */
export interface KeyedObjects extends Omit<IngressTarget, "fetch"> {
  readonly app: string;
  readonly deployment: string;
  /** Rejects with a KeyError for what is no key. */
  fetch(key: string, request: Request | PreparedRequest, meta: RequestMeta): Promise<Response>;
}

/** A request that was answered here, because no object has it. */
export interface AnsweredHere {
  readonly request: Request;
  readonly meta: RequestMeta;
  readonly status: number;
  /** In milliseconds since the epoch. */
  readonly startedAtMs: number;
}

/** How long the function that gives the key may take. */
const KEY_LIMIT_MS = 10_000;

// By its look: it may be of another realm, or of a library's own.
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

export class KeyedIngress implements IngressTarget {
  readonly isUncounted = true as const;
  readonly #router: KeyedObjects;
  readonly #keyOf: KeyOf;
  readonly #answered: (answered: AnsweredHere) => void;

  /** @param answered Told of what no object will log. */
  constructor(router: KeyedObjects, keyOf: KeyOf, answered: (answered: AnsweredHere) => void) {
    this.#router = router;
    this.#keyOf = keyOf;
    this.#answered = answered;
  }

  get requestTimeoutMs(): number | null {
    return this.#router.requestTimeoutMs;
  }
  get routePrefix(): string | null {
    return this.#router.routePrefix;
  }
  get routing(): number {
    return this.#router.routing;
  }
  get isGone(): boolean {
    return this.#router.isGone;
  }

  prepare(request: Request): Promise<PreparedRequest> {
    return this.#router.prepare(request);
  }

  async fetch(request: Request | PreparedRequest, meta: RequestMeta): Promise<Response> {
    this.#requireHere(meta);
    const seen = request instanceof PlatformRequest ? request : request.request();
    const startedAtMs = Date.now();
    let key: string;
    try {
      const given = this.#keyOf(seen);
      key = this.#checked(seen, isThenable(given) ? await this.#inTime(Promise.resolve(given)) : given);
    } catch (error) {
      const response = error instanceof Response ? withAnswerHeaders(error, seen, meta, false) : undefined;
      this.#answered({ request: seen, meta, status: (response ?? errorResponse(error)).status, startedAtMs });
      if (response === undefined) throw error;
      return response;
    }
    return this.#router.fetch(key, request, meta);
  }

  #checked(seen: Request, key: unknown): string {
    if (seen.bodyUsed && seen.body !== null) {
      throw new ConfigError(`The function keyed.key of deployment ${JSON.stringify(this.#router.deployment)} has read the request's body.`);
    }
    if (key === undefined) throw new KeyError("The request has no key.");
    checkKey(key, this.#router);
    return key;
  }

  #inTime<T>(given: Promise<T>): Promise<T> {
    return within(given, { timeoutMs: KEY_LIMIT_MS, after }, () => {
      throw new RequestTimeoutError(`The request's key was not known within ${KEY_LIMIT_MS / 1000} s.`);
    });
  }

  // No object refuses what was sent to where the application no longer is.
  #requireHere({ routePrefix, traffic }: RequestMeta): void {
    const { routePrefix: current, deployment, app, isGone } = this.#router;
    if (!isGone && (traffic !== undefined || routePrefix === (current ?? undefined))) return;
    throw new DeploymentUnavailableError(
      `Deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(app)} ${isGone ? "has been deleted" : "is no longer at this path"}.`,
    );
  }
}
