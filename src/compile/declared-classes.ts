/**
 * How wrangler's configuration declares the Durable Object classes: the user's own, and the system's.
 *
 * With `exports`, one entry for each class; with migrations, where the user has those. The two exclude each other.
 */
import { isGenerated, type LockedEnvironment } from "./lock-file.ts";
import { joinMigrations, type Migration, type Write } from "./migrations.ts";

/** The part of wrangler's configuration that declares classes. */
export interface Declarations {
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly migrations?: readonly Migration[];
}

/** What to declare. */
export interface DeclareInput {
  /** The user's configuration for the environment. */
  readonly users: Declarations;
  readonly locked: LockedEnvironment;
  /** What becomes of the system's own classes. */
  readonly classes: LockedEnvironment["classes"];
  /** The user's file has the marked region of an earlier edge-serve, which declared the system's classes there. */
  readonly isEarlierForm: boolean;
  readonly file: string;
  readonly write: Write;
}

/** All declarations, and what the lock file is to say; or what is wrong with the user's. */
export function declareClasses(
  input: DeclareInput,
): { readonly declared: Declarations; readonly locked: LockedEnvironment } | { readonly problem: string } {
  const { users, classes, isEarlierForm, file } = input;
  const own = Object.entries(users.exports ?? {}).filter(([name]) => !(isEarlierForm && isGenerated(name)));
  const clash = own.find(([name]) => classes[name]?.state === "built");
  if (clash !== undefined) {
    return {
      problem: `${file}: exports.${clash[0]} is a class that edge-serve generates for a deployment. Rename yours, or the deployment.`,
    };
  }
  if (users.migrations === undefined || users.migrations.length === 0) {
    const system = Object.entries(classes).map(([name, { state }]) => [name, state === "built" ? BUILT : DELETED] as const);
    return { declared: { exports: Object.fromEntries([...own, ...system]) }, locked: { classes } };
  }
  const result = joinMigrations({ ...input, users: users.migrations });
  if ("problem" in result) return result;
  return {
    declared: {
      ...(own.length === 0 ? {} : { exports: Object.fromEntries(own) }),
      migrations: result.joined.map(({ migration }) => migration),
    },
    locked: { classes, migrations: result.joined },
  };
}

const BUILT = { type: "durable-object", storage: "sqlite" };
const DELETED = { type: "durable-object", state: "deleted" };

/** The declarations of the system's classes alone: for a Worker that does not have the user's. */
export function declareSystem(classes: LockedEnvironment["classes"]): Declarations {
  const built = Object.entries(classes).filter(([, { state }]) => state === "built");
  return { exports: Object.fromEntries(built.map(([name]) => [name, BUILT])) };
}

/** The classes that a configuration of the earlier form declared: what was built before there was a lock file. */
export function takenOver(exports: Readonly<Record<string, unknown>> = {}): LockedEnvironment["classes"] {
  const generated = Object.entries(exports).filter(([name]) => isGenerated(name));
  return Object.fromEntries(
    generated.map(([name, entry]) => [name, { state: (entry as { state?: unknown }).state === "deleted" ? "deleted" : "built" }] as const),
  );
}
