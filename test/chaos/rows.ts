/**
 * What the objects wrote down, read from the files in which workerd keeps them. Of a system that has ended.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Happened } from "./app/steps.ts";

/** A row, and the file that it was in: each object has one of its own, and keeps it when it is replaced. */
export interface Row extends Happened {
  readonly file: string;
}

/** The rows of every object that ever existed, in the order of time. */
export function rowsIn(storage: string): Row[] {
  const files = readdirSync(storage, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sqlite"));
  return files.flatMap((file) => rowsOf(join(storage, file), file)).toSorted((a, b) => a.atMs - b.atMs);
}

function rowsOf(path: string, file: string): Row[] {
  // Not read-only: what was written last is in the journal beside it.
  const database = new DatabaseSync(path);
  try {
    const known = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'chaos'").get();
    if (known === undefined) return [];
    const rows = database.prepare("SELECT kind, id, at_ms, who FROM chaos ORDER BY n").all();
    return rows.map(({ kind, id, at_ms: atMs, who }) => ({ kind, id, atMs: Number(atMs), who, file }) as Row);
  } finally {
    database.close();
  }
}
