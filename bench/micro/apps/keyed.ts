/** What is measured of keyed deployments, with edge-serve: HTTP to the object of a key, and calls to one. Access logs are off. */
import * as serve from "../../../src/index.ts";
import { createWorker, describeSystem, keyedDeployments, type Manifest } from "../../../src/worker.ts";

class Room {
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
  readonly #echoes: serve.KeyedHandle<Echo>;

  constructor(echoes: serve.KeyedHandle<Echo>) {
    this.#echoes = echoes;
  }

  async fetch(request: Request): Promise<Response> {
    const count = Number(new URL(request.url).searchParams.get("count"));
    for (let call = 0; call < count; call++) await this.#echoes.get("ada").ping.remote();
    return new Response("ok");
  }
}

const quiet = { logging: { accessLog: false } };
const code = {
  rooms: serve.deployment(Room, { ...quiet, keyed: { key: (request) => new URL(request.url).pathname.slice(1) } }).bind(),
  calls: serve.deployment(Caller, quiet).bind(serve.deployment(Echo, { ...quiet, keyed: true }).bind()),
};
const applications = [
  { name: "rooms", routePrefix: "/", deployments: [] },
  { name: "calls", routePrefix: "/calls", deployments: [] },
];
const described = describeSystem({ applications } as never, code) as unknown as { readonly manifest: Manifest };
const worker = createWorker({ ...described.manifest, version: "bench" }, code, { keyed: keyedDeployments() });

export class rooms__Room extends worker.Replica("rooms", "Room") {}
export class calls__Caller extends worker.Replica("calls", "Caller") {}
export class calls__Echo extends worker.Replica("calls", "Echo") {}
export class EdgeServeController extends worker.Controller {}
export class EdgeServeConfig extends worker.Config {}
export default worker.ingress;
