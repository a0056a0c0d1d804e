/**
 * Sends attempts by the ordinary router, so that admission, balancing and autoscaling see them.
 *
 * Owns: what an answer or a failure means for an attempt. Does not own: which replica (router/), what follows (machine.ts).
 */
import { bodiesIn } from "../protocol/bodies.ts";
import { bodyOf } from "../protocol/byte-streams.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { encodeError, type WireError } from "../protocol/error-codec.ts";
import { DeploymentUnavailableError, KeyError, SerializationError } from "../protocol/errors.ts";
import type { Reply, RequestMeta } from "../protocol/messages.ts";
import type { KeyedRouter } from "../router/keyed-router.ts";
import type { Router } from "../router/router.ts";
import { isTraced } from "../protocol/tracing.ts";
import { SendAttempt } from "../router/send-attempt.ts";
import { decodeArguments } from "./payload.ts";
import type { Attempt, AttemptEvents, AttemptOutcome, AttemptRequest, AttemptSender, Rejoined } from "./ports.ts";
import type { Place } from "./task.ts";

/** What attempts are sent with. */
export interface SenderPorts {
  /** `undefined` for a deployment that this code does not know. */
  routerTo(app: string, deployment: string): Router | KeyedRouter | undefined;
  /** Asks a replica what becomes of an attempt; `undefined` if it does not run there, and then it will not. */
  rejoin(attempt: Attempt, place: Place): Promise<Reply | undefined>;
  stop(attempt: Attempt, place: Place, reason: unknown): Promise<void>;
  requestId(): string;
}

export class RouterSender implements AttemptSender {
  readonly #ports: SenderPorts;

  constructor(ports: SenderPorts) {
    this.#ports = ports;
  }

  async send(request: AttemptRequest, events: AttemptEvents, cancellation: Cancellation): Promise<AttemptOutcome> {
    const { app, deployment, taskId, method, key } = request;
    const router = this.#ports.routerTo(app, deployment);
    if (router === undefined) return missing(app, deployment);
    let mayHaveBegun = false;
    const guard: AttemptEvents = {
      sending(place) {
        const permit = events.sending(place);
        mayHaveBegun ||= permit !== undefined;
        return permit;
      },
      refused() {
        mayHaveBegun = false;
        events.refused();
      },
    };
    const call = { meta: this.#metaOf(request), method, args: decodeArguments(request.arguments) };
    try {
      const attempt = new SendAttempt(taskId, call, guard);
      const sent = "at" in router ? router.at(key ?? "").send(attempt, cancellation) : router.route(attempt, cancellation);
      return outcomeOf(await sent);
    } catch (error) {
      // What was stored could be sent, so this is about the result.
      if (error instanceof SerializationError && mayHaveBegun) return { kind: "error", error: final(error) };
      if (mayHaveBegun) return { kind: "lost" };
      // What was enqueued when the deployment had keys, or had none.
      if (router.isGone || error instanceof KeyError) return missing(app, deployment);
      return { kind: "not-begun" };
    }
  }

  async rejoin(attempt: Attempt, place: Place): Promise<Rejoined> {
    const reply = await this.#ports.rejoin(attempt, place);
    return reply === undefined ? { kind: "not-running" } : outcomeOf(reply);
  }

  stop(attempt: Attempt, place: Place, reason: unknown): Promise<void> {
    return this.#ports.stop(attempt, place, reason);
  }

  #metaOf({ app, deployment, key, routing, traceparent, tracestate }: Attempt): RequestMeta {
    return {
      requestId: this.#ports.requestId(),
      chain: [`${app}/${deployment}`],
      hops: 0,
      isTraced: isTraced(),
      ...routing,
      ...(key === undefined ? {} : { key }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
  }
}

function outcomeOf(reply: Reply): AttemptOutcome {
  switch (reply.kind) {
    case "value":
      // It cannot be stored, and nobody else reads it.
      for (const body of bodiesIn(reply.value)) giveBack(bodyOf(body));
      return { kind: "value", value: reply.value };
    case "error":
      if (reply.isMissing === true) return { kind: "missing", error: reply.error };
      return { kind: "error", error: reply.isUnsendable === true ? withoutRetry(reply.error) : reply.error };
    case "refused":
      return { kind: "not-begun" };
    case "stream":
      void Promise.resolve(reply.items.cancel()).catch(() => {});
      return { kind: "error", error: final(new SerializationError("A generator cannot be a task.")) };
  }
}

function giveBack(stream: ReadableStream | null): void {
  if (stream !== null && !stream.locked) void stream.cancel().catch(() => {});
}

function missing(app: string, deployment: string): AttemptOutcome {
  const words = `Deployment ${JSON.stringify(deployment)} of application ${JSON.stringify(app)} does not exist.`;
  return { kind: "missing", error: encodeError(new DeploymentUnavailableError(words)) };
}

// It would return no other the next time.
function withoutRetry(error: WireError): WireError {
  return error.kind === "error" ? { ...error, props: { ...error.props, retryable: false } } : error;
}

function final(error: SerializationError): ReturnType<typeof encodeError> {
  return encodeError(Object.assign(error, { retryable: false }));
}
