import { describe, expectTypeOf, it } from "vitest";
import * as serve from "edge-serve";

class Orders {
  call(id: number) {
    return { id };
  }
  async index(document: string, deep?: boolean): Promise<number> {
    return document.length + Number(deep);
  }
  *numbers() {
    yield 1;
  }
  async *lines() {
    yield "a";
  }
  enqueue(value: string) {
    return value;
  }
}

declare const orders: serve.DeploymentHandle<Orders>;
declare const stream: serve.DeploymentHandle<() => AsyncGenerator<string>>;
declare const plain: serve.DeploymentHandle<(name: string) => string>;

describe("a method that is enqueued", () => {
  it("gives a task of what it returns", () => {
    expectTypeOf(orders.enqueue(1)).toEqualTypeOf<Promise<serve.Task<{ id: number }>>>();
    expectTypeOf(orders.index.enqueue("a")).toEqualTypeOf<Promise<serve.Task<number>>>();
    expectTypeOf(plain.enqueue("a")).toEqualTypeOf<Promise<serve.Task<string>>>();
    expectTypeOf(orders.options({ idempotencyKey: "a", delayMs: 1 }).index.enqueue).parameters.toEqualTypeOf<
      Parameters<typeof orders.index.enqueue>
    >();
  });

  it("takes the method's arguments, also as responses that were not awaited", () => {
    orders.index.enqueue(plain.remote("a"), true);
    // @ts-expect-error no document
    orders.index.enqueue(1);
    // @ts-expect-error one is missing
    orders.index.enqueue();
  });

  it("is no generator", () => {
    // @ts-expect-error a generator has no one result
    void orders.numbers.enqueue;
    // @ts-expect-error nor has an async one
    void orders.lines.enqueue;
    // @ts-expect-error nor has a function that is one
    void stream.enqueue;
  });

  it("may be called enqueue", () => {
    expectTypeOf(orders.enqueue.remote("a")).toEqualTypeOf<serve.DeploymentResponse<string>>();
  });
});

describe("a task", () => {
  it("has an id, a status, a result, and can be cancelled", () => {
    const task = serve.getTask<number>("id");
    expectTypeOf(task.result({ timeoutMs: 1 })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(task.status()).toEqualTypeOf<Promise<serve.TaskStatus>>();
    expectTypeOf(task.cancel()).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(serve.getTask("id")).toEqualTypeOf<serve.Task<unknown>>();
  });
});
