/**
 * `edge-serve.lock.json`: the Durable Object classes that have been built, for each environment.
 *
 * A class that was deployed has objects with data, and the platform refuses a deploy that no longer mentions it. So what was
 * built is remembered in a file that the user commits, and nothing leaves it by itself.
 *
 * Owns: the file's text, and which classes a build adds, keeps and deletes.
 *
 * Invariants:
 *   L1. A class that was built stays, and so does one that was deleted: as a tombstone, which is harmless.
 *   L2. The same input gives the same text, and classes keep their order: two branches that add classes merge line by line.
 */
import { CONFIG_CLASS, CONTROLLER_CLASS, classNameOf, parseClassName } from "../protocol/names.ts";
import type { Migration } from "./migrations.ts";

/** What is known of a class. */
export interface LockedClass {
  readonly state: "built" | "deleted";
  /** Its objects are found by key, and hold the user's data. */
  readonly keyed?: boolean;
  /** Of a keyed one: in another jurisdiction the same keys are other objects. */
  readonly jurisdiction?: string;
}

/** What has been built for one environment. */
export interface LockedEnvironment {
  readonly classes: Readonly<Record<string, LockedClass>>;
  /** The migrations, the user's and the system's own, in the order in which they are applied. */
  readonly migrations?: readonly LockedMigration[];
  /**
   * Some build has had schedules, and with them a cron trigger. Not told by the classes: those of schedules are built with tasks too.
   */
  readonly hadSchedules?: boolean;
}

/** A migration, and whose it is. */
export interface LockedMigration {
  readonly by: "user" | "edge-serve";
  readonly migration: Migration;
}

/** The file. */
export interface Lock {
  readonly environments: Readonly<Record<string, LockedEnvironment>>;
}

/** The file's name, beside the user's configuration. */
export const LOCK_FILE = "edge-serve.lock.json";
/** What stands for the environment where none is chosen. A name that no environment has. */
export const TOP_LEVEL = "(top level)";

const LOCK_VERSION = 1;
const NOTHING: LockedEnvironment = { classes: {} };

/** What is wrong with the file, or what it says. Without a file, nothing has been built. */
export function parseLock(text: string | undefined): Lock | { readonly problem: string } {
  if (text === undefined) return { environments: {} };
  const fix = "Restore it from version control: without it, classes that are deployed would be forgotten.";
  try {
    const { version, environments } = JSON.parse(text) as { version?: unknown; environments?: unknown };
    if (version !== LOCK_VERSION)
      return { problem: `${LOCK_FILE} has version ${JSON.stringify(version)}; this edge-serve reads version ${LOCK_VERSION}.` };
    if (isLock(environments)) return { environments };
    return { problem: `${LOCK_FILE} does not say which classes have been built. ${fix}` };
  } catch (error) {
    return { problem: `${LOCK_FILE} is not JSON: ${(error as Error).message}. ${fix}` };
  }
}

function isLock(environments: unknown): environments is Lock["environments"] {
  if (typeof environments !== "object" || environments === null) return false;
  return Object.values(environments as Record<string, Partial<LockedEnvironment> | null>).every(
    (entry) =>
      typeof entry?.classes === "object" &&
      entry.classes !== null &&
      Object.values(entry.classes).every((known) => known?.state === "built" || known?.state === "deleted"),
  );
}

/** The text of the file. */
export function formatLock({ environments }: Lock): string {
  return `${JSON.stringify({ version: LOCK_VERSION, environments }, null, 2)}\n`;
}

/** What has been built for an environment. */
export function lockedFor(lock: Lock, env: string | undefined): LockedEnvironment {
  return Object.hasOwn(lock.environments, env ?? TOP_LEVEL) ? lock.environments[env ?? TOP_LEVEL]! : NOTHING;
}

/** The file with one environment as it is now. */
export function withEnvironment(lock: Lock, env: string | undefined, built: LockedEnvironment): Lock {
  return { environments: { ...lock.environments, [env ?? TOP_LEVEL]: built } };
}

/** A class of the system, and whether its objects are found by key. */
export interface BuiltClass extends Omit<LockedClass, "state"> {
  readonly name: string;
}

/** What a build may do to data. */
export interface DataOptions {
  readonly prune: Prune;
  /** Lets a keyed deployment move to another jurisdiction, where no key has anything stored. */
  readonly acceptEmpty?: boolean;
}

/** Which classes to delete: all that are gone but keyed ones, or one by `app/Name`. */
export type Prune = boolean | string;

/** What becomes of the classes. */
export interface ClassChanges {
  readonly classes: LockedEnvironment["classes"];
  /** Built for the first time, where others had been built before. */
  readonly added: readonly string[];
  /** Gone from the applications, and kept. */
  readonly retired: readonly string[];
  /** Gone, and deleted by this build. */
  readonly pruned: readonly string[];
}

/** What becomes of the classes when `current` are built; or what is wrong with what is to be pruned. */
export function changeClasses(
  { classes: known }: LockedEnvironment,
  current: readonly BuiltClass[],
  { prune, acceptEmpty = false }: DataOptions,
): ClassChanges | { readonly problem: string } {
  const moved = acceptEmpty ? undefined : current.find((built) => isMoved(known[built.name], built));
  if (moved !== undefined) return { problem: movedProblem(moved, known[moved.name]!) };
  const gone = Object.entries(known).filter(([name, { state }]) => state === "built" && !current.some((built) => built.name === name));
  const doomed = prunedOf(gone, current, prune);
  if ("problem" in doomed) return doomed;
  const isPruned = (name: string) => doomed.names.includes(name);
  const classes: Record<string, LockedClass> = {};
  for (const [name, entry] of Object.entries(known)) classes[name] = isPruned(name) ? { ...entry, state: "deleted" } : entry;
  for (const built of current) classes[built.name] = lockedClass(built);
  const isFirst = Object.keys(known).length === 0;
  return {
    classes,
    added: isFirst ? [] : current.map(({ name }) => name).filter((name) => !Object.hasOwn(known, name) || known[name]!.state === "deleted"),
    retired: gone.map(([name]) => name).filter((name) => !isPruned(name)),
    pruned: doomed.names,
  };
}

function lockedClass({ keyed, jurisdiction }: BuiltClass): LockedClass {
  if (keyed !== true) return { state: "built" };
  return { state: "built", keyed, ...(jurisdiction === undefined ? {} : { jurisdiction }) };
}

function isMoved(known: LockedClass | undefined, built: BuiltClass): boolean {
  return known?.state === "built" && known.keyed === true && built.keyed === true && known.jurisdiction !== built.jurisdiction;
}

function movedProblem({ name, jurisdiction }: BuiltClass, known: LockedClass): string {
  const [is, was] = [jurisdiction, known.jurisdiction].map((one) => (one === undefined ? "none" : JSON.stringify(one)));
  return (
    `Deployment ${deploymentOf(name)} is keyed, and its jurisdiction changes from ${was} to ${is}: there every key is another object, with ` +
    "nothing stored. Leave placement.jurisdiction as it was, or pass --accept-empty."
  );
}

type Entries = readonly (readonly [string, LockedClass])[];

function prunedOf(gone: Entries, current: readonly BuiltClass[], prune: Prune): { names: string[] } | { problem: string } {
  if (prune === false) return { names: [] };
  if (prune === true) return { names: gone.filter(([, { keyed }]) => keyed !== true).map(([name]) => name) };
  const [app = "", deployment = ""] = prune.split("/");
  const wanted = classNameOf(app, deployment);
  if (gone.some(([name]) => name === wanted)) return { names: [wanted] };
  if (current.some(({ name }) => name === wanted))
    return { problem: `--prune ${prune}: the deployment is still there. Remove it from the application first.` };
  const others = gone.map(([name]) => deploymentOf(name));
  const known = others.length === 0 ? "No deployment is gone." : `Those that are gone: ${others.join(", ")}.`;
  return { problem: `--prune ${prune}: no such deployment has been built, or it is deleted already. ${known}` };
}

/** `app/Name` of a deployment's class; of any other class its own name. */
export function deploymentOf(className: string): string {
  const parsed = parseClassName(className);
  return parsed === undefined ? className : `${parsed.app}/${parsed.deployment}`;
}

/** Whether a class is one that edge-serve generates. */
export function isGenerated(className: string): boolean {
  return className === CONTROLLER_CLASS || className === CONFIG_CLASS || parseClassName(className) !== undefined;
}
