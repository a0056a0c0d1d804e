/**
 * Gives orders to replicas: a few at a time, and to each replica one after the other.
 *
 * Owns: which orders are on their way, when the next ones are given. Does not own: which are due (`orders.ts`), what follows from their
 * outcomes (`transition.ts`).
 */
import type { OrderOutcome } from "../protocol/control.ts";
import type { Order, OrderLimits } from "./orders.ts";
import { OrdersUnderway } from "./orders-underway.ts";
import type { ControllerEvent } from "./transition.ts";

/** What orders are given with. */
export interface OrderGiverPorts {
  /** Takes orders that are due. That they are given is stored before it returns. */
  take(limits: OrderLimits): readonly Order[];
  /** Tells a replica. Rejects if it was not reached. */
  give(order: Order): Promise<OrderOutcome>;
  /** Is told what has come of an order, unless it was given up before. */
  happened(event: ControllerEvent): void;
  /** Is told that no more are given until {@link OrderGiver.give} is called again. */
  paused(): void;
  /** Lets a promise finish although nobody waits for it. */
  keepAlive(promise: Promise<unknown>): void;
  failed(error: unknown): void;
  sleep(ms: number): Promise<void>;
  now(): number;
}

/**
 * How many orders are given at once, and how far apart: 200 a second. Where many replicas share a thread, as on one machine, whatever
 * else is asked of it is answered in between.
 */
const ORDERS_AT_ONCE = 2;
const ORDERS_APART_MS = 10;

/** How many orders follow from one alarm: the platform limits what one event may call. */
const ORDERS_FROM_ALARM = 500;

export class OrderGiver {
  readonly #ports: OrderGiverPorts;
  readonly #underway = new OrdersUnderway();
  #isGiving = false;

  constructor(ports: OrderGiverPorts) {
    this.#ports = ports;
  }

  /** Whether orders that are due are still being given. */
  get isGiving(): boolean {
    return this.#isGiving;
  }

  /** Gives the orders that are due: some of them now, the others after it has returned. */
  give(): void {
    this.#underway.giveUp(this.#ports.now());
    if (!this.#isGiving && this.#giveSome()) this.#ports.keepAlive(this.#giveOthers());
  }

  /** Whether there may be more. */
  #giveSome(): boolean {
    const orders = this.#ports.take({ most: ORDERS_AT_ONCE, underway: this.#underway });
    for (const order of orders) this.#ports.keepAlive(this.#giveOne(order));
    return orders.length === ORDERS_AT_ONCE;
  }

  async #giveOthers(): Promise<void> {
    this.#isGiving = true;
    try {
      let count = ORDERS_AT_ONCE;
      do {
        await this.#ports.sleep(ORDERS_APART_MS);
        count += ORDERS_AT_ONCE;
      } while (this.#giveSome() && count < ORDERS_FROM_ALARM);
    } catch (error) {
      this.#ports.failed(error);
    } finally {
      this.#isGiving = false;
    }
    this.#ports.paused();
  }

  async #giveOne(order: Order): Promise<void> {
    const { deployment, replica, assignment } = order;
    const underway = this.#underway.begin(order, this.#ports.now());
    const about = { deployment, replica: replica.name };
    let event: ControllerEvent;
    try {
      event = { kind: "outcome", ...about, epoch: assignment.set.epoch, outcome: await this.#ports.give(order) };
    } catch (error) {
      event = { kind: "unreached", ...about, reason: error instanceof Error ? error.message : String(error) };
    }
    // One that was given up may have been given again.
    if (this.#underway.end(underway)) this.#ports.happened(event);
  }
}
