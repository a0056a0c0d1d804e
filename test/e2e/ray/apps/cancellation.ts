/** The deployments of Ray Serve's test_handle_cancellation.py and test_http_cancellation.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { signals } from "./signals.ts";

class Inner {
  #ran = 0;

  async call(name: string): Promise<string> {
    this.#ran++;
    try {
      await signals().wait.remote(name);
    } catch (error) {
      serve.logger.info("inner stopped", { of: name, by: (error as Error).name });
      throw error;
    }
    serve.logger.info("inner finished", { of: name });
    return "ok";
  }

  async *stream(name: string): AsyncGenerator<string> {
    try {
      for (let n = 0; ; n++) {
        yield `item ${n}`;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      serve.logger.info("stream stopped", { of: name });
    }
  }

  /** Waits for a call after its first item. */
  async *waiting(name: string): AsyncGenerator<string> {
    serve.getRequestContext().signal.addEventListener("abort", () => {
      serve.logger.info("listener ran", { of: name, in: serve.getRequestContext().requestId });
    });
    try {
      yield "first";
      await signals().wait.remote(name);
      yield "second";
    } finally {
      serve.logger.info("stream stopped", { of: name, in: serve.getRequestContext().requestId });
    }
  }

  ran(): number {
    return this.#ran;
  }
}

class Outer {
  readonly #started: PromiseLike<string>;

  constructor(readonly inner: serve.DeploymentHandle<Inner>) {
    this.#started = inner.remote("from the constructor");
  }

  fetch(request: Request): PromiseLike<string> {
    const name = new URL(request.url).pathname.slice(1);
    return name === "started" ? this.#waitForStarted() : this.hold(name);
  }

  async hold(name: string): Promise<string> {
    try {
      return await this.inner.remote(name);
    } catch (error) {
      serve.logger.info("outer stopped", { of: name, by: (error as Error).name });
      throw error;
    }
  }

  async #waitForStarted(): Promise<string> {
    serve.logger.info("waits for what the constructor started");
    return this.#started;
  }

  /** Cancels a call that runs, and tells what became of it. */
  async cancelRunning(name: string): Promise<string[]> {
    const response = this.inner.remote(name);
    await signals().whenWaiting.remote(name, 1);
    response.cancel();
    return [await outcomeOf(response), await outcomeOf(response.result())];
  }

  async cancelOneOfTwo(name: string): Promise<string[]> {
    const [r1, r2] = [this.inner.remote(name), this.inner.remote(name)];
    await signals().whenWaiting.remote(name, 2);
    r1.cancel();
    await signals().whenWaiting.remote(name, 1);
    await signals().send.remote(name);
    return [await outcomeOf(r1), await outcomeOf(r2)];
  }

  /** Reads one item, cancels, and reads on. */
  async cancelStream(name: string): Promise<string[]> {
    const stream = this.inner.stream.remote(name);
    const items = stream[Symbol.asyncIterator]();
    const { value } = await items.next();
    stream.cancel();
    let isDone = false;
    while (!isDone) isDone = (await items.next()).done === true;
    return [String(value), "the loop ended"];
  }

  /** Ends a stream whose generator waits for a call: by `cancel`, or by leaving the loop. */
  async endWaitingStream(name: string, how: "cancel" | "leave"): Promise<string> {
    const stream = this.inner.waiting.remote(name);
    for await (const _ of stream) {
      await signals().whenWaiting.remote(name, 1);
      if (how === "leave") break;
      stream.cancel();
    }
    return serve.getRequestContext().requestId;
  }

  ran(): PromiseLike<number> {
    return this.inner.ran.remote();
  }
}

function outcomeOf(response: PromiseLike<string>): Promise<string> {
  return Promise.resolve(response).then(
    (value) => value,
    (error: Error) => `${error instanceof serve.RequestCancelledError} ${error.name}`,
  );
}

class Routed {
  constructor(readonly inner: serve.DeploymentHandle<Inner>) {}
}

const hono = new Hono<{ Bindings: { replica: Routed } }>().get("/:name", async (c) =>
  c.text(await c.env.replica.inner.remote(c.req.param("name"))),
);

/** How many requests a `Holder` runs at once. */
const RUNNING = 50;

/** Holds requests. The one that takes the last slot tells the signals so, and waits for their word to let all go. */
class Holder {
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  #running = 0;

  async call(name: string): Promise<string> {
    const gate = this.#gates.get(name) ?? Promise.withResolvers<void>();
    this.#gates.set(name, gate);
    this.#running++;
    try {
      if (this.#running === RUNNING) {
        await signals().send.remote(`${name} is full`);
        void signals()
          .wait.remote(`${name} may go`)
          .then(gate.resolve, () => {});
      }
      const { signal } = serve.getRequestContext();
      await Promise.race([
        gate.promise,
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
      ]);
      return "ok";
    } finally {
      this.#running--;
    }
  }
}

/** Makes many calls, and says how often each outcome was. */
class Crowd {
  constructor(private holder: serve.DeploymentHandle<Holder>) {}

  async cancelled(name: string, count: number): Promise<Record<string, number>> {
    const all = Array.from({ length: count }, () => this.holder.remote(name));
    await signals().wait.remote(`${name} is full`);
    for (const response of all) response.cancel();
    return counted(await Promise.all(all.map(outcomeOf)));
  }

  /** Fills every slot and every place in the queue, and lets all go. */
  async filled(name: string, count: number): Promise<Record<string, number>> {
    const all = Array.from({ length: count }, () => outcomeOf(this.holder.options({ timeoutMs: 20_000 }).remote(name)));
    await signals().options({ timeoutMs: 20_000 }).wait.remote(`${name} is full`);
    await signals().send.remote(`${name} may go`);
    return counted(await Promise.all(all));
  }
}

function counted(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

const inner = (options: serve.DeploymentOptions = {}) => serve.deployment(Inner, options).bind();
const quiet = { logging: { level: "ERROR", accessLog: false } } as const;

export const plain = serve.deployment(Outer).bind(inner());
export const routed = serve.deployment(serve.ingress(hono)(Routed)).bind(inner());
export const single = serve.deployment(Outer, { name: "Single" }).bind(inner({ maxOngoingRequests: 1, maxQueuedRequests: 1 }));
export const crowd = serve
  .deployment(Crowd)
  .bind(serve.deployment(Holder, { ...quiet, maxOngoingRequests: RUNNING, maxQueuedRequests: 1000 - RUNNING }).bind());

/** An ingress that runs one request, and holds another. */
class Queue {
  async fetch(request: Request): Promise<string> {
    const name = new URL(request.url).pathname.slice(1);
    await signals().wait.remote(name);
    return "ok";
  }
}

export const queue = serve.deployment(Queue, { maxOngoingRequests: 1, maxQueuedRequests: 1 }).bind();
