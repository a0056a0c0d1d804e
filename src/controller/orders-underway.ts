/**
 * The orders that are on their way to replicas: which, for how long, and how many at once.
 *
 * A thousand orders given in one go would keep everything else waiting, so there are a few dozen at a time. One that takes long, because
 * a class is setting up, is waited for without keeping others from being given.
 */
import { SETUP_LIMIT_MS } from "../protocol/limits.ts";
import type { Order } from "./orders.ts";

/** How many orders are on their way at once, but for those that take long. */
const MOST = 64;
/** After how long an order is one that takes long: at least 256 are given a second. */
const LONG_MS = 250;

/** One order. */
export interface OrderUnderway {
  readonly replica: string;
  readonly givenAtMs: number;
  /** When it is given up: a replica has its limits, so one that says nothing by then is not going to. */
  readonly untilMs: number;
}

export class OrdersUnderway {
  readonly #orders = new Map<string, OrderUnderway>();
  /** Those that do not take long yet, the oldest first. */
  readonly #young = new Set<OrderUnderway>();
  #isFull = false;

  /** Whether one is on its way to this replica. */
  has(replica: string): boolean {
    return this.#orders.has(replica);
  }

  begin(order: Order, nowMs: number): OrderUnderway {
    const underway = { replica: order.replica.name, givenAtMs: nowMs, untilMs: nowMs + limitMs(order) };
    this.#orders.set(underway.replica, underway);
    this.#young.add(underway);
    return underway;
  }

  /** It has come to its end. `false` if it was given up before. */
  end(underway: OrderUnderway): boolean {
    this.#young.delete(underway);
    if (this.#orders.get(underway.replica) !== underway) return false;
    return this.#orders.delete(underway.replica);
  }

  /** Gives up those whose time is over. */
  giveUp(nowMs: number): void {
    for (const [replica, { untilMs }] of this.#orders) if (untilMs <= nowMs) this.#orders.delete(replica);
  }

  /** How many orders may be given now. */
  room(nowMs: number): number {
    for (const underway of this.#young) {
      if (nowMs - underway.givenAtMs < LONG_MS) break;
      this.#young.delete(underway);
    }
    return MOST - this.#young.size;
  }

  /** When the next order may be given: now, or when half of those on their way have arrived or take long. */
  nextAtMs(nowMs: number): number {
    const room = this.room(nowMs);
    if (room <= 0) this.#isFull = true;
    else if (room >= MOST / 2) this.#isFull = false;
    return this.#isFull ? nowMs + LONG_MS : nowMs;
  }
}

// It may start, take a configuration and be checked for that; and messages take a while. Less than its lease, where it need not start.
function limitMs({ assignment, isStart }: Order): number {
  return (isStart ? SETUP_LIMIT_MS : 0) + 3 * assignment.config.healthCheckTimeoutMs + 10_000;
}
