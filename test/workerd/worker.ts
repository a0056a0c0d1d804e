/** A system wired by hand, as `edge-serve build` would write it. */
import { DurableObject } from "cloudflare:workers";
import { deployment } from "../../src/api/deployment.ts";
import { getReplicaContext } from "../../src/context/scope.ts";
import type { DeploymentHandle } from "../../src/protocol/handle-types.ts";
import type { ReplicaReport } from "../../src/protocol/control.ts";
import { controllerClass } from "../../durable-objects/controller.ts";
import { Controller } from "../../src/controller/controller.ts";
import type { Schedule } from "../../src/protocol/tasks.ts";
import { schedulesClass } from "../../durable-objects/schedules.ts";
import { Schedules as ScheduleCore } from "../../src/tasks/schedules.ts";
import { createWorker } from "../../src/worker.ts";
import { rooms } from "./rooms.ts";
export { ScriptedTasks } from "./scripted-tasks.ts";

export class Counter {
  #count = 0;
  next(): number {
    return ++this.#count;
  }
  async remember(): Promise<number> {
    const { storage } = getReplicaContext().state;
    const count = ((await storage.get<number>("count")) ?? 0) + 1;
    await storage.put("count", count);
    return count;
  }
  crash(): never {
    getReplicaContext().state.abort("the machine is gone");
    throw new Error("unreachable");
  }
}

export class Front {
  constructor(private counter: DeploymentHandle<Counter>) {}
  async call(request: Request): Promise<unknown> {
    const method = new URL(request.url).pathname.slice(1) as "next" | "remember" | "crash";
    return { value: await this.counter[method].remote() };
  }
}

let starts = 0;

/** Fails to start the first two times. */
export class Flaky {
  constructor() {
    if (++starts < 3) throw new Error(`start ${starts} failed`);
  }
  call(): string {
    return `started at attempt ${starts}`;
  }
}

// Often enough that a test need not wait long for a report.
const counter = deployment(Counter, { healthCheckPeriodMs: 300 });
const front = deployment(Front).bind(counter.bind());
const flaky = deployment(Flaky).bind();
const configs = (names: ReturnType<typeof deployment>[]) => Object.fromEntries(names.map((one) => [one.name, one.resolve()]));

const worker = createWorker(
  {
    protocol: 1,
    version: "tests",
    applications: [
      { name: "default", routePrefix: "/", ingress: "Front", deployments: configs([deployment(Front), counter] as never) },
      { name: "flaky", routePrefix: "/flaky", ingress: "Flaky", deployments: configs([deployment(Flaky)] as never) },
      { name: "rooms", routePrefix: "/rooms", ingress: "Lobby", deployments: configs(rooms.deployments) },
    ],
  },
  { default: front, flaky, rooms: rooms.app },
);

/** Takes the place of a controller: it keeps what replicas report, and has nothing to say. */
export class EdgeServeController extends DurableObject {
  readonly #reports: ReplicaReport[] = [];
  report(report: ReplicaReport): void {
    this.#reports.push(report);
  }
  /** RPC. What the replica of this name has reported. */
  reportsOf(replica: string): ReplicaReport[] {
    return this.#reports.filter((report) => report.replica === replica);
  }
}
let failuresLeft = 0;

const controlled = { name: "default", routePrefix: "/", ingress: "Counter", deployments: configs([counter] as never) };

/** A controller whose object fails as often as a test says: it cannot be made then, as when its storage cannot be read. */
export class FaultyController extends controllerClass((shell) => {
  if (failuresLeft-- > 0) throw new Error("storage cannot be read");
  return new Controller({
    ...shell,
    compiled: { version: "tests", application: controlled },
    policies: {},
    give: async () => ({ kind: "done", version: "tests" }),
    counted: async () => {},
    moved: async () => {},
    failed: () => {},
    warn: () => {},
    sleep: async () => {},
    now: Date.now,
  });
}) {
  /** RPC. It fails so many times from now on. */
  async fail(times: number): Promise<void> {
    failuresLeft = times;
  }
}
/** Schedules whose tasks are remembered, and refused as often as a test says. */
export class Schedules extends schedulesClass(
  (shell) =>
    new ScheduleCore({
      ...shell,
      enqueue: async (_, { cron }, atMs) => {
        if (refusalsLeft-- > 0) throw new Error("no shard");
        given.push({ cron, atMs });
      },
      warn: () => {},
      now: Date.now,
    }),
) {
  /** RPC. The tasks that were given, by every life of the object. */
  async given(): Promise<{ cron: string; atMs: number }[]> {
    return given;
  }
  /** RPC. The next so many are refused. */
  async refuse(times: number): Promise<void> {
    refusalsLeft = times;
  }
  /** RPC. The next times are in the past, as after a while in which nothing ran. */
  async backdate(ms: number): Promise<void> {
    const { sql } = this.ctx.storage;
    for (const { name, body } of sql.exec<{ name: string; body: string }>("SELECT * FROM schedules").toArray()) {
      const row = JSON.parse(body) as { schedule: Schedule; nextAt: number };
      sql.exec("UPDATE schedules SET body = ? WHERE name = ?", JSON.stringify({ ...row, nextAt: row.nextAt - ms }), name);
    }
  }
}
let refusalsLeft = 0;
const given: { cron: string; atMs: number }[] = [];
export class default__Front extends worker.Replica("default", "Front") {}
export class default__Counter extends worker.Replica("default", "Counter") {}
export class flaky__Flaky extends worker.Replica("flaky", "Flaky") {}
export class rooms__Lobby extends worker.Replica("rooms", "Lobby") {}
export class rooms__Room extends worker.Replica("rooms", "Room") {}
export class rooms__SubRoom extends worker.Replica("rooms", "SubRoom") {}
export class rooms__Mute extends worker.Replica("rooms", "Mute") {}
export class rooms__FieldRoom extends worker.Replica("rooms", "FieldRoom") {}
export class rooms__Broken extends worker.Replica("rooms", "Broken") {}
export class rooms__Gone extends worker.Retired {}
export class rooms__Plain extends worker.Replica("rooms", "Plain") {}
export default worker.ingress;
