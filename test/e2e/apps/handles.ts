/** A leaf, a middle that passes calls on, and a top that a test calls: errors and values over several hops. */
import * as serve from "edge-serve";

export class QuotaError extends RangeError {
  override name = "QuotaError";
  constructor(
    message: string,
    readonly limit: number,
    readonly unsendable: () => void = () => {},
  ) {
    super(message, { cause: new TypeError("the cause") });
  }
}

export class Leaf {
  readonly #calls: string[] = [];
  #config: unknown = "not configured";
  readonly steps: string[] = ["constructed"];

  async setup(): Promise<void> {
    await Promise.resolve();
    this.steps.push("set up");
  }

  reconfigure(config: unknown): void {
    this.steps.push("configured");
    this.#config = config;
  }

  call(value: unknown): unknown {
    return value;
  }

  history(): { steps: string[]; config: unknown } {
    return { steps: this.steps, config: this.#config };
  }

  who(): string {
    return serve.getReplicaContext().replicaId;
  }

  kinds(map: Map<string, Date>, bytes: Uint8Array, error: Error): unknown {
    return { isMap: map instanceof Map, day: map.get("day"), sum: bytes.reduce((a, b) => a + b, 0), message: error.message, error };
  }

  async readRequest(request: Request): Promise<Response> {
    return new Response(`${request.method} ${await request.text()}`, { status: 202, headers: { "x-leaf": "1" } });
  }

  async length(stream: ReadableStream<Uint8Array>): Promise<number> {
    return (await new Response(stream).arrayBuffer()).byteLength;
  }

  fail(kind: string): never {
    if (kind === "custom") throw new QuotaError("too much", 7);
    if (kind === "aggregate") throw new AggregateError([new SyntaxError("one"), new Error("two")], "both");
    if (kind === "string") throw "just a string";
    if (kind === "dom") throw new DOMException("gone", "NotFoundError");
    throw new TypeError("plain");
  }

  unsendable(kind: string): unknown {
    if (kind === "function") return { deep: [{ callback: () => 1 }] };
    if (kind === "class") return new Leaf();
    return new URL("http://example.test");
  }

  grouped(): unknown {
    return Object.groupBy([1, 2, 3], (n) => (n % 2 === 0 ? "even" : "odd"));
  }

  async *numbers(count: number): AsyncGenerator<number> {
    try {
      for (let n = 0; n < count; n++) yield n;
    } finally {
      this.#calls.push("numbers ended");
    }
  }

  async *forever(): AsyncGenerator<number> {
    try {
      for (let n = 0; ; n++) {
        await Promise.resolve();
        yield n;
      }
    } finally {
      this.#calls.push("forever ended");
    }
  }

  *failsAfter(count: number): Generator<number> {
    for (let n = 0; n < count; n++) yield n;
    throw new QuotaError("stream ended", count);
  }

  calls(): string[] {
    return this.#calls;
  }

  requestId(): string {
    return serve.getRequestContext().requestId;
  }

  big(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  batchLike = async (text: string): Promise<string> => text.toUpperCase();

  async slow(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return "slow";
  }

  _hidden(): string {
    return "hidden";
  }
}

export class Middle {
  constructor(private leaf: serve.DeploymentHandle<Leaf>) {}

  async fail(kind: string): Promise<unknown> {
    return await this.leaf.fail.remote(kind);
  }

  async rethrowSeen(kind: string): Promise<string> {
    try {
      await this.leaf.fail.remote(kind);
    } catch (error) {
      return `${error instanceof RangeError} ${(error as Error).name} ${(error as { limit?: number }).limit}`;
    }
    return "nothing thrown";
  }

  requestIds(): Promise<string[]> {
    return Promise.all([serve.getRequestContext().requestId, this.leaf.requestId.remote()]);
  }

  async *relay(count: number): AsyncGenerator<number> {
    for await (const n of this.leaf.numbers.remote(count)) yield n * 2;
  }

  use(handle: serve.DeploymentHandle<Leaf>): PromiseLike<string> {
    return handle.who.remote();
  }
}

export class Top {
  constructor(
    private middle: serve.DeploymentHandle<Middle>,
    private leaf: serve.DeploymentHandle<Leaf>,
    private nested: { leaves: serve.DeploymentHandle<Leaf>[]; label: string },
  ) {}

  async call(method: string, ...args: unknown[]): Promise<unknown> {
    const leaf = this.leaf as unknown as Record<string, { remote(...args: unknown[]): PromiseLike<unknown> }>;
    return await leaf[method]!.remote(...args);
  }

  fail(kind: string): PromiseLike<unknown> {
    return this.middle.fail.remote(kind);
  }

  rethrowSeen(kind: string): PromiseLike<string> {
    return this.middle.rethrowSeen.remote(kind);
  }

  async requestIds(): Promise<string[]> {
    return [serve.getRequestContext().requestId, ...(await this.middle.requestIds.remote())];
  }

  relay(count: number): AsyncGenerator<number> {
    return this.#relay(count);
  }

  async *#relay(count: number): AsyncGenerator<number> {
    for await (const n of this.middle.relay.remote(count)) yield n + 1;
  }

  async *relayFailing(count: number): AsyncGenerator<number> {
    yield* this.leaf.failsAfter.remote(count);
  }

  async chained(): Promise<unknown> {
    const first = this.leaf.call.remote({ n: 1 });
    return await this.leaf.call.remote(first);
  }

  async nestedResponse(): Promise<unknown> {
    return await this.leaf.call.remote({ list: [this.leaf.call.remote(1)] } as never);
  }

  async sendFunction(): Promise<unknown> {
    return await this.leaf.kinds.remote(new Map([["a", { f() {} } as never]]), new Uint8Array(1), new Error("x"));
  }

  async nestedHandles(): Promise<unknown> {
    return { label: this.nested.label, replies: await Promise.all(this.nested.leaves.map((leaf) => leaf.call.remote("yes"))) };
  }

  async passHandle(): Promise<unknown> {
    return await this.middle.use.remote(this.leaf);
  }

  async byName(): Promise<unknown> {
    const leaf = serve.getDeploymentHandle<Leaf>("Leaf");
    const own = serve.getAppHandle<Top>("default");
    return [await leaf.call.remote("by name"), await own.call.remote("call", "by app")];
  }

  async byUnknownName(): Promise<unknown> {
    return serve.getDeploymentHandle("Lief");
  }

  async everyLeaf(): Promise<unknown> {
    return await this.leaf.who.broadcast();
  }

  async deeper(levels: number): Promise<number> {
    const own = serve.getAppHandle<Top>("default");
    return levels === 0 ? 0 : 1 + (await own.deeper.remote(levels - 1));
  }

  async leaveEarly(): Promise<number> {
    for await (const n of this.leaf.forever.remote()) if (n === 5) return n;
    return -1;
  }

  async timeOut(): Promise<string> {
    const response = this.leaf.options({ timeoutMs: 20 }).slow.remote();
    return await Promise.resolve(response).then(String, (error: Error) => error.name);
  }

  async impatient(): Promise<string[]> {
    const response = this.leaf.slow.remote();
    const first = await response.result({ timeoutMs: 5 }).then(String, (error: Error) => error.name);
    return [first, await response];
  }
}

const leaf = serve.deployment(Leaf, { numReplicas: 3, userConfig: { threshold: 0.5 } }).bind();
const middle = serve.deployment(Middle).bind(leaf);
export const app = serve.deployment(Top).bind(middle, leaf, { leaves: [leaf, leaf], label: "both" });
