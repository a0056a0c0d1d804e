/**
 * The system that is fuzzed in workerd. Its applications and options are those of `documents.ts`, so both plan documents alike.
 */
import * as serve from "../../../src/index.ts";
import { createWorker, describeSystem, type Manifest, rpcEndpoint } from "../../../src/worker.ts";
import { Crossing, Echo } from "./crossing.ts";
import { Slots } from "./slots.ts";

/** What the application itself throws; any other ERROR line is a failure. */
const THROWN = "thrown by the application";

class Leaf {
  readonly #slots = new Slots();

  reconfigure(): void {}

  echo(...args: unknown[]): unknown[] {
    return args;
  }

  *items(count = 3): Generator<number> {
    for (let item = 0; item < Math.min(100, Number(count)); item++) yield item;
  }

  async call(request: Request): Promise<unknown> {
    if (!(request instanceof Request)) return "called by handle";
    return (await this.#slots.answer(request)) ?? { path: new URL(request.url).pathname };
  }
}

class Front {
  readonly #slots = new Slots();
  readonly #leaf: serve.DeploymentHandle<Leaf>;

  constructor(leaf: serve.DeploymentHandle<Leaf>) {
    this.#leaf = leaf;
  }

  async fetch(request: Request): Promise<unknown> {
    const { pathname } = new URL(request.url);
    if (request.headers.get("upgrade") === "websocket") return socket();
    if (pathname.includes("/throw")) throw new Error(THROWN);
    if (pathname.includes("/slow")) await scheduler.wait(20);
    if (pathname.includes("/stream")) return this.#leaf.items.remote(20);
    const { key, multiplexedModelId, requestId, routePrefix } = serve.getRequestContext();
    const length = request.body === null ? 0 : await lengthOf(request);
    const echoed = await this.#leaf.echo.remote(key, multiplexedModelId);
    return (await this.#slots.answer(request)) ?? { pathname, length, requestId, routePrefix, echoed: echoed.length };
  }
}

// A body may end early: that is the client's doing, and no error of the application.
async function lengthOf(request: Request): Promise<number> {
  try {
    return (await request.arrayBuffer()).byteLength;
  } catch {
    return -1;
  }
}

function socket(): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.binaryType = "arraybuffer";
  server.accept();
  server.addEventListener("message", ({ data }) => {
    if (data === "close") server.close(4001, "as asked");
    else server.send(data);
  });
  return new Response(null, { status: 101, webSocket: client });
}

const options = { maxOngoingRequests: 8, logging: { accessLog: false } };
const code = {
  first: serve.deployment(Front, options).bind(serve.deployment(Leaf, { ...options, numReplicas: 2 }).bind()),
  second: serve.deployment(Leaf, options).bind(),
  crossing: serve.deployment(Crossing, options).bind(serve.deployment(Echo, { logging: { accessLog: false } }).bind()),
};
const applications = [
  { name: "first", routePrefix: "/", importPath: "app.ts:first", deployments: [] },
  { name: "second", routePrefix: "/second", importPath: "app.ts:second", deployments: [], rpc: true },
  { name: "crossing", routePrefix: "/crossing", importPath: "app.ts:crossing", deployments: [], rpc: true },
];
const described = describeSystem({ applications }, code) as unknown as { readonly manifest: Manifest };
const worker = createWorker({ ...described.manifest, version: "fuzz" }, code, { rpc: rpcEndpoint() });

export class first__Front extends worker.Replica("first", "Front") {}
export class first__Leaf extends worker.Replica("first", "Leaf") {}
export class second__Leaf extends worker.Replica("second", "Leaf") {}
export class crossing__Crossing extends worker.Replica("crossing", "Crossing") {}
export class crossing__Echo extends worker.Replica("crossing", "Echo") {}
export class EdgeServeController extends worker.Controller {}
export class EdgeServeConfig extends worker.Config {}
export default worker.ingress;
