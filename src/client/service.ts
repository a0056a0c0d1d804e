/**
 * A handle over a service binding: the target behind `connect()` in another Worker of the account.
 *
 * Everything crosses as it does between a handle and a replica; nothing is written as text.
 */
import { createHandle } from "../handle/handle.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { DeploymentUnavailableError, ReplicaUnavailableError, SerializationError } from "../protocol/errors.ts";
import type { DeploymentHandle } from "../protocol/handle-types.ts";
import { classifyFailure, explainRefusal } from "../protocol/platform-failures.ts";
import type { OpenedCall, OutsideAnswer, RpcCall, ServiceRpc } from "../protocol/rpc-messages.ts";
import { guarded } from "../router/lost-answer.ts";
import type { ServiceBinding } from "./service-binding.ts";
import { BROKEN_OFF, type Called, OutsideTarget } from "./outside-target.ts";

/** A handle to the ingress deployment of an application that runs behind a service binding. */
export function serviceHandle<T>(service: ServiceBinding, { app = "default", deployment }: Partial<Called>): DeploymentHandle<T> {
  return createHandle<T>(new ServiceTarget(service as unknown as ServiceRpc, { app, deployment }), () => undefined);
}

class ServiceTarget extends OutsideTarget {
  readonly #service: ServiceRpc;

  constructor(service: ServiceRpc, called: Called) {
    super(called);
    this.#service = service;
  }

  protected to(called: Called): ServiceTarget {
    return new ServiceTarget(this.#service, called);
  }

  protected async send(call: RpcCall, cancellation?: Cancellation): Promise<OutsideAnswer> {
    cancellation?.check();
    let held: Promise<OpenedCall> | undefined;
    try {
      // What is asked of the call before it is there waits for it at the other end: it is one way there and back.
      const opened = this.#service.open(this.app);
      held = Promise.resolve(opened);
      cancellation?.listen((reason) => void Promise.resolve(opened.call.cancel(encodeError(reason))).catch(ignore));
      return watched(release(await opened.call.answer(call)));
    } catch (error) {
      cancellation?.check();
      throw explained(error, `An argument or the result of ${JSON.stringify(`${this.deployment}.${call.method ?? "call"}`)}`);
    } finally {
      cancellation?.listen(undefined);
      // The other end keeps its end until it is disposed of.
      held?.then((stubs) => (stubs as OpenedCall & Partial<Disposable>)[Symbol.dispose]?.(), ignore);
    }
  }
}

function ignore(): void {}

// An answer that brings no stubs is over: streams and bodies in it are not held by it. What has stubs is held until they are disposed of.
function release(answer: OutsideAnswer): OutsideAnswer {
  if (answer.kind === "error" || (answer.kind === "value" && answer.source === undefined))
    (answer as OutsideAnswer & Partial<Disposable>)[Symbol.dispose]?.();
  return answer;
}

/** How the platform says that there is no such method at the other end. */
const NO_METHOD = "does not implement";

function explained(error: unknown, subject: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes(NO_METHOD)) {
    return new DeploymentUnavailableError(
      `The service binding does not lead to the entrypoint of a system of edge-serve. Is entrypoint = "EdgeServe" in it? ${message}`,
      { cause: error },
    );
  }
  const refusal = explainRefusal(error, subject);
  if (refusal !== error) return refusal;
  if (classifyFailure(error) === "unsendable") return new SerializationError(`${subject} cannot be sent: ${message}`, { cause: error });
  return brokenOff(error);
}

function brokenOff(cause: unknown): ReplicaUnavailableError {
  return new ReplicaUnavailableError(BROKEN_OFF, { cause, hasBegun: true });
}

// Some of an answer may still be to come when the system is lost.
function watched(answer: OutsideAnswer): OutsideAnswer {
  if (answer.kind !== "broadcast") return guarded(answer, brokenOff);
  return { kind: "broadcast", replies: answer.replies.map((reply) => guarded(reply, brokenOff)) };
}
