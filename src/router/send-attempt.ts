/**
 * How an attempt of a task is sent: as a call that asks before each message that may begin it, and is never sent again once it may
 * have begun.
 *
 * It waits for a slot without a deadline, and gets one with the permit to begin.
 */
import { RequestCancelledError } from "../protocol/errors.ts";
import type { Answer, CallRequest, Refusal, Reply } from "../protocol/messages.ts";
import { classifyFailure } from "../protocol/platform-failures.ts";
import { attributesOf, inSpan, type SpanAttributes } from "../protocol/tracing.ts";
import { type Explain, guarded } from "./lost-answer.ts";
import { type ReplicaConnection, Send } from "./send.ts";

/** Who lets an attempt begin. */
export interface AttemptGuard {
  /** Asked right before each message that may begin it; `undefined` forbids it. */
  sending(place: {
    readonly replica: string;
    readonly delivery: string;
  }): { readonly attempt: number; readonly deadline: number } | undefined;
  /** What was sent has not begun. */
  refused(): void;
}

export class SendAttempt extends Send<Answer> {
  readonly isTerse = false;
  readonly isOnce = false;
  readonly #taskId: string;
  readonly #request: CallRequest;
  readonly #guard: AttemptGuard;

  constructor(taskId: string, request: CallRequest, guard: AttemptGuard) {
    super(request.meta, Math.random);
    this.#taskId = taskId;
    this.#request = request;
    this.#guard = guard;
  }

  get method(): string | undefined {
    return this.#request.method;
  }

  override get beginsOnce(): boolean {
    return true;
  }

  /** It asks for its slot first, as anywhere: it begins with its permit, and not while it waits. */
  override inTurn(connection: ReplicaConnection): Promise<Answer | Refusal> {
    return this.reserved(connection);
  }

  protected async send(connection: ReplicaConnection): Promise<Reply> {
    const permit = this.#guard.sending({ replica: this.replica, delivery: this.id });
    if (permit === undefined) throw new RequestCancelledError("The task was cancelled.");
    const { attempt, deadline } = permit;
    const meta = { ...this.meta, deadline, task: { id: this.#taskId, attempt } };
    let reply: Reply;
    try {
      const call = () => connection.call({ ...this.#request, meta }, this);
      reply = await (this.meta.isTraced === true ? inSpan("serve.task_attempt", this.#attributes(attempt), call) : call());
    } catch (error) {
      const failure = classifyFailure(error);
      if (failure === "overloaded" || failure === "not-started") this.#guard.refused();
      throw error;
    }
    if (reply.kind === "refused") this.#guard.refused();
    return reply;
  }

  #attributes(attempt: number): SpanAttributes {
    const { meta, replica, method = "call" } = this;
    return { ...attributesOf({ meta, replica, method, attempt }), "serve.task": this.#taskId };
  }

  guard(answer: Answer, explain: Explain): Answer {
    return guarded(answer, explain);
  }
}
