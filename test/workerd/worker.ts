/** A system wired by hand, as `edge-serve build` would write it. */
import { deployment } from "../../src/api/deployment.ts";
import { getReplicaContext } from "../../src/context/scope.ts";
import type { DeploymentHandle } from "../../src/protocol/handle-types.ts";
import { createWorker } from "../../src/worker.ts";

export class Counter {
  #count = 0;
  next(): number {
    return ++this.#count;
  }
  async remember(): Promise<number> {
    const { storage } = getReplicaContext().state;
    const count = ((await storage.get<number>("count")) ?? 0) + 1;
    await storage.put("count", count);
    return count;
  }
  crash(): never {
    getReplicaContext().state.abort("the machine is gone");
    throw new Error("unreachable");
  }
}

export class Front {
  constructor(private counter: DeploymentHandle<Counter>) {}
  async call(request: Request): Promise<unknown> {
    const method = new URL(request.url).pathname.slice(1) as "next" | "remember" | "crash";
    return { value: await this.counter[method].remote() };
  }
}

let starts = 0;

/** Fails to start the first two times. */
export class Flaky {
  constructor() {
    if (++starts < 3) throw new Error(`start ${starts} failed`);
  }
  call(): string {
    return `started at attempt ${starts}`;
  }
}

const front = deployment(Front).bind(deployment(Counter).bind());
const flaky = deployment(Flaky).bind();
const configs = (names: ReturnType<typeof deployment>[]) => Object.fromEntries(names.map((one) => [one.name, one.resolve()]));

const worker = createWorker(
  {
    protocol: 1,
    version: "tests",
    applications: [
      { name: "default", routePrefix: "/", ingress: "Front", deployments: configs([deployment(Front), deployment(Counter)] as never) },
      { name: "flaky", routePrefix: "/flaky", ingress: "Flaky", deployments: configs([deployment(Flaky)] as never) },
    ],
  },
  { default: front, flaky },
);

export class default__Front extends worker.Replica("default", "Front") {}
export class default__Counter extends worker.Replica("default", "Counter") {}
export class flaky__Flaky extends worker.Replica("flaky", "Flaky") {}
export default worker.ingress;
