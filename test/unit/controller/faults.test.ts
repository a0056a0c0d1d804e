/**
 * A controller and the configuration's object with a fault in each place: at every step that one of them takes in its
 * surroundings, that step and the next ones throw, hang, or lose the object. When that is over, everything is as without it.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { ConfigStore, type StoredConfig } from "../../../src/controller/config-store.ts";
import { Controller } from "../../../src/controller/controller.ts";
import type { Policies } from "../../../src/controller/policies.ts";
import type { ReplicaEvent } from "../../../src/protocol/control.ts";
import type { ApplicationManifest } from "../../../src/protocol/manifest.ts";
import type { Measured } from "../../../src/protocol/metrics.ts";
import { manifestOf } from "../../support/controlled-world.ts";
import { StoredRows } from "../../support/stored-rows.ts";
import { type Fault, FaultyObject, type FaultPlan } from "../../support/faulty-object.ts";

const ONE_HOUR_MS = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Runs a scenario without a fault, and then with a fault at each of its steps, which must end as the first run did. */
async function withFaultAtEachStep(run: (plan?: FaultPlan) => Promise<{ end: unknown; steps: readonly string[] }>): Promise<void> {
  const { end, steps } = await run();
  for (const fault of ["throws", "hangs", "is lost"] satisfies Fault[]) {
    for (const count of [1, 4]) {
      for (let from = 0; from < steps.length; from++) {
        const plan = { fault, from, count };
        expect((await run(plan)).end, `${JSON.stringify(plan)}: ${steps[from]}`).toEqual(end);
      }
    }
  }
}

/** The world around a controller: replicas that do as they are told. */
class Application {
  readonly rows: StoredRows;
  readonly measured = new Map<string, Measured>();
  readonly awake = new Map<string, { epoch: number; userConfig: unknown }>();
  readonly moved: string[] = [];
  readonly object: FaultyObject<Controller>;

  constructor(
    compiled: ApplicationManifest,
    plan?: FaultPlan,
    { version = "v1", policies = {} as Policies, rows = new StoredRows() } = {},
  ) {
    this.rows = rows;
    this.object = new FaultyObject(
      ({ step, ask, alarm }) =>
        new Controller({
          app: "app",
          compiled: { version, application: compiled },
          policies,
          history: { get: () => undefined, set: () => {} },
          measured: {
            get: (name) => step("measured.get", () => this.measured.get(name)),
            set: (name, measured) => step("measured.set", () => this.measured.set(name, measured)),
            delete: (name) => step("measured.delete", () => this.measured.delete(name)),
            entries: () => step("measured.entries", () => [...this.measured]),
          },
          load: () => step("load", () => rows.load()),
          save: (changes) => step("save", () => rows.save(changes)),
          wakeAt: (timeMs) => alarm.setAt(timeMs),
          give: ({ replica: { name }, assignment }) =>
            ask("give", async () => {
              const { duty, set, config } = assignment;
              if (duty === "serving") this.awake.set(name, { epoch: set.epoch, userConfig: config.userConfig });
              else this.awake.delete(name);
              return { kind: "done", version };
            }),
          traffic: { get: () => undefined, set: () => {}, delete: () => {}, getSums: () => undefined, setSums: () => {} },
          counted: async () => {},
          moved: (to) => ask("moved", async () => void this.moved.push(to)),
          keepAlive: (promise) => step("keepAlive", () => void promise.catch(() => {})),
          warn: () => step("warn", () => {}),
          failed: () => {},
          sleep: () => Promise.resolve(),
          now: Date.now,
        }),
      plan,
    );
  }

  async report(replica: string, event: ReplicaEvent): Promise<void> {
    await this.object.call((core) =>
      core.report({ deployment: "Model", replica, version: "v1", epoch: 0, event, metrics: { startedAtMs: 1, series: {} } }),
    );
  }

  /** What an operator sees in the end, and what the replicas have. */
  async end(): Promise<unknown> {
    const details = await this.object.call((core) => core.status());
    const { status, deployments } = details!;
    const states = Object.values(deployments).map(({ name, target_num_replicas, replica_states, message }) => [
      name,
      target_num_replicas,
      replica_states,
      message,
    ]);
    const replicas = Object.values(deployments).flatMap(({ replicas: all }) => all.map(({ replica_id }) => replica_id));
    const configs = new Set(replicas.map((name) => this.awake.get(name)?.userConfig));
    return { status, states, configs, alarmAtMs: this.object.alarmAtMs, timers: vi.getTimerCount(), moved: new Set(this.moved) };
  }
}

const model = (options: DeploymentOptions) => manifestOf({ Model: options });

const SCENARIOS: Record<string, (plan?: FaultPlan) => Promise<Application>> = {
  "that starts its replicas": async (plan) => {
    const world = new Application(model({ numReplicas: 2 }), plan);
    await world.object.call((core) => core.status());
    return world;
  },
  "that is given another configuration": async (plan) => {
    const world = new Application(model({ numReplicas: 2, userConfig: 1 }), plan);
    await world.object.call((core) => core.status());
    const application = model({ numReplicas: 2, userConfig: 2 });
    await world.object.call((core) => core.adopt({ revision: 1, version: "v1", application }));
    return world;
  },
  "that is scaled down": async (plan) => {
    const world = new Application(model({ numReplicas: 3, gracefulShutdownTimeoutMs: 1000 }), plan);
    await world.object.call((core) => core.status());
    await world.report("app/Model/-/2.0", { kind: "alive" });
    await world.object.call((core) => core.scale("Model", 1));
    await world.object.run(5000);
    return world;
  },
  "whose replica is sick": async (plan) => {
    const world = new Application(model({ numReplicas: 1 }), plan);
    await world.object.call((core) => core.status());
    await world.object.run(120_000);
    await world.report("app/Model/-/0.0", { kind: "unhealthy", message: "ill" });
    return world;
  },
  "that runs new code": async (plan) => {
    const before = new Application(model({ numReplicas: 2 }));
    await before.object.call((core) => core.status());
    await before.object.run(1000);
    const world = new Application(model({ numReplicas: 2, userConfig: 2 }), plan, { version: "v2", rows: before.rows });
    world.object.alarmAtMs = before.object.alarmAtMs;
    await world.object.call((core) => core.status());
    return world;
  },
  "whose policy throws": async (plan) => {
    const policies: Policies = {
      own: {
        Model: () => {
          throw new Error("no");
        },
      },
    };
    const autoscaling = { minReplicas: 1, maxReplicas: 3, lookBackPeriodMs: 1000, metricsIntervalMs: 500, downscaleDelayMs: 2000 };
    const world = new Application(model({ autoscaling }), plan, { policies });
    await world.object.call((core) => core.status());
    const untilMs = Date.now();
    await world.report("app/Model/-/0.0", { kind: "load", load: { sinceMs: untilMs - 500, untilMs, mean: 9, now: 9 } });
    return world;
  },
};

describe.each(Object.keys(SCENARIOS))("a controller %s", (what) => {
  it("goes on after a fault in any place", { timeout: 120_000 }, async () => {
    await withFaultAtEachStep(async (plan) => {
      const world = await SCENARIOS[what]!(plan);
      // An order that is never answered is given up when a replica's own limits are over.
      await world.object.run(ONE_HOUR_MS);
      const end = await world.end();
      return { end, steps: [...world.object.steps] };
    });
  });
});

describe("the configuration's object", () => {
  const app = (name: string, routePrefix: string): ApplicationManifest => ({ ...manifestOf({ Model: {} }, routePrefix), name });

  it("brings a document to every controller after a fault in any place", { timeout: 120_000 }, async () => {
    await withFaultAtEachStep(async (plan) => {
      let stored: StoredConfig | undefined;
      const delivered = new Map<string, unknown>();
      const object = new FaultyObject(
        ({ step, ask, alarm }) =>
          new ConfigStore({
            measured: { load: () => undefined, save: () => {} },
            compiled: { protocol: 1, version: "v1", applications: [app("a", "/a"), app("b", "/b")] },
            load: () => step("load", () => structuredClone(stored)),
            save: (config) => step("save", () => void (stored = structuredClone(config))),
            traffic: { load: () => undefined, save: () => {} },
            wakeAt: (timeMs) => alarm.setAt(timeMs),
            // As it is wired: whoever does not answer in time has not heard it.
            deliver: (name, { application }) =>
              Promise.race([
                ask("deliver", async () => void delivered.set(name, application?.routePrefix)),
                new Promise<never>((_, reject) => setTimeout(() => reject(new Error("late")), 400)),
              ]),
            now: Date.now,
          }),
        plan,
      );
      await object.call((core) => core.put("v1", [app("a", "/x"), app("b", "/y")]));
      await object.run(ONE_HOUR_MS);
      const { pending, applications } = stored!;
      const end = {
        pending,
        routes: [applications["a"]?.routePrefix, applications["b"]?.routePrefix],
        delivered,
        alarmAtMs: object.alarmAtMs,
      };
      return { end: { ...end, timers: vi.getTimerCount() }, steps: [...object.steps] };
    });
  });
});
