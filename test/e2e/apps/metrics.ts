/** An application that uses everything that is measured: HTTP, calls, errors, streams, batches, models. */
import * as serve from "edge-serve";

// Longer than the tests send requests: a replica tells what it has measured when it has nothing to do.
const OPTIONS = { healthCheckPeriodMs: 3000 };

class Model {
  #load = serve.multiplexed(async (id: string) => ({ id }), { maxModelsPerReplica: 1 });

  predict = serve.batch(
    async function predict(texts: string[]) {
      return texts.map((text) => text.length);
    },
    { maxBatchSize: 4, batchWaitTimeoutMs: 200 },
  );

  async model(id: string): Promise<string> {
    return (await this.#load(id)).id;
  }

  *count(to: number): Generator<number> {
    for (let n = 0; n < to; n++) yield n;
  }

  fail(): never {
    throw new RangeError("as it should");
  }
}

class Front {
  constructor(private model: serve.DeploymentHandle<Model>) {}

  async fetch(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    const count = Number(searchParams.get("count") ?? 1);
    const all = <T>(one: (n: number) => PromiseLike<T>) => Promise.all(Array.from({ length: count }, (_, n) => one(n)));
    if (pathname === "/batch") return await all((n) => this.model.predict.remote(`text ${n}`));
    if (pathname === "/models") {
      for (let n = 0; n < count; n++) await this.model.model.remote(`m${n % 2}`);
      return "ok";
    }
    if (pathname === "/stream") {
      const items: number[] = [];
      for await (const item of this.model.count.remote(count)) items.push(item);
      return items;
    }
    if (pathname === "/fails") return await this.model.fail.remote();
    if (pathname === "/missing") return new Response("no", { status: 404 });
    return "ok";
  }
}

export const app = serve.deployment(Front, OPTIONS).bind(serve.deployment(Model, OPTIONS).bind());
