/** The system that is looked at: the same application twice, without and with metrics of its own, and what counts beside it. */
import { projectWith } from "../../test/support/own-controller.ts";
import type { CliProject } from "../../test/support/cli-project.ts";

export const DEPLOYMENTS = 10;
export const REPLICAS = 100;

/** Before what is counted in the Worker, among the lines of its log. */
export const COUNTED = "counted ";

const APP = `import * as serve from "edge-serve";

const REPLICAS = { numReplicas: ${REPLICAS / DEPLOYMENTS} };
const tokens = new serve.metrics.Counter("tokens", { description: "Tokens made.", tagKeys: ["size"] });
const words = new serve.metrics.Histogram("words", { description: "Words of a prompt.", boundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] });
const kept = new serve.metrics.Gauge("kept_prompts", { description: "Prompts in the cache." });

class Model {
  #isMeasured: boolean;
  constructor(isMeasured: boolean) {
    this.#isMeasured = isMeasured;
  }
  async call(n: number) {
    await new Promise((resolve) => setTimeout(resolve, 2000 + Math.random() * 6000));
    if (!this.#isMeasured) return n;
    tokens.inc(n, { size: ["small", "medium", "large"][n % 3]! });
    words.observe(Math.random() ** 3 * 1000);
    kept.set(n);
    return n;
  }
}
class Front {
  #models: readonly serve.DeploymentHandle<Model>[];
  #next = 0;
  constructor(models: readonly serve.DeploymentHandle<Model>[]) {
    this.#models = models;
  }
  async fetch() {
    const n = this.#next++;
    return String(await this.#models[n % this.#models.length]!.remote(n));
  }
}
const application = (isMeasured: boolean) => {
  const models = Array.from({ length: ${DEPLOYMENTS - 1} }, (_, n) => serve.deployment(Model, { ...REPLICAS, name: "Model" + n }).bind(isMeasured));
  return serve.deployment(Front, REPLICAS).bind(models);
};
export const plain = application(false);
export const measured = application(true);
`;

const CONFIG = `applications:
  - { name: plain, route_prefix: /plain, import_path: "src/app.ts:plain" }
  - { name: measured, route_prefix: /measured, import_path: "src/app.ts:measured" }
`;

// The objects run in one isolate here, so the storage of all of them has the same methods: keys and tables say whose row it is.
const COUNTING = `
const count = (what: string, ...about: unknown[]) => console.log("${COUNTED}" + JSON.stringify([what, ...about]));
let isCounting = false;
function countRows({ sql, kv }: DurableObjectStorage) {
  if (isCounting) return;
  isCounting = true;
  const [sqlMethods, kvMethods] = [Object.getPrototypeOf(sql), Object.getPrototypeOf(kv)];
  const { exec } = sqlMethods;
  sqlMethods.exec = function (query: string, ...bindings: unknown[]) {
    const cursor = exec.call(this, query, ...bindings);
    const [, table] = /^(?:INSERT OR REPLACE INTO|DELETE FROM) (\\w+)/.exec(query) ?? [];
    if (table !== undefined) count("row", table, cursor.rowsWritten, String(bindings.at(-1)).length);
    return cursor;
  };
  const { put } = kvMethods;
  kvMethods.put = function (key: string, value: unknown) {
    count("row", key.split(":")[0], 1, JSON.stringify(value).length);
    return put.call(this, key, value);
  };
}
export class EdgeServeController extends (generated.EdgeServeController as any) {
  #name: string;
  constructor(state: DurableObjectState, env: unknown) {
    super(state, env);
    this.#name = state.id.name!;
    countRows(state.storage);
  }
  async report(report: any) { count("report", this.#name, report); return super.report(report); }
}
`;

/** Writes the project. */
export function watchedSystem(): CliProject {
  const project = projectWith(APP, COUNTING);
  project.write("serve.yaml", CONFIG);
  return project;
}
