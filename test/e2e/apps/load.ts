/** Deployments whose requests a test holds open and lets go, and counts. */
import * as serve from "edge-serve";

/** Holds every request until it is told to let go. What it has seen is asked for over HTTP, past admission. */
export class Gate {
  #ongoing = 0;
  #peak = 0;
  #ran = 0;
  #aborted = 0;
  #open = false;
  readonly #waiting = new Set<() => void>();

  async hold(name = ""): Promise<string> {
    this.#ran++;
    this.#peak = Math.max(this.#peak, ++this.#ongoing);
    const { signal } = serve.getRequestContext();
    try {
      if (!this.#open) {
        await new Promise<void>((resolve, reject) => {
          this.#waiting.add(resolve);
          signal.addEventListener("abort", () => {
            this.#aborted++;
            this.#waiting.delete(resolve);
            reject(signal.reason as Error);
          });
        });
      }
      return `held ${name}`;
    } finally {
      this.#ongoing--;
    }
  }

  async *stream(): AsyncGenerator<string> {
    this.#peak = Math.max(this.#peak, ++this.#ongoing);
    try {
      for (let n = 0; ; n++) {
        yield `item ${n} `;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      this.#ongoing--;
      this.#aborted++;
    }
  }

  quick(ms: number): Promise<number> {
    this.#ran++;
    this.#peak = Math.max(this.#peak, ++this.#ongoing);
    return new Promise((resolve) =>
      setTimeout(() => {
        this.#ongoing--;
        resolve(this.#peak);
      }, ms),
    );
  }

  letGo(): void {
    this.#open = true;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  stats(): Stats {
    return { ongoing: this.#ongoing, peak: this.#peak, ran: this.#ran, aborted: this.#aborted, ordinal: serve.getReplicaContext().ordinal };
  }

  call(request: Request): unknown {
    const { pathname } = new URL(request.url);
    if (pathname === "/stream") return this.stream();
    if (pathname === "/stats") return this.stats();
    if (pathname === "/letgo") return this.letGo();
    return this.hold(pathname);
  }
}

export interface Stats {
  ongoing: number;
  peak: number;
  ran: number;
  aborted: number;
  ordinal: number;
}

/** Calls a gate, many times at once. */
class Front {
  constructor(private gate: serve.DeploymentHandle<Gate>) {}

  hold(name: string): PromiseLike<string> {
    return this.gate.hold.remote(name);
  }

  async holdMany(count: number): Promise<string[]> {
    const responses = Array.from({ length: count }, (_, n) => this.gate.hold.remote(String(n)));
    const settled = await Promise.allSettled(responses);
    return settled.map((one) => (one.status === "fulfilled" ? one.value : `${(one.reason as Error).name}`));
  }

  async quickMany(count: number, ms: number): Promise<number> {
    const peaks = await Promise.all(Array.from({ length: count }, () => this.gate.quick.remote(ms)));
    return Math.max(...peaks);
  }

  async cancelMany(count: number): Promise<string[]> {
    const responses = Array.from({ length: count }, (_, n) => this.gate.hold.remote(String(n)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const response of responses) response.cancel();
    const settled = await Promise.allSettled(responses);
    return [...new Set(settled.map((one) => (one.status === "fulfilled" ? one.value : (one.reason as Error).name)))];
  }

  async holdAndCatch(): Promise<string> {
    return await this.gate.hold
      .remote("caught")
      .result()
      .catch((error: Error) => error.name);
  }

  async takeThree(): Promise<string[]> {
    const items: string[] = [];
    for await (const item of this.gate.stream.remote()) if (items.push(item) === 3) break;
    return items;
  }

  async byKey(key: string, calls: number): Promise<number[]> {
    const stats = await Promise.all(Array.from({ length: calls }, () => this.gate.options({ key }).stats.remote()));
    return [...new Set(stats.map(({ ordinal }) => ordinal))];
  }

  stats(): PromiseLike<Stats> {
    return this.gate.stats.remote();
  }

  letGo(): PromiseLike<void> {
    return this.gate.letGo.remote();
  }

  call(): PromiseLike<string> {
    return this.gate.hold.remote("by http");
  }
}

const front = (options: serve.DeploymentOptions) => serve.deployment(Front).bind(serve.deployment(Gate, options).bind());

export const limited = front({ maxOngoingRequests: 5, maxQueuedRequests: 2000 });
export const tight = front({ maxOngoingRequests: 2, maxQueuedRequests: 1, backpressure: { statusCode: 429, retryAfterMs: 1500 } });
export const timed = front({ requestTimeoutMs: 150 });
export const plain = front({ maxOngoingRequests: 50 });
export const direct = serve.deployment(Gate, { maxOngoingRequests: 1, maxQueuedRequests: 1 }).bind();
export const spread = front({ numReplicas: 8 });
export const chosen = front({ numReplicas: 4, requestRouter: (candidates) => candidates.length - 1 });
export const sticky = serve.deployment(Gate, { name: "Sticky", numReplicas: 8 }).bind();
export const late = serve.deployment(Gate, { name: "Late", requestTimeoutMs: 150 }).bind();
