/**
 * Which of the tasks that are due are sent next, and how many at once.
 *
 * Owns: their order, and the limits. Does not own: attempts once they are sent (attempts.ts), how many go together, and how many
 * are sent to replicas that have refused some (gates.ts).
 *
 * Invariants:
 *   N1. At most 64 attempts are in flight, and at most 48 of one deployment, so that one that hangs does not stop the others.
 *   N2. What is due first is sent first, whichever deployment it is for, unless that has no room.
 */
import type { Attempts } from "./attempts.ts";
import type { Gates } from "./gates.ts";
import type { TaskShardPorts } from "./ports.ts";
import { readyAt, type TaskRow } from "./task.ts";

const MAX_IN_FLIGHT = 64;

export class Line {
  readonly #ports: TaskShardPorts;
  readonly #attempts: Attempts;
  readonly #gates: Gates;

  constructor(ports: TaskShardPorts, attempts: Attempts, gates: Gates) {
    this.#ports = ports;
    this.#attempts = attempts;
    this.#gates = gates;
  }

  /** How many attempts are in flight. */
  get inFlight(): number {
    return sum(this.#attempts.inFlight().values());
  }

  /** Sends as many of those that are due as there is room for. */
  send(): void {
    const { store, now } = this.#ports;
    const nowMs = now();
    const inFlight = this.#attempts.inFlight();
    const room = MAX_IN_FLIGHT - sum(inFlight.values());
    if (room <= 0) return;
    const due = store.deployments("PENDING").flatMap((deployment) => {
      const most = Math.min(room, this.#roomOf(deployment, inFlight.get(deployment) ?? 0, nowMs));
      return most <= 0 ? [] : this.#firstReady(deployment, most).filter((row) => readyAt(row)! <= nowMs);
    });
    const first = due.toSorted((a, b) => readyAt(a)! - readyAt(b)!).slice(0, room);
    for (const [deployment, rows] of Map.groupBy(first, (row) => row.deployment)) this.#gates.sent(deployment, rows.length, nowMs);
    for (const row of first) this.#attempts.begin(row);
  }

  /** When there is something to send, in milliseconds since the epoch; `undefined` where something else must end before that. */
  nextAt(): number | undefined {
    const inFlight = this.#attempts.inFlight();
    if (sum(inFlight.values()) >= MAX_IN_FLIGHT) return undefined;
    let next: number | undefined;
    for (const deployment of this.#ports.store.deployments("PENDING")) {
      const count = inFlight.get(deployment) ?? 0;
      const openAt = this.#gates.openAt(deployment, count);
      if (openAt === undefined || this.#roomOf(deployment, count, openAt) <= 0) continue;
      const [first] = this.#firstReady(deployment, 1);
      if (first !== undefined) next = Math.min(next ?? Infinity, Math.max(readyAt(first)!, openAt));
    }
    return next;
  }

  // How many more of a deployment may be sent at that time.
  #roomOf(deployment: string, inFlight: number, atMs: number): number {
    const room = this.#gates.room(deployment, inFlight, atMs);
    return this.#gates.isProbing(deployment) ? Math.min(room, this.#attempts.unsent(deployment).length === 0 ? 1 : 0) : room;
  }

  // Those that are being sent wait, still, as far as their rows say.
  #firstReady(deployment: string, count: number): readonly TaskRow[] {
    return this.#ports.store.ready(deployment, count, this.#attempts.unsent(deployment));
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
