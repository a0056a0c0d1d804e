/**
 * The user's project: its root, and where its wrangler configuration is.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import type { Target } from "./target.ts";

/** Where a system is built. */
export interface Project {
  /** Everything generated goes into `.edge-serve/` here. */
  readonly root: string;
  /** wrangler's configuration file, absolute, if there is one. */
  readonly wranglerFile?: string;
}

/** In wrangler's own order: it looks upwards for the first, then for the next. */
const WRANGLER_FILES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/**
 * The directory of the nearest wrangler configuration: upwards from where the command runs, as wrangler looks; else upwards from the
 * target, as in a repository of several projects whose commands run at its top; else the directory where the command runs.
 */
export function findProject(target: Pick<Target, "configFile" | "modules">, cwd: string): Project {
  const file = target.configFile ?? Object.values(target.modules)[0]?.file ?? cwd;
  // A target elsewhere, such as a test's fixture, belongs to the project around it.
  const start = isInside(file, cwd) ? cwd : dirname(file);
  const wranglerFile = nearestConfig(start) ?? nearestConfig(dirname(file));
  if (wranglerFile !== undefined) return { root: dirname(wranglerFile), wranglerFile };
  if (start === cwd) return { root: cwd };
  return { root: dirname(nearest(start, "package.json") ?? join(start, "package.json")) };
}

/** The project whose configuration, if there is one, is in this directory. */
export function projectAt(root: string): Project {
  const wranglerFile = WRANGLER_FILES.map((name) => join(root, name)).find((file) => existsSync(file));
  return wranglerFile === undefined ? { root } : { root, wranglerFile };
}

/** The path from a directory to a file, as generated files have it: alike on every system. */
export function pathFrom(directory: string, file: string): string {
  return relative(directory, file).replaceAll(sep, "/");
}

function isInside(file: string, directory: string): boolean {
  const path = relative(directory, file);
  return !path.startsWith("..") && !isAbsolute(path);
}

/** Where wrangler is started for a project: where the command runs, unless the project is somewhere below. */
export function startOf({ root }: Project, cwd: string): string {
  return isInside(root, cwd) ? root : cwd;
}

function nearestConfig(start: string): string | undefined {
  return WRANGLER_FILES.map((name) => nearest(start, name)).find((found) => found !== undefined);
}

function nearest(start: string, name: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    const file = join(directory, name);
    if (existsSync(file)) return file;
    if (dirname(directory) === directory) return undefined;
  }
}

/** A name for a new Worker: the package's, or the directory's, in the characters that the platform accepts. */
export function workerName(root: string): string {
  const accepted = packageName(root)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 54);
  return accepted === "" ? "edge-serve-app" : accepted;
}

function packageName(root: string): string {
  try {
    const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { name?: unknown };
    if (typeof name === "string") return name;
  } catch {
    // No package.json, or one that cannot be read: the directory's name does as well.
  }
  return basename(root);
}
