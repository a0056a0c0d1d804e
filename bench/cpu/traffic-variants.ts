/**
 * What is compared for the cost of a prefix that applications share: the same two applications of one deployment each, by the routes that
 * their document has. The requests are the same for all.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CONTROL_PLANE } from "../micro/build.ts";
import type { RouteConfig } from "../../src/protocol/traffic.ts";
import { bundleScript } from "../workerd-bundle.ts";
import { type ServiceInput, workerdServices } from "../workerd-config.ts";
import type { Variant } from "./variants.ts";

/** Where the requests go. */
export const PREFIX = "/s";
/** What they carry, on every side: read where the route has `sticky_header`. */
export const HEADERS: Readonly<Record<string, string>> = { "x-user": "ada" };

const CLASSES = ["a__Noop", "b__Noop", ...CONTROL_PLANE];
const split = [
  { application: "a", percent: 95 },
  { application: "b", percent: 5 },
];
const canary = {
  stable: "a",
  candidate: "b",
  steps: [5, 100],
  stepIntervalMs: 86_400_000,
  minRequests: 50,
  maxErrorPercent: 1,
  maxP95Ratio: 1.5,
};

/** By side: the prefix of application `a`, and the document's routes. */
const SIDES: Readonly<Record<string, { readonly prefix: string | null; readonly routes: readonly RouteConfig[] }>> = {
  "a document without routes": { prefix: PREFIX, routes: [] },
  "a plain prefix": { prefix: PREFIX, routes: [{ prefix: "/other", split }] },
  "a split, 95 to 5": { prefix: null, routes: [{ prefix: PREFIX, split }] },
  "a split by a header": { prefix: null, routes: [{ prefix: PREFIX, split, stickyHeader: "x-user" }] },
  "a canary at 5 %": { prefix: null, routes: [{ prefix: PREFIX, canary }] },
};
/** What the others are compared with. */
export const BASE = "a plain prefix";

/** Bundles all sides, each twice. @returns The path of workerd's config, whose sockets have the variants' names. */
export function buildTrafficVariants(folder: string): { readonly config: string; readonly variants: Variant[] } {
  const services: (ServiceInput & Variant)[] = [];
  for (const [index, [side, document]] of Object.entries(SIDES).entries()) {
    const main = join(folder, `side${index}-app.ts`);
    writeFileSync(main, mainOf(document));
    const script = bundleScript({ name: `side${index}`, main: pathToFileURL(main), classes: CLASSES, folder });
    for (const name of [side, `${side}, again`]) {
      const storage = join(folder, "storage", `${index}-${services.length}`);
      mkdirSync(storage, { recursive: true });
      services.push({ name, side, script, classes: CLASSES, storage });
    }
  }
  const config = join(folder, "variants.capnp");
  writeFileSync(config, workerdServices(services));
  return { config, variants: services.map(({ name, side }) => ({ name, side })) };
}

function mainOf({ prefix, routes }: (typeof SIDES)[string]): string {
  const source = (name: string) => JSON.stringify(fileURLToPath(new URL(`../../src/${name}.ts`, import.meta.url)));
  return `import * as serve from ${source("index")};
import { createWorker, describeSystem } from ${source("worker")};

class Noop {
  fetch() {
    return new Response("ok");
  }
}

const quiet = { logging: { accessLog: false } };
const code = { a: serve.deployment(Noop, quiet).bind(), b: serve.deployment(Noop, quiet).bind() };
const applications = [
  { name: "a", routePrefix: ${JSON.stringify(prefix)}, deployments: [] },
  { name: "b", routePrefix: null, deployments: [] },
];
const { manifest } = describeSystem({ applications, routes: ${JSON.stringify(routes)} }, code);
const worker = createWorker({ ...manifest, version: "bench" }, code);

export class a__Noop extends worker.Replica("a", "Noop") {}
export class b__Noop extends worker.Replica("b", "Noop") {}
export class EdgeServeController extends worker.Controller {}
export class EdgeServeConfig extends worker.Config {}
export default worker.ingress;
`;
}
