/**
 * The entrypoint `EdgeServe`, which other Workers of the account reach by a service binding: a shell around
 * `src/ingress/service-calls.ts`.
 *
 * Owns: RPC names, what crosses as a stub. Does not own: which calls are let in, and what they do.
 */
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import { failure } from "../src/ingress/outside-call.ts";
import { type BeginCall, notOpen, type RunningCall } from "../src/ingress/service-calls.ts";
import { decodeError, type WireError } from "../src/protocol/error-codec.ts";
import { RequestCancelledError } from "../src/protocol/errors.ts";
import type { Answer } from "../src/protocol/messages.ts";
import type { OpenedCall, OutsideAnswer, RpcCall, ServiceCall, ServiceRpc } from "../src/protocol/rpc-messages.ts";
import { ItemStub, SourceStub } from "./stubs.ts";

/** The class of the entrypoint. */
export type ServiceEntrypoint = new (ctx: ExecutionContext, env: Cloudflare.Env) => WorkerEntrypoint & ServiceRpc;

/** The entrypoint of a Worker. @param begin Missing where no application is open to callers. */
export function serviceEntrypoint(begin: BeginCall = refused): ServiceEntrypoint {
  return class extends WorkerEntrypoint implements ServiceRpc {
    /** RPC. */
    open(app: string): OpenedCall {
      const call = new CallStub((sent) => begin(app, this.ctx.props, sent));
      return { call, lease: new LeaseStub(call) };
    }
  };
}

const refused: BeginCall = (app) => ({ answer: Promise.resolve(failure(notOpen(app))), cancel: () => {} });

/** A call of another Worker's. */
class CallStub extends RpcTarget implements ServiceCall {
  readonly #begin: (call: unknown) => RunningCall;
  #running: RunningCall | undefined;

  constructor(begin: (call: unknown) => RunningCall) {
    super();
    this.#begin = begin;
  }

  async answer(call: RpcCall): Promise<OutsideAnswer> {
    const running = (this.#running = this.#begin(call));
    const answer = await running.answer;
    // What is still to come of it is stopped by its own stub.
    this.#running = undefined;
    return crossing(answer);
  }

  cancel(reason: WireError): void {
    this.#running?.cancel(decodeError(reason));
  }

  /** Not by RPC. Stops what is not answered. */
  static release(call: CallStub): void {
    call.#running?.cancel(new RequestCancelledError("The calling Worker went away."));
  }
}

/** Held by a caller for as long as it waits. */
class LeaseStub extends RpcTarget implements Disposable {
  readonly #call: CallStub;

  constructor(call: CallStub) {
    super();
    this.#call = call;
  }

  [Symbol.dispose](): void {
    CallStub.release(this.#call);
  }
}

function crossing(answer: OutsideAnswer): OutsideAnswer {
  return answer.kind === "broadcast" ? { kind: "broadcast", replies: answer.replies.map(oneCrossing) } : oneCrossing(answer);
}

// What the router was told beside it is its own.
function oneCrossing(answer: Answer): Answer {
  if (answer.kind === "error") return { kind: "error", error: answer.error };
  if (answer.kind === "stream") return { kind: "stream", items: new ItemStub(answer.items) };
  const { value, source } = answer;
  return { kind: "value", value, ...(source === undefined ? {} : { source: new SourceStub(source) }) };
}
