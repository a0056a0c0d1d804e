/**
 * The Durable Object classes of a system on disk: the lock file, and what wrangler's configuration declares.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { usesSchedules } from "../../compile/cron-triggers.ts";
import { hasOpen } from "../../compile/entry-module.ts";
import { type Declarations, declareClasses, takenOver } from "../../compile/declared-classes.ts";
import {
  type ClassChanges,
  changeClasses,
  type DataOptions,
  formatLock,
  LOCK_FILE,
  lockedFor,
  parseLock,
  withEnvironment,
} from "../../compile/lock-file.ts";
import { ENTRYPOINT } from "../../protocol/names.ts";
import { Failure } from "../failure.ts";
import type { Compiled } from "./compile-target.ts";
import type { Project } from "./project.ts";
import type { UserConfig } from "./user-config.ts";
import { type GeneratedNames, requireExports } from "./user-main.ts";

/** What becomes of the classes, and what is to be written. */
export interface ClassPlan {
  readonly changes: ClassChanges;
  readonly declared: Declarations;
  /** This build has schedules, or an earlier one for the environment had some. */
  readonly hadSchedules: boolean;
  /** The text of the lock file; `before` is `undefined` if there is none. */
  readonly lock: { readonly before: string | undefined; readonly after: string };
}

/**
 * Works out the classes of what was compiled. Writes nothing.
 *
 * Rejects with a `Failure` for what the user's configuration declares, or their main exports, and cannot be joined with the system's.
 */
export async function planClasses(
  { builtClasses, manifest, userMain }: Pick<Compiled, "builtClasses" | "manifest" | "userMain">,
  { root }: Project,
  config: UserConfig,
  data: DataOptions,
): Promise<ClassPlan> {
  const file = join(root, LOCK_FILE);
  const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  const lock = orFail(parseLock(before));
  const { env, users, label, write } = config;
  const isEarlierForm = config.earlierForm !== undefined;
  const known = lockedFor(lock, env);
  const locked = {
    ...known,
    classes: { ...(isEarlierForm ? takenOver(users["exports"] as Declarations["exports"]) : {}), ...known.classes },
  };
  const changes = orFail(changeClasses(locked, builtClasses, data));
  const { declared, locked: after } = orFail(
    declareClasses({ users: users as Declarations, locked, classes: changes.classes, isEarlierForm, file: label, write }),
  );
  if (userMain !== undefined) await requireExports(userMain, namesOf(builtClasses, changes, manifest), root, config);
  const hadSchedules = known.hadSchedules === true || usesSchedules(manifest);
  const built = hadSchedules ? { ...after, hadSchedules } : after;
  return { changes, declared, hadSchedules, lock: { before, after: formatLock(withEnvironment(lock, env, built)) } };
}

function namesOf(built: Compiled["builtClasses"], { retired }: ClassChanges, manifest: Compiled["manifest"]): GeneratedNames {
  const classes = [...built.map(({ name }) => name), ...retired];
  const all = [...classes, ENTRYPOINT];
  return { needed: hasOpen(manifest) ? all : classes, all };
}

function orFail<T extends object>(result: T | { readonly problem: string }): T {
  if ("problem" in result) throw new Failure(result.problem);
  return result;
}
