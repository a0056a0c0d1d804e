import { describe, expectTypeOf, it } from "vitest";
import * as serve from "../../src/index.ts";
import type { Batched, BatchedStream, DeploymentHandle, DeploymentResponse, DeploymentResponseGenerator } from "../../src/index.ts";

interface Mail {
  readonly name: string;
  readonly message: string;
}

declare const mails: Mail[];

class Model {
  readonly #size = 1;
  predict = serve.batch(async (texts: string[]) => texts.map(({ length }) => length * this.#size), { maxBatchSize: 8 });
  rank = serve.batch(this.run.bind(this));
  tokens = serve.batch(async function* (prompts: string[]) {
    yield prompts.map((prompt) => (prompt === "" ? serve.batch.end : prompt.length));
  });
  later = serve.batch((prompts: readonly string[]) => this.generate(prompts));
  // A generator cannot be an arrow function; the caller's `this` is the instance.
  own = serve.batch(async function* (this: Model, texts: string[]) {
    yield texts.map(({ length }) => length * this.#size);
  });
  async run(documents: Mail[], limits: number[]): Promise<string[]> {
    return documents.map(({ name }, n) => name + limits[n]);
  }
  async *generate(prompts: readonly string[]): AsyncGenerator<string[]> {
    yield [...prompts];
  }
  reconfigure({ size, waitMs }: { size: number; waitMs: number }): void {
    this.predict.setMaxBatchSize(size);
    this.predict.setBatchWaitTimeoutMs(waitMs);
  }
}

declare const model: Model;
declare const handle: DeploymentHandle<Model>;

describe("serve.batch", () => {
  it("turns a function over arrays into one over items", () => {
    expectTypeOf(model.predict).toEqualTypeOf<Batched<[texts: string], number>>();
    expectTypeOf(model.predict("text")).toEqualTypeOf<Promise<number>>();
    // @ts-expect-error one text, not several
    void model.predict(["text"]);
    // @ts-expect-error a text is needed
    void model.predict();
  });

  it("does so with each parameter", () => {
    expectTypeOf(model.rank({ name: "a", message: "b" }, 3)).toEqualTypeOf<Promise<string>>();
    // @ts-expect-error the limit is missing
    void model.rank({ name: "a", message: "b" });
    // @ts-expect-error the limit is a number
    void model.rank({ name: "a", message: "b" }, "3");
  });

  it("gives a stream for a generator, and its end is no value", () => {
    expectTypeOf(model.tokens).toEqualTypeOf<BatchedStream<[prompts: string], number>>();
    expectTypeOf(model.tokens("a")).toEqualTypeOf<AsyncGenerator<number, void, undefined>>();
    expectTypeOf(model.later("a")).toEqualTypeOf<AsyncGenerator<string, void, undefined>>();
  });

  it("throws errors among the results, and returns what only looks like one", () => {
    expectTypeOf(serve.batch(async (texts: string[]) => [new RangeError("x"), texts.length])).toEqualTypeOf<
      Batched<[texts: string], number>
    >();
    expectTypeOf(serve.batch(async (texts: string[]) => mails.slice(texts.length))).toEqualTypeOf<Batched<[texts: string], Mail>>();
    expectTypeOf(serve.batch(async (texts: string[]) => JSON.parse(texts.join()) as unknown[])).toEqualTypeOf<
      Batched<[texts: string], unknown>
    >();
  });

  it("takes functions that are not async, and typed arrays of no kind", () => {
    expectTypeOf(serve.batch((numbers: number[]) => numbers.map(String))).toEqualTypeOf<Batched<[numbers: number], string>>();
    // @ts-expect-error results are an array
    serve.batch(async (texts: string[]) => new Float32Array(texts.length));
    // @ts-expect-error results are an array
    serve.batch(async (texts: string[]) => texts.join());
    // @ts-expect-error the function takes arrays
    serve.batch(async (text: string) => [text]);
    // @ts-expect-error each column has an element for each caller, also for those who give none: (number | undefined)[]
    serve.batch(async (texts: string[], limits?: number[]) => texts.slice(limits?.[0]));
    // @ts-expect-error a generator yields arrays
    serve.batch(async function* (texts: string[]) {
      yield texts.length;
    });
  });

  it("checks its options", () => {
    serve.batch(async (texts: string[]) => texts, { batchSizeOf: (texts) => texts.join("").length, adaptive: { targetLatencyMs: 50 } });
    // @ts-expect-error what is measured are texts
    serve.batch(async (texts: string[]) => texts, { batchSizeOf: (numbers: number[]) => numbers.length });
    // @ts-expect-error the option is called maxBatchSize
    serve.batch(async (texts: string[]) => texts, { batchSize: 3 });
    // @ts-expect-error a target is needed
    serve.batch(async (texts: string[]) => texts, { adaptive: {} });
    // @ts-expect-error a number
    model.predict.setMaxBatchSize("3");
    // @ts-expect-error stats are read
    model.predict.stats = model.rank.stats;
  });
});

describe("a handle to a class with batched fields", () => {
  it("calls them like methods", () => {
    expectTypeOf(handle.predict.remote("text")).toEqualTypeOf<DeploymentResponse<number>>();
    expectTypeOf(handle.rank.remote({ name: "a", message: "b" }, handle.predict.remote("x"))).toEqualTypeOf<DeploymentResponse<string>>();
    expectTypeOf(handle.tokens.remote("text")).toEqualTypeOf<DeploymentResponseGenerator<number>>();
    expectTypeOf(handle.later.remote("text")).toEqualTypeOf<DeploymentResponseGenerator<string>>();
    // @ts-expect-error one text, not several
    handle.predict.remote(["text"]);
  });

  it("may be one to a batched function itself", () => {
    const app = serve.deployment(
      serve.batch(async function upper(texts: string[]) {
        return texts;
      }),
    );
    expectTypeOf<typeof app>().toExtend<serve.Deployment<Batched<[texts: string], string>, []>>();
    const call = {} as DeploymentHandle<Batched<[texts: string], string>>;
    expectTypeOf(call.remote("text")).toEqualTypeOf<DeploymentResponse<string>>();
  });
});
