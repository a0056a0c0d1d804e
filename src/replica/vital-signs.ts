/**
 * What a replica tells its controller while it works: its load, what it has measured, and that it is sick.
 *
 * Owns: when to look, when to say something. Does not own: what follows from it.
 *
 * Invariants:
 *   V1. Without work there is no timer, and nothing is sent: an idle replica may sleep. Once the work is over, that is the
 *       case `HEARTBEAT_MS` and an interval later.
 *   V2. The end of the load is always told.
 *   V3. A steady load is told `HEARTBEAT_MS` apart; one that changes, after `metricsIntervalMs`.
 *   V4. What has been measured goes with what is told anyway. What is left when the work is over is told by itself, at the
 *       soonest `HEARTBEAT_MS` after the last time, and once: a controller that is not reached hears of it with the next work.
 *   V5. Nothing here fails a request, or waits for one.
 */
import { HEARTBEAT_MS, type LoadReport } from "../protocol/control.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { findStuck, HealthCount, type Running } from "./health.ts";
import { LoadMeter } from "./load-meter.ts";
import type { Membership } from "./membership.ts";
import type { ReplicaMeter } from "./replica-meter.ts";
import { Pulse } from "./pulse.ts";
import { within } from "../context/within.ts";

/** What is looked at. */
export interface VitalSignsParts {
  readonly membership: Pick<Membership, "config" | "report" | "contactedAtMs">;
  now(): number;
  sleep(ms: number): Promise<void>;
  /** The requests that run. */
  running(): Iterable<Running>;
  /** When a request came to its end last. */
  lastFinishedAtMs(): number;
  readonly meter: Pick<ReplicaMeter, "hasNews" | "snapshot">;
  /** The class's `checkHealth`; rejects when it is not well. */
  checkHealth(): Promise<void>;
  /** The class's `recordAutoscalingStats`, where it has one. */
  recordStats(): Promise<Readonly<Record<string, number>> | undefined>;
}

/** How long `recordAutoscalingStats` may take. Ray Serve's number. */
const STATS_TIMEOUT_MS = 10_000;
/** How long there is no request before the work is taken to be over. Between two of many there is a moment, too. */
const QUIET_MS = 1000;

export class VitalSigns {
  readonly #parts: VitalSignsParts;
  readonly #meter: LoadMeter;
  readonly #pulse: Pulse;
  #health = new HealthCount();
  #load = 0;
  /** Whether there has been work since the last look. */
  #hasWorked = false;
  /** What the controller takes the load to be. */
  #told = 0;
  #toldAtMs = 0;
  #checkedAtMs = 0;
  #hasComplained = false;

  constructor(parts: VitalSignsParts) {
    this.#parts = parts;
    this.#meter = new LoadMeter(parts.now);
    this.#pulse = new Pulse({ sleep: parts.sleep, intervalMs: () => this.#intervalMs(), beat: () => this.#beat() });
  }

  /** The replica has this many requests on its hands, running and waiting. */
  changed(load: number): void {
    if (this.#load === 0 && !this.#hasWorked) this.#meter.restart();
    this.#load = load;
    this.#hasWorked = true;
    this.#meter.set(load);
    this.#pulse.start();
  }

  #intervalMs(): number {
    const { membership, meter, now } = this.#parts;
    const { autoscaling, healthCheckPeriodMs } = membership.config;
    if (autoscaling !== null) return Math.min(autoscaling.metricsIntervalMs, healthCheckPeriodMs);
    // Only the end is still to be told: the sooner, the sooner it may sleep.
    const isOver = this.#load === 0 && meter.hasNews;
    return isOver ? Math.min(healthCheckPeriodMs, Math.max(QUIET_MS, this.#toldAtMs + HEARTBEAT_MS - now())) : healthCheckPeriodMs;
  }

  async #beat(): Promise<boolean> {
    const { config } = this.#parts.membership;
    const hasWorked = this.#hasWorked;
    this.#hasWorked = this.#load > 0;
    if (hasWorked) await this.#check(config);
    await this.#tell(config, hasWorked);
    if (this.#load > 0 || this.#hasWorked || this.#parts.meter.hasNews) return true;
    return config.autoscaling !== null && this.#told > 0;
  }

  async #tell({ autoscaling }: DeploymentConfig, hasWorked: boolean): Promise<void> {
    const { now, membership, meter } = this.#parts;
    const nowMs = now();
    const isDue = nowMs - this.#toldAtMs >= HEARTBEAT_MS;
    if (autoscaling === null) {
      // Whatever it has said, or was told, shows that it is alive.
      const isUnheard = hasWorked && nowMs - membership.contactedAtMs >= HEARTBEAT_MS;
      if (!isUnheard && !(isDue && !hasWorked && meter.hasNews)) return;
      this.#toldAtMs = nowMs;
      await this.#report({ kind: "alive" }, meter.snapshot());
      return;
    }
    const mean = this.#meter.mean();
    const value = hasWorked ? mean : 0;
    const isChanged = Math.abs(value - this.#told) >= Math.max(1, this.#told / 4) || (value === 0) !== (this.#told === 0);
    if (!isChanged && !isDue) return;
    const load: LoadReport = { ...this.#meter.take(), now: value, ...(await this.#stats()) };
    if (!(await this.#report({ kind: "load", load }, meter.snapshot()))) return;
    this.#told = value;
    this.#toldAtMs = nowMs;
  }

  async #check({ healthCheckPeriodMs, healthCheckTimeoutMs, maxOngoingRequests }: DeploymentConfig): Promise<void> {
    const { now, running, lastFinishedAtMs } = this.#parts;
    if (now() - this.#checkedAtMs < healthCheckPeriodMs * 0.9) return;
    this.#checkedAtMs = now();
    const complaint =
      this.#health.note(await this.#failureOf(healthCheckTimeoutMs)) ??
      findStuck(running(), { nowMs: now(), lastFinishedAtMs: lastFinishedAtMs(), maxOngoingRequests });
    if (complaint === undefined) this.#hasComplained = false;
    // Once is enough: it is replaced.
    else if (!this.#hasComplained) this.#hasComplained = await this.#report({ kind: "unhealthy", message: complaint });
  }

  async #failureOf(timeoutMs: number): Promise<string | undefined> {
    const check = this.#parts.checkHealth().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
    );
    return within<string | undefined>(check, timeoutMs, () => `it took longer than ${timeoutMs} ms`);
  }

  async #stats(): Promise<Pick<LoadReport, "stats">> {
    try {
      const stats = await within(this.#parts.recordStats(), STATS_TIMEOUT_MS, () => undefined);
      return stats === undefined ? {} : { stats };
    } catch {
      return {};
    }
  }

  // A controller that is not reached is told the next time.
  #report(...about: Parameters<Membership["report"]>): Promise<boolean> {
    return this.#parts.membership.report(...about).then(
      () => true,
      () => false,
    );
  }
}
