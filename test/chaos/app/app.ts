/**
 * The application that the faults are injected into: a front, and a deployment for each way of passing work on.
 */
import * as serve from "edge-serve";
import { abort, abortAfterWrite, begin, isOf, sleep, work } from "./acts.ts";
import type { FrontAnswer, Passed, SeenError, Step, Way } from "./steps.ts";
import { VERSION } from "./version.ts";
import { note } from "./witness.ts";

/** How many runs of a rendezvous are here. All objects share the isolate's globals locally. */
const arrived = new Map<string, number>();
const RENDEZVOUS_MS = 10_000;

/** Answers whether as many runs as expected of the same deployment were here at once. */
async function meet(token: string, count: number): Promise<boolean> {
  arrived.set(token, (arrived.get(token) ?? 0) + 1);
  for (let waitedMs = 0; waitedMs < RENDEZVOUS_MS; waitedMs += 10) {
    if (arrived.get(token)! >= count) return true;
    await sleep(10);
  }
  return false;
}

export class Work {
  #isIll = false;

  constructor() {
    note(serve.getReplicaContext().state, "constructor");
  }

  reconfigure(): void {}

  checkHealth(): void {
    if (this.#isIll) throw new Error("asked to fall ill");
  }

  async run(step: Step): Promise<unknown> {
    begin(step.id);
    if (step.act === "fall ill") this.#isIll = true;
    return work(step, { id: step.id, version: VERSION });
  }

  async *items(step: Step): AsyncGenerator<string> {
    begin(step.id);
    yield* itemsOf(step);
  }

  /** Of a broadcast: each replica's run is a step of its own. */
  async each(step: Step): Promise<string> {
    const id = `${step.id}@${serve.getReplicaContext().replicaId}`;
    begin(id);
    await work(step, id);
    return id;
  }

  meet(token: string, count: number): Promise<boolean> {
    return meet(token, count);
  }
}

async function* itemsOf({ id, items = 5, ms, act }: Step): AsyncGenerator<string> {
  for (let n = 0; n < items; n++) {
    if (n === 2 && act === "abort streaming") await abortAfterWrite();
    if (n === 2 && act === "hang deaf") await new Promise(() => {});
    if (n === 2 && act === "throw error") throw new Error("asked to throw");
    yield `${id} ${n}\n`;
    await sleep(ms / items);
  }
}

export class Batcher {
  constructor() {
    note(serve.getReplicaContext().state, "constructor");
  }

  readonly #batch = serve.batch(
    async (steps: Step[]): Promise<unknown[]> => {
      for (const { id } of steps) begin(id, "item");
      if (steps.some(({ act }) => act === "abort in batch")) await abortAfterWrite();
      if (steps.some(({ act }) => act === "hang deaf")) await new Promise(() => {});
      await sleep(Math.max(...steps.map(({ ms }) => ms)));
      return Promise.all(steps.map((step) => work({ ...step, ms: 0 }, { id: step.id }).catch(toError)));
    },
    { maxBatchSize: 4, batchWaitTimeoutMs: 5 },
  );

  async run(step: Step): Promise<unknown> {
    begin(step.id);
    return this.#batch(step);
  }

  meet(token: string, count: number): Promise<boolean> {
    return meet(token, count);
  }
}

// An item of a batch fails by an error in its place, so what is no error is wrapped.
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("asked to throw");
}

export class Models {
  #loads: "well" | "dies" | "fails" = "well";

  constructor() {
    note(serve.getReplicaContext().state, "constructor");
  }

  readonly #model = serve.multiplexed((id: string) => this.#load(id), { maxModelsPerReplica: 2 });

  async run(step: Step): Promise<unknown> {
    begin(step.id);
    if (step.act === "abort loading") this.#loads = "dies";
    if (step.act === "throw error") this.#loads = "fails";
    const id = serve.getMultiplexedModelId();
    const model = await this.#model(this.#loads === "well" ? id : `${id}-${step.id}`);
    return work(step, { id: step.id, model: model.id });
  }

  async #load(id: string): Promise<{ id: string }> {
    note(serve.getReplicaContext().state, "load", id);
    await sleep(5);
    if (this.#loads === "dies") await abortAfterWrite();
    if (this.#loads === "fails") {
      this.#loads = "well";
      throw new Error("asked to throw");
    }
    return { id };
  }

  meet(token: string, count: number): Promise<boolean> {
    return meet(token, count);
  }
}

export class Front {
  readonly #to: Parts;

  constructor(parts: Parts) {
    this.#to = parts;
    note(serve.getReplicaContext().state, "constructor");
  }

  async fetch(request: Request): Promise<unknown> {
    const step = JSON.parse(decodeURIComponent(request.headers.get("x-step") ?? "null")) as Step;
    begin(step.id);
    const [, path = "", way = ""] = new URL(request.url).pathname.split("/");
    if (path === "direct") return work(step, { id: step.id, version: VERSION });
    if (path === "body") return this.#body(step, request);
    if (path === "items") return itemsOf(step);
    if (path === "relay") return this.#relay(step);
    if (path === "socket") return socket(step);
    return this.#pass(step, way as Way);
  }

  /** For callers outside the Worker. */
  async run(step: Step): Promise<unknown> {
    begin(step.id);
    return work(step, { id: step.id, version: VERSION });
  }

  async pass(step: Step, way: Way): Promise<FrontAnswer> {
    begin(step.id);
    return this.#pass(step, way);
  }

  async *items(step: Step): AsyncGenerator<string> {
    begin(step.id);
    yield* itemsOf(step);
  }

  async *relay(step: Step): AsyncGenerator<string> {
    begin(step.id);
    yield* this.#relay(step);
  }

  /** Fills every slot of a deployment: whether `slots` runs of each replica were there at once. */
  async fill(part: keyof Parts, slots: number, replicas: number): Promise<string[]> {
    const token = crypto.randomUUID();
    const handle = this.#to[part] as serve.DeploymentHandle<Work>;
    const rounds = await Promise.all(Array.from({ length: slots }, () => handle.meet.broadcast(token, slots * replicas)));
    arrived.delete(token);
    return rounds.flat().map((one) => (one.status === "fulfilled" ? (one.value ? "met" : "alone") : String(one.reason)));
  }

  meet(token: string, count: number): Promise<boolean> {
    return meet(token, count);
  }

  async #body(step: Step, request: Request): Promise<unknown> {
    if (isOf(step.act, "abort at once")) return abort();
    const bytes = new Uint8Array(await request.arrayBuffer());
    return work(step, { id: step.id, length: bytes.length, sum: bytes.reduce((sum, byte) => (sum + byte) % 65_521, 0) });
  }

  async *#relay(step: Step): AsyncGenerator<string> {
    yield* this.#to.work.items.remote(passedOn(step));
  }

  async #pass(step: Step, way: Way): Promise<FrontAnswer> {
    const options = {
      ...(step.act?.startsWith("hang") === true ? { timeoutMs: 400 } : {}),
      ...(step.key === undefined ? {} : { key: step.key }),
      ...(step.model === undefined ? {} : { multiplexedModelId: step.model }),
    };
    const { work: plain, eager, elastic, batcher, models } = this.#to;
    if (way === "broadcast") return { id: step.id, passed: await broadcastTo(plain.options(options), passedOn(step)) };
    const answer = async (next: Step): Promise<unknown> => {
      if (way === "batch") return batcher.options(options).run.remote(next);
      if (way === "model") return models.options(options).run.remote(next);
      if (way === "items") return lengthOf(plain.options(options).items.remote(next));
      const handle = way === "eager" ? eager : way === "elastic" ? elastic : plain;
      return handle.options(options).run.remote(next);
    };
    const count = step.count ?? 1;
    const steps = Array.from({ length: count }, (_, n) => passedOn(step, n, n === count >> 1));
    return { id: step.id, passed: await Promise.all(steps.map((next) => settled(next.id, answer(next)))) };
  }
}

interface Parts {
  readonly work: serve.DeploymentHandle<Work>;
  readonly eager: serve.DeploymentHandle<Work>;
  readonly elastic: serve.DeploymentHandle<Work>;
  readonly batcher: serve.DeploymentHandle<Batcher>;
  readonly models: serve.DeploymentHandle<Models>;
}

function passedOn({ act, ...step }: Step, n = 0, isActing = true): Step {
  return { ...step, id: `${step.id}.${n + 1}`, ...(act === undefined || !isActing ? {} : { act }) };
}

async function settled(id: string, answer: Promise<unknown>): Promise<Passed> {
  try {
    return { id, isAnswered: true, value: await answer };
  } catch (error) {
    return { id, isAnswered: false, error: seen(error) };
  }
}

async function broadcastTo(handle: serve.DeploymentHandle<Work>, step: Step): Promise<Passed[]> {
  const all = await handle.each.broadcast(step);
  // Which replica a failure was of is not told.
  return all.map((one) =>
    one.status === "fulfilled"
      ? { id: one.value, isAnswered: true, value: { id: one.value } }
      : { id: `${step.id}@`, isAnswered: false, error: seen(one.reason) },
  );
}

async function lengthOf(items: AsyncIterable<string>): Promise<number> {
  let length = 0;
  for await (const _ of items) length++;
  return length;
}

function seen(error: unknown): SeenError {
  if (!(error instanceof Error)) return { message: typeof error === "string" ? error : typeof error };
  const { name, message, code, status, retryAfterMs } = error as Error & Record<"code" | "status" | "retryAfterMs", unknown>;
  return {
    name,
    message: message.slice(0, 300),
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  };
}

function socket({ id, act }: Step): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.addEventListener("message", ({ data }) => {
    if (act === "abort working") void abort();
    if (act === "throw error") throw new Error("asked to throw");
    server.send(`${id} ${String(data)}`);
  });
  server.addEventListener("close", ({ code }) => server.close(code === 1005 || code === 1006 ? 1000 : code));
  return new Response(null, { status: 101, webSocket: client });
}

const health = { healthCheckPeriodMs: 500, healthCheckTimeoutMs: 1000, gracefulShutdownTimeoutMs: 1000 } as const;
const small = { ...health, maxOngoingRequests: 2, maxQueuedRequests: 20, logging: { accessLog: false } } as const;

const eager = { ...small, name: "Eager", numReplicas: 2, retries: { attempts: 2, onlyIfNotStarted: false } } as const;
const elastic: serve.DeploymentOptions = {
  ...small,
  name: "Elastic",
  autoscaling: {
    minReplicas: 0,
    maxReplicas: 3,
    targetOngoingRequests: 2,
    metricsIntervalMs: 300,
    lookBackPeriodMs: 1000,
    upscaleDelayMs: 100,
    downscaleDelayMs: 1000,
  },
};

const applicationOf = (front: serve.DeploymentOptions) =>
  serve.deployment(Front, { ...small, ...front }).bind({
    work: serve.deployment(Work, { ...small, numReplicas: 3 }).bind(),
    eager: serve.deployment(Work, eager).bind(),
    elastic: serve.deployment(Work, elastic).bind(),
    batcher: serve.deployment(Batcher, { ...small, maxOngoingRequests: 8 }).bind(),
    models: serve.deployment(Models, { ...small, numReplicas: 2 }).bind(),
  });

/** Its front has room for everybody: what waits, waits behind it. */
export const wide = applicationOf({ numReplicas: 2, maxOngoingRequests: 50 });
/** Its front is small: what comes over HTTP waits for it. */
export const narrow = applicationOf({ numReplicas: 2, maxOngoingRequests: 3 });
