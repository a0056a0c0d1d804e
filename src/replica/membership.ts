/**
 * A replica's place in its deployment: what its controller has told it, and whether that can still be relied on.
 *
 * Owns: asking the controller, and what to do when it does not answer.
 * Does not own: what follows from an assignment (replica.ts), the controller, storage.
 *
 * Invariants:
 *   M1. While the lease lasts the controller tells the replica of changes, and no request waits for anything.
 *   M2. Without a lease it asks before it serves, for `ASK_TIMEOUT_MS` at most; without an answer it goes on with what it
 *       was told last, and asks again while it serves. One that was never told anything asks while it serves, unless whoever
 *       sent the request knows more, or started it beyond the set.
 *   M3. An older assignment never replaces a newer one, whichever version of the code it comes from. Epochs count on from
 *       version to version, so one that comes late is known by its epoch alone.
 */
import { type Assignment, type Duty, LEASE_MS, type ReplicaEvent, type ReplicaReport } from "../protocol/control.ts";
import type { MetricsSnapshot } from "../protocol/metrics.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import type { Delivery, RequestMeta } from "../protocol/messages.ts";
import { isAtOldPrefix, type ReplicaSet } from "../protocol/replica-set.ts";
import type { CountedWindows } from "../protocol/traffic.ts";
import { type After, type Limit, within } from "../context/with-timeout.ts";

/** A replica's way to its controller, and its own memory. */
export interface ControlPort {
  /** Rejects if the controller is not reached. */
  report(report: ReplicaReport): Promise<Assignment | undefined>;
  /** What was saved last, by this object. */
  load(): Remembered | undefined;
  save(remembered: Remembered): void;
}

/** What a replica keeps in its own storage. */
export interface Remembered {
  readonly assignment?: Assignment;
  /** What its class was last configured with. */
  readonly userConfig?: unknown;
}

/** What a membership is made of. */
export interface MembershipParts {
  readonly control: ControlPort;
  readonly deployment: string;
  readonly replica: string;
  /** Of the code that runs. */
  readonly version: string;
  /** What was compiled: it holds until the controller says otherwise. */
  readonly compiled: { readonly config: DeploymentConfig; readonly set: ReplicaSet };
  now(): number;
  readonly after: After;
  /** Whether the instance is there. */
  isStarted(): boolean;
  /** What the keyed deployments of the application run with, as its controller says. */
  learnKeyed?(configs: NonNullable<Assignment["keyed"]>): void;
  /** There is a new assignment. What is returned is awaited by whoever asked for it. */
  changed(): Promise<unknown>;
}

/** How long a request waits for the controller when the replica has no lease. */
const ASK_TIMEOUT_MS = 1000;
/** How long a controller that did not answer is left alone. */
const UNANSWERED_MS = 5000;
/** The replica's lease ends a little before the controller's. */
const OWN_LEASE_MS = LEASE_MS - 10_000;

/** Whether the controller has heard a report within the limit. Never rejects. */
export function isHeard(report: Promise<void>, limit: Limit): Promise<boolean> {
  const told = report.then(
    () => true,
    () => false,
  );
  return within(told, limit, () => false);
}

export class Membership {
  readonly #parts: MembershipParts;
  #remembered: Remembered;
  #leasedUntilMs = 0;
  #asking: Promise<void> | undefined;
  /** The controller was asked and did not answer: no other request waits for it, as long as they keep coming. */
  #isUnanswered = false;
  /** Whether it has let a request in before it had heard of its controller. */
  #hasServedUntold = false;
  /** When its controller heard of it last; 0 is never. */
  contactedAtMs = 0;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#remembered = parts.control.load() ?? {};
    this.#passOn();
  }

  get #assignment(): Assignment | undefined {
    return this.#remembered.assignment;
  }

  /** Whether new requests are taken. */
  get duty(): Duty {
    return this.#assignment?.duty ?? "serving";
  }

  /** The newest replica set that is known. */
  get set(): ReplicaSet {
    return this.#assignment?.set ?? this.#parts.compiled.set;
  }

  /** What the replica is to run with. A controller that runs other code knows nothing of this code's configuration. */
  get config(): DeploymentConfig {
    const { version, compiled } = this.#parts;
    return this.#assignment?.version === version ? this.#assignment.config : compiled.config;
  }

  /** The configurations of the application's inline deployments, where they are not what was compiled. */
  get inline(): Readonly<Record<string, DeploymentConfig>> | undefined {
    return this.#assignment?.version === this.#parts.version ? this.#assignment.inline : undefined;
  }

  /**
   * Whether a request is for this replica: it is in the set, and its application is where the request looked for it. A promise
   * where the controller has to be asked first, which never rejects.
   */
  admits(meta: RequestMeta, delivery: Delivery): boolean | Promise<boolean> {
    // Whoever sent it may know something newer than this replica: that it is wanted again, or where its application is.
    const isDoubtful = (this.duty !== "serving" && this.#mayBeWantedAgain(delivery)) || isAtOldPrefix(meta, this.set);
    const asked = isDoubtful ? this.ask(delivery.isSpill) : this.renewal(delivery);
    return asked === undefined ? this.#isOurs(meta) : asked.then(() => this.#isOurs(meta));
  }

  // While it drains, most that comes is from callers that have not heard of it.
  #mayBeWantedAgain({ epoch = 0 }: Delivery): boolean {
    return this.duty === "gone" || epoch > this.set.epoch;
  }

  #isOurs(meta: RequestMeta): boolean {
    return this.duty === "serving" && !isAtOldPrefix(meta, this.set);
  }

  /** The newest replica set, if a caller that knows the one of `epoch` does not know it. */
  newerSet(epoch: number): ReplicaSet | undefined {
    const { set } = this;
    // In the background: the request itself goes on with what is known.
    if (epoch > set.epoch) void this.ask();
    return epoch < set.epoch ? set : undefined;
  }

  /** How long to wait between two reports at least, in milliseconds, because there are so many replicas. */
  get reportMs(): number {
    return this.#assignment?.reportMs ?? 0;
  }

  /** Nothing while there is a lease; otherwise resolves once the controller has been asked. Never rejects. */
  renewal({ isSpill, epoch }: Pick<Delivery, "isSpill" | "epoch"> = {}): Promise<void> | undefined {
    const expiredForMs = this.#parts.now() - this.#leasedUntilMs;
    if (expiredForMs < 0) return undefined;
    const asked = this.ask(isSpill);
    if (isSpill !== true && this.#isUntouchedFor(epoch)) return undefined;
    return this.#isUnanswered && expiredForMs < LEASE_MS ? undefined : asked;
  }

  /** Resolves once the controller has been asked. Never rejects. */
  ask(isSpill?: true): Promise<void> {
    return (this.#asking ??= this.#ask(isSpill === true ? { kind: "woke", isSpill } : { kind: "woke" }));
  }

  /** Tells the controller something; takes what it answers. Rejects if it was not reached. */
  async report(event: ReplicaEvent, metrics?: MetricsSnapshot, traffic?: CountedWindows): Promise<void> {
    const { control, deployment, replica, version, now } = this.#parts;
    const askedAtMs = now();
    const isStarting = this.#parts.isStarted() ? {} : { isStarting: true as const };
    const interval = this.reportMs === 0 ? {} : { reportMs: this.reportMs };
    const report = { deployment, replica, version, epoch: this.set.epoch, event, ...isStarting, ...interval };
    const measured = { ...(metrics === undefined ? {} : { metrics }), ...(traffic === undefined ? {} : { traffic }) };
    const assignment = await control.report({ ...report, ...measured });
    this.#leasedUntilMs = Math.max(this.#leasedUntilMs, askedAtMs + OWN_LEASE_MS);
    this.contactedAtMs = askedAtMs;
    this.#isUnanswered = false;
    if (assignment !== undefined && this.take(assignment)) await this.#parts.changed();
  }

  /** Takes an assignment, unless it knows a newer one; `true` if anything is new. */
  take(assignment: Assignment): boolean {
    const before = this.#assignment;
    if (before !== undefined && assignment.set.epoch < before.set.epoch) return false;
    if (JSON.stringify(assignment) === JSON.stringify(before)) return false;
    this.#remember({ ...this.#remembered, assignment });
    this.#passOn();
    return true;
  }

  #passOn(): void {
    const { keyed } = this.#assignment ?? {};
    if (keyed !== undefined) this.#parts.learnKeyed?.(keyed);
  }

  // Neither it nor whoever calls it has ever been told anything: what was compiled holds, as far as anybody knows. A caller that
  // does not say what it knows has said so a moment ago.
  #isUntouchedFor(epoch: number | undefined): boolean {
    if (this.#assignment !== undefined || !(epoch === undefined ? this.#hasServedUntold : epoch <= this.set.epoch)) return false;
    this.#hasServedUntold = true;
    return true;
  }

  /** What the class was last configured with, before the object slept too. */
  get lastUserConfig(): unknown {
    return this.#remembered.userConfig;
  }

  /** The class took this configuration. */
  keep(userConfig: unknown): void {
    if (JSON.stringify(userConfig) !== JSON.stringify(this.lastUserConfig)) this.#remember({ ...this.#remembered, userConfig });
  }

  #remember(remembered: Remembered): void {
    this.#remembered = remembered;
    this.#parts.control.save(remembered);
  }

  /** The controller has given an order, so it knows that this replica is awake. */
  contacted(): void {
    this.contactedAtMs = this.#parts.now();
    this.#leasedUntilMs = this.contactedAtMs + OWN_LEASE_MS;
  }

  async #ask(event: ReplicaEvent): Promise<void> {
    const unanswered = () => {
      this.#isUnanswered = true;
      this.#leasedUntilMs = Math.max(this.#leasedUntilMs, this.#parts.now() + UNANSWERED_MS);
    };
    try {
      await within(this.report(event), { timeoutMs: ASK_TIMEOUT_MS, after: this.#parts.after }, unanswered);
    } catch {
      unanswered();
    } finally {
      this.#asking = undefined;
    }
  }
}
