/**
 * The project that is served: the application's files in a directory of their own, so that its code can be written anew.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const APPS = ["wide", "narrow"] as const;
export const PARTS = ["Front", "Work", "Eager", "Elastic", "Batcher", "Models", "Jobs", "Counters"] as const;
export type App = (typeof APPS)[number];
export type Part = (typeof PARTS)[number];

/** As the applications' code says. */
export const LIMITS: Readonly<Record<Part, { readonly slots: number; readonly replicas: number }>> = {
  Front: { slots: 50, replicas: 2 },
  Work: { slots: 2, replicas: 3 },
  Eager: { slots: 2, replicas: 2 },
  Elastic: { slots: 2, replicas: 0 },
  Batcher: { slots: 8, replicas: 1 },
  Models: { slots: 2, replicas: 2 },
  Jobs: { slots: 2, replicas: 2 },
  // An object for each key.
  Counters: { slots: 2, replicas: 0 },
};

/** How often a run of a deployment may be repeated: see `retries` in the application. */
export const EAGER_RUNS = 3;

/** How many keys the counters of an application have, unless a run says so. */
export const KEYS = 20;

/** How often a task is tried: see `tasks` in the application. More than anything that is done to it takes. */
export const TASK_ATTEMPTS = 50;

const WRANGLER = `name = "chaos"
main = "src/worker.ts"
compatibility_date = "2026-11-01"
compatibility_flags = ["enable_request_signal"]
`;

const TASKS = "EdgeServeTasks";
const SYSTEM = ["EdgeServeController", "EdgeServeConfig", TASKS, "EdgeServeSchedules"];
const CLASSES = [...SYSTEM, ...APPS.flatMap((app) => PARTS.map((part) => `${app}__${part}`))];

const WORKER = `import * as generated from "../.edge-serve/worker.ts";
import { withDoor } from "./door.ts";
import { withOutcomes } from "./outcomes.ts";
import { witnessed } from "./witness.ts";

export * from "../.edge-serve/worker.ts";
export default withDoor(generated.default);
${CLASSES.map((name) => `export class ${name} extends witnessed(${name === TASKS ? `withOutcomes(generated.${name})` : `generated.${name}`}) {}`).join("\n")}
`;

/** A configuration document, as `PUT /-/api/applications` takes it. */
export interface Document {
  readonly applications: readonly {
    readonly name: App;
    readonly route_prefix: string;
    readonly import_path: string;
    readonly deployments: readonly Readonly<Record<string, unknown>>[];
  }[];
}

/** The document in which everything is as the code says, but for what is given. */
export function documentOf(
  deployments: Partial<Record<App, readonly Readonly<Record<string, unknown>>[]>> = {},
  prefixes: Readonly<Record<App, string>> = { wide: "/a", narrow: "/b" },
): Document {
  return {
    applications: APPS.map((name) => ({
      name,
      route_prefix: prefixes[name],
      import_path: `src/app.ts:${name}`,
      deployments: deployments[name] ?? [],
    })),
  };
}

/** The files on disk, and where the objects' storage goes. */
export class Project implements Disposable {
  readonly root: string = mkdtempSync(join(tmpdir(), "edge-serve-chaos-"));
  readonly storage: string = join(this.root, "storage");
  readonly target = "serve.json";
  #version = 0;

  constructor() {
    mkdirSync(this.storage);
    cpSync(fileURLToPath(new URL("app", import.meta.url)), join(this.root, "src"), { recursive: true });
    writeFileSync(join(this.root, "src/worker.ts"), WORKER);
    writeFileSync(join(this.root, "wrangler.toml"), WRANGLER);
    writeFileSync(join(this.root, this.target), JSON.stringify(documentOf()));
  }

  /** Changes the code. */
  rewrite(): void {
    writeFileSync(join(this.root, "src/version.ts"), `export const VERSION = "v${++this.#version}";\n`);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
