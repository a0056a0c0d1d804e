/**
 * Requests of a prefix that several applications share.
 *
 * Owns: which application gets a request, its shadow, what becomes of one whose application is gone.
 * Does not own: how requests are sent and answered (ingress.ts), when the control plane is asked (isolate-traffic.ts).
 *
 * Invariants:
 *   D1. A change of the document loses no request: one that was sent to an application that is gone, and has not begun, is sent again
 *       by what the control plane says.
 *   D2. What the ingress answers in an application's place is counted as that application's answer.
 *   D3. The answers of an application whose objects have no controller are counted here, each once.
 */
import { after } from "../context/with-timeout.ts";
import { DeploymentUnavailableError } from "../protocol/errors.ts";
import { type HttpMeta, withOwnId } from "../protocol/http-request.ts";
import type { DividedPrefix } from "../traffic/known-traffic.ts";
import type { DividedRoute, RoutedApplication } from "./application-routes.ts";
import type { Arrival } from "./ingress.ts";
import type { IsolateTraffic } from "./isolate-traffic.ts";
import { metaOf, type Sending, unsentOf, withoutPrefix, withPrefix } from "./sending.ts";
import { sendShadow, type ForkedRequest, shadowOf } from "./shadow.ts";

/** How a request came to its application. */
export interface Chosen {
  readonly divided: DividedPrefix;
  /** What the answer is counted under; 0 is nothing. */
  readonly window: number;
  /** How often it was sent before. */
  readonly attempt: number;
  readonly beganAtMs: number;
}

/** What the ingress does for such requests. */
export interface DividerParts {
  readonly traffic: IsolateTraffic;
  /** Sends a request to an application. Never rejects. */
  answer(arrival: Arrival, application: RoutedApplication, chosen: Chosen): Promise<Response>;
  /** Looks a request's route up again. */
  dispatch(arrival: Arrival, attempt: number): Promise<Response>;
  /** What the client is told of an error. */
  failed(error: unknown, request: Headers | HttpMeta): Response;
}

/** How often a request is sent again because the application that was chosen for it is gone. */
const MOST_ATTEMPTS = 5;
const PAUSE_MS = 100;

const pause = (ms: number) => new Promise<void>((resolve) => void after(ms, resolve));

export class Divider {
  readonly #parts: DividerParts;

  constructor(parts: DividerParts) {
    this.#parts = parts;
  }

  /** Answers a request. Not an async function: on its way most requests wait for nothing here. */
  answer(arrival: Arrival, { divided, applications }: DividedRoute, attempt: number): Promise<Response> {
    const { traffic, answer, failed } = this.#parts;
    const { request, worker } = arrival;
    if (traffic.isCold) return this.#warmed(arrival, attempt);
    traffic.keepFresh(worker);
    const { stickyHeader, shadow } = divided;
    const sticky = stickyHeader === undefined ? null : request.headers.get(stickyHeader);
    const { application: name, window = 0 } = divided.choose(sticky, Math.random());
    const application = applications.get(name);
    if (application === undefined) {
      if (attempt < MOST_ATTEMPTS) return this.#again(arrival, attempt);
      return Promise.resolve(failed(new DeploymentUnavailableError(`Application ${JSON.stringify(name)} is not there.`), request.headers));
    }
    const chosen: Chosen = { divided, window, attempt, beganAtMs: Date.now() };
    const copy = shadow === undefined || attempt > 0 ? "none" : shadowOf(request, shadow, name);
    if (copy === "none") return answer(arrival, application, chosen);
    if (copy !== "skip") return this.#shadowed(arrival, { copy, application, chosen, other: applications.get(shadow!.application) });
    traffic.shadowed(shadow!.application, "skipped", worker);
    return answer(arrival, application, chosen);
  }

  /** The answer of an application, counted when it begins if nobody else does that: it is all that is seen of it here. */
  counted(answered: Promise<Response>, arrival: Arrival, { application, chosen }: Answering): Promise<Response> {
    const { window, beganAtMs } = chosen;
    if (window === 0 || application.target.isUncounted !== true) return answered;
    return answered.then((response) => {
      const answer = { status: response.status, durationMs: Date.now() - beganAtMs };
      // A client that has gone says nothing about who answers.
      if (!arrival.request.signal.aborted) this.#parts.traffic.answered(window, application.name, answer, arrival.worker);
      return response;
    });
  }

  /** Answers a request that has failed on its way. */
  async failed(error: unknown, arrival: Arrival, { application, sending, meta, chosen }: FailedSending): Promise<Response> {
    const { traffic, failed } = this.#parts;
    const { name, routePrefix, target } = application;
    const { attempt, divided, beganAtMs } = chosen;
    // It was deleted, or is about to be there, by a document that this isolate, or the application, has not heard of.
    if (error instanceof DeploymentUnavailableError && target.isGone && attempt < MOST_ATTEMPTS) {
      const unsent = unsentOf(sending);
      if (unsent !== undefined) return this.#again({ ...arrival, request: withPrefix(unsent, arrival.path, routePrefix) }, attempt);
    }
    const response = failed(error, meta);
    traffic.answeredInstead(divided, name, { status: response.status, durationMs: Date.now() - beganAtMs }, arrival.worker);
    return response;
  }

  async #warmed(arrival: Arrival, attempt: number): Promise<Response> {
    const { traffic, dispatch } = this.#parts;
    await traffic.warm();
    return dispatch(arrival, attempt);
  }

  async #again(arrival: Arrival, attempt: number): Promise<Response> {
    const { traffic, dispatch } = this.#parts;
    if (attempt > 0) await pause(PAUSE_MS * 2 ** (attempt - 1));
    traffic.outdated();
    await traffic.refresh();
    return dispatch(arrival, attempt + 1);
  }

  async #shadowed(arrival: Arrival, { copy, application, chosen, other }: Shadowed): Promise<Response> {
    const { traffic, answer } = this.#parts;
    const { path, worker } = arrival;
    // Both have one id. A replica would make one of its own.
    const request = withOwnId(copy.request);
    const marked = { ...arrival, request };
    const response = await answer(marked, application, chosen);
    const { status } = response;
    const url = withoutPrefix(request.url, path, application.routePrefix);
    const meta = metaOf(marked, application, chosen);
    const send = async () => {
      // After the answer has left.
      await pause(0);
      const outcome = other === undefined ? "failed" : await sendShadow(copy.body, other, { url, request, meta, status });
      traffic.shadowed(chosen.divided.shadow!.application, outcome, worker);
    };
    worker.keepAlive(send());
    return response;
  }
}

/** A request, and the application that it was sent to. */
export interface Answering {
  readonly application: RoutedApplication;
  readonly chosen: Chosen;
}

/** A request that has failed on its way. */
export interface FailedSending extends Answering {
  readonly sending: Sending;
  readonly meta: HttpMeta;
}

interface Shadowed {
  readonly copy: ForkedRequest;
  readonly application: RoutedApplication;
  readonly chosen: Chosen;
  /** The shadow's; `undefined` if it is not there. */
  readonly other: RoutedApplication | undefined;
}
