/** BentoML: `bentoml serve`, with one worker process for a replica. */
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { ProcessTree } from "../process-tree.ts";
import type { System, Workshop } from "../system.ts";
import { APPS, versionsIn, virtualEnvironment } from "./python.ts";

const PACKAGES = ["bentoml", "uvicorn", "starlette"];
const MANY_REPLICAS = 5;

export const bentoml: System = {
  id: "bentoml",
  title: "BentoML",
  manyReplicas: MANY_REPLICAS,
  settings:
    "access log off, one worker process a replica, as many requests at once as there are clients, and how long it keeps connections between services",
  async prepare({ kept }) {
    return versionsIn(await virtualEnvironment(join(kept, "bentoml"), "requirements-bentoml.txt"), PACKAGES);
  },
  start: async (workshop) => {
    let tree: ProcessTree | undefined;
    return {
      get tree() {
        if (tree === undefined) throw new Error("This is a bug in the benchmark: BentoML serves nothing yet.");
        return tree;
      },
      async serve(application) {
        await tree?.stop();
        const port = await freePort();
        const workers = { "cpu-all": workshop.cores, "noop-many": MANY_REPLICAS }[application as string] ?? 1;
        const route = application.split("-")[0]!;
        tree = serving(workshop, { service: `${route[0]!.toUpperCase()}${route.slice(1)}`, port, workers });
        return `http://127.0.0.1:${port}/${route}`;
      },
      async [Symbol.asyncDispose]() {
        await tree?.stop();
      },
    };
  },
};

interface Serving {
  readonly service: string;
  readonly port: number;
  readonly workers: number;
}

function serving({ temporary, kept }: Workshop, { service, port, workers }: Serving): ProcessTree {
  const tree = new ProcessTree({
    file: join(kept, "bentoml/bin/python"),
    args: ["-m", "bentoml", "serve", `bentoml_services:${service}`, "--host", "127.0.0.1", "--port", String(port), "--quiet"],
    cwd: APPS,
    env: {
      PYTHONDONTWRITEBYTECODE: "1",
      WORKERS: String(workers),
      BENTOML_DO_NOT_TRACK: "True",
      BENTOML_HOME: join(temporary, "bentoml"),
    },
    log: join(kept, "bentoml.log"),
  });
  tree.root.stdout!.resume();
  return tree;
}
