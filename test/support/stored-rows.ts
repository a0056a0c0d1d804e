/** A controller's rows in a SQLite of their own, in memory: the statements that its object executes. */
import { DatabaseSync } from "node:sqlite";
import { deserialize, serialize } from "node:v8";
import { ControllerRows, type RowStorage } from "../../durable-objects/controller-rows.ts";
import { type Changes, rowsOf, type StoredApplication } from "../../src/controller/stored-state.ts";

/** The part of a Durable Object's storage that rows are kept in, on a database of Node's. */
export function storageOn(database: DatabaseSync, values: Map<string, Uint8Array> = new Map()): RowStorage {
  const statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  return {
    sql: {
      exec(query, ...bindings) {
        let statement = statements.get(query);
        if (statement === undefined) statements.set(query, (statement = database.prepare(query)));
        return query.startsWith("SELECT") ? statement.all(...bindings) : (statement.run(...bindings), []);
      },
    },
    kv: {
      get: <T>(key: string) => (values.has(key) ? (deserialize(values.get(key)!) as T) : undefined),
      delete: (key) => values.delete(key),
    },
    transactionSync(act) {
      database.exec("BEGIN");
      const before = new Map(values);
      try {
        const result = act();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        database.exec("ROLLBACK");
        for (const [key, value] of before) values.set(key, value);
        throw error;
      }
    },
  };
}

export class StoredRows {
  readonly #database = new DatabaseSync(":memory:");
  readonly #values = new Map<string, Uint8Array>();
  readonly storage = storageOn(this.#database, this.#values);
  readonly #rows = new ControllerRows(this.storage);
  /** What was written, each time. */
  readonly written: Changes[] = [];
  saves = 0;

  load(): StoredApplication | undefined {
    return this.#rows.load();
  }

  save(changes: Changes): void {
    this.saves++;
    this.written.push(changes);
    this.#rows.save(changes);
  }

  /** Takes something else for what is stored. */
  replace(application: StoredApplication | undefined): void {
    this.load();
    for (const table of ["application", "deployments", "replicas"]) this.#database.exec(`DELETE FROM ${table}`);
    if (application !== undefined) this.#rows.save(rowsOf(application));
  }

  /** Stores as version 0.1 did: all of it as one value. */
  storeAsBefore(application: unknown): void {
    this.#values.set("application", serialize(application));
  }

  /** How many rows there are of replicas. */
  get replicaRows(): number {
    return this.#database.prepare("SELECT name FROM replicas").all().length;
  }
}
