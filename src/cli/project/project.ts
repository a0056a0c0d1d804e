/**
 * The user's project: its root, and its wrangler configuration.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { updateWranglerToml } from "../../compile/wrangler-block.ts";
import { Failure } from "../failure.ts";
import { loadWrangler } from "../runtime/load-wrangler.ts";
import type { Target } from "./target.ts";

/** Where a system is built. */
export interface Project {
  /** Everything generated goes into `.edge-serve/` here. */
  readonly root: string;
  /** wrangler's configuration file, absolute, if there is one. */
  readonly wranglerFile?: string;
}

/** A wrangler configuration as wrangler itself reads and completes it. The keys named are those that edge-serve changes. */
export interface WranglerConfig {
  readonly [key: string]: unknown;
  readonly main?: string;
  readonly compatibility_date?: string;
  readonly compatibility_flags?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly durable_objects?: { readonly bindings?: readonly { name: string; class_name: string; script_name?: string }[] };
  readonly workflows?: readonly { name: string; script_name?: string }[];
}

/** What a generated entry needs; later dates than the pinned runtime knows are refused by it. */
export const DEFAULTS = {
  compatibilityDate: "2026-11-01",
  compatibilityFlags: ["enable_request_signal"],
} as const;

const WRANGLER_FILES = ["wrangler.toml", "wrangler.jsonc", "wrangler.json"];

/** The directory of the nearest wrangler configuration, upwards from where the command runs; else that directory. */
export function findProject(target: Target, cwd: string): Project {
  const file = target.configFile ?? Object.values(target.modules)[0]?.file ?? cwd;
  // A target elsewhere, such as a test's fixture, belongs to the project around it.
  const start = isInside(file, cwd) ? cwd : dirname(file);
  const wranglerFile = nearest(start, WRANGLER_FILES);
  if (wranglerFile !== undefined) return { root: dirname(wranglerFile), wranglerFile };
  if (start === cwd) return { root: cwd };
  return { root: dirname(nearest(start, ["package.json"]) ?? join(start, "package.json")) };
}

function isInside(file: string, directory: string): boolean {
  const path = relative(directory, file);
  return !path.startsWith("..") && !isAbsolute(path);
}

function nearest(start: string, names: readonly string[]): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    const found = names.map((name) => join(directory, name)).find((file) => existsSync(file));
    if (found !== undefined) return found;
    if (dirname(directory) === directory) return undefined;
  }
}

/** The project's wrangler configuration; what a new file would say, where there is none. */
export async function readWranglerConfig(project: Project): Promise<WranglerConfig> {
  const { unstable_readConfig: read } = await loadWrangler();
  if (project.wranglerFile !== undefined) return read({ config: project.wranglerFile }, { hideWarnings: true }) as WranglerConfig;
  const directory = mkdtempSync(join(tmpdir(), "edge-serve-"));
  try {
    const file = join(directory, "wrangler.toml");
    writeFileSync(file, defaultWranglerToml(project));
    const config = read({ config: file }, { hideWarnings: true }) as WranglerConfig;
    // Paths, and files such as .dev.vars, are the project's.
    const place = join(project.root, "wrangler.toml");
    return { ...config, configPath: place, userConfigPath: place };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function defaultWranglerToml(project: Project): string {
  const update = updateWranglerToml(undefined, {
    ...DEFAULTS,
    file: "wrangler.toml",
    workerName: workerName(project.root),
    main: ".edge-serve/worker.ts",
    classes: [],
    prune: false,
  });
  if ("problems" in update) throw new Failure(update.problems.join("\n"));
  return update.text;
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
