/**
 * The objects of a keyed deployment, one for each key, and how often their controller is asked anything meanwhile.
 */
import * as serve from "../../../src/index.ts";
import { createWorker, describeSystem, keyedDeployments, type Manifest } from "../../../src/worker.ts";

class Counter {
  #count = 0;

  increment(): number {
    return ++this.#count;
  }
}

/** By all replicas and objects: they share an isolate. */
let asked = 0;

class Front {
  readonly #counters: serve.KeyedHandle<Counter>;

  constructor(counters: serve.KeyedHandle<Counter>) {
    this.#counters = counters;
  }

  async fetch(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/asked") return asked;
    const [number, count] = [Number(searchParams.get("number")), Number(searchParams.get("count"))];
    await Promise.all(Array.from({ length: count }, (_, at) => this.#counters.get(`key ${number + at}`).increment.remote()));
    return "ok";
  }
}

const quiet = { logging: { accessLog: false } };
const code = { main: serve.deployment(Front, quiet).bind(serve.deployment(Counter, { ...quiet, keyed: true }).bind()) };
const described = describeSystem({ applications: [{ name: "main", routePrefix: "/main", deployments: [] }] }, code);
const { manifest } = described as unknown as { readonly manifest: Manifest };
const system = createWorker({ ...manifest, version: "soak" }, code, { keyed: keyedDeployments() });

export class main__Front extends system.Replica("main", "Front") {}
export class main__Counter extends system.Replica("main", "Counter") {}
export class EdgeServeController extends system.Controller {
  override report(...args: Parameters<InstanceType<typeof system.Controller>["report"]>) {
    asked++;
    return super.report(...args);
  }
}
export class EdgeServeConfig extends system.Config {}
export default system.ingress;
