/**
 * The front of an application: takes a step by any route, does it itself or passes it on, and says what became of it.
 */
import * as serve from "edge-serve";
import { abort, begin, isOf, work } from "./acts.ts";
import { type Batcher, type Counters, itemsOf, type Jobs, type Models, type Work } from "./deployments.ts";
import { meet, part } from "./meet.ts";
import type { FrontAnswer, Passed, SeenError, Step, Way } from "./steps.ts";
import { VERSION } from "./version.ts";
import { note } from "./witness.ts";

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
  async fill(name: keyof Parts, slots: number, replicas: number): Promise<string[]> {
    const token = crypto.randomUUID();
    const handle = this.#to[name] as unknown as serve.DeploymentHandle<Work>;
    const rounds = await Promise.all(Array.from({ length: slots }, () => handle.meet.broadcast(token, slots * replicas)));
    part(token);
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
    const isShared = way === "batch" || way === "model";
    const options = {
      // Beside one that hangs in a batch, or waits for a model that never loads, a caller waits as long as it likes.
      ...(step.act?.startsWith("hang") === true ? { timeoutMs: 400 } : isShared ? { timeoutMs: SHARED_TIMEOUT_MS } : {}),
      ...(step.key === undefined ? {} : { key: step.key }),
      ...(step.model === undefined ? {} : { multiplexedModelId: step.model }),
    };
    const { work: plain, eager, elastic, batcher, models, jobs, counters } = this.#to;
    if (way === "broadcast") return { id: step.id, passed: await broadcastTo(plain.options(options), passedOn(step)) };
    const answer = async (next: Step): Promise<unknown> => {
      if (way === "object") {
        const { key = "", ...others } = options;
        return counters.get(key).options(others).run.remote(next);
      }
      if (way === "task") return enqueuedTwice(jobs, next);
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

/** Less than a client's patience. */
const SHARED_TIMEOUT_MS = 10_000;

export interface Parts {
  readonly work: serve.DeploymentHandle<Work>;
  readonly eager: serve.DeploymentHandle<Work>;
  readonly elastic: serve.DeploymentHandle<Work>;
  readonly batcher: serve.DeploymentHandle<Batcher>;
  readonly models: serve.DeploymentHandle<Models>;
  readonly jobs: serve.DeploymentHandle<Jobs>;
  readonly counters: serve.KeyedHandle<Counters>;
}

// With one key it is one task, however often it is said.
async function enqueuedTwice(jobs: serve.DeploymentHandle<Jobs>, step: Step): Promise<{ readonly id: string; readonly task: string }> {
  const { run } = jobs.options({ idempotencyKey: step.id });
  const [first, second] = await Promise.all([run.enqueue(step), run.enqueue(step)]);
  return { id: first.id === second.id ? step.id : "two tasks of one key", task: first.id };
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
