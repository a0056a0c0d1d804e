import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as serve from "../../../src/index.ts";
import { runLocal } from "../../../src/local/run-local.ts";
import { rejectionOf } from "../../support/rejection.ts";

class Hello {
  call() {
    return "Hello";
  }
}

class World {
  call() {
    return " world!";
  }
}

class Ingress {
  constructor(
    private hello: serve.DeploymentHandle<Hello>,
    private world: serve.DeploymentHandle<World>,
  ) {}
  async call() {
    const hello = this.hello.remote();
    const world = this.world.remote();
    return (await hello) + (await world);
  }
}

// Without logs of the errors that these tests provoke.
beforeEach(() => {
  for (const method of ["warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("runLocal", () => {
  it("runs the contract's first application", async () => {
    const app = serve.deployment(Ingress).bind(serve.deployment(Hello).bind(), serve.deployment(World, { numReplicas: 2 }).bind());
    expect(await runLocal(app).remote()).toBe("Hello world!");
  });

  it("runs functions of every kind", async () => {
    const double = async (n: number) => n * 2;
    async function* count(to: number) {
      for (let n = 0; n < to; n++) yield n;
    }
    function* letters(text: string) {
      yield* text;
    }
    expect(await runLocal(serve.deployment(double).bind()).remote(4)).toBe(8);
    expect(await Array.fromAsync(runLocal(serve.deployment(count).bind()).remote(3))).toEqual([0, 1, 2]);
    expect(await Array.fromAsync(runLocal(serve.deployment(letters).bind()).remote("ab"))).toEqual(["a", "b"]);
  });

  it("gives a replica its bound arguments, with handles in arrays and objects", async () => {
    class Router {
      constructor(
        readonly models: readonly serve.DeploymentHandle<Hello | World>[],
        readonly named: { readonly world: serve.DeploymentHandle<World> },
        readonly suffix: string,
      ) {}
      async call() {
        const parts = await Promise.all(this.models.map((model) => model.remote()));
        return [...parts, await this.named.world.remote(), this.suffix].join("|");
      }
    }
    const [hello, world] = [serve.deployment(Hello).bind(), serve.deployment(World).bind()];
    expect(await runLocal(serve.deployment(Router).bind([hello, world], { world }, "!")).remote()).toBe("Hello| world!| world!|!");
  });

  it("runs a deployment that is bound twice as one", async () => {
    let made = 0;
    class Base {
      constructor() {
        made++;
      }
      call() {
        return made;
      }
    }
    class Left {
      constructor(readonly base: serve.DeploymentHandle<Base>) {}
      async call() {
        return this.base.remote();
      }
    }
    class Top {
      constructor(
        readonly left: serve.DeploymentHandle<Left>,
        readonly base: serve.DeploymentHandle<Base>,
      ) {}
      async call() {
        return Promise.all([this.left.remote(), this.base.remote()]);
      }
    }
    const base = serve.deployment(Base).bind();
    expect(await runLocal(serve.deployment(Top).bind(serve.deployment(Left).bind(base), base)).remote()).toEqual([1, 1]);
  });

  it("clones what crosses, in both directions", async () => {
    const kept: unknown[] = [];
    class Keeper {
      readonly inner = { n: 0 };
      call(value: { list: number[]; when: Date; map: Map<string, number> }) {
        kept.push(value);
        value.list.push(99);
        return this.inner;
      }
      read() {
        return this.inner.n;
      }
    }
    const handle = runLocal(serve.deployment(Keeper).bind());
    const sent = { list: [1], when: new Date(7), map: new Map([["a", 1]]) };
    const result = await handle.remote(sent);
    result.n = 5;
    expect(sent.list).toEqual([1]);
    expect(kept[0]).toEqual({ list: [1, 99], when: new Date(7), map: new Map([["a", 1]]) });
    expect(await handle.read.remote()).toBe(0);
  });

  it("passes responses on, handles too", async () => {
    class Shouter {
      shout(text: string) {
        return text.toUpperCase();
      }
    }
    class Caller {
      async call(shouter: serve.DeploymentHandle<Shouter>, text: string) {
        return shouter.shout.remote(shouter.shout.remote(text));
      }
    }
    const shouter = runLocal(serve.deployment(Shouter).bind());
    const both = serve.deployment(
      class Both {
        constructor(
          readonly caller: serve.DeploymentHandle<Caller>,
          readonly shouter: serve.DeploymentHandle<Shouter>,
        ) {}
        async call(text: string) {
          return this.caller.remote(this.shouter, this.shouter.shout.remote(text));
        }
      },
    );
    expect(await shouter.shout.remote(shouter.shout.remote("a"))).toBe("A");
    expect(await runLocal(both.bind(serve.deployment(Caller).bind(), serve.deployment(Shouter).bind())).remote("b")).toBe("B");
  });
});

describe("streams in runLocal", () => {
  it("run the generator's finally when the loop is left, through a deployment between", async () => {
    const closed = Promise.withResolvers<void>();
    class Source {
      async *tokens() {
        try {
          for (let n = 0; ; n++) yield n;
        } finally {
          closed.resolve();
        }
      }
    }
    class Middle {
      constructor(readonly source: serve.DeploymentHandle<Source>) {}
      async *call() {
        for await (const n of this.source.tokens.remote()) yield n * 10;
      }
    }
    const seen: number[] = [];
    for await (const n of runLocal(serve.deployment(Middle).bind(serve.deployment(Source).bind())).remote()) {
      seen.push(n);
      if (seen.length === 3) break;
    }
    await closed.promise;
    expect(seen).toEqual([0, 10, 20]);
  });

  it("end with the generator's error as its class", async () => {
    async function* failing() {
      yield 1;
      throw new RangeError("broken");
    }
    const seen: number[] = [];
    const consume = async () => {
      for await (const n of runLocal(serve.deployment(failing).bind()).remote()) seen.push(n);
    };
    expect(await rejectionOf(consume())).toBeInstanceOf(RangeError);
    expect(seen).toEqual([1]);
  });
});

describe("errors in runLocal", () => {
  class Leaf {
    call(kind: string) {
      if (kind === "user") throw Object.assign(new RangeError("too large", { cause: new TypeError("why") }), { limit: 3 });
      if (kind === "value") throw { code: 7 }; // oxlint-disable-line typescript/only-throw-error -- user code may
      throw new serve.BackPressureError("full", { status: 429, retryAfterMs: 5 });
    }
  }
  class Middle {
    constructor(readonly leaf: serve.DeploymentHandle<Leaf>) {}
    async call(kind: string) {
      return this.leaf.remote(kind);
    }
  }
  class Top {
    constructor(readonly middle: serve.DeploymentHandle<Middle>) {}
    async call(kind: string) {
      return this.middle.remote(kind);
    }
  }
  const handle = runLocal(serve.deployment(Top).bind(serve.deployment(Middle).bind(serve.deployment(Leaf).bind())));

  it("arrive as their kind across hops", async () => {
    const error = await rejectionOf(handle.remote("user"));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "too large", limit: 3, cause: expect.any(TypeError) });
    expect((error as Error).stack?.match(/-- in the replica:/g)).toHaveLength(3);
    expect(await rejectionOf(handle.remote("value"))).toEqual({ code: 7 });
  });

  it("of edge-serve are instances of their classes across hops", async () => {
    const error = await rejectionOf(handle.remote("serve"));
    expect(error).toBeInstanceOf(serve.BackPressureError);
    expect(error).toBeInstanceOf(serve.ServeError);
    expect(error).toMatchObject({ code: "BACK_PRESSURE", status: 429, retryAfterMs: 5 });
  });

  it("name a method that is not there, and those that are", async () => {
    const loose = handle as unknown as Record<string, { remote(): PromiseLike<unknown> }>;
    expect(await rejectionOf(loose["sumarize"]!.remote())).toMatchObject({
      code: "METHOD_NOT_FOUND",
      message: 'No method "sumarize" on deployment "Top". It has: call.',
    });
  });

  it("show the chain when calls nest too deep", async () => {
    class Recursive {
      async call(left: number): Promise<number> {
        return left === 0 ? 1 : 1 + (await serve.getDeploymentHandle<Recursive>("Recursive").remote(left - 1));
      }
    }
    const recursive = runLocal(serve.deployment(Recursive).bind());
    expect(await recursive.remote(11)).toBe(12);
    const error = await rejectionOf(recursive.remote(12));
    expect(error).toBeInstanceOf(serve.ConfigError);
    expect((error as Error).message).toContain(`this one would be number 13: ${Array(13).fill("default/Recursive").join(" -> ")}.`);
  });

  it("refuse what is no application, a name twice, and a cycle", () => {
    expect(() => runLocal(serve.deployment(Hello) as never)).toThrow(
      "runLocal() takes an application: what deployment(...).bind(...) returns.",
    );
    const one = serve.deployment(Hello, { name: "same" }).bind();
    const two = serve.deployment(World, { name: "same" }).bind();
    expect(() => runLocal(serve.deployment(Ingress).bind(one, two))).toThrow(
      'Application "default" has two different deployments named "same"',
    );
  });
});

it("carries what the platform carries: bodies inside a value, and errors with what they hold", async () => {
  const error = Object.assign(new TypeError("x", { cause: new RangeError("why") }), { at: 1, inner: new Error("y") });
  const give = () => ({ list: [new Response("body", { status: 201 }), new Blob(["abc"])] as const, errors: new Map([["e", error]]) });
  const { list, errors } = await runLocal(serve.deployment(give).bind()).remote();
  expect([list[0].status, await list[0].text(), await list[1].text()]).toEqual([201, "body", "abc"]);
  const back = errors.get("e");
  expect(back).toBeInstanceOf(TypeError);
  expect(back).toMatchObject({ message: "x", at: 1, inner: { message: "y" }, cause: { name: "RangeError" } });
  expect(back).not.toBe(error);
});
