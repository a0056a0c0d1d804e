/** edge-serve, and the same by hand: bundled by wrangler, and run on workerd itself. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../free-port.ts";
import { ProcessTree } from "../process-tree.ts";
import { type ApplicationName } from "../scenarios.ts";
import type { Started, System, Workshop } from "../system.ts";
import { COMPATIBILITY_DATE, FLAGS, workerdConfig } from "../../workerd-config.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const APPS = fileURLToPath(new URL("../apps", import.meta.url));
const ENV = { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" };
const MANY_REPLICAS = 100;

export const edgeServe: System = edgeServeWith("edge-serve", {
  title: "edge-serve",
  manyReplicas: MANY_REPLICAS,
  settings: "access log off, `maxOngoingRequests: 512`, otherwise defaults",
  applicationsOf: (cores) => [
    ...["noop", "compose", "wait", "stream", "cpu"].map((name) => applicationOf(name)),
    applicationOf("batch", { file: "edge-serve-batch.ts" }),
    applicationOf("cpu-all", { export: "cpu", deployments: [{ name: "Compute", num_replicas: cores }] }),
    applicationOf("noop-many", { export: "noop", deployments: [{ name: "Noop", num_replicas: MANY_REPLICAS }] }),
  ],
});

export const edgeServeInline: System = edgeServeWith("edge-serve-inline", {
  title: "edge-serve, inline",
  // Instances are their callers', and there is one caller.
  manyReplicas: 1,
  settings: 'the same, and `placement: "inline"` for every deployment but the one that collects batches',
  applicationsOf: () => [
    ...["noop", "compose", "wait", "stream", "cpu", "batch"].map((name) => applicationOf(name, { file: "edge-serve-inline.ts" })),
    applicationOf("cpu-all", { file: "edge-serve-inline.ts", export: "cpu" }),
  ],
});

interface EdgeServeSettings extends Pick<System, "title" | "manyReplicas" | "settings"> {
  applicationsOf(cores: number): readonly unknown[];
}

function edgeServeWith(id: string, { applicationsOf, ...about }: EdgeServeSettings): System {
  return {
    id,
    ...about,
    async prepare(workshop) {
      const folder = folderOf(workshop, id);
      await run(process.execPath, [join(ROOT, "scripts/build.mjs")], { cwd: ROOT, env: ENV });
      mkdirSync(join(folder, "node_modules"), { recursive: true });
      if (!existsSync(join(folder, "node_modules/edge-serve"))) symlinkSync(ROOT, join(folder, "node_modules/edge-serve"));
      const config = { logging_config: { enable_access_log: false }, applications: applicationsOf(workshop.cores) };
      writeFileSync(join(folder, "serve.yaml"), JSON.stringify(config, undefined, 2));
      writeFileSync(join(folder, "wrangler.json"), JSON.stringify(settings(id)));
      await run(process.execPath, [join(ROOT, "dist/src/cli/main.js"), "build", "serve.yaml"], { cwd: folder, env: ENV });
      await bundle(folder, { config: "wrangler.edge-serve.json", replicas: {} });
      return versions();
    },
    start: (workshop) => startWorkerd(workshop, id),
  };
}

export const handWritten: System = {
  id: "durable-objects",
  title: "Durable Objects by hand",
  manyReplicas: MANY_REPLICAS,
  settings: "nothing to set",
  async prepare(workshop) {
    const folder = folderOf(workshop, "durable-objects");
    const classes = ["Noop", "Ingress", "Hello", "World", "Wait", "Batch", "Stream", "Compute"];
    const declared = Object.fromEntries(classes.map((name) => [name, { type: "durable-object", storage: "sqlite" }]));
    const config = { ...settings("by-hand"), main: join(APPS, "hand-written.ts"), exports: declared };
    writeFileSync(join(folder, "wrangler.json"), JSON.stringify(config));
    await bundle(folder, { config: "wrangler.json", replicas: { cpu: workshop.cores, noop: MANY_REPLICAS } });
    return versions();
  },
  start: (workshop) => startWorkerd(workshop, "durable-objects"),
};

function folderOf({ temporary }: Workshop, name: string): string {
  const folder = join(temporary, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function applicationOf(name: string, from: { file?: string; export?: string; deployments?: readonly unknown[] } = {}): unknown {
  return {
    name,
    route_prefix: `/${name}`,
    import_path: `${join(APPS, from.file ?? "edge-serve.ts")}:${from.export ?? name}`,
    ...(from.deployments === undefined ? {} : { deployments: from.deployments }),
  };
}

function settings(name: string): object {
  return { name, compatibility_date: COMPATIBILITY_DATE, compatibility_flags: FLAGS };
}

interface Bundle {
  readonly config: string;
  readonly replicas: Readonly<Record<string, number>>;
}

async function bundle(folder: string, { config, replicas }: Bundle): Promise<void> {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  await run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", "bundle", "-c", config], { cwd: folder, env: ENV });
  const { main, exports } = JSON.parse(readFileSync(join(folder, config), "utf8")) as {
    readonly main: string;
    readonly exports: Readonly<Record<string, { readonly type: string }>>;
  };
  const script = `${main.split("/").at(-1)!.replace(/\.ts$/, "")}.js`;
  const classes = Object.keys(exports).filter((name) => exports[name]!.type === "durable-object");
  const storage = join(folder, "bundle/storage");
  mkdirSync(storage, { recursive: true });
  writeFileSync(join(folder, "bundle/config.capnp"), workerdConfig({ script, classes, storage, variables: { REPLICAS: replicas } }));
}

async function startWorkerd(workshop: Workshop, name: string): Promise<Started> {
  const folder = join(folderOf(workshop, name), "bundle");
  const { default: binary } = createRequire(import.meta.url)("workerd") as { readonly default: string };
  let tree: ProcessTree | undefined;
  return {
    get tree() {
      if (tree === undefined) throw new Error("This is a bug in the benchmark: workerd serves nothing yet.");
      return tree;
    },
    async serve(application: ApplicationName | "noop-many") {
      await tree?.stop();
      const port = await freePort();
      tree = new ProcessTree({
        file: binary,
        args: ["serve", `--socket-addr=http=127.0.0.1:${port}`, join(folder, "config.capnp")],
        log: join(workshop.kept, "workerd.log"),
      });
      tree.root.stdout!.resume();
      return `http://127.0.0.1:${port}/${application}`;
    },
    async [Symbol.asyncDispose]() {
      await tree?.stop();
    },
  };
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string) => (require(`${name}/package.json`) as { readonly version: string }).version;
  return { workerd: versionOf("workerd"), wrangler: versionOf("wrangler") };
}
