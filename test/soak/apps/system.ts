/**
 * The system that is soaked: each way of asking is a path, and how much it asks is in the query.
 */
import * as serve from "../../../src/index.ts";
import { createWorker, describeSystem, type Manifest } from "../../../src/worker.ts";

interface Model extends Disposable {
  readonly id: string;
}

/** What others call. */
class Worker {
  readonly #model = serve.multiplexed((id: string): Promise<Model> => Promise.resolve({ id, [Symbol.dispose]() {} }), {
    maxModelsPerReplica: 3,
  });
  readonly #batch = serve.batch(async (items: readonly number[]) => items.map((item) => item * 2), { batchWaitTimeoutMs: 1 });

  ping(number: number): number {
    return number;
  }

  async model(): Promise<string> {
    return (await this.#model(serve.getMultiplexedModelId())).id;
  }

  batched(number: number): Promise<number> {
    return this.#batch(number);
  }

  *items(count: number): Generator<string> {
    for (let item = 0; item < count; item++) yield `item ${item}\n`;
  }

  fail(number: number): never {
    throw Object.assign(new RangeError(`no ${number}`), { number });
  }
}

const SLOW_MS = 50;
const MINUTE_MS = 60_000;

/** Takes HTTP requests, and calls. */
class Front {
  readonly #worker: serve.DeploymentHandle<Worker>;

  constructor(worker: serve.DeploymentHandle<Worker>) {
    this.#worker = worker;
  }

  async fetch(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    const [number, count] = [Number(searchParams.get("number")), Number(searchParams.get("count"))];
    const each = <T>(call: (at: number) => PromiseLike<T>) => Promise.all(Array.from({ length: count }, (_, at) => call(number + at)));
    if (pathname === "/calls") await each((at) => this.#worker.ping.remote(at));
    else if (pathname === "/keyed") await each((at) => this.#worker.options({ key: `key ${at}` }).ping.remote(at));
    else if (pathname === "/limited") await each((at) => this.#worker.options({ timeoutMs: MINUTE_MS }).ping.remote(at));
    else if (pathname === "/models") await each((at) => this.#worker.options({ multiplexedModelId: `model ${at}` }).model.remote());
    else if (pathname === "/batched") await each((at) => this.#worker.batched.remote(at));
    else if (pathname === "/failing")
      await each((at) =>
        this.#worker.fail
          .remote(at)
          .result()
          .catch(() => {}),
      );
    else if (pathname === "/stream") return this.#worker.items.remote(count);
    else if (pathname === "/throw") throw new Error(`no ${number}`);
    else if (pathname === "/slow") await scheduler.wait(SLOW_MS);
    else if (pathname === "/socket") return socket();
    return "ok";
  }
}

function socket(): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.addEventListener("message", ({ data }) => server.send(data));
  return new Response(null, { status: 101, webSocket: client });
}

// An HTTP request for a model that is loaded here.
class Models {
  readonly #model = serve.multiplexed((id: string): Promise<Model> => Promise.resolve({ id, [Symbol.dispose]() {} }));

  async fetch(): Promise<string> {
    return (await this.#model(serve.getMultiplexedModelId())).id;
  }
}

const quiet = { logging: { accessLog: false } };
const REPLICAS = { Front: 2, Worker: 3, Models: 3 } as const;
const worker = serve.deployment(Worker, { ...quiet, numReplicas: REPLICAS.Worker }).bind();
const code = {
  main: serve.deployment(Front, { ...quiet, numReplicas: REPLICAS.Front, requestRouter: "consistentHash" }).bind(worker),
  models: serve.deployment(Models, { ...quiet, numReplicas: REPLICAS.Models, requestTimeoutMs: MINUTE_MS }).bind(),
};
const applications = [
  { name: "main", routePrefix: "/main", deployments: [] },
  { name: "models", routePrefix: "/models-by-http", deployments: [] },
];
const described = describeSystem({ applications }, code) as unknown as { readonly manifest: Manifest };
const system = createWorker({ ...described.manifest, version: "soak" }, code);

export class main__Front extends system.Replica("main", "Front") {}
export class main__Worker extends system.Replica("main", "Worker") {}
export class models__Models extends system.Replica("models", "Models") {}
export class EdgeServeController extends system.Controller {}
export class EdgeServeConfig extends system.Config {}
export default system.ingress;
