/**
 * A Worker running in workerd on this machine, built and started by wrangler.
 *
 * Owns: waiting until it serves, reloading, and the translation of what fails on the way.
 * Does not own: what runs, or the files it is built from.
 *
 * Invariants:
 *   T1. `startRuntime` and `reload` settle: they end with a Worker that answers, or reject with what is wrong.
 *   T2. A reload that fails to build leaves the Worker that was running.
 */
import type { RuntimeLog } from "./log-record.ts";
import type { WranglerConfig } from "../project/user-config.ts";
import { SOURCE_POSITIONS } from "../../protocol/rpc-messages.ts";
import { type Bundle, bundleOf } from "./bundle.ts";
import { loadWrangler } from "./load-wrangler.ts";
import { runtimeFailure } from "./runtime-failure.ts";
import { LogPositions } from "./source-positions.ts";

/** What to run, and where. */
export interface RuntimeOptions {
  readonly root: string;
  readonly config: WranglerConfig;
  /** The environment of wrangler's configuration, which names the `.dev.vars` to read. */
  readonly env?: string | undefined;
  readonly host?: string;
  /** 0 is any free port. */
  readonly port?: number;
  /** Where Durable Objects keep their data; `false` keeps it in memory. */
  readonly persist: string | false;
  readonly vars?: Readonly<Record<string, string>>;
  /** Like vars, but named as secrets. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Lets bindings reach the account; off, everything is local. */
  readonly allowRemote?: boolean;
  /**
   * Leaves out wrangler's proxy, a second workerd, which keeps the address through reloads and holds requests meanwhile. `url` then
   * changes with each reload.
   */
  readonly isDirect?: boolean;
  /** Positions in the log's stacks are those of the source files. */
  readonly onLog?: (line: RuntimeLog) => void;
  /** Binds the Worker to the source positions, so that what it sends to callers outside has them too. @default false */
  readonly tellsPositions?: boolean;
  /** Hears of each bundle as soon as it is built. */
  readonly onBundle?: (bundle: Bundle) => void;
}

/** A Worker that serves. */
export interface Runtime {
  readonly url: URL;
  /** Where workerd itself listens, without the proxy that holds requests during a reload. Changes with each reload. */
  readonly directUrl: URL;
  /** The last bundle that was built. */
  readonly bundle: Bundle;
  /** Sends a GET request for a path. */
  fetch(path: string): Promise<{ json(): Promise<unknown>; text(): Promise<string>; readonly ok: boolean }>;
  /** Builds anew and replaces what runs, at the same address. */
  reload(config: WranglerConfig): Promise<void>;
  dispose(): Promise<void>;
}

/** Builds and starts a Worker. Rejects with a `Failure` that names the user's file and line, where the user's code is at fault. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { unstable_DevEnv: DevEnv } = await loadWrangler();
  const { isDirect = false } = options;
  const env = isDirect ? new DevEnv({ proxyFactory: noProxy }) : new DevEnv();
  const positions = new LogPositions(options.root);
  let bundle: Bundle | undefined;
  const dispatch = env.dispatch.bind(env);
  // `bundleComplete` goes over this bus only; wrangler emits no event for it.
  env.dispatch = (event) => {
    if (event.type === "bundleComplete") {
      bundle = bundleOf(event.bundle, options.root);
      positions.add(bundle);
      options.onBundle?.(bundle);
    }
    dispatch(event);
  };
  const load = async (config: WranglerConfig): Promise<void> => {
    const loaded = nextReload(env);
    // Rejections are reported below, by whichever comes first.
    loaded.catch(() => {});
    try {
      const ready = started === undefined ? start(config) : env.config.set(input(options, config, positions), true);
      [directUrl] = await Promise.all([loaded, ready]);
    } catch (error) {
      throw runtimeFailure(error, bundle, { root: options.root, config });
    }
  };
  let directUrl: URL | undefined;
  let started: Awaited<ReturnType<typeof env.startWorker>> | undefined;
  const start = async (config: WranglerConfig): Promise<void> => {
    started = await env.startWorker(input(options, config, positions));
  };
  try {
    await load(options.config);
  } catch (error) {
    await env.teardown().catch(() => {});
    throw error;
  }
  const worker = started!;
  const url = isDirect ? undefined : await worker.url;
  return {
    get url() {
      return url ?? directUrl!;
    },
    get directUrl() {
      return directUrl!;
    },
    get bundle() {
      return bundle!;
    },
    fetch: (path) => (isDirect ? fetch(new URL(path, directUrl)) : worker.fetch(new URL(path, url).href)),
    reload: load,
    dispose: () => (isDirect ? env.teardown() : worker.dispose()),
  };
}

type Proxy = InstanceType<Awaited<ReturnType<typeof loadWrangler>>["unstable_DevEnv"]>["proxy"];

// What wrangler's bus tells a proxy, and nobody here wants to know.
function noProxy(): Proxy {
  const ready = Promise.withResolvers();
  // Rejected where the start fails, which `startWorker` says as well.
  ready.promise.catch(() => {});
  const ignore = () => {};
  return {
    ready,
    onConfigUpdate: ignore,
    onBundleStart: ignore,
    onReloadStart: ignore,
    onReloadComplete: ignore,
    teardown: () => Promise.resolve(),
  } as unknown as Proxy;
}

// workerd marks so what it tells those who run it on Cloudflare, such as an alarm that is overdue after a restart.
function isForOperators({ message }: RuntimeLog): boolean {
  return /^(?:\S+:\d+: \w+: )?NOSENTRY\b/.test(message);
}

type DevEnv = InstanceType<Awaited<ReturnType<typeof loadWrangler>>["unstable_DevEnv"]>;

/** What wrangler says when a Worker has been loaded. */
interface ReloadEvent {
  readonly proxyData: { readonly userWorkerUrl: { readonly hostname: string; readonly port: string } };
}

function directUrlOf({ userWorkerUrl: { hostname, port } }: ReloadEvent["proxyData"]): URL {
  return new URL(`http://${hostname}:${port}/`);
}

function nextReload(env: DevEnv): Promise<URL> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      env.off("reloadComplete", onReload);
      env.off("error", onFailure);
      env.off("buildFailed", onFailure);
      act();
    };
    const onReload = ({ proxyData }: ReloadEvent) => settle(() => resolve(directUrlOf(proxyData)));
    const onFailure = (event: unknown) => settle(() => reject(event));
    env.on("reloadComplete", onReload);
    env.on("error", onFailure);
    env.on("buildFailed", onFailure);
  });
}

function input(options: RuntimeOptions, config: WranglerConfig, positions: LogPositions): Parameters<DevEnv["startWorker"]>[0] {
  const { host = "localhost", port = 0, persist, vars = {}, secrets = {}, allowRemote = false, tellsPositions = false, onLog } = options;
  const toSources = async (request: Request) => new Response(positions.map(await request.text()));
  const bindings = {
    ...Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, { type: "plain_text" as const, value }])),
    ...Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, { type: "secret_text" as const, value }])),
    ...(tellsPositions ? { [SOURCE_POSITIONS]: { type: "fetcher" as const, fetcher: toSources } } : {}),
  };
  return {
    config,
    ...(options.env === undefined ? {} : { env: options.env }),
    bindings,
    dev: {
      server: { hostname: host, port },
      watch: false,
      persist,
      logLevel: "none",
      inspector: false,
      registry: undefined,
      ...(allowRemote ? {} : { remote: false }),
      ...(onLog === undefined
        ? {}
        : {
            structuredLogsHandler: (line: RuntimeLog) => {
              if (!isForOperators(line)) onLog({ ...line, message: positions.map(line.message) });
            },
          }),
    },
  } as Parameters<DevEnv["startWorker"]>[0];
}
