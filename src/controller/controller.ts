/**
 * The controller of one application: what should run, and what does.
 *
 * Owns: the application's state, when to look at it again, giving orders and taking their outcomes.
 * Does not own: what follows from what (`step.ts`), the platform (`durable-objects/controller.ts`).
 *
 * Invariants:
 *   C1. The state is stored before anything is done or answered that follows from it.
 *   C2. An order is given from an alarm only, so that callers, replicas and controllers never call in a circle.
 *   C3. With nothing to reach there is no alarm: an idle application costs nothing.
 *   C4. No request of a client waits for it: a replica that gets no answer goes on with what it has.
 *   C5. What is stored is what is known here. Nothing that fails besides storing undoes a step, and nothing that fails is the
 *       last try: the state says what is still to be done, and an alarm is set for it.
 */
import {
  type Assignment,
  type ConfigChange,
  type ControllerRpc,
  LEASE_MS,
  type OrderOutcome,
  type ReplicaReport,
} from "../protocol/control.ts";
import { SETUP_LIMIT_MS } from "../protocol/limits.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import type { ApplicationMetrics, ReplicaMetrics } from "../protocol/metrics.ts";
import { own } from "../protocol/own.ts";
import type { ApplicationDetails } from "../protocol/status.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { assignmentOf } from "./assignment.ts";
import { isForgotten, keep, type MeasuredStore, totalOf, youngOf } from "./measured.ts";
import { nextOrderAtMs, type Order, takeOrders } from "./orders.ts";
import type { Policies } from "./policies.ts";
import { nextSettleAtMs } from "./replica-list.ts";
import type { ApplicationState } from "./state.ts";
import { detailsOf } from "./status-document.ts";
import { newProblems } from "./scaling.ts";
import { type ControllerEvent, freshState, step } from "./step.ts";

/** What the shell hands to a controller. */
export interface ControllerPorts {
  readonly app: string;
  /** What the deployed code says that should run; `null` when it has no such application. */
  readonly compiled: { readonly version: string; readonly application: ApplicationManifest | null };
  readonly policies: Policies;
  /** What the replicas have measured: a row each, beside the state, which is read and written as a whole. */
  readonly measured: MeasuredStore;
  load(): ApplicationState | undefined;
  /** Stores for good, before it returns or before any message leaves. */
  save(state: ApplicationState): void;
  /** Asks to be woken at this time; `undefined` takes back what was asked. */
  wakeAt(timeMs: number | undefined): void;
  /** Tells a replica. Rejects if it was not reached. */
  give(order: Order): Promise<OrderOutcome>;
  /** Says that this application has gone over to this version of the code. Rejects if nobody heard it. */
  moved(version: string): Promise<void>;
  /** Lets a promise finish although nobody waits for it. */
  keepAlive(promise: Promise<unknown>): void;
  /** Writes to the log what failed and will be tried again. */
  failed(error: unknown): void;
  /** Writes to the log. */
  warn(deployment: string, message: string): void;
  sleep(ms: number): Promise<void>;
  now(): number;
}

export class Controller implements ControllerRpc {
  readonly #ports: ControllerPorts;
  #state: ApplicationState;
  #stored: string;
  /** The replicas that an order is on its way to, by name. */
  readonly #underway = new Map<string, UnderwayOrder>();
  #settled: (() => void)[] = [];

  constructor(ports: ControllerPorts) {
    this.#ports = ports;
    const { version, application } = ports.compiled;
    this.#state = ports.load() ?? freshState(ports.app);
    this.#stored = JSON.stringify(this.#state);
    // New code is the newest word on what should run.
    const { version: before } = this.#state;
    if (before !== version) {
      this.#change((state) => {
        step(state, { kind: "adopt", change: { revision: state.revision, version, application } }, ports.policies, ports.now());
        if (before !== "") state.untoldAtMs = ports.now();
      });
      this.#tellMoved();
    } else if (this.#nextAtMs() !== undefined) {
      // Should the alarm have been lost with what this object was before.
      ports.wakeAt(this.#nextAtMs());
    }
  }

  async report(report: ReplicaReport): Promise<Assignment | undefined> {
    this.#apply({ kind: "report", report });
    const deployment = own(this.#state.deployments, report.deployment);
    // What this code knows nothing of is another version's, and none of its business.
    if (deployment === undefined) return undefined;
    const replica = deployment.replicas.find(({ ref }) => ref.name === report.replica);
    const { metrics } = report;
    if (metrics !== undefined) {
      const { measured, now } = this.#ports;
      // What it has measured comes again; that it was heard of must not be lost for it.
      this.#attempt(() => {
        const before = measured.get(report.replica);
        // The last word of a replica that has drained comes when it has left.
        if (replica !== undefined || before !== undefined) measured.set(report.replica, keep(before, metrics, now()));
      });
    }
    const isNews = deployment.epoch > report.epoch || report.event.kind === "woke" || replica === undefined;
    return isNews ? assignmentOf(this.#state, deployment, replica) : undefined;
  }

  async adopt(change: ConfigChange): Promise<void> {
    if (change.isCompiled === true && change.version !== this.#ports.compiled.version) return;
    this.#apply({ kind: "adopt", change });
  }

  async status(settleMs = 0): Promise<ApplicationDetails | undefined> {
    // Should the alarm have been lost, whoever looks brings it back.
    this.#ports.wakeAt(this.#nextAtMs());
    if (settleMs > 0) await Promise.race([this.#ports.sleep(settleMs), this.#whenSettled()]);
    return detailsOf(this.#state);
  }

  async metrics(): Promise<ApplicationMetrics | undefined> {
    const details = detailsOf(this.#state);
    if (details === undefined) return undefined;
    const nowMs = this.#ports.now();
    const present = new Set(namesOf(this.#state));
    const replicas = [...this.#ports.measured.entries()].flatMap(([replica, measured]): ReplicaMetrics | [] => {
      const deployment = parseReplicaId(replica)?.deployment;
      const isPresent = present.has(replica);
      if (deployment === undefined || (!isPresent && isForgotten(measured, nowMs))) return [];
      const isSilent = !isPresent || nowMs - measured.atMs > LEASE_MS;
      return { deployment, replica, starts: measured.starts, series: totalOf(measured, isSilent), young: youngOf(measured, nowMs) };
    });
    return { details, replicas };
  }

  // Those that have left are shown for a while: whoever scrapes would miss what they did last.
  #forgetThoseGone(present: ReadonlySet<string>): void {
    const { measured, now } = this.#ports;
    const nowMs = now();
    const isDeleted = detailsOf(this.#state) === undefined;
    for (const [name, row] of Array.from(measured.entries())) {
      if (present.has(name)) continue;
      if (isDeleted || (row.goneAtMs !== undefined && isForgotten(row, nowMs))) measured.delete(name);
      else if (row.goneAtMs === undefined) measured.set(name, { ...row, goneAtMs: nowMs });
    }
  }

  async #whenSettled(): Promise<void> {
    while (this.#isSettling) await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  get #isSettling(): boolean {
    return this.#state.status === "DEPLOYING" || this.#state.status === "NOT_STARTED";
  }

  async scale(deployment: string, replicas: number): Promise<string | undefined> {
    const known = own(this.#state.deployments, deployment);
    if (known === undefined || known.isLeaving) {
      return `Application ${JSON.stringify(this.#ports.app)} has no deployment ${JSON.stringify(deployment)}. It has: ${Object.keys(this.#state.deployments).join(", ")}.`;
    }
    if (known.config.autoscaling !== null) {
      return `Deployment ${JSON.stringify(deployment)} is autoscaled: its load decides. Set autoscaling_config's bounds, or remove it to scale by hand.`;
    }
    this.#apply({ kind: "scale", deployment, replicas });
    return undefined;
  }

  /** Looks at what there is to do, and sets about it. */
  alarm(): void {
    this.#apply({ kind: "tick" });
    this.#tellMoved();
    const nowMs = this.#ports.now();
    for (const [name, { untilMs }] of this.#underway) if (untilMs <= nowMs) this.#underway.delete(name);
    const orders = this.#change((state) => takeOrders(state, nowMs, new Set(this.#underway.keys())));
    for (const order of orders) this.#attempt(() => this.#ports.keepAlive(this.#give(order)));
  }

  async #give(order: Order): Promise<void> {
    const { deployment, replica, assignment } = order;
    const underway = { untilMs: this.#ports.now() + orderLimitMs(order) };
    this.#underway.set(replica.name, underway);
    const about = { deployment, replica: replica.name };
    let event: ControllerEvent;
    try {
      event = { kind: "outcome", ...about, epoch: assignment.set.epoch, outcome: await this.#ports.give(order) };
    } catch (error) {
      event = { kind: "unreached", ...about, reason: error instanceof Error ? error.message : String(error) };
    }
    // One that was given up, and perhaps given again.
    if (this.#underway.get(replica.name) !== underway) return;
    this.#underway.delete(replica.name);
    // An outcome that could not be stored is asked for again when the order is due again.
    this.#attempt(() => this.#apply(event));
  }

  /** Says that the application has gone over to this code, until it has been heard. */
  #tellMoved(): void {
    const { untoldAtMs, version } = this.#state;
    const nowMs = this.#ports.now();
    if (untoldAtMs === undefined || nowMs < untoldAtMs) return;
    this.#attempt(() => {
      this.#change((state) => (state.untoldAtMs = nowMs + UNTOLD_RETRY_MS));
      this.#ports.keepAlive(this.#moved(version));
    });
  }

  async #moved(version: string): Promise<void> {
    try {
      await this.#ports.moved(version);
      this.#change((state) => delete state.untoldAtMs);
    } catch (error) {
      this.#ports.failed(error);
    }
  }

  // For what comes after the step, or beside it.
  #attempt(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      this.#ports.failed(error);
    }
  }

  #apply(event: ControllerEvent): void {
    this.#change((state) => step(state, event, this.#ports.policies, this.#ports.now()));
  }

  // A step that throws half-way leaves the state as it was.
  #change<T>(act: (state: ApplicationState) => T): T {
    const next = JSON.parse(this.#stored) as ApplicationState;
    const result = act(next);
    const text = JSON.stringify(next);
    const before = this.#state;
    if (text !== this.#stored) this.#ports.save(next);
    this.#state = next;
    this.#stored = text;
    this.#attempt(() => this.#ports.wakeAt(this.#nextAtMs()));
    const present = new Set(namesOf(next));
    if (namesOf(before).some((name) => !present.has(name))) this.#attempt(() => this.#forgetThoseGone(present));
    for (const { deployment, problem } of newProblems(before, next)) this.#attempt(() => this.#ports.warn(deployment, problem));
    for (const resolve of this.#settled.splice(0)) resolve();
    return result;
  }

  #nextAtMs(): number | undefined {
    const nowMs = this.#ports.now();
    const scaling = Object.values(this.#state.deployments).flatMap(({ scaling: { evaluateAtMs } }) => evaluateAtMs ?? []);
    const times = [nextOrderAtMs(this.#state, nowMs), nextSettleAtMs(this.#state, nowMs), this.#state.untoldAtMs, ...scaling];
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.max(nowMs, Math.min(...known));
  }
}

/** How long until the configuration's object is told again of new code. */
const UNTOLD_RETRY_MS = 10_000;

interface UnderwayOrder {
  /** When it is given up: a replica has its limits, so one that says nothing by then is not going to. */
  readonly untilMs: number;
}

// It may start, take a configuration and be checked for that; and messages take a while. Less than its lease, where it need not start.
function orderLimitMs({ assignment, isStart }: Order): number {
  return (isStart ? SETUP_LIMIT_MS : 0) + 3 * assignment.config.healthCheckTimeoutMs + 10_000;
}

function namesOf({ deployments }: ApplicationState): string[] {
  return Object.values(deployments).flatMap(({ replicas }) => replicas.map(({ ref }) => ref.name));
}
