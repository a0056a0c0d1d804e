import { describe, expectTypeOf, it } from "vitest";
import * as serve from "../../src/index.ts";
import { runLocal } from "../../src/local/run-local.ts";

class Cart {
  constructor(readonly currency: string) {}
  add(item: string): string[] {
    return [item];
  }
  async *items(): AsyncGenerator<string> {}
}

class Shop {
  constructor(readonly carts: serve.KeyedHandle<Cart>) {}
  call(): number {
    return 1;
  }
}

class Pool {
  constructor(readonly cart: serve.DeploymentHandle<Cart>) {}
}

const carts = serve.deployment(Cart, { keyed: true }).bind("EUR");
const pool = serve.deployment(Cart).bind("EUR");
declare const handle: serve.KeyedHandle<Cart>;

describe("keyed: true", () => {
  it("makes an application that fits where a constructor takes a KeyedHandle", () => {
    expectTypeOf(carts).toEqualTypeOf<serve.Application<Cart, true>>();
    expectTypeOf(serve.deployment(Shop).bind(carts)).toEqualTypeOf<serve.Application<Shop>>();
    serve.deployment(Shop).bind(handle);
    // @ts-expect-error a pool has no keys
    serve.deployment(Shop).bind(pool);
    // @ts-expect-error a keyed deployment is no pool
    serve.deployment(Pool).bind(carts);
    // @ts-expect-error and neither is its handle
    serve.deployment(Pool).bind(handle);
  });

  it("is seen in arrays and objects, and in unions", () => {
    class Many {
      constructor(
        readonly list: serve.KeyedHandle<Cart>[],
        readonly record: { readonly cart?: serve.KeyedHandle<Cart> | undefined },
      ) {}
    }
    serve.deployment(Many).bind([carts, handle], { cart: carts });
    // @ts-expect-error a pool has no keys
    serve.deployment(Many).bind([pool], {});
  });

  it("may be said later, and of a function", () => {
    expectTypeOf(serve.deployment(Cart).options({ keyed: true }).bind("EUR")).toEqualTypeOf<serve.Application<Cart, true>>();
    expectTypeOf(serve.deployment(Cart, { keyed: true }).options({ maxOngoingRequests: 1 }).bind("EUR")).toEqualTypeOf<
      serve.Application<Cart, true>
    >();
    expectTypeOf(serve.deployment((n: number) => n, { name: "n", keyed: true }).bind()).toEqualTypeOf<
      serve.Application<(n: number) => number, true>
    >();
    expectTypeOf(serve.deployment(Cart, { keyed: false }).bind("EUR")).toEqualTypeOf<serve.Application<Cart>>();
  });

  it("takes where the keys of requests come from", () => {
    const app = serve.deployment(Cart, { keyed: { key: (request) => request.headers.get("x-user") ?? undefined } }).bind("EUR");
    expectTypeOf(app).toEqualTypeOf<serve.Application<Cart, true>>();
    serve.deployment(Cart, { keyed: { key: async (request: Request) => new URL(request.url).pathname } });
    // @ts-expect-error a key is text
    serve.deployment(Cart, { keyed: { key: () => 1 } });
    // @ts-expect-error the function is called key
    serve.deployment(Cart, { keyed: { of: () => "a" } });
  });
});

describe("a KeyedHandle", () => {
  it("gives the handle of one object, which fits where a handle does", () => {
    const cart = handle.get("ada");
    expectTypeOf(cart.add.remote("book")).toEqualTypeOf<serve.DeploymentResponse<string[]>>();
    expectTypeOf(cart.items.remote()).toEqualTypeOf<serve.DeploymentResponseGenerator<string>>();
    expectTypeOf(cart).toExtend<serve.DeploymentHandle<Cart>>();
    expectTypeOf(handle.delete("ada")).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error a key is text
    handle.get(1);
    // @ts-expect-error it has no calls of its own
    void handle.add;
  });

  it("has options without a key", () => {
    expectTypeOf(handle.get("ada").options({ timeoutMs: 10 }).add.remote("book")).toEqualTypeOf<serve.DeploymentResponse<string[]>>();
    // @ts-expect-error the object has its key
    handle.get("ada").options({ key: "other" });
  });

  it("is what asking for a keyed application or deployment gives", () => {
    expectTypeOf(serve.getAppHandle<typeof carts>("shop")).toEqualTypeOf<serve.KeyedHandle<Cart>>();
    expectTypeOf(serve.getAppHandle<typeof pool>("shop")).toEqualTypeOf<serve.DeploymentHandle<Cart>>();
    expectTypeOf(serve.getKeyedHandle<Cart>("Cart")).toEqualTypeOf<serve.KeyedHandle<Cart>>();
    expectTypeOf(runLocal(carts)).toEqualTypeOf<serve.KeyedHandle<Cart>>();
    expectTypeOf(runLocal(pool)).toEqualTypeOf<serve.DeploymentHandle<Cart>>();
  });
});
