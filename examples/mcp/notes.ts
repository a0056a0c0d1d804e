/** The notes of one session, in the SQLite of its object. */
export interface Note {
  readonly id: number;
  readonly text: string;
}

export class Notes {
  readonly #storage: DurableObjectStorage;
  readonly #waiting = new Set<(note: Note) => void>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  add(text: string): Note {
    // With the first note, so that an object to which nobody has said anything stores nothing.
    this.#storage.sql.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    const { id } = this.#storage.sql.exec<{ id: number }>("INSERT INTO notes (text) VALUES (?) RETURNING id", text).one();
    const note = { id, text };
    for (const take of this.#waiting) take(note);
    return note;
  }

  all(): Note[] {
    if (this.#storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'notes'").toArray().length === 0) return [];
    return this.#storage.sql.exec("SELECT id, text FROM notes ORDER BY id").toArray() as unknown as Note[];
  }

  /** The note that is added next. Rejects when the signal aborts. */
  async next(signal: AbortSignal): Promise<Note> {
    const { promise, resolve, reject } = Promise.withResolvers<Note>();
    const leave = () => reject(signal.reason);
    this.#waiting.add(resolve);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal.removeEventListener("abort", leave);
    }
  }
}
