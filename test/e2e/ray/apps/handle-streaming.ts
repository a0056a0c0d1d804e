/** The deployments of Ray Serve's test_handle_streaming.py, translated. */
import * as serve from "edge-serve";

function* upTo(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}

class Streamer {
  async *call(n: number): AsyncGenerator<number> {
    yield* upTo(n);
  }
  *otherMethod(n: number): Generator<number> {
    yield* upTo(n);
  }
  callInnerGenerator(n: number): AsyncGenerator<number> {
    return this.call(n);
  }
  unary(n: number): number {
    return n;
  }
  async *slowly(n: number): AsyncGenerator<number> {
    for (let i = 0; i < n; i++) {
      yield i;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  async *raises(): AsyncGenerator<number> {
    if (serve.getReplicaContext().ordinal >= 0) throw new RangeError("oopsies");
    yield 1;
  }
}

async function* streamFunction(n: number): AsyncGenerator<number> {
  yield* upTo(n);
}

interface Handles {
  readonly streamer: serve.DeploymentHandle<Streamer>;
  readonly fn: serve.DeploymentHandle<typeof streamFunction>;
}

/** Calls the others as one deployment calls another. */
class Driver {
  constructor(private handles: Handles) {}

  async streams(n: number): Promise<number[][]> {
    const { streamer, fn } = this.handles;
    const all = [
      streamer.remote(n),
      streamer.otherMethod.remote(n),
      streamer.options({ key: "k" }).remote(n),
      streamer.callInnerGenerator.remote(n),
      fn.remote(n),
    ];
    return Promise.all(all.map((stream) => Array.fromAsync(stream)));
  }

  unary(n: number): PromiseLike<number> {
    return this.handles.streamer.unary.remote(n);
  }

  async unaryIterated(): Promise<string> {
    const response = this.handles.streamer.unary.remote(5) as unknown as AsyncIterable<number>;
    try {
      for await (const item of response) return `item ${item}`;
    } catch (error) {
      return `${error instanceof TypeError} ${(error as Error).message}`;
    }
    return "nothing";
  }

  /** What an awaited generator gives, although the types do not offer it. */
  async generatorAwaited(n: number): Promise<number[]> {
    const items = await (this.handles.streamer.remote(n) as unknown as PromiseLike<AsyncIterable<number>>);
    return Array.fromAsync(items);
  }

  async errorAtOnce(): Promise<string> {
    const items = this.handles.streamer.raises.remote()[Symbol.asyncIterator]();
    return items.next().then(
      () => "an item",
      (error: Error) => `${error instanceof RangeError} ${error.message}`,
    );
  }

  /** Reads a stream of 200 items, 10 ms apart, within 300 ms. */
  async late(): Promise<string> {
    let count = 0;
    try {
      for await (const _ of this.handles.streamer.options({ timeoutMs: 300 }).slowly.remote(200)) count++;
    } catch (error) {
      return `${(error as Error).name} ${count > 0 ? "after its first item" : "at once"}`;
    }
    return `all ${count} items`;
  }

  async interleaved(): Promise<(number | undefined)[]> {
    const [a, b] = [this.handles.streamer.remote(3), this.handles.fn.remote(3)].map((stream) => stream[Symbol.asyncIterator]());
    const items: (number | undefined)[] = [];
    for (const stream of [a!, b!, b!, a!, a!, b!, a!, b!]) {
      const next = await stream.next();
      items.push(next.done === true ? undefined : next.value);
    }
    return items;
  }
}

const streamer = serve.deployment(Streamer).bind();
export const app = serve.deployment(Driver).bind({ streamer, fn: serve.deployment(streamFunction).bind() });
