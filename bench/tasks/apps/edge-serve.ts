/** What is measured of tasks, with edge-serve; and how often the objects that hold them are made and woken. */
import * as serve from "../../../src/index.ts";
import { backgroundTasks, createWorker, describeSystem, type Manifest } from "../../../src/worker.ts";

const HOUR_MS = 3_600_000;

class Work {
  /** When it began, in milliseconds since the epoch. */
  call(): number {
    return Date.now();
  }
}

class Api {
  readonly #work: serve.DeploymentHandle<Work>;

  constructor(work: serve.DeploymentHandle<Work>) {
    this.#work = work;
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const count = Number(searchParams.get("count"));
    const later = this.#work.options({ delayMs: HOUR_MS });
    switch (pathname) {
      case "/enqueue":
        for (let n = 0; n < count; n++) await later.enqueue();
        return new Response("ok");
      case "/enqueue-at-once":
        await Promise.all(Array.from({ length: count }, () => later.enqueue()));
        return new Response("ok");
      default:
        return Response.json(await this.#run(Number(searchParams.get("delayMs"))));
    }
  }

  /** Enqueues a call that is due so much later. @returns How late it begins, in milliseconds. */
  async #run(delayMs: number): Promise<number> {
    const dueAt = Date.now() + delayMs;
    const task = await this.#work.options({ delayMs }).enqueue();
    return (await task.result()) - dueAt;
  }
}

const quiet = { logging: { accessLog: false } };
const code = { tasks: serve.deployment(Api, quiet).bind(serve.deployment(Work, { ...quiet, tasks: {} }).bind()) };
const applications = [{ name: "tasks", routePrefix: "/", deployments: [] }];
const described = describeSystem({ applications } as never, code) as unknown as { readonly manifest: Manifest };
const worker = createWorker({ ...described.manifest, version: "bench" }, code, { tasks: backgroundTasks() });

// All objects of a Worker share one isolate here.
const counts = { made: 0, woken: 0 };

export class tasks__Api extends worker.Replica("tasks", "Api") {}
export class tasks__Work extends worker.Replica("tasks", "Work") {}
export class EdgeServeController extends worker.Controller {}
export class EdgeServeConfig extends worker.Config {}
export class EdgeServeTasks extends worker.Tasks {
  constructor(state: DurableObjectState, env: unknown) {
    super(state, env);
    counts.made++;
  }

  override alarm(): Promise<void> {
    counts.woken++;
    return super.alarm!() as Promise<void>;
  }
}
export class EdgeServeSchedules extends worker.Schedules {}

export default {
  fetch(request: Request, env: unknown): Response | Promise<Response> {
    return new URL(request.url).pathname === "/counts" ? Response.json(counts) : worker.ingress.fetch(request, env);
  },
};
