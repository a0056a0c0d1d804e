/** What is measured, with edge-serve. Access logs are off; the hand-written Worker writes none either. */
import * as serve from "../../../src/index.ts";
// As a whole: an older checkout, which may be measured beside this one, has no inline deployments.
import * as entry from "../../../src/worker.ts";
import { createWorker, describeSystem, type Manifest } from "../../../src/worker.ts";

class Noop {
  fetch(): Response {
    return new Response("ok");
  }
}

class Echo {
  ping(): string {
    return "ok";
  }
}

class Caller {
  readonly #echo: serve.DeploymentHandle<Echo>;

  constructor(echo: serve.DeploymentHandle<Echo>) {
    this.#echo = echo;
  }

  async fetch(request: Request): Promise<Response> {
    const count = Number(new URL(request.url).searchParams.get("count"));
    for (let call = 0; call < count; call++) await this.#echo.ping.remote();
    return new Response("ok");
  }
}

class Hello {
  call(): string {
    return "Hello";
  }
}

class World {
  call(): string {
    return " world!";
  }
}

class Ingress {
  readonly #hello: serve.DeploymentHandle<Hello>;
  readonly #world: serve.DeploymentHandle<World>;

  constructor(hello: serve.DeploymentHandle<Hello>, world: serve.DeploymentHandle<World>) {
    this.#hello = hello;
    this.#world = world;
  }

  async call(): Promise<string> {
    const hello = this.#hello.remote();
    const world = this.#world.remote();
    return (await hello) + (await world);
  }
}

class Items {
  *count(items: number): Generator<string> {
    for (let item = 0; item < items; item++) yield `item ${item}\n`;
  }
}

class Reader {
  readonly #items: serve.DeploymentHandle<Items>;

  constructor(items: serve.DeploymentHandle<Items>) {
    this.#items = items;
  }

  async fetch(request: Request): Promise<Response> {
    let length = 0;
    const count = Number(new URL(request.url).searchParams.get("count"));
    for await (const item of this.#items.count.remote(count)) length += item.length;
    return new Response(String(length));
  }
}

/** What runs inline: `bench/cpu/variants.ts` puts other words here. */
const INLINE = "nothing" as "nothing" | "children" | "all";

const quiet = { logging: { accessLog: false } };
const inline = { ...quiet, placement: "inline" } as const;
const child = INLINE === "nothing" ? quiet : inline;
const front = INLINE === "all" ? inline : quiet;
const code = {
  noop: serve.deployment(Noop, front).bind(),
  calls: serve.deployment(Caller, quiet).bind(serve.deployment(Echo, child).bind()),
  composed: serve.deployment(Ingress, front).bind(serve.deployment(Hello, child).bind(), serve.deployment(World, child).bind()),
  stream: serve.deployment(Reader, quiet).bind(serve.deployment(Items, quiet).bind()),
};
// The no-op is at `/`: that is where most people have their one application.
const applications = Object.keys(code).map((name) => ({ name, routePrefix: name === "noop" ? "/" : `/${name}`, deployments: [] }));
const described = describeSystem({ applications } as never, code) as unknown as { readonly manifest: Manifest };
const worker = createWorker(
  { ...described.manifest, version: "bench" },
  code,
  INLINE === "nothing" ? {} : { inline: entry.inlineDeployments() },
);

export class noop__Noop extends worker.Replica("noop", "Noop") {}
export class calls__Caller extends worker.Replica("calls", "Caller") {}
export class calls__Echo extends worker.Replica("calls", "Echo") {}
export class composed__Ingress extends worker.Replica("composed", "Ingress") {}
export class composed__Hello extends worker.Replica("composed", "Hello") {}
export class composed__World extends worker.Replica("composed", "World") {}
export class stream__Reader extends worker.Replica("stream", "Reader") {}
export class stream__Items extends worker.Replica("stream", "Items") {}
// As edge-serve build writes it: whoever serves has a control plane.
export class EdgeServeController extends worker.Controller {}
export class EdgeServeConfig extends worker.Config {}
export default worker.ingress;
