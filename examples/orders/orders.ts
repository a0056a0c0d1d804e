import * as serve from "edge-serve";
import type { Env } from "./env.ts";
import type { Line, Pricing } from "./pricing.ts";

/** As it is stored. Times are milliseconds since the epoch. */
export interface Order {
  readonly id: string;
  readonly total: number;
  readonly placed_at: number;
  readonly fulfilled_at: number | null;
}

class UnknownOrder extends Error {
  override name = "UnknownOrder";
  /** As a task it would fail the same way the next time. */
  readonly retryable = false;
}

// The cron sends these to the queue again, which takes 100 messages at a time.
const OVERDUE = "SELECT id FROM orders WHERE fulfilled_at IS NULL AND placed_at < ? LIMIT 100";
const OVERDUE_AFTER_MS = 10 * 60_000;

/** Owns the orders in the database. */
export class Orders {
  #db = serve.getReplicaContext<Env>().env.DB;
  #pricing: serve.DeploymentHandle<Pricing>;

  constructor(pricing: serve.DeploymentHandle<Pricing>) {
    this.#pricing = pricing;
  }

  async setup() {
    await this.#db.exec(
      "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, total INTEGER NOT NULL, placed_at INTEGER NOT NULL, fulfilled_at INTEGER)",
    );
  }

  async place(lines: readonly Line[]): Promise<Order> {
    const order = { id: crypto.randomUUID(), total: await this.#pricing.total.remote(lines), placed_at: Date.now(), fulfilled_at: null };
    await this.#db.prepare("INSERT INTO orders VALUES (?, ?, ?, NULL)").bind(order.id, order.total, order.placed_at).run();
    return order;
  }

  async find(id: string): Promise<Order | null> {
    return this.#db.prepare("SELECT * FROM orders WHERE id = ?").bind(id).first<Order>();
  }

  /** Ids of orders that should have been fulfilled by now. */
  async overdue(): Promise<string[]> {
    const { results } = await this.#db
      .prepare(OVERDUE)
      .bind(Date.now() - OVERDUE_AFTER_MS)
      .all<{ id: string }>();
    return results.map((row) => row.id);
  }

  /** A task, so it runs at least once: the second time finds nothing left to do. */
  async fulfil(id: string): Promise<void> {
    if ((await this.find(id)) === null) throw new UnknownOrder(`There is no order ${id}.`);
    const { meta } = await this.#db
      .prepare("UPDATE orders SET fulfilled_at = ? WHERE id = ? AND fulfilled_at IS NULL")
      .bind(Date.now(), id)
      .run();
    if (meta.changes > 0) serve.logger.info("fulfilled", { order: id, task: serve.getRequestContext().task });
  }
}
