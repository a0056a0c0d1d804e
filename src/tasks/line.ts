/**
 * Which of the tasks that are due are sent next, and how many at once.
 *
 * Owns: their order, and the limits. Does not own: attempts once they are sent (attempts.ts), when replicas that have refused are
 * asked again, and how many at once (gates.ts).
 *
 * Invariants:
 *   N1. At most 64 attempts are in flight, and of one deployment at most 48, so that one that hangs does not stop the others, and fewer
 *       where its replicas have refused some.
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
      const most = Math.min(room, this.#roomOf(deployment, inFlight, nowMs));
      return most <= 0 ? [] : this.#firstReady(deployment, most).filter((row) => readyAt(row)! <= nowMs);
    });
    for (const row of due.toSorted((a, b) => readyAt(a)! - readyAt(b)!).slice(0, room)) this.#attempts.begin(row);
  }

  /** When there is something to send, in milliseconds since the epoch; `undefined` where something else must end before that. */
  nextAt(): number | undefined {
    const inFlight = this.#attempts.inFlight();
    if (sum(inFlight.values()) >= MAX_IN_FLIGHT) return undefined;
    let next: number | undefined;
    for (const deployment of this.#ports.store.deployments("PENDING")) {
      const openAt = this.#gates.openAt(deployment);
      if (this.#roomOf(deployment, inFlight, openAt) <= 0) continue;
      const [first] = this.#firstReady(deployment, 1);
      if (first !== undefined) next = Math.min(next ?? Infinity, Math.max(readyAt(first)!, openAt));
    }
    return next;
  }

  // How many more of a deployment may be sent at that time.
  #roomOf(deployment: string, inFlight: ReadonlyMap<string, number>, atMs: number): number {
    if (this.#gates.openAt(deployment) > atMs) return 0;
    const room = this.#gates.limit(deployment) - (inFlight.get(deployment) ?? 0);
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
