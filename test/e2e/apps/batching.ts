/** Deployments that batch, and callers whose calls a test cancels. Batches are asked about over HTTP and by handle. */
import * as serve from "edge-serve";

interface Ran {
  readonly items: readonly string[];
  readonly requestId: string;
  readonly replica: string;
}

class Echo {
  call(text: string): string {
    return `echo ${text}`;
  }
}

export class Model {
  readonly #ran: Ran[] = [];
  cleanedUp = 0;
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  constructor(private echo: serve.DeploymentHandle<Echo>) {}

  reconfigure({ waitMs }: { waitMs: number }): void {
    this.predict.setBatchWaitTimeoutMs(waitMs);
  }

  predict = serve.batch(
    async (texts: string[]) => {
      this.#note(texts);
      if (texts.includes("throw")) throw new RangeError("thrown");
      return texts.map((text) => (text === "error" ? new TypeError("own") : text.toUpperCase()));
    },
    { maxBatchSize: 4, batchWaitTimeoutMs: 1 },
  );

  /** Its batches call another deployment, which waits for a gate. */
  relay = serve.batch(this.#relay.bind(this), { maxBatchSize: 2, batchWaitTimeoutMs: 10_000 });

  async #relay(texts: string[]): Promise<string[]> {
    this.#note(texts);
    await this.#gate("relay").promise;
    return Promise.all(texts.map((text) => this.echo.remote(text)));
  }

  count = serve.batch(
    async function* (this: Model, limits: number[]) {
      try {
        for (let n = 0; ; n++) {
          if (limits.every((limit) => n >= limit)) return;
          yield limits.map((limit) => (n < limit ? n : serve.batch.end));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      } finally {
        this.cleanedUp++;
      }
    },
    { maxBatchSize: 2, batchWaitTimeoutMs: 10_000 },
  );

  open(gate: string): void {
    this.#gate(gate).resolve();
  }

  ran(): { ran: Ran[]; cleanedUp: number; predict: serve.BatchStats; relay: serve.BatchStats } {
    return { ran: this.#ran, cleanedUp: this.cleanedUp, predict: this.predict.stats, relay: this.relay.stats };
  }

  /** HTTP: `/predict?text=...`, whose client may go away. */
  async call(request: Request): Promise<string> {
    return this.predict(new URL(request.url).searchParams.get("text") ?? "");
  }

  #gate(name: string): PromiseWithResolvers<void> {
    return this.#gates.get(name) ?? this.#gates.set(name, Promise.withResolvers<void>()).get(name)!;
  }

  #note(items: readonly string[]): void {
    const { requestId } = serve.getRequestContext();
    this.#ran.push({ items, requestId, replica: serve.getReplicaContext().replicaId });
    serve.logger.info("ran a batch", { size: items.length });
  }
}

/** Calls a model many times at once, and leaves some of the calls. */
export class Front {
  constructor(private model: serve.DeploymentHandle<Model>) {}

  async all(texts: string[]): Promise<unknown[]> {
    const settled = await Promise.allSettled(texts.map((text) => this.model.predict.remote(text)));
    return settled.map((one) =>
      one.status === "fulfilled" ? one.value : `${(one.reason as Error).name}: ${(one.reason as Error).message}`,
    );
  }

  /** The first caller of a batch leaves while its batch runs; what the batch calls goes on. */
  async relayAndLeave(): Promise<unknown[]> {
    const first = this.model.relay.remote("first");
    const second = this.model.relay.remote("second");
    while ((await this.model.ran.remote()).relay.running === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    first.cancel();
    const left = await first.result().catch((error: Error) => error.name);
    await this.model.open.remote("relay");
    return [left, await second];
  }

  async counts(first: number, second: number): Promise<number[][]> {
    const read = async (limit: number) => {
      const numbers: number[] = [];
      for await (const n of this.model.count.remote(limit)) numbers.push(n);
      return numbers;
    };
    return Promise.all([read(first), read(second)]);
  }

  /** One caller leaves its loop early, the other reads to the end; then nobody is left. */
  async leaveLoop(): Promise<[number, number]> {
    const early = async () => {
      for await (const n of this.model.count.remote(1_000_000)) if (n === 3) return n;
      return -1;
    };
    const late = async () => {
      let seen = 0;
      for await (const _ of this.model.count.remote(20)) seen++;
      return seen;
    };
    return Promise.all([early(), late()]);
  }

  ran() {
    return this.model.ran.remote();
  }
}

const model = serve.deployment(Model, { userConfig: { waitMs: 200 } }).bind(serve.deployment(Echo).bind());
export const app = serve.deployment(Front).bind(model);

/** The model alone, as an ingress. */
export const http = serve.deployment(Model, { userConfig: { waitMs: 300 } }).bind(serve.deployment(Echo).bind());

/** A deployment that is a batched function, with two replicas in one isolate. */
export const fn = serve
  .deployment(
    serve.batch(
      async function upper(requests: Request[]) {
        const { replicaId } = serve.getReplicaContext();
        return requests.map((request) => `${new URL(request.url).pathname} ${requests.length} ${replicaId}`);
      },
      { maxBatchSize: 10, batchWaitTimeoutMs: 100 },
    ),
    { numReplicas: 2 },
  )
  .bind();
