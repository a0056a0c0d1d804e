/**
 * The controller of one application: what should run, and what does.
 *
 * Owns: the application's state, when to look at it again.
 * Does not own: what follows from what (`transition.ts`), how orders are given (`order-giver.ts`), the platform
 * (`durable-objects/controller.ts`).
 *
 * Invariants:
 *   C1. What has changed is stored before anything is done or answered that follows from it, all of it or nothing.
 *   C2. Orders are given from an alarm only, so that callers, replicas and controllers never call in a circle; and a few at a time, so
 *       that nothing else waits for a thousand of them.
 *   C3. With nothing to reach there is no alarm: an idle application costs nothing.
 *   C4. No request of a client waits for it: a replica that gets no answer goes on with what it has.
 *   C5. What is stored is what is known here: when storing fails, what is known is read again. Nothing else that fails undoes a
 *       transition, and nothing that fails is the last try: the state says what is still to be done, and an alarm is set for it.
 *   C6. A report costs the same however many replicas there are. It never postpones an alarm: one that rings for nothing costs less than
 *       a row for each report.
 */
import { show } from "../protocol/wording.ts";
import {
  type Assignment,
  type ConfigChange,
  type ControllerRpc,
  isReportIntervalNews,
  type ReplicaReport,
  reportIntervalMs,
} from "../protocol/control.ts";
import type { ApplicationMetrics } from "../protocol/metrics.ts";
import type { ApplicationDetails } from "../protocol/status.ts";
import { assignmentOf } from "./assignment.ts";
import { History } from "./history.ts";
import { MeasuredReplicas } from "./measured-replicas.ts";
import { OrderGiver } from "./order-giver.ts";
import { nextOrderAtMs, type Order, type OrderLimits, takeOrders } from "./orders.ts";
import type { ControllerPorts } from "./controller-ports.ts";
import { earliest } from "./schedule.ts";
import { addUpLoads } from "./scaling.ts";
import { type ApplicationState, change, type DeploymentState, freshState, replicaCount, type ReplicaState } from "./state.ts";
import { detailsOf, isGone } from "./status-document.ts";
import { type Changes, stateFrom, takeChanges } from "./stored-state.ts";
import { TrafficSums } from "./traffic-sums.ts";
import { type Consequences, type ControllerEvent, transition } from "./transition.ts";

export class Controller implements ControllerRpc {
  readonly #ports: ControllerPorts;
  #known: ApplicationState | undefined;
  readonly #measured: MeasuredReplicas;
  readonly #history: History;
  readonly #traffic: TrafficSums;
  readonly #orders: OrderGiver;
  /** The alarm that was asked for, until it rings. */
  #alarmAtMs: number | undefined;
  #isRinging = false;
  /** Who waits for the next change. */
  #awaited: (() => void)[] = [];

  constructor(ports: ControllerPorts) {
    this.#ports = ports;
    this.#measured = new MeasuredReplicas(ports.app, ports.measured);
    this.#history = new History(ports.history, () => this.#measured.looked(this.#state, ports.now()));
    const around = {
      keepAlive: (promise: Promise<unknown>) => this.#attempt(() => ports.keepAlive(promise)),
      failed: (error: unknown) => ports.failed(error),
      sleep: (ms: number) => ports.sleep(ms),
      now: () => ports.now(),
    };
    this.#traffic = new TrafficSums({ ...around, store: ports.traffic, tell: (counts) => ports.counted(counts) });
    this.#orders = new OrderGiver({
      ...around,
      take: (limits) => this.#takeOrders(limits),
      give: (order) => ports.give(order),
      // An outcome that could not be stored is asked for again when the order is due again.
      happened: (event) => this.#attempt(() => this.#apply(event)),
      paused: () => this.#attempt(() => this.#wake()),
    });
    const { version, application } = ports.compiled;
    const { version: before, revision } = this.#state;
    if (before === version) {
      this.#tellConfigured();
      // Should the alarm have been lost with what this object was before.
      if (this.#nextAtMs() !== undefined) this.#wake();
      return;
    }
    // New code is the newest word on what should run.
    this.#change((state) => {
      const event = { kind: "adopt", change: { revision, version, application } } as const;
      const consequences = transition(state, event, ports.policies, ports.now());
      if (before !== "") change(state, { untoldAtMs: ports.now() });
      return consequences;
    });
    this.#tellMoved();
    this.#tellConfigured();
  }

  // Those who sent a document wait for it. For new code nobody does: it is told again whenever this object wakes.
  #tellConfigured(): void {
    const { configured, keepAlive, failed } = this.#ports;
    if (configured === undefined) return;
    const { revision, desired } = this.#state;
    this.#attempt(() => keepAlive(configured(revision, desired).catch(failed)));
  }

  // What is known is what is stored; it is read again when it could not be stored.
  get #state(): ApplicationState {
    if (this.#known !== undefined) return this.#known;
    const nowMs = this.#ports.now();
    const stored = this.#ports.load();
    const state = stored === undefined ? freshState(this.#ports.app) : stateFrom(stored, nowMs);
    addUpLoads(state, nowMs);
    for (const deployment of state.deployments.values()) state.agenda.set(deployment, nextLookAtMs(deployment, nowMs));
    return (this.#known = state);
  }

  async report(report: ReplicaReport): Promise<Assignment | undefined> {
    this.#apply({ kind: "report", report });
    const deployment = this.#state.deployments.get(report.deployment);
    // What this code knows nothing of is another version's, and none of its business.
    if (deployment === undefined) return undefined;
    const replica = deployment.replicas.get(report.replica);
    const { metrics, traffic } = report;
    if (traffic !== undefined && replica !== undefined) this.#attempt(() => this.#traffic.take(report.replica, traffic));
    if (metrics !== undefined) this.#attempt(() => this.#history.keep(this.#ports.now()));
    if (metrics !== undefined && report.replica === "") {
      this.#attempt(() => this.#measured.takeMore(report.deployment, metrics, this.#ports.now()));
    } else if (metrics !== undefined) {
      // What it has measured comes again; that it was heard of must not be lost for it.
      const about = { deployment: report.deployment, isPresent: replica !== undefined, nowMs: this.#ports.now() };
      this.#attempt(() => this.#measured.take(report.replica, metrics, about));
    }
    return this.#hasNews(deployment, replica, report) ? assignmentOf(this.#state, deployment, replica) : undefined;
  }

  #hasNews({ epoch }: DeploymentState, replica: ReplicaState | undefined, report: ReplicaReport): boolean {
    if (epoch > report.epoch || report.event.kind === "woke" || replica === undefined) return true;
    return isReportIntervalNews(report.reportMs ?? 0, reportIntervalMs(replicaCount(this.#state)));
  }

  async adopt(config: ConfigChange): Promise<void> {
    if (config.isCompiled === true && config.version !== this.#ports.compiled.version) return;
    this.#apply({ kind: "adopt", change: config });
    const { revision, desired } = this.#state;
    await this.#ports.configured?.(revision, desired);
  }

  async status(settleMs = 0): Promise<ApplicationDetails | undefined> {
    // Should the alarm have been lost, whoever looks brings it back.
    this.#ports.wakeAt((this.#alarmAtMs = this.#nextAtMs()));
    if (settleMs > 0) await this.#settles(settleMs);
    return detailsOf(this.#state);
  }

  async metrics(withHistory = false): Promise<ApplicationMetrics | undefined> {
    const details = detailsOf(this.#state);
    if (details === undefined) return undefined;
    const nowMs = this.#ports.now();
    const replicas = this.#measured.all(this.#state, nowMs);
    return { details, replicas, ...(withHistory ? { history: this.#history.all(nowMs) } : {}) };
  }

  async #settles(limitMs: number): Promise<void> {
    const over = this.#ports.sleep(limitMs).then(() => "over" as const);
    while (this.#isSettling) if ((await Promise.race([over, this.#nextChange()])) === "over") return;
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => this.#awaited.push(resolve));
  }

  get #isSettling(): boolean {
    return this.#state.status === "DEPLOYING" || this.#state.status === "NOT_STARTED";
  }

  async scale(deployment: string, replicas: number): Promise<string | undefined> {
    const { deployments } = this.#state;
    const known = deployments.get(deployment);
    if (known === undefined || known.isLeaving) {
      return `Application ${show(this.#ports.app)} has no deployment ${show(deployment)}. It has: ${[...deployments.keys()].join(", ")}.`;
    }
    if (known.config.keyed === true) {
      return `Deployment ${show(deployment)} is keyed: it has one object for each key, and no replicas to scale.`;
    }
    if (known.config.inline === true) {
      return `Deployment ${show(deployment)} is inline (placement: "inline"): each of its callers has an instance of its own, so there are no replicas to scale.`;
    }
    if (known.config.autoscaling !== null) {
      return `Deployment ${show(deployment)} is autoscaled: its load decides. Set autoscaling_config's bounds, or remove it to scale by hand.`;
    }
    this.#apply({ kind: "scale", deployment, replicas });
    return undefined;
  }

  /** Looks at what there is to do, and sets about it. */
  alarm(): void {
    this.#alarmAtMs = undefined;
    this.#isRinging = true;
    try {
      this.#apply({ kind: "tick" });
      this.#tellMoved();
      this.#orders.give();
    } finally {
      this.#isRinging = false;
    }
    this.#attempt(() => this.#wake());
  }

  #takeOrders({ most, underway }: OrderLimits): readonly Order[] {
    const nowMs = this.#ports.now();
    const { orders } = this.#change((state) => {
      const taken: Order[] = [];
      for (const deployment of state.deployments.values()) {
        taken.push(...takeOrders(state, deployment, nowMs, { most: most - taken.length, underway }));
      }
      return { touched: new Set(state.deployments.values()), orders: taken };
    });
    return orders;
  }

  /** Says that the application has gone over to this code, until it has been heard. */
  #tellMoved(): void {
    const { untoldAtMs, version } = this.#state;
    const nowMs = this.#ports.now();
    if (untoldAtMs === undefined || nowMs < untoldAtMs) return;
    this.#attempt(() => {
      this.#change((state) => setUntold(state, nowMs + UNTOLD_RETRY_MS));
      this.#ports.keepAlive(this.#moved(version));
    });
  }

  async #moved(version: string): Promise<void> {
    try {
      await this.#ports.moved(version);
      this.#change((state) => setUntold(state, undefined));
    } catch (error) {
      this.#ports.failed(error);
    }
  }

  // For what comes after the transition, or beside it.
  #attempt(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      this.#ports.failed(error);
    }
  }

  #apply(event: ControllerEvent): void {
    this.#change((state) => transition(state, event, this.#ports.policies, this.#ports.now()));
  }

  #change<T extends Pick<Consequences, "touched"> & Partial<Consequences>>(act: (state: ApplicationState) => T): T {
    const state = this.#state;
    let result: T;
    let changes: Changes | undefined;
    try {
      result = act(state);
      changes = takeChanges(state, result.touched);
      if (changes !== undefined) this.#ports.save(changes);
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
    const nowMs = this.#ports.now();
    for (const deployment of result.touched) state.agenda.set(deployment, nextLookAtMs(deployment, nowMs));
    this.#attempt(() => this.#wake());
    const { gone = [] } = changes ?? {};
    if (gone.length > 0) {
      this.#attempt(() => this.#traffic.gone(gone));
      this.#attempt(() => this.#measured.gone(state, gone, { isDeleted: isGone(state), nowMs }));
    }
    for (const { deployment, problem } of result.problems ?? []) this.#attempt(() => this.#ports.warn(deployment, problem));
    for (const resolve of this.#awaited.splice(0)) resolve();
    return result;
  }

  #wake(): void {
    if (this.#isRinging) return;
    const nowMs = this.#ports.now();
    const timeMs = this.#nextAtMs();
    const isAsked = this.#alarmAtMs !== undefined && this.#alarmAtMs > nowMs - LATE_MS;
    if (timeMs !== undefined && isAsked && this.#alarmAtMs! <= timeMs) return;
    this.#ports.wakeAt((this.#alarmAtMs = timeMs));
  }

  #nextAtMs(): number | undefined {
    const nowMs = this.#ports.now();
    const { agenda, untoldAtMs } = this.#state;
    const timeMs = earliest(agenda.first?.timeMs, untoldAtMs);
    if (timeMs === undefined) return undefined;
    // Orders that are due are being given: should this object be lost, another goes on.
    return this.#orders.isGiving ? Math.max(nowMs + GIVING_MS, timeMs) : Math.max(nowMs, timeMs);
  }
}

/** How long until the configuration's object is told again of new code. */
const UNTOLD_RETRY_MS = 10_000;

/** How long until an object that was lost while it gave orders goes on. */
const GIVING_MS = 2000;

/** How late an alarm may be before it is taken for lost. */
const LATE_MS = 5000;

/** When a deployment is to be looked at again although nothing happens. */
function nextLookAtMs(deployment: DeploymentState, nowMs: number): number | undefined {
  const { replicas, scaling } = deployment;
  return earliest(nextOrderAtMs(deployment, nowMs), replicas.nextDrainedAtMs, scaling.evaluateAtMs ?? undefined);
}

const NOTHING: Pick<Consequences, "touched"> = { touched: new Set() };

function setUntold(state: ApplicationState, untoldAtMs: number | undefined): typeof NOTHING {
  change(state, { untoldAtMs });
  return NOTHING;
}
