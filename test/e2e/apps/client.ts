/** An application that callers outside the Worker reach. */
import * as serve from "edge-serve";

export class OddError extends RangeError {
  override name = "OddError";
  constructor(readonly value: number) {
    super(`${value} is odd`);
  }
}

export class Numbers {
  call(values: ReadonlyMap<string, number>): number {
    return [...values.values()].reduce((sum, value) => sum + value, 0);
  }

  half(value: number): number {
    if (value % 2 !== 0) throw new OddError(value);
    return value / 2;
  }

  async *count(): AsyncGenerator<number, void, undefined> {
    try {
      for (let value = 1; ; value++) {
        yield value;
        await Promise.resolve();
      }
    } finally {
      serve.logger.info("counting stopped");
    }
  }

  async wait(): Promise<void> {
    const { signal } = serve.getRequestContext();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    serve.logger.info("waiting stopped");
  }

  who(): string {
    return serve.getReplicaContext().replicaId;
  }
}

export const app = serve.deployment(Numbers, { numReplicas: 2 }).bind();
