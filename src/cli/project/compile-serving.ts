/**
 * Compiles a target into something that can be run at once, without touching the user's files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "../../protocol/manifest.ts";
import { compileTarget } from "./compile-target.ts";
import { ownAliases } from "./own-package.ts";
import { findProject, readWranglerConfig, type WranglerConfig } from "./project.ts";
import type { Target } from "./target.ts";
import { ENTRY, type UserMain, userMainOf } from "./user-main.ts";
import { servingConfig } from "./worker-config.ts";

/** A compiled system and the configuration to run it with. */
export interface Serving {
  readonly root: string;
  readonly manifest: Manifest;
  readonly config: WranglerConfig;
  /** What its author should know, in full sentences. */
  readonly warnings: readonly string[];
  /** The files that it depends on, absolute. */
  readonly inputs: readonly string[];
  /** The user's own entry module, where there is one. The manifest's version does not tell whether its code has changed. */
  readonly userMain: UserMain | undefined;
}

/** Where to compile, and for whom. */
export interface ServingOptions {
  readonly cwd: string;
  /** The directory inside `.edge-serve/` that the entry is written to. */
  readonly directory: string;
  readonly forTests?: boolean;
}

/** Compiles, and writes the entry module to a directory of its own in `.edge-serve/`. */
export async function compileServing(target: Target, { cwd, directory, forTests = false }: ServingOptions): Promise<Serving> {
  const project = findProject(target, cwd);
  const base = await readWranglerConfig(project);
  const scratch = join(project.root, ".edge-serve", directory);
  const compiled = await compileTarget(target, project, base, scratch);
  const main = join(scratch, "worker.ts");
  mkdirSync(scratch, { recursive: true });
  writeFileSync(main, compiled.entryAt(main, { forTests, isLocal: true }));
  const userMain = userMainOf(project, base);
  const { config, dropped } = servingConfig(base, { main, classes: compiled.classes, alias: ownAliases(project.root), userMain });
  const files = [target.configFile, project.wranglerFile, userMain?.file].filter((file) => file !== undefined);
  return {
    root: project.root,
    manifest: compiled.manifest,
    config,
    warnings: [...compiled.warnings, ...(dropped.length === 0 ? [] : [droppedWarning(dropped)])],
    inputs: [...compiled.inputs, ...files],
    userMain,
  };
}

function droppedWarning(dropped: readonly string[]): string {
  return (
    `wrangler's configuration binds ${dropped.join(", ")} to a class of your own, which the generated entry does not have, ` +
    `so the binding is left out. To keep it, let main name a module that exports the class, and all that ${ENTRY} exports, its default too.`
  );
}
