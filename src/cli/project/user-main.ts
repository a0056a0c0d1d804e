/**
 * The entry module of the user's own, where wrangler's configuration names one.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../failure.ts";
import { pathFrom, type Project } from "./project.ts";
import type { WranglerConfig } from "./user-config.ts";

/** Where a build writes the entry module, relative to the root. */
export const ENTRY = ".edge-serve/worker.ts";

/** The user's entry module. */
export interface UserMain {
  /** Absolute. */
  readonly file: string;
  /** How it imports the generated entry, if it does: then it is the Worker's entry, and else it is served beside the applications. */
  readonly specifier?: string;
}

const SPECIFIER = String.raw`["'](?<specifier>[^"']*\.edge-serve\/worker(?:\.[jt]s)?)["']`;
const IMPORTS = new RegExp(String.raw`\b(?:from|import)\s*${SPECIFIER}`, "g");
const COMMENTS = /\/\*[^]*?\*\/|^\s*\/\/.*$/gm;

/** The module that `main` names, if that is one of the user's. */
export function userMainOf({ root, wranglerFile }: Project, { main }: WranglerConfig): UserMain | undefined {
  if (main === undefined || wranglerFile === undefined) return undefined;
  const file = resolve(root, main);
  if (file === join(root, ENTRY)) return undefined;
  // A build command of the user's may not have written it yet.
  const text = existsSync(file) ? readFileSync(file, "utf8").replaceAll(COMMENTS, "") : "";
  for (const { groups } of text.matchAll(IMPORTS)) {
    const specifier = groups!["specifier"]!;
    if (withoutEnding(resolve(dirname(file), specifier)) === withoutEnding(join(root, ENTRY))) return { file, specifier };
  }
  return { file };
}

function withoutEnding(file: string): string {
  return file.replace(/\.[jt]s$/, "");
}

/**
 * Fails unless a main that imports the generated entry also exports its classes: without them the Worker would be deployed
 * without the applications.
 */
export function requireClasses({ file, specifier }: UserMain, classes: readonly string[], root: string): void {
  if (specifier === undefined) return;
  const text = readFileSync(file, "utf8").replaceAll(COMMENTS, "");
  const all = [...text.matchAll(new RegExp(String.raw`\bexport\s*\*\s*from\s*${SPECIFIER}`, "g"))];
  if (all.some(({ groups }) => groups!["specifier"] === specifier)) return;
  const named = [...text.matchAll(/\bexport\s*\{([^}]*)\}/g)].flatMap(([, names = ""]) =>
    names.split(",").map((name) =>
      name
        .trim()
        .split(/\s+as\s+/)
        .at(-1),
    ),
  );
  const missing = classes.filter(
    (name) => !named.includes(name) && !new RegExp(String.raw`\bexport\s+(?:class|const|let|var)\s+${name}\b`).test(text),
  );
  if (missing.length === 0) return;
  throw new Failure(
    `${pathFrom(root, file)} imports ${JSON.stringify(specifier)} and does not export its classes, such as ${missing[0]}. Add the line:\n` +
      `export * from ${JSON.stringify(specifier)};`,
  );
}
