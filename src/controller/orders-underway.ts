/**
 * The orders that are on their way to replicas: to which, and for how long.
 */
import { SETUP_LIMIT_MS } from "../protocol/limits.ts";
import type { Order } from "./orders.ts";

/** One order. */
export interface OrderUnderway {
  readonly replica: string;
  /** When it is given up: a replica has its limits, so one that says nothing by then is not going to. */
  readonly untilMs: number;
}

export class OrdersUnderway {
  readonly #orders = new Map<string, OrderUnderway>();

  /** Whether one is on its way to this replica. */
  has(replica: string): boolean {
    return this.#orders.has(replica);
  }

  begin(order: Order, nowMs: number): OrderUnderway {
    const underway = { replica: order.replica.name, untilMs: nowMs + limitMs(order) };
    this.#orders.set(underway.replica, underway);
    return underway;
  }

  /** It has come to its end. `false` if it was given up before. */
  end(underway: OrderUnderway): boolean {
    return this.#orders.get(underway.replica) === underway && this.#orders.delete(underway.replica);
  }

  /** Gives up those whose time is over. */
  giveUp(nowMs: number): void {
    for (const [replica, { untilMs }] of this.#orders) if (untilMs <= nowMs) this.#orders.delete(replica);
  }
}

// It may start, take a configuration and be checked for that; and messages take a while. Less than its lease, where it need not start.
function limitMs({ assignment, isStart }: Order): number {
  return (isStart ? SETUP_LIMIT_MS : 0) + 3 * assignment.config.healthCheckTimeoutMs + 10_000;
}
