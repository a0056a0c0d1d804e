/**
 * The outcomes of tasks that are stored, as rows: written by the database itself, in the same transaction, whatever the object that
 * holds the tasks believes.
 */
const OUTCOMES = `CREATE TRIGGER IF NOT EXISTS chaos_outcomes AFTER INSERT ON payloads WHEN NEW.kind = 'result' AND NEW.piece = 0 BEGIN
  INSERT INTO chaos (kind, id, at_ms, who) VALUES ('outcome', NEW.id, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'a shard of tasks');
END`;

type TasksClass = new (state: DurableObjectState, env: Cloudflare.Env) => { enqueue(request: unknown): Promise<string> };

/** The class of the objects that hold tasks, with a row for each outcome. It belongs inside `witnessed`, whose table it writes to. */
export function withOutcomes<Base extends new (...args: never) => object>(base: Base): Base {
  const WithOutcomes = class extends (base as unknown as TasksClass) {
    readonly #state: DurableObjectState;

    constructor(state: DurableObjectState, env: Cloudflare.Env) {
      super(state, env);
      this.#state = state;
    }

    /** RPC. By its end the tables are there; no task has an outcome before it is enqueued. */
    override enqueue(request: unknown): Promise<string> {
      const stored = super.enqueue(request);
      this.#state.storage.sql.exec(OUTCOMES);
      return stored;
    }
  };
  return WithOutcomes as unknown as Base;
}
