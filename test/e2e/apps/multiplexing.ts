/** Deployments with models, and what a test asks of them. */
import * as serve from "edge-serve";

interface Model extends AsyncDisposable {
  readonly id: string;
}

let begun = 0;

/** Loads models that a test holds back, and says what was loaded and disposed of, in order. */
export class Translate {
  readonly #events: string[] = [];
  readonly #held = new Map<string, () => void>();
  readonly #model = serve.multiplexed((id: string) => this.#load(id), { maxModelsPerReplica: 2 });

  async translate(text: string): Promise<{ by: string; text: string; ordinal: number }> {
    const model = await this.#model(serve.getMultiplexedModelId());
    return { by: model.id, text: `${model.id}:${text}`, ordinal: serve.getReplicaContext().ordinal };
  }

  async *tokens(count: number): AsyncGenerator<string> {
    const model = await this.#model(serve.getMultiplexedModelId());
    for (let n = 0; n < count; n++) {
      yield `${model.id} ${n}`;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Answers when `count` requests run at once, wherever they are: replicas share the isolate's globals here. */
  async together(count: number): Promise<number> {
    await this.#model(serve.getMultiplexedModelId());
    begun++;
    const areAllHere = () => begun >= count;
    while (!areAllHere()) await new Promise((resolve) => setTimeout(resolve, 1));
    return serve.getReplicaContext().ordinal;
  }

  /** Uses two models more than a replica may hold. */
  async all(ids: readonly string[]): Promise<string[]> {
    const models = [];
    for (const id of ids) models.push(await this.#model(id));
    return models.map(({ id }) => id);
  }

  prefetch(id: string): Promise<void> {
    return this.#model.prefetch(id);
  }

  letGo(id: string): void {
    this.#held.get(id)?.();
  }

  state(): { loaded: readonly string[]; events: readonly string[]; stats: serve.MultiplexedStats; waiting: readonly string[] } {
    return { loaded: this.#model.loaded, events: [...this.#events], stats: this.#model.stats, waiting: [...this.#held.keys()] };
  }

  async call(request: Request): Promise<unknown> {
    const { pathname } = new URL(request.url);
    if (pathname === "/none") return serve.getMultiplexedModelId();
    return this.translate(await request.text());
  }

  async #load(id: string): Promise<Model> {
    this.#events.push(`+${id}`);
    if (id.startsWith("broken")) throw new RangeError(`There is no model ${id}.`);
    if (id.startsWith("held")) {
      await new Promise<void>((resolve) => this.#held.set(id, resolve));
      this.#held.delete(id);
    }
    return { id, [Symbol.asyncDispose]: async () => void this.#events.push(`-${id}`) };
  }
}

/** Calls a deployment with models by handle: what a test does over HTTP only in part. */
class Front {
  constructor(private readonly models: serve.DeploymentHandle<Translate>) {}

  async ask(id: string, count: number): Promise<Awaited<ReturnType<Translate["translate"]>>[]> {
    const handle = this.models.options({ multiplexedModelId: id });
    return Promise.all(Array.from({ length: count }, (_, n) => handle.translate.remote(String(n))));
  }
  async tokens(id: string): Promise<string[]> {
    const seen: string[] = [];
    for await (const token of this.models.options({ multiplexedModelId: id }).tokens.remote(3)) seen.push(token);
    return seen;
  }
  together(id: string, count: number): Promise<number[]> {
    const handle = this.models.options({ multiplexedModelId: id });
    return Promise.all(Array.from({ length: count }, () => handle.together.remote(count)));
  }
  all(ids: readonly string[]): PromiseLike<string[]> {
    return this.models.all.remote(ids);
  }
  prefetch(id: string): PromiseLike<void> {
    return this.models.prefetch.remote(id);
  }
  /** Two requests for one model that loads: the first is cancelled, and gives the reason; the second is served. */
  async cancelFirst(id: string): Promise<unknown[]> {
    const handle = this.models.options({ multiplexedModelId: id });
    const first = handle.translate.remote("first");
    while (!(await this.models.state.remote()).waiting.includes(id));
    const second = handle.translate.remote("second");
    while ((await this.models.state.remote()).stats.misses < 2);
    first.cancel();
    const reason = await Promise.resolve(first).then(
      () => "served",
      (error: Error) => error.name,
    );
    await this.models.letGo.remote(id);
    return [reason, (await second).text];
  }
  state(): PromiseLike<ReturnType<Translate["state"]>> {
    return this.models.state.remote();
  }
}

const frontOf = (numReplicas: number, options: serve.DeploymentOptions = {}) =>
  serve.deployment(Front).bind(serve.deployment(Translate, { numReplicas, ...options }).bind());

export const one = frontOf(1);
export const cancelled = frontOf(1);
export const many = frontOf(6);
export const busy = frontOf(2, { maxOngoingRequests: 1 });
export const direct = serve.deployment(Translate, { numReplicas: 4 }).bind();
