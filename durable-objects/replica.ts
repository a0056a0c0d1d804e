/**
 * The Durable Object behind a replica: a shell around `src/replica/replica.ts`.
 *
 * Owns: the platform's constructor, RPC names, the metadata's place in an HTTP request.
 * Does not own: anything that a replica decides.
 *
 * Every prototype method here can be called by any holder of a stub, so what is not meant for callers is `#private`.
 */
import { DurableObject, RpcTarget } from "cloudflare:workers";
import type { CallRequest, ItemBatch, ItemPuller, Reply, RequestMeta } from "../src/protocol/messages.ts";
import type { Replica } from "../src/replica/replica.ts";

/** What a replica's object is called by, besides `fetch`. */
export interface ReplicaRpc {
  call(request: CallRequest): Promise<Reply>;
}

/** Where metadata travels in an HTTP request: a client cannot set `cf`, and user code sees no header. */
export const META_IN_CF = "edgeServe";

/** Makes the core of a replica from what the platform gives its object. */
export type MakeReplica = (state: DurableObjectState, env: unknown) => Replica;

/** The Durable Object class of a deployment. */
export function replicaClass(makeReplica: MakeReplica): new (state: DurableObjectState, env: unknown) => DurableObject & ReplicaRpc {
  return class extends DurableObject implements ReplicaRpc {
    readonly #replica: Replica;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      this.#replica = makeReplica(state, env);
    }

    override fetch(request: Request): Promise<Response> {
      const meta = (request.cf as { [META_IN_CF]?: RequestMeta } | undefined)?.[META_IN_CF];
      if (meta === undefined) {
        return Promise.resolve(new Response("A replica answers requests that come through its system's ingress.", { status: 421 }));
      }
      return this.#replica.fetch(request, meta);
    }

    /** RPC. Runs a call from a handle; failures are part of the reply. */
    async call(request: CallRequest): Promise<Reply> {
      const reply = await this.#replica.call(request);
      return reply.kind === "stream" ? { kind: "stream", items: new ItemStub(reply.items) } : reply;
    }
  };
}

/** A stream of items as a stub that the caller pulls from. */
class ItemStub extends RpcTarget implements ItemPuller {
  readonly #items: ItemPuller;

  constructor(items: ItemPuller) {
    super();
    this.#items = items;
  }

  pull(): Promise<ItemBatch> {
    return this.#items.pull();
  }

  cancel(): Promise<void> | void {
    return this.#items.cancel();
  }

  // The caller has gone, whether it said so or not.
  [Symbol.dispose](): void {
    void this.#items.cancel();
  }
}
