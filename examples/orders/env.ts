/** The bindings of wrangler.jsonc. */
export interface Env {
  readonly DB: D1Database;
  /** Ids of orders that have been placed. */
  readonly PLACED: Queue<string>;
}
