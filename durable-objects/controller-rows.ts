/**
 * The rows that a controller's object keeps in its SQLite: one for the application, one for each deployment, one for each replica.
 *
 * Owns: the tables, and taking over what version 0.1 stored as one value. Does not own: what is in a row (`stored-state.ts`).
 */
import {
  type ApplicationRow,
  type Changes,
  type DeploymentRow,
  type ReplicaRow,
  rowsOf,
  storedFrom,
  type StoredApplication,
} from "../src/controller/stored-state.ts";

/** The part of an object's storage that rows are kept in. */
export interface RowStorage {
  readonly sql: { exec(query: string, ...bindings: (string | number)[]): Iterable<Record<string, unknown>> };
  readonly kv: { get<T>(key: string): T | undefined; delete(key: string): unknown };
  /** All that is written meanwhile is kept, or nothing if it throws. */
  transactionSync<T>(act: () => T): T;
}

/** Where version 0.1 kept all of it. */
const BEFORE = "application";

// Without a row id a row is written once, and not once more for its index.
const TABLES = [
  "CREATE TABLE IF NOT EXISTS application (id INTEGER PRIMARY KEY, state TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS deployments (name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS replicas (name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID",
];

export class ControllerRows {
  readonly #storage: RowStorage;

  constructor(storage: RowStorage) {
    this.#storage = storage;
  }

  /** Reads all of it; `undefined` where nothing has been stored. */
  load(): StoredApplication | undefined {
    const { sql, kv } = this.#storage;
    for (const table of TABLES) sql.exec(table);
    const before = kv.get<StoredApplication>(BEFORE);
    if (before !== undefined) {
      this.#storage.transactionSync(() => {
        this.#write(rowsOf(before));
        kv.delete(BEFORE);
      });
    }
    const [application] = this.#read<ApplicationRow>("application");
    return storedFrom(application, this.#read<DeploymentRow>("deployments"), this.#read<ReplicaRow>("replicas"));
  }

  /** Writes what has changed, all of it or nothing. */
  save(changes: Changes): void {
    const { application, deployments, replicas, gone } = changes;
    const isOneRow = application === undefined && deployments.length + replicas.length + gone.length === 1;
    if (isOneRow) this.#write(changes);
    else this.#storage.transactionSync(() => this.#write(changes));
  }

  #write({ application, deployments, replicas, gone }: Changes): void {
    const { sql } = this.#storage;
    if (application !== undefined) sql.exec("INSERT OR REPLACE INTO application VALUES (0, ?)", JSON.stringify(application));
    for (const row of deployments) sql.exec("INSERT OR REPLACE INTO deployments VALUES (?, ?)", row.name, JSON.stringify(row));
    for (const row of replicas) sql.exec("INSERT OR REPLACE INTO replicas VALUES (?, ?)", row.ref.name, JSON.stringify(row));
    for (const name of gone) sql.exec("DELETE FROM replicas WHERE name = ?", name);
  }

  #read<T>(table: "application" | "deployments" | "replicas"): T[] {
    return Array.from(this.#storage.sql.exec(`SELECT state FROM ${table}`), ({ state }) => JSON.parse(state as string) as T);
  }
}
