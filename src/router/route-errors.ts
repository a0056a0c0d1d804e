/**
 * What a caller is told when its request finds no replica, or fails on its way.
 */
import {
  BackPressureError,
  DeploymentUnavailableError,
  ReplicaUnavailableError,
  RequestCancelledError,
  SerializationError,
  ServeError,
} from "../protocol/errors.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { explainRefusal, type PlatformFailure } from "../protocol/platform-failures.ts";
import { isAtOldPrefix, type ReplicaRef, type ReplicaSet } from "../protocol/replica-set.ts";

/** Which deployment a router is for. */
export interface Destination {
  readonly app: string;
  readonly deployment: string;
}

/** What became of a request at the replica that was lost. */
export interface Loss {
  /** Its instance may also not have started, which the replica itself has said. */
  readonly failure: PlatformFailure | "failed-start";
  /** Whether it went to the replica to be run, not just to be given a slot. */
  readonly isSent: boolean;
}

/** A replica that was lost with a request; becomes a `ReplicaUnavailableError` if the request may not be sent again. */
export class LostReplica extends Error {
  readonly #name: string;
  readonly failure: Loss["failure"];
  readonly isSent: boolean;

  constructor({ name }: ReplicaRef, cause: unknown, { failure, isSent }: Loss) {
    super("lost", { cause });
    this.#name = name;
    this.failure = failure;
    this.isSent = isSent;
  }

  /** Whether the request may be running, or have run. From the moment that it is sent nobody can tell. */
  get mayHaveBegun(): boolean {
    return this.isSent && this.failure === "lost";
  }

  /** What the caller is told. Only a request that has not begun may be sent again by whoever sent it. */
  explain(): unknown {
    const { cause, mayHaveBegun } = this;
    // A replica that did not start says why.
    if (cause instanceof ServeError) return cause;
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
    const lost = `Replica ${JSON.stringify(this.#name)} was lost: ${reason}.`;
    return mayHaveBegun
      ? new ReplicaUnavailableError(`${lost} It may have begun the request, which is therefore not sent again.`, { cause, hasBegun: true })
      : new ReplicaUnavailableError(`${lost} The request had not begun.`, { cause });
  }
}

/** Turns whatever was thrown on the way into an error of edge-serve. */
export function explainFailure(error: unknown, { deployment }: Destination, method: string | undefined): unknown {
  if (error instanceof LostReplica) return error.explain();
  if (error instanceof ServeError) return error;
  const subject = `An argument or the result of ${JSON.stringify(`${deployment}.${method ?? "call"}`)}`;
  const refusal = explainRefusal(error, subject);
  if (refusal !== error) return refusal;
  if (error instanceof Error && error.name === "AbortError")
    return new RequestCancelledError("The request was cancelled.", { cause: error });
  // What the platform throws at a value, an argument or a result, and not at a connection.
  const reason = error instanceof Error ? error.message : String(error);
  return new SerializationError(`${subject} cannot be sent: ${reason}`, { cause: error });
}

export function noReplicas({ app, deployment }: Destination, set: ReplicaSet): DeploymentUnavailableError {
  if (set.isGone === true) return notThere({ app, deployment }, set);
  return new DeploymentUnavailableError(
    `Deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(app)} has no replicas. Set numReplicas to at least 1.`,
  );
}

/** The deployment is not there, or not where the request looked for it. */
export function notThere({ app, deployment }: Destination, { isGone, routePrefix }: ReplicaSet): DeploymentUnavailableError {
  const what = `Deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(app)}`;
  if (isGone === true) return new DeploymentUnavailableError(`${what} has been deleted.`);
  return new DeploymentUnavailableError(
    routePrefix === null ? `${what} is no longer reached over HTTP.` : `${what} has moved to ${JSON.stringify(routePrefix)}.`,
  );
}

/** Every replica runs and holds as many requests as it may. */
export function allFull({ deployment }: Destination, { replicas, config }: ReplicaSet): BackPressureError {
  const { maxOngoingRequests, maxQueuedRequests, backpressure } = config;
  const { statusCode, retryAfterMs } = backpressure;
  const name = JSON.stringify(deployment);
  const running = `${maxOngoingRequests} ${maxOngoingRequests === 1 ? "request" : "requests"}`;
  const full =
    replicas.length === 1
      ? `the replica of ${name} runs ${running} (maxOngoingRequests) and holds ${maxQueuedRequests} waiting (maxQueuedRequests).`
      : `all ${replicas.length} replicas of ${name} run ${running} each (maxOngoingRequests) and hold ${maxQueuedRequests} waiting each (maxQueuedRequests).`;
  return new BackPressureError(`Request dropped due to backpressure: ${full} Retry after ${Math.ceil(retryAfterMs / 1000)} s.`, {
    status: statusCode,
    retryAfterMs,
  });
}

/** The slot that was kept for a request had been given back when it came, and there is nothing left to send elsewhere. */
export function tooLate({ deployment }: Destination): ReplicaUnavailableError {
  return new ReplicaUnavailableError(
    `The request came to its replica of ${JSON.stringify(deployment)} after the slot that was kept for it had been given back. It did not begin.`,
  );
}

/**
 * An attempt before may have begun the request, where the deployment allows it to run again. Whatever ended the last one, the
 * request is none that has not begun.
 */
export function begunBefore(explained: unknown): unknown {
  if (!(explained instanceof ServeError) || explained.retryAfterMs === undefined) return explained;
  const message = `An attempt before may have begun the request, and it could not be sent again: ${explained.message}`;
  return new ReplicaUnavailableError(message, { cause: explained, hasBegun: true });
}

/** Whether the application is not where the request looked for it. */
export function isElsewhere(set: ReplicaSet, meta: RequestMeta): boolean {
  return set.isGone === true || isAtOldPrefix(meta, set);
}
