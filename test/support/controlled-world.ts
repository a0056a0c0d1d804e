/** What a report says besides its event. */
interface ReportAbout {
  readonly epoch?: number;
  readonly deployment?: string;
  readonly metrics?: MetricsSnapshot;
}

/**
 * A controller with its surroundings: a clock that is turned by hand, storage, an alarm, and replicas that do as they
 * are told unless a test says otherwise.
 */
import { deployment } from "../../src/api/deployment.ts";
import type { DeploymentOptions } from "../../src/api/options.ts";
import { Controller } from "../../src/controller/controller.ts";
import type { Order } from "../../src/controller/orders.ts";
import type { Policies } from "../../src/controller/policies.ts";
import type { Changes, StoredApplication } from "../../src/controller/stored-state.ts";
import { StoredRows } from "./stored-rows.ts";
import type { Assignment, OrderOutcome, ReplicaEvent } from "../../src/protocol/control.ts";
import type { Look, Measured, MetricsSnapshot } from "../../src/protocol/metrics.ts";
import type { ApplicationManifest, DeploymentConfig } from "../../src/protocol/manifest.ts";
import { Clock } from "./clock.ts";

class Model {
  call(): void {}
  reconfigure(): void {}
}

export function configOf(options: DeploymentOptions = {}): DeploymentConfig {
  return deployment(Model, options).resolve();
}

export function manifestOf(
  deployments: Readonly<Record<string, DeploymentOptions>> = { Model: {} },
  routePrefix: string | null = "/",
): ApplicationManifest {
  const configs = Object.entries(deployments).map(([name, options]) => [name, configOf(options)]);
  return { name: "app", routePrefix, ingress: Object.keys(deployments)[0]!, deployments: Object.fromEntries(configs) };
}

export class ControlledWorld {
  readonly clock = new Clock();
  /** What replicas answer to orders; by default that all went well. */
  answer: (order: Order) => OrderOutcome | Promise<OrderOutcome> = () => ({ kind: "done", version: this.version });
  /** All orders so far. */
  readonly orders: Order[] = [];
  /** The versions of the code that the controller said it has gone over to. */
  readonly moves: string[] = [];
  version = "v1";
  compiled: ApplicationManifest | null;
  readonly policies: Policies;
  readonly #rows = new StoredRows();
  /** What is kept of the replicas' measurements. */
  readonly measured = new Map<string, Measured>();
  /** What is kept of the last hour. */
  readonly history = new Map<number, Look>();
  /** What was written to the log. */
  readonly warnings: string[] = [];
  /** How long it has waited for something, each time. */
  readonly sleeps: number[] = [];
  /** What has failed, and is to be tried again. */
  readonly failures: unknown[] = [];
  /** Whether nothing can be stored. */
  isFull = false;
  alarmAtMs: number | undefined;
  controller: Controller;
  #underway: Promise<unknown>[] = [];
  #life = 0;

  constructor(compiled: ApplicationManifest | null = manifestOf(), policies: Policies = {}) {
    this.compiled = compiled;
    this.policies = policies;
    this.controller = this.#make();
  }

  /** The controller's object is lost, and made again from what is stored. */
  crash(): void {
    this.#underway = [];
    this.controller = this.#make();
  }

  /** New code is deployed: the controller's object is made again by it. */
  deploy(version: string, compiled: ApplicationManifest | null = this.compiled): void {
    this.version = version;
    this.compiled = compiled;
    this.crash();
  }

  /** Lets every alarm fire that is due within the time, in order. */
  async run(ms = 0): Promise<void> {
    const untilMs = this.clock.now() + ms;
    for (let steps = 0; this.alarmAtMs !== undefined && this.alarmAtMs <= untilMs; steps++) {
      if (steps > 10_000) throw new Error("The alarm goes on without end.");
      this.clock.advance(Math.max(0, this.alarmAtMs - this.clock.now()));
      this.alarmAtMs = undefined;
      this.controller.alarm();
      while (this.#underway.length > 0) await Promise.all(this.#underway.splice(0));
    }
    this.clock.advance(untilMs - this.clock.now());
  }

  report(replica: string, event: ReplicaEvent, about: ReportAbout = {}): Promise<Assignment | undefined> {
    const { epoch = 0, deployment: name = "Model" } = about;
    const { metrics } = about;
    return this.controller.report({ deployment: name, replica, version: this.version, epoch, event, ...(metrics && { metrics }) });
  }

  /** A replica has had this many requests on its hands for a while. */
  load(replica: string, value: number, overMs = 10_000): Promise<Assignment | undefined> {
    const untilMs = this.clock.now();
    return this.report(replica, { kind: "load", load: { sinceMs: untilMs - overMs, untilMs, mean: value, now: value } });
  }

  async status() {
    return (await this.controller.status())!;
  }

  async model() {
    return (await this.status()).deployments["Model"]!;
  }

  /** What is stored. */
  get stored(): StoredApplication | undefined {
    return this.#rows.load();
  }

  set stored(application: StoredApplication | undefined) {
    this.#rows.replace(application);
  }

  /** What was written, each time. */
  get written(): Changes[] {
    return this.#rows.written;
  }

  /** How often something was stored. */
  get saves(): number {
    return this.#rows.saves;
  }

  #make(): Controller {
    // An object that is lost does nothing more.
    const life = ++this.#life;
    return new Controller({
      app: "app",
      compiled: { version: this.version, application: this.compiled },
      policies: this.policies,
      measured: this.measured,
      history: this.history,
      load: () => this.#rows.load(),
      save: (changes) => {
        if (this.isFull) throw new Error("The disk is full.");
        this.#rows.save(changes);
      },
      wakeAt: (timeMs) => (this.alarmAtMs = timeMs),
      give: async (order) => {
        this.orders.push(order);
        return this.answer(order);
      },
      traffic: { get: () => undefined, set: () => {}, delete: () => {}, getSums: () => undefined, setSums: () => {} },
      counted: async () => {},
      moved: async (version) => void this.moves.push(version),
      keepAlive: (promise) => {
        if (life === this.#life) this.#underway.push(promise);
      },
      failed: (error) => void this.failures.push(error),
      warn: (name, message) => void this.warnings.push(`${name}: ${message}`),
      sleep: async (ms) => {
        this.sleeps.push(ms);
        if (life !== this.#life) await new Promise(() => {});
      },
      now: this.clock.now,
    });
  }
}
