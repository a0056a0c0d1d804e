/** Deployments whose request router a test asks what it was given. A key `to <number>` names the replica that it chooses. */
import * as serve from "edge-serve";

export interface Seen {
  readonly request: serve.RouterRequest;
  readonly candidates: readonly serve.RouterCandidate[];
}

// All objects of a local system share an isolate.
let seen: Seen[] = [];
let held: (() => void)[] = [];

const requestRouter: serve.RequestRouter = (candidates, request) => {
  seen.push({ candidates, request });
  return Math.max(
    0,
    candidates.findIndex(({ ordinal }) => request.key === `to ${ordinal}`),
  );
};

const options = { numReplicas: 2, maxOngoingRequests: 2, requestRouter, placement: { locationHints: ["weur", "enam"] } } as const;

export class Model {
  readonly #model = serve.multiplexed((id: string) => id, { maxModelsPerReplica: 2 });

  async call(): Promise<number> {
    if (serve.getMultiplexedModelId() !== "") await this.#model(serve.getMultiplexedModelId());
    return serve.getReplicaContext().ordinal;
  }

  named(): Promise<number> {
    return this.call();
  }

  async *items(): AsyncGenerator<number> {
    yield await this.call();
  }

  /** Runs until all are let go. */
  hold(): Promise<void> {
    return new Promise((resolve) => held.push(resolve));
  }

  async fetch(request: Request): Promise<Response> {
    const ordinal = await this.call();
    if (new URL(request.url).pathname !== "/streamed") return Response.json(ordinal);
    return new Response(new Blob([JSON.stringify(ordinal)]).stream());
  }
}

/** What the routers were given since this was asked last. */
export class Record {
  take(): Seen[] {
    const taken = seen;
    seen = [];
    return taken;
  }

  letGo(): void {
    for (const resolve of held) resolve();
    held = [];
  }
}

export const model = serve.deployment(Model, { ...options, tasks: {} }).bind();
export const record = serve.deployment(Record).bind();
