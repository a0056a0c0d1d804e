/**
 * Sends a request to one of a deployment's replicas.
 *
 * Owns: which replica, and what a lost one means to the caller.
 * Does not own: the connection (a port), what runs there.
 *
 * Invariants:
 *   T1. A stub lives for one request; between requests only names are kept.
 *   T2. What the platform throws never reaches a caller as it is.
 */
import { DeploymentUnavailableError, ReplicaUnavailableError, ServeError } from "../protocol/errors.ts";
import type { CallRequest, Reply, RequestMeta } from "../protocol/messages.ts";
import { explainRefusal } from "../protocol/sendable.ts";
import { pickRandom } from "./policies/random.ts";
import type { ReplicaRef, ReplicaSet } from "./replica-set.ts";

/** A way to a replica, good for one request. */
export interface ReplicaConnection {
  call(request: CallRequest): Promise<Reply>;
  fetch(request: Request, meta: RequestMeta): Promise<Response>;
}

/** What a router needs from the platform. */
export interface RouterPorts {
  connect(replica: ReplicaRef): ReplicaConnection;
  random(): number;
}

export class Router {
  readonly app: string;
  readonly deployment: string;
  readonly #ports: RouterPorts;
  readonly #set: ReplicaSet;

  constructor(app: string, deployment: string, set: ReplicaSet, ports: RouterPorts) {
    this.app = app;
    this.deployment = deployment;
    this.#set = set;
    this.#ports = ports;
  }

  /** Runs a call on one replica. Rejects only with errors of edge-serve; what the method threw is in the reply. */
  async call(request: CallRequest): Promise<Reply> {
    const replica = this.#choose();
    try {
      return await this.#ports.connect(replica).call(request);
    } catch (error) {
      throw this.#explain(error, replica, request.method);
    }
  }

  /** Runs a call on every replica, in the order of the set. */
  broadcast(request: CallRequest): Promise<PromiseSettledResult<Reply>[]> {
    return Promise.allSettled(
      this.#set.replicas.map(async (replica) => {
        try {
          return await this.#ports.connect(replica).call(request);
        } catch (error) {
          throw this.#explain(error, replica, request.method);
        }
      }),
    );
  }

  /** Gives an HTTP request to one replica. */
  async fetch(request: Request, meta: RequestMeta): Promise<Response> {
    const replica = this.#choose();
    try {
      return await this.#ports.connect(replica).fetch(request, meta);
    } catch (error) {
      throw this.#explain(error, replica, "fetch");
    }
  }

  #choose(): ReplicaRef {
    const { replicas } = this.#set;
    const replica = replicas[pickRandom(replicas.length, this.#ports.random)];
    if (replica !== undefined) return replica;
    throw new DeploymentUnavailableError(
      `Deployment ${JSON.stringify(this.deployment)} of application ${JSON.stringify(this.app)} has no replicas. Set numReplicas to at least 1.`,
    );
  }

  #explain(error: unknown, replica: ReplicaRef, method: string | undefined): unknown {
    if (error instanceof ServeError) return error;
    const refusal = explainRefusal(error, `An argument or the result of ${JSON.stringify(`${this.deployment}.${method ?? "call"}`)}`);
    if (refusal !== error) return refusal;
    const reason = error instanceof Error ? error.message : String(error);
    return new ReplicaUnavailableError(`Replica ${JSON.stringify(replica.name)} was lost: ${reason}`, { cause: error });
  }
}
