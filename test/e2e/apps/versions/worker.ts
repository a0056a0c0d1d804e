/** One application, which says by which version of the code its requests have gone. */
import * as serve from "../../../../src/index.ts";
import { createWorker, describeSystem, type Manifest } from "../../../../src/worker.ts";

declare const VERSION: string;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Model {
  async call(): Promise<string> {
    return VERSION;
  }

  ordinal(): number {
    return serve.getReplicaContext().ordinal;
  }

  *count(to: number): Generator<string> {
    for (let n = 1; n <= to; n++) yield `${VERSION} ${n}`;
  }

  async read(stream: ReadableStream<Uint8Array>): Promise<{ version: string; text: string }> {
    return { version: VERSION, text: await new Response(stream).text() };
  }

  fail(): never {
    throw Object.assign(new RangeError(`too far for ${VERSION}`), { limit: 3 });
  }

  async hold(id: string, ms: number): Promise<string> {
    serve.logger.info("ran", { id });
    await sleep(ms);
    return id;
  }

  /** As the platform does when a deferred update is due. */
  async beReset(ms: number): Promise<void> {
    await sleep(ms);
    serve.getReplicaContext().state.abort("Durable Object reset because its code was updated.");
  }
}

class Front {
  constructor(
    private readonly model: serve.DeploymentHandle<Model>,
    private readonly single: serve.DeploymentHandle<Model>,
    private readonly frail: serve.DeploymentHandle<Model>,
  ) {}

  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const key = searchParams.get("key");
    const act = (this as unknown as Record<string, (key: string | null) => Promise<unknown>>)[pathname.slice(1)];
    return act === undefined ? new Response(null, { status: 404 }) : Response.json({ front: VERSION, said: await act.call(this, key) });
  }

  call(key: string | null): Promise<unknown> {
    return Promise.resolve(this.#model(key).remote());
  }

  ordinals(): Promise<unknown> {
    return Promise.all(Array.from({ length: 12 }, () => this.model.ordinal.remote()));
  }

  async count(): Promise<unknown> {
    const items: string[] = [];
    for await (const item of this.model.count.remote(300)) items.push(item);
    return [items.length, items[0], items.at(-1)];
  }

  read(key: string | null): Promise<unknown> {
    return Promise.resolve(this.#model(key).read.remote(new Blob(["a body"]).stream()));
  }

  async fail(): Promise<unknown> {
    return inWords(await thrownBy(this.model.fail.remote()));
  }

  /** More calls at once than all replicas take. */
  async crowd(): Promise<unknown> {
    const calls = Array.from({ length: 6 }, (_, n) => this.single.hold.remote(`crowd ${n}`, 200));
    const settled = await Promise.allSettled(calls);
    return settled.map((one) => (one.status === "fulfilled" ? "ok" : (one.reason as Error).name)).toSorted();
  }

  /** One request runs in each replica when that is reset, and others wait behind it. */
  async reset(id: string | null): Promise<unknown> {
    // One after the other: a claim that is on its way when a replica is lost counts as begun.
    const begun = [this.frail.beReset.remote(300), this.frail.beReset.remote(900)];
    await sleep(100);
    const waiting = Array.from({ length: 6 }, (_, n) => this.frail.hold.remote(`${id}-${n}`, 1));
    const outcome = (one: PromiseSettledResult<unknown>) => (one.status === "fulfilled" ? "ok" : (one.reason as Error).name);
    return { begun: (await Promise.allSettled(begun)).map(outcome), waiting: (await Promise.allSettled(waiting)).map(outcome) };
  }

  /** What only newer code understands, sent to a replica of older code and to no other. */
  async alone(key: string | null): Promise<unknown> {
    return inWords(await thrownBy(this.single.options({ key: key ?? "" }).hold.remote("never", 1)));
  }

  #model(key: string | null): serve.DeploymentHandle<Model> {
    return key === null ? this.model : this.model.options({ key });
  }
}

async function thrownBy(response: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await response;
  } catch (error) {
    return error;
  }
}

function inWords(error: unknown): unknown {
  const { name, message, limit, code } = error as Error & { limit?: number; code?: string };
  return { isRangeError: error instanceof RangeError, name, message, limit, code };
}

const quiet = { logging: { accessLog: false } } as const;
const code = {
  default: serve.deployment(Front, { numReplicas: 2, ...quiet }).bind(
    serve.deployment(Model, { numReplicas: 2, ...quiet }).bind(),
    serve.deployment(Model, { name: "Single", maxOngoingRequests: 1, maxQueuedRequests: 0, ...quiet }).bind(),
    serve
      .deployment(Model, {
        name: "Frail",
        numReplicas: 2,
        maxOngoingRequests: 1,
        retries: { attempts: 5, onlyIfNotStarted: true },
        ...quiet,
      })
      .bind(),
  ),
};
const applications = [{ name: "default", routePrefix: "/", deployments: [] }];
const described = describeSystem({ applications } as never, code) as unknown as { readonly manifest: Manifest };
const worker = createWorker({ ...described.manifest, version: VERSION }, code);

export class default__Front extends worker.Replica("default", "Front") {}
export class default__Model extends worker.Replica("default", "Model") {}
export class default__Single extends worker.Replica("default", "Single") {}
export class default__Frail extends worker.Replica("default", "Frail") {}
export class EdgeServeController extends worker.Controller {}
export class EdgeServeConfig extends worker.Config {}
export default worker.ingress;
