/**
 * A system in the middle of a gradual deployment: two versions of its code in one workerd, and each object at one of them.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { WorkerdProcess } from "../../bench/workerd-process.ts";
import { COMPATIBILITY_DATE, FLAGS } from "../../bench/workerd-config.ts";
import { standIn } from "./stand-in.ts";

export const VERSIONS = ["v1", "v2"] as const;
export type Version = (typeof VERSIONS)[number];

/** Which objects are at which version: see `test/e2e/apps/versions/namespaces.ts`. */
export interface Assigned {
  readonly control: Version;
  readonly replicas: readonly Version[];
}

const APP = join(import.meta.dirname, "../e2e/apps/versions");
const CLASSES = ["Front", "Model", "Single", "Frail"].map((name) => `default__${name}`);
const CONTROL_CLASSES = ["EdgeServeController", "EdgeServeConfig"];

/** The token of the operator's API. */
export const TOKEN = "secret";

/** Two bundles, and storage that outlives the processes that run them. */
export class TwoVersions implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "edge-serve-versions-"));

  static async build(): Promise<TwoVersions> {
    const versions = new TwoVersions();
    mkdirSync(join(versions.#folder, "storage"));
    await Promise.all(VERSIONS.map((version) => versions.#bundle(version)));
    return versions;
  }

  /** Starts both versions, with the objects as they are assigned. Ends whatever was running before. */
  async start(assigned: Assigned): Promise<Running> {
    const config = join(this.#folder, "config.capnp");
    writeFileSync(config, configOf(this.#folder, assigned));
    return new Running(await WorkerdProcess.start(config));
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #bundle(version: Version): Promise<void> {
    await build({
      entryPoints: [join(APP, "worker.ts")],
      outfile: join(this.#folder, `${version}.js`),
      bundle: true,
      format: "esm",
      keepNames: true,
      external: ["cloudflare:*", "node:*"],
      define: { VERSION: JSON.stringify(version) },
      plugins: [standIn("durable-objects/namespaces.ts", join(APP, "namespaces.ts"))].concat(
        version === "v2" ? standIn("src/protocol/envelope.ts", join(APP, "next-envelope.ts")) : [],
      ),
    });
  }
}

/** What runs. */
export class Running implements Disposable {
  readonly #process: WorkerdProcess;

  constructor(process: WorkerdProcess) {
    this.#process = process;
  }

  /** A request that comes in at this version. */
  fetch(version: Version, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), "x-version": version };
    return fetch(`${this.#process.url}${path}`, { ...init, headers });
  }

  async json<T>(version: Version, path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.fetch(version, path, init);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
  }
}

// Comes first, and gives a request to the version that its header names.
const SWITCH = `export default { fetch: (request, env) => env[request.headers.get("x-version")].fetch(request) };`;

function configOf(folder: string, assigned: Assigned): string {
  const date = `compatibilityDate = "${COMPATIBILITY_DATE}"`;
  // An alarm goes to whoever has the class, so only one version has those that use alarms.
  const classesOf = (version: Version) => (version === assigned.control ? [...CLASSES, ...CONTROL_CLASSES] : CLASSES);
  const way = (version: Version, name: string) =>
    `(name = "${version}_${name}", durableObjectNamespace = (className = "${name}", serviceName = "${version}"))`;
  const bindings = [
    `(name = "ASSIGNED", json = ${JSON.stringify(JSON.stringify(assigned))})`,
    `(name = "EDGE_SERVE_TOKEN", text = "${TOKEN}")`,
    ...VERSIONS.flatMap((version) => classesOf(version).map((name) => way(version, name))),
  ];
  // One key for both: an object keeps its storage when it goes to the other version.
  const namespaceOf = (name: string) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`;
  const workers = VERSIONS.map(
    (version) => `(name = "${version}", worker = (
      modules = [(name = "worker.js", esModule = embed "${version}.js")],
      ${date},
      compatibilityFlags = [${FLAGS.map((flag) => `"${flag}"`).join(", ")}],
      bindings = [${bindings.join(", ")}],
      durableObjectNamespaces = [${classesOf(version).map(namespaceOf).join(", ")}],
      durableObjectStorage = (localDisk = "disk"),
    ))`,
  );
  const ways = VERSIONS.map((version) => `(name = "${version}", service = "${version}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "switch", worker = (modules = [(name = "switch.js", esModule = ${JSON.stringify(SWITCH)})], ${date}, bindings = [${ways.join(", ")}])),
    ${workers.join(",\n    ")},
    (name = "disk", disk = (path = "${join(folder, "storage")}", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "switch")],
);
`;
}
