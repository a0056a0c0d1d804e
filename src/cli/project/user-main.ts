/**
 * A Worker with an entry module of the user's own, which re-exports what edge-serve generates.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { generatedClasses } from "../../compile/wrangler-block.ts";
import type { Project, WranglerConfig } from "./project.ts";

/** Where a build writes the entry module, relative to the root. */
export const ENTRY = ".edge-serve/worker.ts";

/** The user's entry module. */
export interface UserMain {
  /** Absolute. */
  readonly file: string;
  /** How it imports the generated entry. */
  readonly specifier: string;
  /** The Durable Object classes that wrangler's configuration declares besides those of deployments. */
  readonly classes: readonly string[];
}

const IMPORTS = /\b(?:from|import)\s*["'](?<specifier>[^"']*\.edge-serve\/worker(?:\.[jt]s)?)["']/g;

/** The module that `main` names, if that is one of the user's and imports the generated entry. */
export function userMainOf({ root, wranglerFile }: Project, config: WranglerConfig): UserMain | undefined {
  if (config.main === undefined || wranglerFile === undefined) return undefined;
  const file = resolve(root, config.main);
  if (file === join(root, ENTRY) || !existsSync(file)) return undefined;
  const entry = join(root, ENTRY).replace(/\.ts$/, "");
  for (const { groups } of readFileSync(file, "utf8").matchAll(IMPORTS)) {
    const specifier = groups?.["specifier"] ?? "";
    if (resolve(dirname(file), specifier).replace(/\.[jt]s$/, "") !== entry) continue;
    return { file, specifier, classes: ownClasses(wranglerFile, config) };
  }
  return undefined;
}

function ownClasses(wranglerFile: string, { exports: declared = {}, durable_objects: objects = {} }: WranglerConfig): string[] {
  const generated = wranglerFile.endsWith(".toml") ? generatedClasses(readFileSync(wranglerFile, "utf8")) : [];
  const bound = (objects.bindings ?? []).filter(({ script_name: script }) => script === undefined);
  const names = new Set([...Object.keys(declared), ...bound.map(({ class_name: name }) => name)]);
  return [...names].filter((name) => !generated.includes(name));
}
