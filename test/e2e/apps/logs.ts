/** What an application throws and logs. */
import * as serve from "edge-serve";

const deep = (depth: number): Error => new Error(`level ${depth}`, depth === 0 ? undefined : { cause: deep(depth - 1) });
const cyclic: Record<string, unknown> = { name: "cyclic" };
cyclic["self"] = cyclic;

/** What a field may hold, by name. */
const VALUES: Readonly<Record<string, () => unknown>> = {
  bigint: () => 12n,
  cyclic: () => cyclic,
  getter: () => Object.defineProperty({ a: 1 }, "b", { enumerable: true, get: () => cyclic["nothing"]!.toString() }),
  toJSON: () => ({ toJSON: () => cyclic["nothing"]!.toString() }),
  "null prototype": () => Object.assign(Object.create(null) as object, { a: 1 }),
  "2 MB": () => "x".repeat(2_000_000),
  map: () => new Map<unknown, unknown>([["a", new Map([[{}, 1]])]]),
  set: () => new Set([1, new Set([2])]),
  causes: () => deep(50),
  members: () => new AggregateError([new AggregateError([deep(3)], "inner")], "outer"),
  symbol: () => Symbol("s"),
  function: () => deep,
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  env: () => serve.getReplicaContext().env,
  undefined: () => undefined,
};

/** What may be thrown, by name. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  error: () => new RangeError("thrown by the leaf"),
  text: () => "thrown by the leaf",
  number: () => 42,
  nothing: () => undefined,
  object: () => ({ message: "thrown by the leaf" }),
};

class Leaf {
  call(kind: string): never {
    throw THROWN[kind]!();
  }
  async *items(kind: string) {
    yield 1;
    throw THROWN[kind]!();
  }
}

class Middle {
  constructor(private leaf: serve.DeploymentHandle<Leaf>) {}
  call(kind: string) {
    return this.leaf.remote(kind);
  }
  async items(kind: string) {
    for await (const item of this.leaf.items.remote(kind)) serve.logger.debug("item", { item });
  }
}

class Front {
  constructor(private middle: serve.DeploymentHandle<Middle>) {}
  async call(request: Request) {
    const { pathname, searchParams } = new URL(request.url);
    const kind = searchParams.get("kind")!;
    if (pathname === "/throw") return await this.middle.remote(kind);
    if (pathname === "/items") return await this.middle.items.remote(kind);
    if (pathname === "/own") throw THROWN[kind]!();
    if (pathname === "/log") {
      const fields = { before: 1, field: VALUES[kind]!(), level: "forged", traceId: "forged", spanId: "forged", requestId: "forged" };
      serve.logger.info("logged", fields);
      serve.logger.info(VALUES[kind]!() as string, VALUES[kind]!() as serve.LogFields);
    }
    return "ok";
  }
}

const leaf = serve.deployment(Leaf).bind();
export const app = serve.deployment(Front).bind(serve.deployment(Middle).bind(leaf));
export const names = { values: Object.keys(VALUES), thrown: Object.keys(THROWN) };
