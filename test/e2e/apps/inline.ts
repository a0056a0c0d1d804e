/** An inline deployment below replicas, and as an ingress: contract section 14. */
import * as serve from "edge-serve";

let made = 0;
const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** Cheap to make, and needs no storage. */
export class Tokenizer {
  readonly instance = ++made;
  readonly batches: string[][] = [];
  setups = 0;
  config: unknown = "none";
  loads = 0;

  async setup() {
    await pause(1);
    this.setups++;
  }
  reconfigure(config: unknown) {
    this.config = config;
  }
  call(text: string) {
    return text.split(" ");
  }
  about() {
    const { appName, deployment, replicaId, ordinal } = serve.getReplicaContext();
    return { instance: this.instance, setups: this.setups, config: this.config, appName, deployment, replicaId, ordinal };
  }
  state() {
    return typeof serve.getReplicaContext().state;
  }
  change(value: { text: string }) {
    value.text = "changed";
    return value;
  }
  async hold(ms: number) {
    await pause(ms);
    return "held";
  }
  embed = serve.batch(
    async (texts: string[]) => {
      await pause(20);
      return texts.map(() => texts.length);
    },
    { maxBatchSize: 100, batchWaitTimeoutMs: 250 },
  );
  model = serve.multiplexed(
    async (id: string) => {
      await pause(50);
      return { id, number: ++this.loads };
    },
    { maxModelsPerReplica: 2 },
  );
  async translate() {
    const { id, number } = await this.model(serve.getMultiplexedModelId());
    await pause(10);
    return { id, number, loads: this.loads };
  }
  async *count(to: number) {
    try {
      for (let n = 0; n < to; n++) yield n;
    } finally {
      serve.logger.info("counted");
    }
  }
}

/** Calls it from a replica. */
export class Front {
  constructor(private tokenizer: serve.DeploymentHandle<Tokenizer>) {}
  call() {
    return this.tokenizer.remote("a b c");
  }
  async ways() {
    const byName = serve.getDeploymentHandle<Tokenizer>("Tokenizer");
    const elsewhere = serve.getDeploymentHandle<Tokenizer>("Tokenizer", "objects");
    const all = await Promise.all([this.tokenizer, byName, elsewhere, byName.options({ key: "k" })].map((handle) => handle.about.remote()));
    return { replica: serve.getReplicaContext().replicaId, all };
  }
  about() {
    return this.tokenizer.about.remote();
  }
  state() {
    return this.tokenizer.state.remote();
  }
  async change() {
    const given = { text: "as it was" };
    const got = await this.tokenizer.change.remote(given);
    return { given, got };
  }
  crowd(count: number, ms: number) {
    return Promise.allSettled(Array.from({ length: count }, () => this.tokenizer.hold.remote(ms)));
  }
  embed(count: number) {
    return Promise.all(Array.from({ length: count }, (_, n) => this.tokenizer.embed.remote(`${n}`)));
  }
}

/** Runs in the Worker. */
export class Edge {
  readonly instance = ++made;
  setups = 0;
  last: unknown;
  #loads = 0;
  constructor(
    private tokenizer: serve.DeploymentHandle<Tokenizer>,
    private far: serve.DeploymentHandle<Far>,
  ) {}
  async setup() {
    await pause(200);
    this.setups++;
  }
  model = serve.multiplexed(
    async (id: string) => {
      await pause(100);
      return { id, number: ++this.#loads };
    },
    { maxModelsPerReplica: 2 },
  );
  about() {
    return { instance: this.instance, replicaId: serve.getReplicaContext().replicaId };
  }
  async fetch(request: Request): Promise<unknown> {
    const url = new URL(request.url);
    const ms = Number(url.searchParams.get("ms") ?? 0);
    const count = Number(url.searchParams.get("count") ?? 1);
    switch (url.pathname) {
      case "/about":
        return { instance: this.instance, setups: this.setups, replicaId: serve.getReplicaContext().replicaId };
      case "/tokenizer":
        return this.tokenizer.about.remote();
      case "/hold":
        await pause(ms);
        return "held";
      case "/far":
        return this.far.remote(await request.text());
      case "/embed":
        return Promise.all(Array.from({ length: count }, (_, n) => this.tokenizer.embed.remote(`${n}`)));
      case "/model":
        return this.model(serve.getMultiplexedModelId());
      case "/hang":
        // What only another request could end.
        return new Promise((resolve) => (this.last = resolve));
      default:
        return "edge";
    }
  }
}

export class Far {
  call(text: string) {
    return `${text} ${serve.getReplicaContext().replicaId}`;
  }
}

const tokenizer = serve
  .deployment(Tokenizer, { placement: "inline", userConfig: "compiled", maxOngoingRequests: 5, maxQueuedRequests: 5 })
  .bind();
export const app = serve.deployment(Front, { numReplicas: 2 }).bind(tokenizer);
const quick = serve.deployment(Tokenizer, { placement: "inline" }).bind();
export const edge = serve.deployment(Edge, { placement: "inline", maxOngoingRequests: 60 }).bind(quick, serve.deployment(Far).bind());
export const small = serve
  .deployment(Edge, { name: "Small", placement: "inline", maxOngoingRequests: 2 })
  .bind(serve.deployment(Tokenizer, { placement: "inline" }).bind(), serve.deployment(Far, { placement: "inline" }).bind());

/** The object of a key. */
export class Counter {
  #count = 0;
  next() {
    return ++this.#count;
  }
}

/** Calls objects of keys from the Worker. */
export class Keys {
  constructor(private counters: serve.KeyedHandle<Counter>) {}
  async fetch(request: Request) {
    const { pathname, searchParams } = new URL(request.url);
    const key = searchParams.get("key") ?? "";
    switch (pathname) {
      case "/bound":
        return this.#three(this.counters, key);
      case "/named":
        return this.#three(serve.getKeyedHandle<Counter>("Counter"), key);
      case "/deleted": {
        const counts = await this.#three(this.counters, key);
        await this.counters.delete(key);
        return counts;
      }
      default:
        return null;
    }
  }
  #three(counters: serve.KeyedHandle<Counter>, key: string) {
    return Promise.all([1, 2, 3].map(() => counters.get(key).next.remote()));
  }
}
export const keys = serve.deployment(Keys, { placement: "inline" }).bind(serve.deployment(Counter, { keyed: true }).bind());
