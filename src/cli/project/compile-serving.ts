/**
 * Compiles a target into something that can be run at once, without touching the user's files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { declareSystem } from "../../compile/declared-classes.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { compileTarget } from "./compile-target.ts";
import { ownAliases } from "./own-package.ts";
import { planClasses } from "./plan-classes.ts";
import { findProject, startOf } from "./project.ts";
import type { Target } from "./target.ts";
import { readUserConfig, type WranglerConfig } from "./user-config.ts";
import { ENTRY, type UserMain } from "./user-main.ts";
import { runUsersCommand } from "./users-command.ts";
import { servingConfig } from "./worker-config.ts";
import { besideWarnings } from "./write-build.ts";

/** A compiled system and the configuration to run it with. */
export interface Serving {
  readonly root: string;
  readonly manifest: Manifest;
  readonly config: WranglerConfig;
  /** What its author should know, in full sentences. */
  readonly warnings: readonly string[];
  /** The files that it depends on, absolute. */
  readonly inputs: readonly string[];
  /** The user's own entry module, where there is one. The manifest's version does not always tell whether its code has changed. */
  readonly userMain: UserMain | undefined;
}

/** Where to compile, and for whom. */
export interface ServingOptions {
  readonly cwd: string;
  /** The environment of wrangler's configuration; `undefined` for none. */
  readonly env: string | undefined;
  /** The directory inside `.edge-serve/` that the entry is written to. */
  readonly directory: string;
  readonly forTests?: boolean;
  /** Hears what the user's own build command prints. */
  readonly say?: (text: string) => void;
}

/** Compiles, and writes the entry module to a directory of its own in `.edge-serve/`. */
export async function compileServing(
  target: Target,
  { cwd, env, directory, forTests = false, say = () => {} }: ServingOptions,
): Promise<Serving> {
  const project = findProject(target, cwd);
  const user = await readUserConfig(project, env);
  const scratch = join(project.root, ".edge-serve", directory);
  await runUsersCommand(user.users, { cwd: startOf(project, cwd), say });
  const compiled = await compileTarget(target, project, user, scratch);
  const { changes, declared } = await planClasses(compiled, project, user, { prune: false });
  const { userMain } = compiled;
  const main = join(scratch, "worker.ts");
  mkdirSync(scratch, { recursive: true });
  writeFileSync(main, compiled.entryAt(main, { retired: changes.retired, forTests, isLocal: true }));
  const { config, dropped } = servingConfig(user, {
    main,
    declared: userMain === undefined ? declareSystem(changes.classes) : declared,
    alias: ownAliases(project.root),
    userMain,
  });
  const files = [target.configFile, project.wranglerFile, userMain?.file].filter((file) => file !== undefined);
  return {
    root: project.root,
    manifest: compiled.manifest,
    config,
    warnings: [...compiled.warnings, ...besideWarnings(compiled), ...(dropped.length === 0 ? [] : [droppedWarning(dropped)])],
    inputs: [...compiled.inputs, ...files],
    userMain,
  };
}

function droppedWarning(dropped: readonly string[]): string {
  return (
    `wrangler's configuration binds ${dropped.join(", ")} to a class of your own, and names no module that has one, ` +
    `so the binding is left out. Set main to the module that exports the class: it is served beside the applications. ` +
    `(${ENTRY} is the generated one.)`
  );
}
