/**
 * The user's wrangler configuration, read by wrangler itself: toml, json, jsonc, or none. It is never written.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stringify } from "smol-toml";
import type { Migration } from "../../compile/migrations.ts";
import { compatibilityOf, DEFAULTS, flatten, unfitSetting, type WrittenConfig } from "../../compile/wrangler-config.ts";
import { EXIT, Failure } from "../failure.ts";
import { loadWrangler } from "../runtime/load-wrangler.ts";
import { type Project, workerName } from "./project.ts";

/** A wrangler configuration as wrangler itself reads and completes it. The keys named are those that edge-serve changes. */
export interface WranglerConfig {
  readonly [key: string]: unknown;
  readonly name?: string;
  readonly main?: string;
  readonly compatibility_date?: string;
  readonly compatibility_flags?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly migrations?: readonly Migration[];
  readonly durable_objects?: { readonly bindings?: readonly { name: string; class_name: string; script_name?: string }[] };
  readonly workflows?: readonly { name: string; script_name?: string }[];
}

/** The user's configuration for one environment. */
export interface UserConfig {
  /** The environment; `undefined` for the top level. */
  readonly env: string | undefined;
  /** As wrangler completes it. */
  readonly complete: WranglerConfig;
  /** As it is written for the environment. */
  readonly users: WrittenConfig;
  /** The whole file. */
  readonly written: WrittenConfig;
  /** How errors name the file. */
  readonly label: string;
  /** The compatibility date and flags to run with. */
  readonly compatibility: { readonly date: string; readonly flags: readonly string[] };
  /** Lines that an earlier edge-serve has written into the file, which are not used any more. */
  readonly earlierForm: { readonly line: number } | undefined;
  /** A piece of configuration in the file's language. */
  write(value: Readonly<Record<string, unknown>>): string;
}

/** The environment that is chosen: by `--env`, else by `CLOUDFLARE_ENV`, as wrangler does; `undefined` for none. */
export function envOf(given: unknown, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const chosen = typeof given === "string" ? given : env["CLOUDFLARE_ENV"];
  return chosen === "" ? undefined : chosen;
}

// What an earlier edge-serve wrote before the settings and the classes that it kept in step.
const EARLIER_FORM = /^# >>> edge-serve (?:settings|classes)/;

/**
 * The project's configuration for an environment; without a file, what edge-serve takes by default.
 *
 * Rejects with a `Failure` for an environment that there is not, and with wrangler's own error for what is wrong in the file.
 */
export async function readUserConfig(project: Project, env: string | undefined): Promise<UserConfig> {
  const { wranglerFile } = project;
  const read = wranglerFile === undefined ? await readDefaults(project) : await readFile(wranglerFile, env);
  const label = wranglerFile === undefined ? "wrangler's configuration" : relative(project.root, wranglerFile);
  if (wranglerFile === undefined && env !== undefined)
    throw noSuchEnvironment(env, {}, "the project, which has no wrangler configuration,");
  const compatibility = compatibilityOf(read.complete, label);
  if ("problem" in compatibility) throw new Failure(compatibility.problem);
  const users = flatten(read.written, env, read.complete);
  const unfit = unfitSetting(users, label);
  if (unfit !== undefined) throw new Failure(unfit);
  const isToml = wranglerFile?.endsWith(".toml") ?? false;
  const line = isToml
    ? readFileSync(wranglerFile!, "utf8")
        .split("\n")
        .findIndex((row) => EARLIER_FORM.test(row))
    : -1;
  return {
    ...read,
    // The user's own build command has run before anything is bundled.
    complete: { ...read.complete, build: {} },
    env,
    users,
    label,
    compatibility,
    earlierForm: line < 0 ? undefined : { line: line + 1 },
    write: (value) => (isToml ? stringify(value).trim() : JSON.stringify(value, null, 2).slice(2, -2)),
  };
}

interface Read {
  readonly complete: WranglerConfig;
  readonly written: WrittenConfig;
}

async function readFile(file: string, env: string | undefined): Promise<Read> {
  const wrangler = await loadWrangler();
  const written = writtenIn(file, wrangler);
  const environments = (written["env"] ?? {}) as Readonly<Record<string, unknown>>;
  if (env !== undefined && !Object.hasOwn(environments, env)) throw noSuchEnvironment(env, environments, file);
  // An empty name is none: what CLOUDFLARE_ENV says has been looked at, by `envOf`.
  return { written, complete: wrangler.unstable_readConfig({ config: file, env: env ?? "" }, { hideWarnings: true }) as WranglerConfig };
}

function writtenIn(file: string, { experimental_readRawConfig: read }: Awaited<ReturnType<typeof loadWrangler>>): WrittenConfig {
  try {
    return { ...read({ config: file }).rawConfig };
  } catch (error) {
    const { text, location } = error as { text?: unknown; location?: { line: number; column: number } };
    if (typeof text !== "string") throw error;
    const place = location === undefined ? file : `${file}:${location.line}:${location.column + 1}`;
    throw new Failure(`${place}  ${text}`);
  }
}

function noSuchEnvironment(env: string, environments: Readonly<Record<string, unknown>>, file: string): Failure {
  const names = Object.keys(environments);
  const there = names.length === 0 ? "It has none." : `It has: ${names.join(", ")}.`;
  return new Failure(`There is no environment ${JSON.stringify(env)} in ${file}. ${there}`, EXIT.usage);
}

async function readDefaults(project: Project): Promise<Read> {
  const { unstable_readConfig: read } = await loadWrangler();
  const written = {
    name: workerName(project.root),
    compatibility_date: DEFAULTS.compatibilityDate,
    compatibility_flags: DEFAULTS.compatibilityFlags,
    observability: { enabled: true },
  };
  // Paths, and files such as .dev.vars, are the project's; wrangler reads only what is in a file.
  const directory = mkdtempSync(join(tmpdir(), "edge-serve-"));
  try {
    const file = join(directory, "wrangler.json");
    writeFileSync(file, JSON.stringify(written));
    const config = read({ config: file, env: "" }, { hideWarnings: true }) as WranglerConfig;
    const place = join(project.root, "wrangler.json");
    return { written, complete: { ...config, configPath: place, userConfigPath: place } };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
