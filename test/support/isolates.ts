/**
 * One system in several isolates, as on Cloudflare: Workers that have the same code, each with a memory and a socket of its own, and one more
 * that has the objects of all of them.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { COMPATIBILITY_DATE, FLAGS } from "../../bench/workerd-config.ts";
import { WorkerdProcess } from "../../bench/workerd-process.ts";
import { compileServing } from "../../src/cli/project/compile-serving.ts";
import { readTarget } from "../../src/cli/project/target.ts";
import { classNameOf } from "../../src/protocol/names.ts";
import { TOKEN } from "./operated.ts";
import { standIn } from "./stand-in.ts";

const NAMESPACES = join(import.meta.dirname, "../e2e/apps/isolates/namespaces.ts");
const OBJECTS = "objects";

export class Isolates implements Disposable {
  readonly #process: WorkerdProcess;
  readonly #folder: string;
  /** Where each of them listens. */
  readonly urls: readonly string[];

  private constructor(process: WorkerdProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
    this.urls = Object.values(process.ports).map((port) => `http://127.0.0.1:${port}`);
  }

  /** Compiles a target, relative to the repository, and serves it in so many isolates. */
  static async start(target: string, count: number): Promise<Isolates> {
    const folder = mkdtempSync(join(tmpdir(), "edge-serve-isolates-"));
    const directory = `isolates-${randomBytes(6).toString("hex")}`;
    const cwd = process.cwd();
    const { root, manifest, config } = await compileServing(readTarget(target, cwd), { cwd, env: undefined, directory });
    await build({
      entryPoints: [String(config.main)],
      outfile: join(folder, "worker.js"),
      bundle: true,
      format: "esm",
      keepNames: true,
      external: ["cloudflare:*", "node:*"],
      alias: config.alias as Record<string, string>,
      plugins: [standIn("durable-objects/namespaces.ts", NAMESPACES)],
    });
    rmSync(join(root, ".edge-serve", directory), { recursive: true });
    const replicas = manifest.applications.flatMap(({ name, deployments }) =>
      Object.keys(deployments).map((deployment) => classNameOf(name, deployment)),
    );
    mkdirSync(join(folder, "storage"));
    writeFileSync(join(folder, "config.capnp"), configOf(folder, [...replicas, "EdgeServeController", "EdgeServeConfig"], count));
    return new Isolates(await WorkerdProcess.start(join(folder, "config.capnp"), { sockets: count, logged: () => {} }), folder);
  }

  /** A request that one of them takes. */
  fetch(isolate: number, path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.urls[isolate]}${path}`, init);
  }

  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configOf(folder: string, classes: readonly string[], count: number): string {
  const bindings = [
    `(name = "EDGE_SERVE_TOKEN", text = "${TOKEN}")`,
    ...classes.map((name) => `(name = "${name}", durableObjectNamespace = (className = "${name}", serviceName = "${OBJECTS}"))`),
  ];
  const worker = (more = "") => `worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "${COMPATIBILITY_DATE}",
      compatibilityFlags = [${FLAGS.map((flag) => `"${flag}"`).join(", ")}],
      bindings = [${bindings.join(", ")}],${more}
    )`;
  const namespaces = classes.map((name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`);
  const objects = `durableObjectNamespaces = [${namespaces.join(", ")}], durableObjectStorage = (localDisk = "disk"),`;
  const names = Array.from({ length: count }, (_, index) => `isolate${index}`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "${OBJECTS}", ${worker(objects)}),
    ${names.map((name) => `(name = "${name}", ${worker()}),`).join("\n    ")}
    (name = "disk", disk = (path = "${join(folder, "storage")}", writable = true)),
  ],
  sockets = [${names.map((name) => `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${name}")`).join(", ")}],
);
`;
}
