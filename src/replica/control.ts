/**
 * The controlled side of a replica: what its controller's assignments mean for it.
 *
 * Owns: whether requests are taken, configuration in place, draining, what is told to the controller.
 * Does not own: requests (replica.ts), the instance's life (instance.ts), the lease (membership.ts).
 *
 * Invariants:
 *   K1. A replica that is no longer in the set takes nothing new, finishes what it has, and cleans up once.
 *   K2. What still runs after `gracefulShutdownTimeoutMs` sees its signal abort, and is then cut off.
 *   K3. A configuration that the class refuses leaves everything else as it was.
 *   K4. Once it has cleaned up, its object has no socket that hibernates and no alarm, and no event of it starts the class again.
 */
import type { Assignment, Failure, OrderOutcome } from "../protocol/control.ts";
import { ReplicaUnavailableError } from "../protocol/errors.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { thrownText } from "../protocol/thrown.ts";
import type { Admission } from "./admission.ts";
import { CanaryFigures } from "./canary-figures.ts";
import type { Instance } from "./instance.ts";
import { told } from "./lifecycle-log.ts";
import { type ControlPort, isHeard, Membership, type MembershipParts } from "./membership.ts";
import type { ObjectEvents } from "./object-events.ts";
import type { ReplicaMeter } from "./replica-meter.ts";
import type { Runs } from "./run.ts";
import { LoadReporter } from "./load-reporter.ts";
import { type After, within } from "../context/with-timeout.ts";

/** How a replica is controlled: where its controller is, and what was compiled. */
export interface ControlParts extends Omit<MembershipParts, "changed" | "now" | "after" | "isStarted"> {
  readonly control: ControlPort;
  /** Ends the replica's object at once, with whatever it still runs. */
  terminate(reason: string): void;
  /** Closes the sockets that hibernate in the object, and takes back its alarm. Rejects where the storage cannot be written. */
  release(): Promise<void>;
  /** The instances of inline deployments that run in the replica, where it may have any. */
  readonly guests?: Guests;
}

/** Instances that share the replica's life. Neither method rejects. */
export interface Guests {
  /** The configurations of inline deployments that the replica has been told; `undefined` for what was compiled. */
  configs: Readonly<Record<string, DeploymentConfig>> | undefined;
  /** There may be another configuration for them. */
  configure(): Promise<unknown>;
  dispose(): Promise<unknown>;
}

/** The replica that is controlled. */
export interface Controlled {
  readonly admission: Admission;
  readonly instance: Instance;
  readonly runs: Runs;
  readonly events: ObjectEvents;
  readonly meter: ReplicaMeter;
  now(): number;
  readonly after: After;
  /** Something failed that nobody waits for. */
  warn(message: string): void;
}

/** How long the controller may take to hear that the replica has drained. */
const DRAINED_TIMEOUT_MS = 10_000;

const TAKEN_OUT = "The replica was taken out of service";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export class ReplicaControl {
  readonly #parts: ControlParts;
  readonly #replica: Controlled;
  readonly #membership: Membership;
  /** What is counted of a canary. */
  readonly figures: CanaryFigures;
  /** Whether the controller is waiting for the outcome of a start, and need not be told of it. */
  #isOrdered = false;
  /** What the class said to its configuration while it started during an order. */
  #refusal: Failure | undefined;
  /** The drain that is under way; another is begun when the replica has been wanted meanwhile. */
  #drain: object | undefined;

  constructor(parts: ControlParts, replica: Controlled) {
    this.#parts = parts;
    this.#replica = replica;
    const { now, after, instance, admission } = replica;
    this.#membership = new Membership({
      ...parts,
      now,
      after,
      isStarted: () => instance.started !== undefined,
      changed: () => this.#settle(),
    });
    // What it was told before it slept still holds.
    admission.setLimits(this.#membership.config);
    this.#tellGuests();
    const reporter = new LoadReporter({
      load: admission.meter,
      membership: this.#membership,
      now,
      after,
      sleep,
      random: Math.random,
      running: () => replica.runs.running(),
      lastFinishedAtMs: () => replica.runs.lastFinishedAtMs,
      meter: replica.meter,
      checkHealth: () => instance.checkHealth(),
      recordStats: () => instance.recordStats(),
      startingStep: () => instance.startingStep,
      warn: (message) => replica.warn(`Deployment ${JSON.stringify(parts.deployment)}: ${message}`),
    });
    reporter.watch();
    this.figures = new CanaryFigures({ membership: this.#membership, startedAtMs: now(), sleep, random: Math.random, after });
  }

  /** What the class is to be configured with. */
  get userConfig(): unknown {
    return this.#membership.config.userConfig;
  }

  /** What the class was last configured with, now or before the object slept. */
  get lastUserConfig(): unknown {
    return this.#membership.lastUserConfig;
  }

  /** How long a check of the class may take. */
  get healthCheckTimeoutMs(): number {
    return this.#membership.config.healthCheckTimeoutMs;
  }

  /** The replica's place in its deployment. */
  get membership(): Membership {
    return this.#membership;
  }

  /** The class took its configuration. */
  configured(userConfig: unknown): void {
    this.#membership.keep(userConfig);
  }

  /** The class refused its configuration, and goes on with what it had. */
  refused(failure: Failure): void {
    if (this.#isOrdered) this.#refusal = failure;
    else this.#tell({ kind: "refused", failure: failure.message, stack: failure.stack });
  }

  /** The class did not start for a request. */
  startFailed(failure: Failure): void {
    if (!this.#isOrdered) this.#tell({ kind: "startFailed", ...failure });
  }

  /** Does what the controller orders. */
  async assign(assignment: Assignment, isStart: boolean): Promise<OrderOutcome> {
    const { version } = this.#parts;
    const { instance } = this.#replica;
    this.#membership.contacted();
    this.#isOrdered = true;
    try {
      // An order to drain that comes again comes from a controller that has not heard of the end.
      let refusal = this.#membership.take(assignment) || !this.#isServing() ? await this.#settle() : undefined;
      if (isStart && refusal === undefined && this.#isServing()) {
        this.#refusal = undefined;
        await instance.start();
        refusal = this.#refusal;
      }
      // One that refused has what it took before.
      return refusal === undefined ? { kind: "done", version } : { kind: "reconfigureFailed", version, ...refusal };
    } catch (error) {
      // The instance's own error: what the class threw is its cause.
      const { message, cause } = error as Error;
      return { kind: "startFailed", version, ...told(message, cause) };
    } finally {
      this.#isOrdered = false;
    }
  }

  // Brings the replica in line with its assignment. Resolves with what is wrong with its configuration, if the class refuses it.
  async #settle(): Promise<Failure | undefined> {
    const { admission, instance } = this.#replica;
    const { config, duty } = this.#membership;
    admission.setLimits(config);
    if (duty !== "serving") {
      // Not awaited: whoever gave the order does not wait for the last request.
      if (this.#drain === undefined) void this.#finishAndLeave(config.gracefulShutdownTimeoutMs);
      return undefined;
    }
    this.#drain = undefined;
    this.#tellGuests();
    const [refusal] = await Promise.all([instance.reconfigure(), this.#parts.guests?.configure()]);
    return refusal;
  }

  async #finishAndLeave(timeoutMs: number): Promise<void> {
    const { admission, events, instance, runs, after } = this.#replica;
    const drain = (this.#drain = {});
    const isIdle = await within(
      Promise.all([admission.whenIdle(), events.whenIdle()]).then(() => true),
      { timeoutMs, after },
      () => false,
    );
    // Wanted again meanwhile.
    if (this.#drain !== drain) return;
    if (!isIdle) {
      const reason = (what: string) => new ReplicaUnavailableError(`${TAKEN_OUT}, and the ${what} did not end within ${timeoutMs} ms.`);
      runs.abortAll(reason("request"));
      events.abortAll(reason("handler"));
    }
    await instance.dispose();
    // After the class, which may have something to say to its clients.
    await this.#release();
    await this.#parts.guests?.dispose();
    // The answer says that it is gone, which is no reason to drain once more. Without one the controller waits no longer either.
    await isHeard(this.#membership.report({ kind: "drained" }, this.#replica.meter.snapshot()), { timeoutMs: DRAINED_TIMEOUT_MS, after });
    if (this.#drain === drain) this.#drain = undefined;
    const ongoing = admission.load.ongoing + events.ongoing;
    if (!isIdle && ongoing > 0 && !this.#isServing()) this.#parts.terminate(`${TAKEN_OUT}, and did not end within ${timeoutMs} ms.`);
  }

  /**
   * Whether an event of the replica's object is still for it: it is in the set, or finishes what it has. Otherwise nothing is left
   * of what the event came from. Never rejects.
   */
  async isWanted(): Promise<boolean> {
    await this.#membership.renewal();
    if (this.#isServing() || (this.#drain !== undefined && this.#replica.instance.started !== undefined)) return true;
    await this.#release();
    return false;
  }

  async #release(): Promise<void> {
    // Wanted again while it cleaned up: it keeps what it has.
    if (this.#isServing()) return;
    try {
      await this.#parts.release();
    } catch (error) {
      this.#replica.warn(`The replica's sockets and its alarm are not given up: ${thrownText(error)}`);
    }
  }

  #tellGuests(): void {
    const { guests } = this.#parts;
    if (guests !== undefined) guests.configs = this.#membership.inline;
  }

  #isServing(): boolean {
    return this.#membership.duty === "serving";
  }

  // The controller learns of it the next time, if it is not reached now.
  #tell(event: Parameters<Membership["report"]>[0]): void {
    void this.#membership.report(event).catch(() => {});
  }
}
