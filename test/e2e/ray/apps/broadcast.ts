/** The deployments of Ray Serve's test_broadcast.py, translated. */
import * as serve from "edge-serve";

class Target {
  #state = 0;

  call(): string {
    return "pong";
  }
  who(): string {
    return serve.getReplicaContext().replicaId;
  }
  add(a: number, { b }: { b: number }): number {
    return a + b;
  }
  set(value: number): void {
    this.#state = value;
  }
  get(): number {
    return this.#state;
  }
  async *numbers(): AsyncGenerator<number> {
    yield 1;
  }
  fail(): never {
    throw new RangeError("intentional failure");
  }
  async slow(): Promise<void> {
    const { signal } = serve.getRequestContext();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    serve.logger.info("slow was stopped");
  }
}

/** Calls every replica as one deployment calls another. */
class Driver {
  constructor(private target: serve.DeploymentHandle<Target>) {}

  who(): Promise<PromiseSettledResult<string>[]> {
    return this.target.who.broadcast();
  }
  ping(): Promise<PromiseSettledResult<string>[]> {
    return this.target.broadcast();
  }
  add(a: number, b: number): Promise<PromiseSettledResult<number>[]> {
    return this.target.add.broadcast(a, { b });
  }
  async reset(): Promise<PromiseSettledResult<number>[][]> {
    await this.target.set.broadcast(7);
    const before = await this.target.get.broadcast();
    await this.target.set.broadcast(0);
    return [before, await this.target.get.broadcast()];
  }
  /** Single values from a deployment whose other methods stream, and what a stream gives. */
  async besideStreams(): Promise<unknown[]> {
    const streams = (await this.target.numbers.broadcast()) as unknown as PromiseSettledResult<AsyncIterable<number>>[];
    const items = streams.map(async (one) => (one.status === "fulfilled" ? Array.fromAsync(one.value) : String(one.reason)));
    return [...(await this.target.broadcast()).map(({ status }) => status), ...(await Promise.all(items))];
  }
  async fail(): Promise<string[]> {
    const settled = await this.target.fail.broadcast();
    return settled.map((one) =>
      one.status === "rejected" ? `${one.reason instanceof RangeError} ${(one.reason as Error).message}` : "ok",
    );
  }
  async slow(timeoutMs: number): Promise<string> {
    const all = this.target.options({ timeoutMs }).slow.broadcast();
    return all.then(
      (settled) => `settled ${settled.map(({ status }) => status).join()}`,
      (error: Error) => `${error instanceof serve.RequestTimeoutError}`,
    );
  }
}

const driver = (numReplicas: number) => serve.deployment(Driver).bind(serve.deployment(Target, { numReplicas }).bind());

export const one = driver(1);
export const two = driver(2);
export const three = driver(3);
