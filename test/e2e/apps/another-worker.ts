/** An application that another Worker calls. */
import * as serve from "edge-serve";

export class OddError extends RangeError {
  override name = "OddError";
  constructor(
    readonly value: number,
    options?: ErrorOptions,
  ) {
    super(value + " is odd", options);
  }
}
class Inner {
  class() {
    return "Inner";
  }
  fail(): never {
    throw new OddError(3, { cause: new TypeError("the cause") });
  }
}
const text = new TextEncoder();
const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

export class Front {
  constructor(private inner: serve.DeploymentHandle<Inner>) {}
  call(name = "nobody") {
    return "hello " + name;
  }
  echo<T>(value: T): T {
    return value;
  }
  nothing() {}
  about() {
    const { requestId, traceparent, multiplexedModelId } = serve.getRequestContext();
    return { requestId, traceparent, multiplexedModelId };
  }
  class() {
    return "Front";
  }
  who() {
    return serve.getReplicaContext().replicaId;
  }
  async read(stream: ReadableStream<Uint8Array>) {
    return new Response(stream).text();
  }
  async readRequest(request: Request) {
    return [request.method, request.headers.get("x-mine"), await request.text()];
  }
  // Answers while the argument is still being written: each chunk comes back before the next is sent.
  upper(stream: ReadableStream<Uint8Array>) {
    const upper = new TransformStream<string, string>({ transform: (chunk, to) => to.enqueue(chunk.toUpperCase()) });
    return stream.pipeThrough(new TextDecoderStream()).pipeThrough(upper).pipeThrough(new TextEncoderStream());
  }
  slow() {
    let n = 0;
    return new ReadableStream({
      async pull(controller) {
        await scheduler.wait(20);
        if (n === 5) return controller.close();
        controller.enqueue(text.encode(String(n++)));
      },
    });
  }
  wrongStream() {
    return new ReadableStream({ pull: (controller) => controller.enqueue({ not: "bytes" }) });
  }
  respond() {
    return new Response("a body", { status: 201, headers: { "x-mine": "1" } });
  }
  *count(to: number) {
    for (let n = 0; n < to; n++) yield n;
  }
  async *endless(id: string) {
    try {
      for (let n = 0; ; n++) {
        yield n;
        await scheduler.wait(1);
      }
    } finally {
      serve.logger.info("stopped " + id);
    }
  }
  async *breaks() {
    yield 1;
    throw new OddError(1);
  }
  fail(): never {
    throw new OddError(5, { cause: new TypeError("the cause", { cause: { code: 7 } }) });
  }
  deep() {
    return this.inner.fail.remote();
  }
  throwText(): never {
    throw "just text";
  }
  async hold(id: string) {
    const { signal } = serve.getRequestContext();
    serve.logger.info("held " + id);
    await untilAborted(signal);
    serve.logger.info("let go " + id + " " + (signal.reason as Error)?.name);
  }
}
const inner = serve.deployment(Inner).bind();
export const app = serve.deployment(Front, { numReplicas: 2, tasks: { maxAttempts: 1 } }).bind(inner);
