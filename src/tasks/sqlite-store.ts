/**
 * The tasks of a shard in its object's SQLite.
 *
 * Owns: tables and indexes. A row a task, as JSON beside the columns that it is looked for by; arguments and result in rows of
 * their own, in pieces, because the platform takes no row of more than 2 MB.
 *
 * Invariants:
 *   Q1. No question is answered by reading rows that are not part of the answer: 100,000 waiting tasks cost nothing.
 *   Q2. Counts are kept by triggers, so they are right whatever changes rows.
 */
import type { TaskCount, TaskState } from "../protocol/tasks.ts";
import { isBusy, type ListQuery, type PayloadKind, type TaskStore } from "./store.ts";
import { compareTexts, readyAt, type TaskRow } from "./task.ts";

/** The part of an object's storage that is needed: `state.storage`. */
export interface SqlDatabase {
  readonly sql: { exec(query: string, ...bindings: (string | number | null)[]): { toArray(): unknown[] } };
  transactionSync(act: () => void): void;
}

/** How long a piece of a payload is, in UTF-16 code units: none has more than three bytes. */
const PIECE = 500_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, deployment TEXT NOT NULL, state TEXT NOT NULL,
    identity TEXT, ready INTEGER, busy INTEGER, expires INTEGER, body TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS tasks_by_identity ON tasks (identity) WHERE identity IS NOT NULL;
  CREATE INDEX IF NOT EXISTS tasks_ready ON tasks (deployment, ready, id) WHERE ready IS NOT NULL;
  CREATE INDEX IF NOT EXISTS tasks_busy ON tasks (busy) WHERE busy IS NOT NULL;
  CREATE INDEX IF NOT EXISTS tasks_by_expiry ON tasks (expires, id) WHERE expires IS NOT NULL;
  CREATE INDEX IF NOT EXISTS tasks_by_state ON tasks (deployment, state, id);
  CREATE TABLE IF NOT EXISTS payloads (
    id TEXT NOT NULL, kind TEXT NOT NULL, piece INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (id, kind, piece)
  );
  CREATE TABLE IF NOT EXISTS counts (
    deployment TEXT NOT NULL, state TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (deployment, state)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS tasks_counted AFTER INSERT ON tasks BEGIN
    INSERT INTO counts VALUES (NEW.deployment, NEW.state, 1) ON CONFLICT (deployment, state) DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS tasks_moved AFTER UPDATE OF state ON tasks WHEN OLD.state <> NEW.state BEGIN
    UPDATE counts SET count = count - 1 WHERE deployment = OLD.deployment AND state = OLD.state;
    INSERT INTO counts VALUES (NEW.deployment, NEW.state, 1) ON CONFLICT (deployment, state) DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS tasks_gone AFTER DELETE ON tasks BEGIN
    UPDATE counts SET count = count - 1 WHERE deployment = OLD.deployment AND state = OLD.state;
  END;
`;

/** Tasks in SQLite. */
export class SqliteTaskStore implements TaskStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
    database.sql.exec(SCHEMA);
  }

  transaction(act: () => void): void {
    this.#database.transactionSync(() => {
      act();
    });
  }

  get(id: string): TaskRow | undefined {
    return this.#rows("SELECT body FROM tasks WHERE id = ?", id)[0];
  }

  byIdentity(identity: string): TaskRow | undefined {
    return this.#rows("SELECT body FROM tasks WHERE identity = ?", identity)[0];
  }

  put(row: TaskRow): void {
    this.#run(
      `INSERT INTO tasks (id, deployment, state, identity, ready, busy, expires, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, ready = excluded.ready, busy = excluded.busy,
         expires = excluded.expires, body = excluded.body`,
      row.id,
      row.deployment,
      row.state,
      row.identity ?? null,
      readyAt(row) ?? null,
      isBusy(row) ? 1 : null,
      row.expiresAt ?? null,
      JSON.stringify(row),
    );
  }

  insert(row: TaskRow, argumentsText: string): void {
    this.put(row);
    this.#insertPieces(row.id, "arguments", argumentsText);
  }

  delete(id: string): void {
    this.#run("DELETE FROM tasks WHERE id = ?", id);
    this.#run("DELETE FROM payloads WHERE id = ?", id);
  }

  payload(id: string, kind: PayloadKind): string | undefined {
    const pieces = this.#run<{ text: string }>("SELECT text FROM payloads WHERE id = ? AND kind = ? ORDER BY piece", id, kind);
    return pieces.length === 0 ? undefined : pieces.map(({ text }) => text).join("");
  }

  setPayload(id: string, kind: PayloadKind, text: string | null): void {
    this.#run("DELETE FROM payloads WHERE id = ? AND kind = ?", id, kind);
    if (text !== null) this.#insertPieces(id, kind, text);
  }

  #insertPieces(id: string, kind: PayloadKind, text: string): void {
    let piece = 0;
    let at = 0;
    do {
      let end = Math.min(at + PIECE, text.length);
      // Half a character would not be stored as it is.
      if (end < text.length && isFirstHalf(text.charCodeAt(end - 1))) end--;
      this.#run("INSERT INTO payloads VALUES (?, ?, ?, ?)", id, kind, piece++, text.slice(at, end));
      at = end;
    } while (at < text.length);
  }

  deployments(state: TaskState): readonly string[] {
    return this.counts().flatMap((count) => (count.state === state ? count.deployment : []));
  }

  ready(deployment: string, limit: number, except: readonly string[]): readonly TaskRow[] {
    const others = except.length === 0 ? "" : `AND id NOT IN (${except.map(() => "?").join(", ")})`;
    return this.#rows(
      `SELECT body FROM tasks WHERE deployment = ? AND ready IS NOT NULL ${others} ORDER BY ready, id LIMIT ?`,
      deployment,
      ...except,
      limit,
    );
  }

  busy(): readonly TaskRow[] {
    return this.#rows("SELECT body FROM tasks WHERE busy = 1");
  }

  nextExpiry(): number | undefined {
    const [first] = this.#run<{ expires: number }>("SELECT expires FROM tasks WHERE expires IS NOT NULL ORDER BY expires LIMIT 1");
    return first?.expires;
  }

  expired(nowMs: number, limit: number): readonly string[] {
    const query = "SELECT id FROM tasks WHERE expires IS NOT NULL AND expires <= ? ORDER BY expires, id LIMIT ?";
    return this.#run<{ id: string }>(query, nowMs, limit).map(({ id }) => id);
  }

  list({ deployment, state, limit, before, nowMs }: ListQuery): readonly TaskRow[] {
    const rest = `AND (expires IS NULL OR expires > ?) ${before === undefined ? "" : "AND id < ?"} ORDER BY id DESC LIMIT ?`;
    const bindings = before === undefined ? [nowMs, limit] : [nowMs, before, limit];
    if (deployment === undefined && state === undefined) return this.#rows(`SELECT body FROM tasks WHERE TRUE ${rest}`, ...bindings);
    // The newest of each kind are found by index, and the newest of all are among them.
    return this.counts()
      .filter((count) => (deployment ?? count.deployment) === count.deployment && (state ?? count.state) === count.state)
      .flatMap((count) =>
        this.#rows(`SELECT body FROM tasks WHERE deployment = ? AND state = ? ${rest}`, count.deployment, count.state, ...bindings),
      )
      .toSorted((a, b) => compareTexts(b.id, a.id))
      .slice(0, limit);
  }

  counts(): readonly TaskCount[] {
    return this.#run<TaskCount>("SELECT deployment, state, count FROM counts WHERE count > 0 ORDER BY deployment, state");
  }

  mark(name: string): number | undefined {
    const [mark] = this.#run<{ value: number }>("SELECT value FROM marks WHERE name = ?", name);
    return mark?.value;
  }

  setMark(name: string, value: number | undefined): void {
    if (value === undefined) this.#run("DELETE FROM marks WHERE name = ?", name);
    else this.#run("INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value);
  }

  add(name: string, amount: number): void {
    this.#run("INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value", name, amount);
  }

  marks(prefix: string): ReadonlyMap<string, number> {
    const query = "SELECT name, value FROM marks WHERE name >= ? AND name < ? ORDER BY name";
    const found = this.#run<{ name: string; value: number }>(query, prefix, `${prefix}\u{10ffff}`);
    return new Map(found.map(({ name, value }) => [name, value]));
  }

  #rows(query: string, ...bindings: (string | number | null)[]): TaskRow[] {
    return this.#run<{ body: string }>(query, ...bindings).map(({ body }) => JSON.parse(body) as TaskRow);
  }

  // `T` is what the query selects.
  #run<T>(query: string, ...bindings: (string | number | null)[]): T[] {
    return this.#database.sql.exec(query, ...bindings).toArray() as T[];
  }
}

function isFirstHalf(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}
