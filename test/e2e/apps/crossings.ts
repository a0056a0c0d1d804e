/** Everything that can be thrown or passed, by every way from one deployment to another. */
import * as serve from "edge-serve";
import { CARRIED, LARGE, REFUSED, THROWN } from "../../support/crossings.ts";
import { shown } from "../../support/shown.ts";

export class Leaf {
  readonly #predict = serve.batch(async (names: string[]) => {
    for (const name of names) throw THROWN[name]!.make();
    return names;
  });

  fail(name: string): never {
    throw THROWN[name]!.make();
  }

  failLarge(name: string): never {
    throw LARGE[name]!();
  }

  carried(name: string): unknown {
    return CARRIED[name]!();
  }

  blob(): unknown {
    return new Blob(["abc"]);
  }

  async text(body: ReadableStream | Response): Promise<string> {
    return body instanceof Response ? body.text() : new Response(body).text();
  }

  stream(chunks: readonly unknown[], way: string): ReadableStream | Response {
    const left = [...chunks];
    const stream = new ReadableStream({
      pull(controller) {
        if (left.length > 0) controller.enqueue(left.shift());
        else if (way === "failing") throw new RangeError("declined");
        else controller.close();
      },
    });
    return way === "body" ? new Response(stream as never) : stream;
  }

  async *lengths(body: ReadableStream<Uint8Array>): AsyncGenerator<number, void, undefined> {
    yield 0;
    for await (const { length } of body) yield length;
  }

  *twoItems(): Generator<number> {
    yield 1;
    yield 2;
  }

  *items(name: string): Generator<number> {
    yield 1;
    throw THROWN[name]!.make();
  }

  batched(name: string): Promise<string> {
    return this.#predict(name);
  }

  echo(value: unknown): unknown {
    return value;
  }

  refused(name: string): unknown {
    return REFUSED[name]!.make();
  }

  fetch(request: Request): never {
    const { searchParams } = new URL(request.url);
    const large = searchParams.get("large");
    return large === null ? this.fail(searchParams.get("name")!) : this.failLarge(large);
  }
}

/** What arrived of what was thrown. */
async function arrived(call: PromiseLike<unknown>): Promise<string> {
  try {
    return `no error, but ${shown(await call)}`;
  } catch (error) {
    return shown(error);
  }
}

export class Front {
  constructor(private leaf: serve.DeploymentHandle<Leaf>) {}

  async ways(name: string): Promise<Record<string, string>> {
    return {
      handle: await arrived(this.leaf.fail.remote(name)),
      stream: await this.#stream(name),
      broadcast: await this.#broadcast(name),
      batch: await arrived(this.leaf.batched.remote(name)),
    };
  }

  /** What becomes of streams of these chunks: as an argument, as a body, to a generator. */
  async streams(chunks: readonly unknown[]): Promise<Record<string, string>> {
    const stream = () =>
      new ReadableStream({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      });
    let length = 0;
    const lengths = async () => {
      for await (const each of this.leaf.lengths.remote(stream())) length += each;
      return length;
    };
    return {
      argument: await arrived(this.leaf.text.remote(stream())),
      body: await arrived(this.leaf.text.remote(new Response(stream() as never))),
      generator: await arrived(lengths()),
    };
  }

  /** What becomes of streams of these chunks as results: by itself, as a body, and handed on by another replica. */
  async resultStreams(chunks: readonly unknown[]): Promise<Record<string, string>> {
    const { leaf } = this;
    const textOf = async (way: string) => {
      const result = await leaf.stream.remote(chunks, way);
      return result instanceof Response ? result.text() : new Response(result).text();
    };
    return { result: await arrived(textOf("stream")), body: await arrived(textOf("body")) };
  }

  /** What becomes of a stream that breaks off with an error of the author's. */
  async failingStream(): Promise<string> {
    return arrived(this.leaf.stream.remote(["text"], "failing").then((result) => new Response(result as ReadableStream).text()));
  }

  /** How many items a second loop over a stream has. */
  async again(): Promise<number> {
    const { leaf } = this;
    const items = leaf.twoItems.remote();
    let count = 0;
    for await (const _ of items);
    for await (const _ of items) count++;
    return count;
  }

  /** Which code the framework gave to what arrived of a large error: none, if it is the author's own. */
  async waysOfLarge(name: string): Promise<Record<string, unknown>> {
    const codeOf = (reason: unknown) => (reason as { code?: unknown }).code ?? "no code";
    const [first] = await this.leaf.failLarge.broadcast(name);
    return {
      handle: await this.leaf.failLarge.remote(name).then(() => "no error", codeOf),
      broadcast: first?.status === "rejected" ? codeOf(first.reason) : "no error",
    };
  }

  async #stream(name: string): Promise<string> {
    const items: number[] = [];
    try {
      for await (const item of this.leaf.items.remote(name)) items.push(item);
      return "no error";
    } catch (error) {
      return items.length === 1 ? shown(error) : `${items.length} items before ${shown(error)}`;
    }
  }

  async #broadcast(name: string): Promise<string> {
    const settled = await this.leaf.fail.broadcast(name);
    return settled.map((one) => (one.status === "rejected" ? shown(one.reason) : "no error")).join();
  }

  async rethrow(name: string): Promise<void> {
    await this.leaf.fail.remote(name);
  }

  /** A value there and back, and how long that took. */
  async carried(name: string): Promise<{ sent: string; came: string }> {
    const value = CARRIED[name]!();
    return { sent: shown(value), came: shown(await this.leaf.echo.remote(value)) };
  }

  /** What is said of a value that cannot cross, as an argument and as a result. */
  async refused(name: string): Promise<{ argument: string; result: string }> {
    return { argument: await arrived(this.leaf.echo.remote(REFUSED[name]!.make())), result: await arrived(this.leaf.refused.remote(name)) };
  }
}

export class Outer {
  constructor(private front: serve.DeploymentHandle<Front>) {}

  two(name: string): Promise<string> {
    return arrived(this.front.rethrow.remote(name));
  }
}

const small = { maxOngoingRequests: 5, maxQueuedRequests: 0, logging: { accessLog: false } } as const;
const leaf = serve.deployment(Leaf, small).bind();
const front = serve.deployment(Front, small).bind(leaf);
export const leafApp = serve.deployment(Leaf, small).bind();
export const frontApp = front;
export const outerApp = serve.deployment(Outer, small).bind(front);
