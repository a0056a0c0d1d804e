/**
 * What a replica tells its controller while it works: its load, and that it is sick.
 *
 * Owns: when to look, when to say something. Does not own: what follows from it.
 *
 * Invariants:
 *   V1. Without work there is no timer, and nothing is sent: an idle replica may sleep.
 *   V2. The end of the load is always told.
 *   V3. A steady load is told `HEARTBEAT_MS` apart; one that changes, after `metricsIntervalMs`.
 *   V4. Nothing here fails a request, or waits for one.
 */
import { HEARTBEAT_MS, type LoadReport } from "../protocol/control.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { findStuck, HealthCount, type Running } from "./health.ts";
import { LoadMeter } from "./load-meter.ts";
import type { Membership } from "./membership.ts";
import { Pulse } from "./pulse.ts";
import { within } from "./within.ts";

/** What is looked at. */
export interface VitalSignsParts {
  readonly membership: Pick<Membership, "config" | "report" | "contactedAtMs">;
  now(): number;
  sleep(ms: number): Promise<void>;
  /** The requests that run. */
  running(): Iterable<Running>;
  /** When a request came to its end last. */
  lastFinishedAtMs(): number;
  /** The class's `checkHealth`; rejects when it is not well. */
  checkHealth(): Promise<void>;
  /** The class's `recordAutoscalingStats`, where it has one. */
  recordStats(): Promise<Readonly<Record<string, number>> | undefined>;
}

/** How long `recordAutoscalingStats` may take. Ray Serve's number. */
const STATS_TIMEOUT_MS = 10_000;

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
    const { autoscaling, healthCheckPeriodMs } = this.#parts.membership.config;
    return autoscaling === null ? healthCheckPeriodMs : Math.min(autoscaling.metricsIntervalMs, healthCheckPeriodMs);
  }

  async #beat(): Promise<boolean> {
    const { config } = this.#parts.membership;
    const hasWorked = this.#hasWorked;
    this.#hasWorked = this.#load > 0;
    if (hasWorked) await this.#check(config);
    await this.#tell(config, hasWorked);
    return this.#load > 0 || this.#hasWorked || (config.autoscaling !== null && this.#told > 0);
  }

  async #tell({ autoscaling }: DeploymentConfig, hasWorked: boolean): Promise<void> {
    const nowMs = this.#parts.now();
    if (autoscaling === null) {
      // Whatever it has said, or was told, shows that it is alive.
      if (hasWorked && nowMs - this.#parts.membership.contactedAtMs >= HEARTBEAT_MS) await this.#report({ kind: "alive" });
      return;
    }
    const isDue = nowMs - this.#toldAtMs >= HEARTBEAT_MS;
    const mean = this.#meter.mean();
    const value = hasWorked ? mean : 0;
    const isChanged = Math.abs(value - this.#told) >= Math.max(1, this.#told / 4) || (value === 0) !== (this.#told === 0);
    if (!isChanged && !isDue) return;
    const load: LoadReport = { ...this.#meter.take(), now: value, ...(await this.#stats()) };
    if (!(await this.#report({ kind: "load", load }))) return;
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
  #report(event: Parameters<Membership["report"]>[0]): Promise<boolean> {
    return this.#parts.membership.report(event).then(
      () => true,
      () => false,
    );
  }
}
