/**
 * Legacy `[[migrations]]` of the user's, joined with the system's own.
 *
 * The platform keeps the tag of the last migration that it applied, finds it in the list that a deploy brings, and applies
 * those after it. So the list may only grow at its end, whoever adds to it: the lock file holds the order.
 *
 * Owns: the joined list, and what cannot be joined.
 *
 * Invariants:
 *   M1. A list that was built is the beginning of every later one.
 *   M2. The user's migrations keep their order, and are passed on as they are written.
 */
import { show } from "../protocol/wording.ts";
import type { LockedEnvironment, LockedMigration } from "./lock-file.ts";

/** A migration as wrangler's configuration has it. */
export interface Migration {
  readonly tag: string;
  readonly new_classes?: readonly string[];
  readonly new_sqlite_classes?: readonly string[];
  readonly renamed_classes?: readonly { readonly from: string; readonly to: string }[];
  readonly deleted_classes?: readonly string[];
  readonly transferred_classes?: readonly { readonly from: string; readonly from_script: string; readonly to: string }[];
}

/** A piece of the user's configuration, in the language of their file. */
export type Write = (value: Readonly<Record<string, unknown>>) => string;

/** What to join. */
export interface JoinInput {
  readonly users: readonly Migration[];
  readonly locked: LockedEnvironment;
  /** What becomes of the system's own classes. */
  readonly classes: LockedEnvironment["classes"];
  /** The user's file, for errors. */
  readonly file: string;
  readonly write: Write;
}

/** The joined list; or what is wrong, with what to write instead. */
export function joinMigrations(input: JoinInput): { readonly joined: readonly LockedMigration[] } | { readonly problem: string } {
  const { users, locked, classes } = input;
  const problem = problemOf(input);
  if (problem !== undefined) return { problem };
  const before = locked.migrations ?? [];
  const known = before.filter(({ by }) => by === "user").length;
  const joined = [...before, ...users.slice(known).map((migration): LockedMigration => ({ by: "user", migration }))];
  const live = liveClasses(joined.filter(({ by }) => by === "edge-serve").map(({ migration }) => migration));
  const added = Object.entries(classes).filter(([name, { state }]) => state === "built" && !live.has(name));
  const deleted = Object.entries(classes).filter(([name, { state }]) => state === "deleted" && live.has(name));
  if (added.length === 0 && deleted.length === 0) return { joined };
  const own: Migration = {
    tag: freeTag(joined),
    ...(added.length === 0 ? {} : { new_sqlite_classes: added.map(([name]) => name) }),
    ...(deleted.length === 0 ? {} : { deleted_classes: deleted.map(([name]) => name) }),
  };
  return { joined: [...joined, { by: "edge-serve", migration: own }] };
}

function problemOf({ users, locked, classes, file, write }: JoinInput): string | undefined {
  const before = locked.migrations?.filter(({ by }) => by === "user").map(({ migration }) => migration);
  if (before === undefined && Object.keys(locked.classes).length > 0) return exportsInstead(users, file, write);
  const own = new Set(locked.migrations?.filter(({ by }) => by === "edge-serve").map(({ migration: { tag } }) => tag));
  const taken = users.find(({ tag }) => own.has(tag));
  if (taken !== undefined) return `${file}: the migration tag ${show(taken.tag)} is one of edge-serve's own. Give yours another one.`;
  const changed = (before ?? []).findIndex((migration, index) => !isSame(migration, users[index]));
  if (changed >= 0) return changedMigration(before!, changed, { users, file, write });
  const clash = [...liveClasses(users).keys()].find((name) => classes[name]?.state === "built");
  if (clash === undefined) return undefined;
  return `${file}: the migrations declare the class ${clash}, and so does edge-serve, for a deployment. Rename the class, or the deployment.`;
}

function changedMigration(
  before: readonly Migration[],
  index: number,
  { users, file, write }: Pick<JoinInput, "users" | "file" | "write">,
): string {
  const { tag } = before[index]!;
  const what = users.some((migration) => migration.tag === tag) ? "has changed, or stands elsewhere" : "is gone";
  const rest = users.filter((migration) => !before.some((known) => known.tag === migration.tag));
  return (
    `${file}: migration ${show(tag)}, which has been built, ${what}. The platform applies a migration once, and finds its place in ` +
    `the list by its tag, so the list may only grow at its end. Write:\n\n${write({ migrations: [...before, ...rest] })}\n\n` +
    `If ${show(tag)} was never deployed, take it out of edge-serve.lock.json instead.`
  );
}

// What was deployed with `exports` cannot go back to migrations: the platform refuses it.
function exportsInstead(users: readonly Migration[], file: string, write: Write): string {
  return (
    `${file}: migrations cannot be joined with the classes of this system, which have been built with exports: ` +
    `the platform takes no migrations after them. Write in place of all migrations:\n\n${write({ exports: exportsOf(users) })}`
  );
}

/** What migrations come to, as `exports`: each class with the storage that it has. */
export function exportsOf(migrations: readonly Migration[]): Record<string, unknown> {
  const live = [...liveClasses(migrations)].map(([name, storage]) => [name, { type: "durable-object", storage }] as const);
  return Object.fromEntries(live);
}

/** The classes that there are after the migrations, and their storage. */
export function liveClasses(migrations: readonly Migration[]): Map<string, "sqlite" | "legacy-kv"> {
  const live = new Map<string, "sqlite" | "legacy-kv">();
  for (const { new_classes, new_sqlite_classes, renamed_classes, deleted_classes, transferred_classes } of migrations) {
    for (const { from, to } of renamed_classes ?? []) {
      live.set(to, live.get(from) ?? "legacy-kv");
      live.delete(from);
    }
    for (const name of deleted_classes ?? []) live.delete(name);
    for (const { to } of transferred_classes ?? []) live.set(to, "sqlite");
    for (const name of new_classes ?? []) live.set(name, "legacy-kv");
    for (const name of new_sqlite_classes ?? []) live.set(name, "sqlite");
  }
  return live;
}

function freeTag(migrations: readonly LockedMigration[]): string {
  const tags = new Set(migrations.map(({ migration: { tag } }) => tag));
  let number = migrations.filter(({ by }) => by === "edge-serve").length + 1;
  while (tags.has(`edge-serve-${number}`)) number++;
  return `edge-serve-${number}`;
}

function isSame(one: Migration, other: Migration | undefined): boolean {
  return other !== undefined && canonical(one) === canonical(other);
}

// Keys in one order, whatever the file has.
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
