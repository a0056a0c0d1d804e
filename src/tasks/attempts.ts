/**
 * The attempts of a shard that are under way: those that it has sent, and those that an earlier life of it had.
 *
 * Owns: what is known of them in memory, which may vanish at any moment. Does not own: what becomes of a task (machine.ts), which
 * is next (shard.ts), the way to a replica (the sender).
 *
 * Invariants:
 *   A1. An attempt is in the row before the message that begins it leaves.
 *   A2. An attempt that may still run is never forgotten: its end is waited for here, or its replica is asked.
 */
import { Cancellation } from "../protocol/cancellation.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { ReplicaUnavailableError, RequestCancelledError } from "../protocol/errors.ts";
import type { Gates } from "./gates.ts";
import type { Ledger } from "./ledger.ts";
import type { AttemptEnd } from "./machine.ts";
import { encodeResult, errorText, isFinal } from "./payload.ts";
import type { Attempt, AttemptOutcome, AttemptRequest, Permit, TaskShardPorts } from "./ports.ts";
import { invocationIn, type Place, type TaskRow } from "./task.ts";

/** How long until a replica that could not be asked is asked again. */
const ASK_AGAIN_MS = 1000;

/** An attempt that this life of the shard sends, or has sent. */
interface Live {
  readonly id: string;
  readonly deployment: string;
  readonly method: string | undefined;
  readonly cancellation: Cancellation;
  /** Its number, once it may have begun. */
  number: number | undefined;
  /** Whether the task was cancelled while this was being sent. */
  isStopped: boolean;
}

export class Attempts {
  readonly #ports: TaskShardPorts;
  readonly #ledger: Ledger;
  readonly #gates: Gates;
  /** Something has changed: there may be room for others. */
  readonly #changed: () => void;
  readonly #live = new Map<string, Live>();
  /** Attempts whose replica is to be asked, and when, by task. */
  readonly #toAsk = new Map<string, number>();
  /** Whose replica is being asked: task and number. */
  readonly #asking = new Set<string>();

  constructor(ports: TaskShardPorts, ledger: Ledger, gates: Gates, changed: () => void) {
    this.#ports = ports;
    this.#ledger = ledger;
    this.#gates = gates;
    this.#changed = changed;
    for (const id of ledger.busy) this.#toAsk.set(id, ports.now());
  }

  /** When the next replica is to be asked. */
  get nextAskAt(): number | undefined {
    return this.#toAsk.size === 0 ? undefined : Math.min(...this.#toAsk.values());
  }

  /** Those of a deployment that are being sent and have not begun. */
  unsent(deployment: string): readonly string[] {
    const ids: string[] = [];
    for (const live of this.#live.values()) if (live.deployment === deployment && live.number === undefined) ids.push(live.id);
    return ids;
  }

  /** How many are in flight, by deployment. Those that were given up do not count: they may not keep others from running. */
  inFlight(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const count = (deployment: string) => counts.set(deployment, (counts.get(deployment) ?? 0) + 1);
    for (const { deployment, number } of this.#live.values()) if (number === undefined) count(deployment);
    for (const deployment of this.#ledger.flights()) count(deployment);
    return counts;
  }

  /** Sends an attempt of a task. */
  begin(row: TaskRow): void {
    const { id, deployment, method } = row;
    const live: Live = { id, deployment, method, cancellation: new Cancellation(), number: undefined, isStopped: false };
    this.#live.set(row.id, live);
    this.#ports.keepAlive(this.#guard(live, this.#send(live, row)));
  }

  /** Stops an attempt; or a task that has none yet is not sent any more. */
  stop(row: TaskRow, attempt: { readonly number: number; readonly place: Place } | undefined, reason: unknown): void {
    const live = this.#live.get(row.id);
    if (live !== undefined && live.number === attempt?.number) {
      live.isStopped = true;
      live.cancellation.cancel(reason);
    } else if (attempt !== undefined) this.#ports.keepAlive(this.#stopFar(row, attempt.place, reason));
  }

  // One that is not reached is stopped by nobody. It is waited for all the same.
  async #stopFar(row: TaskRow, place: Place, reason: unknown): Promise<void> {
    try {
      await this.#ports.sender.stop(this.#attemptOf(row), place, reason);
    } catch (error) {
      this.#ports.warn(row.deployment, "An attempt of a task could not be told to stop.", {
        task: row.id,
        attemptReplica: place.replica,
        delivery: place.delivery,
        error,
      });
    }
  }

  /** Forgets an attempt that is not waited for any longer. */
  forget(id: string, number: number): void {
    if (this.#live.get(id)?.number === number) this.#live.delete(id);
    this.#toAsk.delete(id);
  }

  /** Asks the replicas that are to be asked by now. */
  ask(): void {
    const nowMs = this.#ports.now();
    for (const [id, atMs] of this.#toAsk) {
      if (atMs > nowMs) continue;
      this.#toAsk.delete(id);
      const row = this.#ports.store.get(id);
      const attempt = row?.flight ?? row?.lingering;
      if (row === undefined || attempt === undefined) continue;
      const asked = `${id} ${attempt.number}`;
      if (this.#asking.has(asked)) continue;
      this.#asking.add(asked);
      this.#ports.keepAlive(this.#rejoin(row, attempt).finally(() => this.#asking.delete(asked)));
    }
  }

  async #send(live: Live, row: TaskRow): Promise<void> {
    const { sender, store } = this.#ports;
    const request: AttemptRequest = { ...this.#attemptOf(row), arguments: store.payload(row.id, "arguments") ?? "[]" };
    const events = { sending: (place: Place) => this.#sending(live, place), refused: () => this.#refused(live) };
    let outcome: AttemptOutcome;
    try {
      outcome = await sender.send(request, events, live.cancellation);
    } catch {
      outcome = { kind: "lost" };
    }
    // Given up for good, and perhaps sent again.
    if (this.#live.get(live.id) !== live) return;
    await this.#conclude(live, outcome);
  }

  async #conclude(live: Live, outcome: AttemptOutcome): Promise<void> {
    const { id, deployment } = live;
    const known: AttemptOutcome = live.number === undefined && outcome.kind === "lost" ? { kind: "not-begun" } : outcome;
    const hasEnded = known.kind === "value" || known.kind === "error";
    if (hasEnded) this.#gates.accepted(deployment);
    if (hasEnded && live.number !== undefined) {
      this.#ledger.apply(id, { kind: "ended", number: live.number, end: await endOf(known, live) });
    } else if (known.kind === "lost") {
      this.#toAsk.set(id, this.#ports.now());
    } else {
      this.#refused(live);
      if (known.kind === "missing" && !live.isStopped) {
        const error = errorText(known.error);
        this.#ledger.apply(id, { kind: "missing", error, options: this.#ports.options(deployment) });
      } else if (!live.isStopped) this.#gates.refused(deployment, this.#ports.now(), (this.inFlight().get(deployment) ?? 1) - 1);
    }
    this.#release(live);
    this.#changed();
  }

  #release(live: Live): void {
    if (this.#live.get(live.id) === live) this.#live.delete(live.id);
  }

  #sending(live: Live, place: Place): Permit | undefined {
    if (this.#live.get(live.id) !== live || live.isStopped) return undefined;
    const options = this.#ports.options(live.deployment);
    const row = this.#ledger.apply(live.id, { kind: "sending", place, options });
    if (row?.flight === undefined) return undefined;
    live.number = row.run;
    this.#changed();
    return { attempt: row.attempts, deadline: row.flight.deadlineAt };
  }

  #refused(live: Live): void {
    const { number } = live;
    if (number === undefined) return;
    live.number = undefined;
    this.#ledger.apply(live.id, { kind: "refused", number });
  }

  async #rejoin(row: TaskRow, { number, place }: { readonly number: number; readonly place: Place }): Promise<void> {
    // Whether it was told before is not known.
    if (row.lingering !== undefined)
      this.#ports.keepAlive(this.#stopFar(row, place, new RequestCancelledError("The attempt was given up.")));
    try {
      const found = await this.#ports.sender.rejoin(this.#attemptOf(row), place);
      if (found.kind === "not-begun" || found.kind === "missing") this.#ledger.apply(row.id, { kind: "refused", number });
      else {
        const end = found.kind === "not-running" || found.kind === "lost" ? lost(place) : await endOf(found, row);
        this.#ledger.apply(row.id, { kind: "ended", number, end });
      }
    } catch {
      const now = this.#ports.store.get(row.id);
      if ((now?.flight ?? now?.lingering)?.number === number) this.#toAsk.set(row.id, this.#ports.now() + ASK_AGAIN_MS);
    }
    this.#changed();
  }

  // What could not be stored is not known: its replica is asked, later.
  async #guard(live: Live, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#release(live);
      this.#toAsk.set(live.id, this.#ports.now() + ASK_AGAIN_MS);
      this.#ports.warn(live.deployment, "What became of an attempt could not be stored.", { task: live.id, error });
      this.#changed();
    }
  }

  #attemptOf(row: TaskRow): Attempt {
    return { taskId: row.id, app: this.#ports.app, ...invocationIn(row) };
  }
}

async function endOf(
  outcome: Extract<AttemptOutcome, { readonly kind: "value" | "error" }>,
  { deployment, method = "call" }: { readonly deployment: string; readonly method?: string | undefined },
): Promise<AttemptEnd> {
  if (outcome.kind === "error") return { kind: "error", error: errorText(outcome.error), isFinal: isFinal(outcome.error) };
  try {
    return { kind: "value", value: await encodeResult(outcome.value, `${deployment}.${method}`) };
  } catch (error) {
    // It would be no other the next time.
    return { kind: "error", error: errorText(encodeError(error)), isFinal: true };
  }
}

function lost({ replica }: Place): AttemptEnd {
  const error = new ReplicaUnavailableError(`Replica ${replica} was lost with an attempt of the task.`, { hasBegun: true });
  return { kind: "lost", error: errorText(encodeError(error)) };
}
