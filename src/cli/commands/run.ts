import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { DeploymentConfig, Manifest } from "../../protocol/manifest.ts";
import type { RouteConfig } from "../../protocol/traffic.ts";
import type { Command, CommandInput, Io } from "../command.ts";
import { EXIT, Failure, portOf, reportOf, table } from "../failure.ts";
import { compileServing, type Serving } from "../project/compile-serving.ts";
import { readTarget, type Target } from "../project/target.ts";
import { envOf } from "../project/user-config.ts";
import { lineForPeople } from "../runtime/log-record.ts";
import type { RuntimeLog } from "../runtime/log-record.ts";
import { type Runtime, startRuntime } from "../runtime/worker-runtime.ts";
import { digestOf, watchInputs } from "../runtime/watch-inputs.ts";
import { ENV_OPTION, ROUTE_PREFIX_OPTION, routePrefixOf } from "./build.ts";

// For people, or the lines as the platform has them.
const FORMATS = ["people", "json"] as const;
const PAIR = /^([A-Za-z_]\w*)=([^]*)$/;

/** Serves a system on this machine until the user ends it. */
export const run: Command = {
  name: "run",
  summary:
    "Serve the applications on this machine, and reload them when a file changes. " +
    "Set X_LOCAL_OBSERVABILITY=true to collect traces for wrangler's local explorer; calls are slower then.",
  args: [
    { name: "[target]", summary: "a config file, or a module and its export (default: serve.yaml)" },
    { name: "[arguments...]", summary: "key=value pairs for a builder" },
  ],
  options: [
    ENV_OPTION,
    ROUTE_PREFIX_OPTION,
    { flags: "--port <number>", summary: "where to listen (default: the config file's http_options.port, else 8787)" },
    {
      flags: "--local",
      summary: "run every binding on this machine; one that exists only on Cloudflare, such as Workers AI, fails when it is used",
    },
    {
      flags: "--log-format <format>",
      summary: `how the log is written: ${FORMATS.join(" or ")} (default: people on a terminal, else json)`,
    },
    { flags: "--host <name>", summary: "where to listen (default: the config file's http_options.host, else localhost)" },
  ],
  examples: ["edge-serve run src/app.ts:app", "edge-serve run serve.yaml --port 9000", "edge-serve run src/app.ts:build model=small"],
  run: async (input, io) => {
    await serveUntilEnd(input, io);
    return EXIT.ok;
  },
};

async function serveUntilEnd({ args: [label, ...pairs], options }: CommandInput, io: Io): Promise<void> {
  const port = portOf(options["port"]);
  const env = envOf(options["env"], io.env);
  const read = () => readTarget(label, io.cwd, { args: builderArgs(pairs), routePrefix: routePrefixOf(options) });
  const target = read();
  const written = formatOf(options["logFormat"], io);
  if (target.warnings !== "") io.err(`${target.warnings}\n`);
  const directory = `run-${createHash("sha256").update(`${io.cwd}\0${target.label}`).digest("hex").slice(0, 8)}`;
  const serving = await compileServing(target, { cwd: io.cwd, env, directory, say: io.err });
  for (const warning of serving.warnings) io.err(`warning: ${warning}\n`);
  const runtime = await startRuntime({
    root: serving.root,
    config: serving.config,
    env,
    persist: join(serving.root, ".wrangler", "state", "v3"),
    allowRemote: options["local"] !== true,
    host: typeof options["host"] === "string" ? options["host"] : (target.config.httpOptions.host ?? "localhost"),
    tellsPositions: true,
    port: port ?? target.config.httpOptions.port ?? 8787,
    onLog: (line) => io.err(`${written(line)}\n`),
  });
  io.out(announce(target, serving.manifest, runtime.url));
  startReplicas(runtime);
  // Not `using`, which Node 22 does not know.
  const watcher = watchInputs([...serving.inputs, ...runtime.bundle.inputs]);
  try {
    await reloadOnChange({ read, env, directory, serving, runtime, io, watcher });
  } finally {
    watcher[Symbol.dispose]();
    await runtime.dispose();
    rmSync(join(serving.root, ".edge-serve", directory), { recursive: true, force: true });
  }
}

function formatOf(given: unknown, { terminal }: Io): (line: RuntimeLog) => string {
  const format = given ?? (terminal === undefined ? "json" : "people");
  if (!FORMATS.some((known) => known === format))
    throw new Failure(`--log-format must be ${FORMATS.join(" or ")}, got ${JSON.stringify(given)}.`, EXIT.usage);
  const showing = { hasColors: terminal?.hasColors ?? false };
  return format === "json" ? ({ message }) => message : (line) => lineForPeople(line, showing);
}

interface Reloading {
  readonly read: () => Target;
  readonly env: string | undefined;
  readonly directory: string;
  readonly serving: Serving;
  readonly runtime: Runtime;
  readonly io: Io;
  readonly watcher: ReturnType<typeof watchInputs>;
}

async function reloadOnChange({ read, env, directory, serving, runtime, io, watcher }: Reloading): Promise<void> {
  const sourcesOf = ({ inputs }: Serving) => digestOf([...inputs, ...runtime.bundle.inputs]);
  let version = serving.manifest.version;
  let sources = sourcesOf(serving);
  let routes = routeTable(serving.manifest);
  while (await watcher.changed(io.signal)) {
    try {
      const target = read();
      const next = await compileServing(target, { cwd: io.cwd, env, directory, say: io.err });
      watcher.watch(next.inputs);
      // A comment changes no version, but where things are, which the log's stacks say.
      if (next.manifest.version === version && sourcesOf(next) === sources && next.userMain === undefined) continue;
      await runtime.reload(next.config);
      watcher.watch(runtime.bundle.inputs);
      sources = sourcesOf(next);
      version = next.manifest.version;
      io.err(`Reloaded, version ${version}.\n`);
      startReplicas(runtime);
      if (routeTable(next.manifest) !== routes) io.out(`${(routes = routeTable(next.manifest))}\n`);
    } catch (error) {
      // What is served stays; the next change tries again.
      io.err(`${reportOf(error).text}\nStill serving the last successful build.\n`);
    }
  }
}

// Whoever asks how things are wakes the controllers, which start the replicas: what does not start is logged now, and not when
// somebody sends the first request.
function startReplicas(runtime: Runtime): void {
  runtime.fetch("/-/healthz").catch(() => {});
}

function announce({ label }: Target, manifest: Manifest, url: URL): string {
  return `Serving ${label} at ${url.href}\n${routeTable(manifest)}\n`;
}

function routeTable({ applications, routes = [] }: Manifest): string {
  const rows = applications.map(({ name, routePrefix, deployments }) => {
    const parts = Object.entries(deployments).map(([deployment, config]) => `${deployment} ${countOf(config)}`);
    return [`  ${routePrefix ?? "(no HTTP)"}`, name, parts.join(", ")];
  });
  return table([...rows, ...routes.map((route) => [`  ${route.prefix}`, sharersOf(route), ""])]);
}

function countOf({ numReplicas, keyed, inline }: DeploymentConfig): string {
  if (keyed === true) return "by key";
  return inline === true ? "inline" : `x${numReplicas}`;
}

function sharersOf({ split, canary }: RouteConfig): string {
  if (canary !== undefined) return `${canary.stable} to ${canary.candidate}, step by step`;
  return split.map(({ application, percent }) => `${application} ${percent} %`).join(", ");
}

function builderArgs(pairs: readonly string[]): Record<string, string> | undefined {
  if (pairs.length === 0) return undefined;
  const entries = pairs.map((pair) => {
    const match = PAIR.exec(pair);
    if (match === null) throw new Failure(`Invalid builder argument ${JSON.stringify(pair)}. Write key=value.`, EXIT.usage);
    return [match[1]!, match[2]!] as const;
  });
  return Object.fromEntries(entries);
}
