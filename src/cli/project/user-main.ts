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
// A comment; and what a comment's marks or an import's words may stand in without meaning it: regular expressions and texts.
const COMMENT = String.raw`\/\*[^]*?\*\/|\/\/.*`;
const EXPRESSION = String.raw`(?<=[(,=:[!&|?{};]\s*|\breturn\s+)\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/`;
const TEXT = String.raw`"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'|\`(?:[^\`\\]|\\[^])*\``;
const NOT_CODE = new RegExp([COMMENT, EXPRESSION, TEXT].join("|"), "g");
const ENTRY_SPECIFIER = new RegExp(`^${SPECIFIER}$`);

/** A module without its comments, its regular expressions, and every text that cannot be a module's specifier. */
function codeOf(text: string): string {
  return text.replaceAll(NOT_CODE, (part) => {
    if (part.startsWith("/")) return " ";
    return /\s/.test(part) && !ENTRY_SPECIFIER.test(part) ? '""' : part;
  });
}

/** The module that `main` names, if that is one of the user's. */
export function userMainOf({ root, wranglerFile }: Project, { main }: WranglerConfig): UserMain | undefined {
  if (main === undefined || wranglerFile === undefined) return undefined;
  const file = resolve(root, main);
  if (file === join(root, ENTRY)) return undefined;
  // A build command of the user's may not have written it yet.
  const text = existsSync(file) ? codeOf(readFileSync(file, "utf8")) : "";
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
export function requireClasses(main: UserMain, classes: readonly string[], root: string): void {
  const { file, specifier } = main;
  if (specifier === undefined) return;
  const { own, entry } = exportsOf(main);
  if (entry.has("*")) return;
  const missing = classes.find((name) => !own.has(name) && !entry.has(name));
  if (missing === undefined) return;
  throw new Failure(
    `${pathFrom(root, file)} imports ${JSON.stringify(specifier)} and does not export its classes, such as ${missing}. Add the line:\n` +
      `export * from ${JSON.stringify(specifier)};`,
  );
}

/**
 * The first of these names that a main which imports the generated entry exports as something of its own. It would hide the
 * class of that name: an export of a module's own goes before what `export *` brings. A class made from the generated one, as a
 * wrapper that reports errors is, hides nothing.
 */
export function hiddenClass(main: UserMain, names: readonly string[]): string | undefined {
  if (main.specifier === undefined) return undefined;
  const { own, taken } = exportsOf(main);
  return names.find((name) => own.has(name) && !taken.has(name) && !taken.has("*"));
}

/** What a main exports of its own and from the generated entry, and what it imports from there; "*" stands for everything. */
function exportsOf({ file, specifier }: UserMain) {
  const text = codeOf(readFileSync(file, "utf8"));
  const own = new Set<string>();
  const entry = new Set<string>();
  const taken = new Set<string>();
  for (const [, name = ""] of text.matchAll(/\bexport\s+(?:abstract\s+)?(?:class|const|let|var|function)\s+([\w$]+)/g)) own.add(name);
  for (const [, names, all, from] of text.matchAll(/\bexport\s*(?:\{([^}]*)\}|(\*))(?:\s*from\s*["']([^"']*)["'])?/g)) {
    const target = from === specifier ? entry : own;
    if (all === undefined) for (const { outside } of specifiersOf(names)) target.add(outside);
    else if (from === specifier) entry.add("*");
  }
  for (const [, clause = "", from] of text.matchAll(/\bimport\s+([^"';]*?)\s*\bfrom\s*["']([^"']*)["']/g)) {
    if (from !== specifier) continue;
    if (clause.includes("*")) taken.add("*");
    for (const { inside } of specifiersOf(/\{([^}]*)\}/.exec(clause)?.[1])) taken.add(inside);
  }
  return { own, entry, taken };
}

/** Of `a as b, c`: in an export, `outside` is the name that others see; in an import, `inside` is the name that the module has. */
function specifiersOf(names = ""): { readonly inside: string; readonly outside: string }[] {
  return names
    .split(",")
    .map((part) =>
      part
        .trim()
        .replace(/^type\s+/, "")
        .split(/\s+as\s+/),
    )
    .map(([inside = "", outside = inside]) => ({ inside, outside }));
}
