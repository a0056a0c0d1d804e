import { describe, expectTypeOf, it } from "vitest";
import type { DeploymentHandle, DeploymentResponse, DeploymentResponseGenerator, HandleOptions } from "../../src/index.ts";

interface Document {
  readonly title: string;
  readonly words: Map<string, number>;
}

class Model {
  readonly name = "model";
  readonly #secret = 1;
  predict = (text: string) => Promise.resolve(text.length);
  call(request: { readonly id: number }): Promise<Document> {
    return Promise.resolve({ title: String(request.id + this.#secret), words: new Map() });
  }
  summarize(document: Document, maxWords?: number): string {
    return document.title.slice(0, maxWords);
  }
  isReady(): boolean {
    return true;
  }
  async find(id: string): Promise<Document | undefined> {
    return id === "" ? undefined : { title: id, words: new Map() };
  }
  fail(): never {
    throw new Error("no");
  }
  parse(text: string) {
    return JSON.parse(text);
  }
  join(separator: string, ...parts: number[]): string {
    return parts.join(separator);
  }
  async *tokens(text: string): AsyncGenerator<string, number, undefined> {
    yield text;
    return 1;
  }
  *letters(text: string) {
    yield* text;
  }
  async later(count: number) {
    return this.#count(count);
  }
  async *iterate(): AsyncIterableIterator<Date> {
    yield new Date();
  }
  echo<V>(value: V): V {
    return value;
  }
  convert(value: string): number;
  convert(value: number): string;
  convert(value: number | string): number | string {
    return typeof value === "number" ? String(value) : Number(value);
  }
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream();
  }
  ask(other: DeploymentHandle<Model>, document: Document): Promise<string> {
    return other.summarize.remote(document).result();
  }
  setup(): void {}
  reconfigure(_config: unknown): void {}
  checkHealth(): void {}
  recordAutoscalingStats(): Record<string, number> {
    return {};
  }
  async [Symbol.asyncDispose](): Promise<void> {}
  toString(): string {
    return this.name;
  }
  toJSON(): string {
    return this.name;
  }
  _hidden(): number {
    return this.own() + this.inherited();
  }
  private own(): number {
    return 1;
  }
  protected inherited(): number {
    return 1;
  }
  async *#count(to: number) {
    for (let n = 0; n < to; n++) yield n;
  }
}

declare const handle: DeploymentHandle<Model>;
declare const document: Document;

describe("a handle", () => {
  it("calls the default method with the parameters of call", () => {
    expectTypeOf(handle.remote({ id: 1 })).toEqualTypeOf<DeploymentResponse<Document>>();
    // @ts-expect-error id is a number
    handle.remote({ id: "1" });
    // @ts-expect-error the argument is missing
    handle.remote();
    // @ts-expect-error there is no second parameter
    handle.remote({ id: 1 }, 2);
  });

  it("calls methods by their names", () => {
    expectTypeOf(handle.summarize.remote(document)).toEqualTypeOf<DeploymentResponse<string>>();
    expectTypeOf(handle.summarize.remote(document, 3)).toEqualTypeOf<DeploymentResponse<string>>();
    expectTypeOf(handle.join.remote("-", 1, 2, 3)).toEqualTypeOf<DeploymentResponse<string>>();
    // @ts-expect-error a document is needed
    handle.summarize.remote("document");
    // @ts-expect-error the parts are numbers
    handle.join.remote("-", "1");
  });

  it("calls fields that hold a function", () => {
    expectTypeOf(handle.predict.remote("text")).toEqualTypeOf<DeploymentResponse<number>>();
    // @ts-expect-error predict takes a text
    handle.predict.remote(1);
  });

  it("gives one response for results of every kind", () => {
    expectTypeOf(handle.isReady.remote()).toEqualTypeOf<DeploymentResponse<boolean>>();
    expectTypeOf(handle.find.remote("a")).toEqualTypeOf<DeploymentResponse<Document | undefined>>();
    expectTypeOf(handle.fail.remote()).toEqualTypeOf<DeploymentResponse<never>>();
    expectTypeOf(handle.parse.remote("{}").result()).resolves.toBeAny();
    expectTypeOf(handle.stream.remote()).toEqualTypeOf<DeploymentResponse<ReadableStream<Uint8Array>>>();
  });

  it("gives results that are awaited", async () => {
    expectTypeOf(await handle.find.remote("a")).toEqualTypeOf<Document | undefined>();
    expectTypeOf(handle.remote({ id: 1 }).result({ timeoutMs: 5 })).toEqualTypeOf<Promise<Document>>();
    expectTypeOf(handle.remote({ id: 1 }).cancel()).toEqualTypeOf<void>();
    expectTypeOf(await Promise.all([handle.isReady.remote(), handle.summarize.remote(document)])).toEqualTypeOf<[boolean, string]>();
    // @ts-expect-error the option is called timeoutMs
    handle.isReady.remote().result({ timeout: 5 });
    // @ts-expect-error one value is not iterated
    for await (const _ of handle.summarize.remote(document));
  });

  it("gives streams for generators of every kind", async () => {
    expectTypeOf(handle.tokens.remote("a b")).toEqualTypeOf<DeploymentResponseGenerator<string>>();
    expectTypeOf(handle.letters.remote("ab")).toEqualTypeOf<DeploymentResponseGenerator<string>>();
    expectTypeOf(handle.later.remote(3)).toEqualTypeOf<DeploymentResponseGenerator<number>>();
    expectTypeOf(handle.iterate.remote()).toEqualTypeOf<DeploymentResponseGenerator<Date>>();
    for await (const token of handle.tokens.remote("a b")) expectTypeOf(token).toEqualTypeOf<string>();
    expectTypeOf(handle.tokens.remote("a b").cancel()).toEqualTypeOf<void>();
    expectTypeOf(handle.tokens.remote("a b")).not.toExtend<PromiseLike<unknown>>();
    // @ts-expect-error a stream has no single result
    void handle.tokens.remote("a b").result();
    // @ts-expect-error a stream is not awaited
    void handle.tokens.remote("a b").then((text: string) => text);
  });

  it("takes responses as arguments, not awaited", () => {
    expectTypeOf(handle.summarize.remote(handle.remote({ id: 1 }), 3)).toEqualTypeOf<DeploymentResponse<string>>();
    handle.summarize.remote(document, handle.predict.remote("text"));
    handle.join.remote(handle.summarize.remote(document), 1, handle.predict.remote("text"));
    // @ts-expect-error a response of another type
    handle.summarize.remote(handle.predict.remote("text"));
    // @ts-expect-error a response that may be undefined
    handle.summarize.remote(handle.find.remote("a"));
    // @ts-expect-error a stream is no document
    handle.summarize.remote(handle.tokens.remote("a"));
    // @ts-expect-error a promise has to be awaited
    handle.summarize.remote(Promise.resolve(document));
  });

  it("is itself an argument", () => {
    expectTypeOf(handle.ask.remote(handle, document)).toEqualTypeOf<DeploymentResponse<string>>();
  });

  it("treats type parameters as unknown and overloads as their last signature", () => {
    expectTypeOf(handle.echo.remote(1)).toEqualTypeOf<DeploymentResponse<unknown>>();
    expectTypeOf(handle.convert.remote(1)).toEqualTypeOf<DeploymentResponse<string>>();
  });

  it("has nothing but public methods", () => {
    // @ts-expect-error there is no such method
    void handle.sumarize;
    // @ts-expect-error a field that holds no function
    void handle.name;
    // @ts-expect-error private
    void handle.own;
    // @ts-expect-error protected
    void handle.inherited;
    // @ts-expect-error names that start with _ are not called remotely
    void handle._hidden;
    // @ts-expect-error a handle is no promise
    void handle.then;
    expectTypeOf<keyof typeof handle & string>().toEqualTypeOf<
      | "remote"
      | "broadcast"
      | "enqueue"
      | "options"
      | "call"
      | "predict"
      | "summarize"
      | "isReady"
      | "find"
      | "fail"
      | "parse"
      | "join"
      | "tokens"
      | "letters"
      | "later"
      | "iterate"
      | "echo"
      | "convert"
      | "stream"
      | "ask"
    >();
  });

  it("does not call what the runtime calls", () => {
    // @ts-expect-error awaited once, by the runtime
    void handle.setup;
    // @ts-expect-error called when the configuration changes
    void handle.reconfigure;
    // @ts-expect-error called by the health check
    void handle.checkHealth;
    // @ts-expect-error called by autoscaling
    void handle.recordAutoscalingStats;
    // @ts-expect-error called when the replica is drained away
    void handle[Symbol.asyncDispose];
  });

  it("does not call what every object has", () => {
    // @ts-expect-error the replica refuses it
    void handle.toString.remote;
    // @ts-expect-error a handle has none, so that JSON.stringify does not call it
    void handle.toJSON;
  });

  it("calls methods that have the name of what it has itself, and of neither of those that JavaScript asks for", () => {
    class Verbs {
      call = (url: string) => url;
      options(url: string): string[] {
        return [url];
      }
      remote = () => 1;
      broadcast = async (text: string) => text.length;
      // oxlint-disable-next-line unicorn/no-thenable -- what this test is about
      then = () => 1;
      toJSON = () => "{}";
    }
    const verbs = {} as DeploymentHandle<Verbs>;
    expectTypeOf(verbs.options.remote("a")).toEqualTypeOf<DeploymentResponse<string[]>>();
    expectTypeOf(verbs.remote.remote()).toEqualTypeOf<DeploymentResponse<number>>();
    expectTypeOf(verbs.broadcast.broadcast("a")).toEqualTypeOf<Promise<PromiseSettledResult<number>[]>>();
    expectTypeOf(verbs.options({ key: "k" })).toEqualTypeOf(verbs);
    expectTypeOf(verbs.remote("a")).toEqualTypeOf<DeploymentResponse<string>>();
    // @ts-expect-error a handle is no promise
    void verbs.then;
    // @ts-expect-error a handle has none, so that JSON.stringify does not call it
    void verbs.toJSON;
  });

  it("has no default method when the class has none", () => {
    const counter = {} as DeploymentHandle<{ count(): number }>;
    expectTypeOf(counter.count.remote()).toEqualTypeOf<DeploymentResponse<number>>();
    // @ts-expect-error there is no method call
    void counter.remote;
  });

  it("takes options and stays the same handle", () => {
    expectTypeOf(handle.options({ key: "k", multiplexedModelId: "m", timeoutMs: 5, signal: AbortSignal.abort() })).toEqualTypeOf(handle);
    expectTypeOf(handle.options).parameter(0).toEqualTypeOf<HandleOptions>();
    // @ts-expect-error there is no option of this name
    handle.options({ stream: true });
  });

  it("calls every replica", () => {
    expectTypeOf(handle.broadcast({ id: 1 })).toEqualTypeOf<Promise<PromiseSettledResult<Document>[]>>();
    expectTypeOf(handle.summarize.broadcast(document, 3)).toEqualTypeOf<Promise<PromiseSettledResult<string>[]>>();
    expectTypeOf(handle.tokens.broadcast("a")).toEqualTypeOf<Promise<PromiseSettledResult<DeploymentResponseGenerator<string>>[]>>();
    // @ts-expect-error a document is needed
    void handle.summarize.broadcast(1);
  });
});

describe("a handle of a function", () => {
  it("calls the function", () => {
    const upper = {} as DeploymentHandle<(text: string, times?: number) => Promise<string>>;
    expectTypeOf(upper.remote("a", 2)).toEqualTypeOf<DeploymentResponse<string>>();
    expectTypeOf(upper.options({ key: "k" }).remote("a")).toEqualTypeOf<DeploymentResponse<string>>();
    // @ts-expect-error a text is needed
    upper.remote(1);
    // @ts-expect-error a function has no methods
    void upper.predict;
    // @ts-expect-error nor those that every function has
    void upper.bind;
  });

  it("streams from a generator function", () => {
    const count = {} as DeploymentHandle<(to: number) => AsyncGenerator<number>>;
    expectTypeOf(count.remote(3)).toEqualTypeOf<DeploymentResponseGenerator<number>>();
  });
});

describe("handles among each other", () => {
  it("stand for a base class or an interface, never the other way round", () => {
    interface Summarizes {
      summarize(document: Document): string;
    }
    expectTypeOf(handle).toExtend<DeploymentHandle<Summarizes>>();
    expectTypeOf(handle).toExtend<DeploymentHandle<unknown>>();
    expectTypeOf<DeploymentHandle<Summarizes>>().not.toExtend<DeploymentHandle<Model>>();
    expectTypeOf<DeploymentHandle<{ other(): string }>>().not.toExtend<DeploymentHandle<Summarizes>>();
  });
});
