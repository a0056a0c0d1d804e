/**
 * What a replica tells its controller while it works: its load, what it has measured, and that it is sick.
 *
 * Owns: when to look, when to say something. Does not own: what follows from it.
 *
 * Invariants:
 *   V1. Without work there is no timer, and nothing is sent: an idle replica may sleep. Once the work is over, that is the
 *       case `HEARTBEAT_MS` and an interval later.
 *   V2. The end of the load is always told.
 *   V3. A steady load is told `HEARTBEAT_MS` apart; one that changes, after `metricsIntervalMs`. The beginning and the end of
 *       work, and a series that is new, are told sooner, within a budget (report-budget.ts).
 *   V4. What has been measured goes with what is told anyway. What is left when the work is over is told by itself, and once:
 *       a controller that is not reached hears of it with the next work. With no budget left, `HEARTBEAT_MS` after the last time.
 *   V5. Nothing here fails a request, or waits for one.
 *   V6. Neither the class nor the controller can stop it: each is awaited for a while, and what it fails to do is logged.
 *   V7. Where there are so many replicas that the controller asks for it, two reports are `reportMs` apart at least, and replicas that
 *       begin together do not tell it together. What is found to be sick is told at once.
 */
import { type After, TookTooLong, withinLimit } from "../context/with-timeout.ts";
import { type Failure, HEARTBEAT_MS, type LoadReport } from "../protocol/control.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { thrownText } from "../protocol/thrown.ts";
import { findStuck, HealthCount, type Running } from "./health.ts";
import { told } from "./lifecycle-log.ts";
import type { LoadMeter } from "./load-meter.ts";
import { isHeard, type Membership } from "./membership.ts";
import type { ReplicaMeter } from "./replica-meter.ts";
import { Pulse } from "./pulse.ts";
import { ReportBudget } from "./report-budget.ts";
import { recordedStats } from "./recorded-stats.ts";

/** What is looked at. */
export interface LoadReporterParts {
  /** What the replica has on its hands: looked at while there is anything. */
  readonly load: LoadMeter;
  readonly membership: Pick<Membership, "config" | "report" | "contactedAtMs" | "reportMs">;
  now(): number;
  readonly after: After;
  sleep(ms: number): Promise<void>;
  random(): number;
  /** The requests that run. */
  running(): Iterable<Running>;
  /** When a request came to its end last. */
  lastFinishedAtMs(): number;
  readonly meter: Pick<ReplicaMeter, "hasNews" | "hasNewSeries" | "snapshot" | "heard" | "counted">;
  /** The class's `checkHealth`; rejects when it is not well. */
  checkHealth(): Promise<void>;
  /** The class's `recordAutoscalingStats`, where it has one. */
  recordStats(): Promise<unknown>;
  /** What a replica that starts is waiting for, such as `setup()`. */
  startingStep(): string | undefined;
  warn(message: string): void;
}

/** How long the controller may take to hear something; it is told again then. */
const REPORT_TIMEOUT_MS = 10_000;
/** How long the end of the work, or a new series, may go unnoticed. To look costs nothing but the timer. */
const LOOK_MS = 2000;
/** How soon after its first request a replica's series are told. */
const FIRST_MS = 500;
/** How long there is no request before the work is taken to be over. Between two of many there is a moment, too. */
const QUIET_MS = 1000;

export class LoadReporter {
  readonly #parts: LoadReporterParts;
  readonly #load: LoadMeter;
  readonly #pulse: Pulse;
  #health = new HealthCount();
  /** What the last look saw: how often the load had changed, and whether there was any. */
  #seenChanges = 0;
  #wasBusy = false;
  /** What the controller takes the load to be. */
  #told = 0;
  #toldAtMs = 0;
  /** When the controller was told anything last. */
  #saidAtMs = -Infinity;
  /** Whether the controller has heard of the replica's series. */
  #hasBegun = false;
  readonly #budget: ReportBudget;
  #checkedAtMs = 0;
  #hasComplained = false;
  /** Set while `recordAutoscalingStats` runs. */
  #recording: Promise<unknown> | undefined;
  /** What is wrong with what it records. */
  #statsProblem: string | undefined;

  constructor(parts: LoadReporterParts) {
    this.#parts = parts;
    this.#load = parts.load;
    this.#budget = new ReportBudget(parts.now);
    this.#pulse = new Pulse({ sleep: parts.sleep, intervalMs: () => this.#intervalMs(), beat: () => this.#beat() });
  }

  /** Looks at the load from now on, while there is any. */
  watch(): void {
    const load = this.#load;
    load.began = () => {
      if (!this.#hasWorked) load.restart();
      this.#pulse.start();
    };
    // What user code counts when its request is over.
    this.#parts.meter.counted = () => this.#pulse.start();
  }

  /** Whether there has been work since the last look. */
  get #hasWorked(): boolean {
    return this.#wasBusy || this.#load.changes !== this.#seenChanges;
  }

  #intervalMs(): number {
    const { membership, meter, now } = this.#parts;
    const { autoscaling, healthCheckPeriodMs } = membership.config;
    if (this.#isBeginning) return Math.min(FIRST_MS, healthCheckPeriodMs) + this.#spreadMs();
    if (autoscaling !== null) return Math.min(autoscaling.metricsIntervalMs, healthCheckPeriodMs);
    // Only the end is still to be told: the sooner, the sooner it may sleep.
    const isOver = this.#load.value === 0 && meter.hasNews;
    if (!isOver) return Math.min(healthCheckPeriodMs, LOOK_MS);
    const dueAtMs = this.#budget.isLeft ? this.#saidAtMs + membership.reportMs : this.#toldAtMs + HEARTBEAT_MS;
    return Math.min(healthCheckPeriodMs, Math.max(QUIET_MS, dueAtMs - now()));
  }

  // A short interval needs no spreading.
  #spreadMs(): number {
    const { membership, random } = this.#parts;
    return membership.reportMs <= FIRST_MS ? 0 : random() * membership.reportMs;
  }

  async #beat(): Promise<boolean> {
    const { config } = this.#parts.membership;
    const hasWorked = this.#hasWorked;
    if (this.#isBeginning) return this.#begin();
    this.#seenChanges = this.#load.changes;
    this.#wasBusy = this.#load.value > 0;
    if (hasWorked) await this.#check(config);
    await this.#tell(config, hasWorked);
    if (this.#load.value > 0 || this.#hasWorked || this.#parts.meter.hasNews) return true;
    return config.autoscaling !== null && this.#told > 0;
  }

  get #isBeginning(): boolean {
    return !this.#hasBegun && this.#parts.meter.hasNewSeries && !this.#isTooSoon();
  }

  #isTooSoon(): boolean {
    const { now, membership } = this.#parts;
    return now() - this.#saidAtMs < membership.reportMs;
  }

  // So that its series are there, with 0, before they have grown much.
  async #begin(): Promise<true> {
    this.#hasBegun = true;
    this.#budget.take();
    await this.#report({ kind: "alive" }, this.#parts.meter.snapshot());
    return true;
  }

  async #tell({ autoscaling, healthCheckTimeoutMs }: DeploymentConfig, hasWorked: boolean): Promise<void> {
    const { now, membership, meter } = this.#parts;
    const nowMs = now();
    if (this.#isTooSoon()) return;
    const isDue = nowMs - this.#toldAtMs >= HEARTBEAT_MS;
    if (autoscaling === null) {
      // Whatever it has said, or was told, shows that it is alive.
      const isUnheard = hasWorked && nowMs - membership.contactedAtMs >= HEARTBEAT_MS;
      const isRest = !hasWorked && meter.hasNews;
      if (!isUnheard && !(isDue && isRest)) {
        if (!(isRest || meter.hasNewSeries) || !this.#budget.isLeft) return;
        this.#budget.take();
      }
      this.#toldAtMs = nowMs;
      await this.#report({ kind: "alive" }, meter.snapshot());
      return;
    }
    const mean = this.#load.mean();
    const value = hasWorked ? mean : 0;
    const isChanged = Math.abs(value - this.#told) >= Math.max(1, this.#told / 4) || (value === 0) !== (this.#told === 0);
    if (!isChanged && !isDue) return;
    const load: LoadReport = { ...this.#load.take(), now: value, ...(await this.#stats(healthCheckTimeoutMs)) };
    if (!(await this.#report({ kind: "load", load }, meter.snapshot()))) return;
    this.#told = value;
    this.#toldAtMs = nowMs;
  }

  async #check({ healthCheckPeriodMs, healthCheckTimeoutMs, maxOngoingRequests }: DeploymentConfig): Promise<void> {
    const { now, running, lastFinishedAtMs, startingStep, warn } = this.#parts;
    if (now() - this.#checkedAtMs < healthCheckPeriodMs * 0.9) return;
    this.#checkedAtMs = now();
    const failure = await this.#failureOf(healthCheckTimeoutMs);
    if (failure !== undefined) warn(`checkHealth() failed: ${failure.message}`);
    const stuck = findStuck(running(), {
      nowMs: now(),
      lastFinishedAtMs: lastFinishedAtMs(),
      maxOngoingRequests,
      graceMs: healthCheckTimeoutMs,
    });
    const step = startingStep();
    const complaint =
      this.#health.note(failure?.message) ?? (stuck === undefined || step === undefined ? stuck : `${step} has not ended. ${stuck}`);
    if (complaint === undefined) this.#hasComplained = false;
    // Once is enough: it is replaced. But for one that starts, which its controller may give more time.
    else if (!this.#hasComplained || step !== undefined) {
      if (!this.#hasComplained) warn(`The replica is not well. ${complaint}`);
      await this.#report({ kind: "unhealthy", message: complaint, stack: failure?.stack }).then((isTold) => (this.#hasComplained = isTold));
    }
  }

  #failureOf(timeoutMs: number): Promise<Failure | undefined> {
    return withinLimit(() => this.#parts.checkHealth(), { timeoutMs, after: this.#parts.after }).then(
      () => undefined,
      (error: unknown) => told(error instanceof TookTooLong ? error.message : thrownText(error), error),
    );
  }

  async #stats(timeoutMs: number): Promise<Pick<LoadReport, "stats">> {
    // One that hangs is waited for once, and not with every report.
    if (this.#recording !== undefined) return {};
    const recording = this.#parts.recordStats();
    this.#recording = recording;
    const forget = () => (this.#recording = undefined);
    recording.then(forget, forget);
    const { stats, problem } = await withinLimit(() => recording, { timeoutMs, after: this.#parts.after }).then(
      recordedStats,
      (error: unknown) => ({
        stats: undefined,
        problem: error instanceof TookTooLong ? error.message : `it threw ${thrownText(error)}`,
      }),
    );
    if (problem !== undefined && problem !== this.#statsProblem) this.#parts.warn(`recordAutoscalingStats() failed: ${problem}`);
    this.#statsProblem = problem;
    return stats === undefined ? {} : { stats };
  }

  // A controller that is not reached, or does not answer, is told the next time.
  async #report(...about: Parameters<Membership["report"]>): Promise<boolean> {
    const { now, membership, after, meter } = this.#parts;
    this.#saidAtMs = now();
    const isTold = await isHeard(membership.report(...about), { timeoutMs: REPORT_TIMEOUT_MS, after });
    const [, snapshot] = about;
    if (isTold && snapshot !== undefined) meter.heard(snapshot);
    return isTold;
  }
}
