/**
 * A build on disk: the entry module, the configuration that wrangler is sent to, and the lock file.
 *
 * Invariants:
 *   U1. The user's own configuration is never written.
 *   U2. The same project gives the same files, byte for byte.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type ClassChanges, type DataOptions, LOCK_FILE } from "../../compile/lock-file.ts";
import { cronTriggers, type Triggers } from "../../compile/cron-triggers.ts";
import { assetWarnings, GENERATED_FILE, generatedConfig, REDIRECT_FILE, REDIRECT_TARGET } from "../../compile/wrangler-config.ts";
import { Failure } from "../failure.ts";
import type { Compiled } from "./compile-target.ts";
import { OWN_ROOT } from "./own-package.ts";
import { planClasses } from "./plan-classes.ts";
import { pathFrom, type Project, workerName } from "./project.ts";
import type { UserConfig } from "./user-config.ts";
import { ENTRY } from "./user-main.ts";

/** A file that a build writes; `before` is `undefined` if it does not exist yet. */
export interface PlannedFile {
  /** Relative to the project's root. */
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** What a build would write, and what becomes of the classes. */
export interface BuildPlan {
  readonly files: readonly PlannedFile[];
  readonly changes: ClassChanges;
  /** What the author should know, in full sentences. */
  readonly warnings: readonly string[];
}

// Not always in node_modules: a link leads elsewhere.
const OWN_CODE = ["dist", "src", "durable-objects"].map((folder) => join(OWN_ROOT, folder) + sep);

/** How to build. */
export interface BuildOptions extends DataOptions {
  /** Another version than that of the code. */
  readonly version?: string;
  /** The config file of the target, absolute, if there is one. */
  readonly configFile?: string | undefined;
}

/** Works out a build without writing anything. Rejects if the user's configuration says something that it cannot live with. */
export async function planBuild(
  compiled: Compiled,
  project: Project,
  config: UserConfig,
  { version, configFile, ...data }: BuildOptions,
): Promise<BuildPlan> {
  const { root } = project;
  const { changes, declared, hadSchedules, lock } = await planClasses(compiled, project, config, data);
  const { userMain } = compiled;
  const name = config.complete.name ?? workerName(root);
  const users = config.users["triggers"] as Triggers | undefined;
  const generated = generatedConfig({
    users: config.users,
    env: config.env,
    written: config.written,
    name,
    main: userMain === undefined || userMain.specifiers.length === 0 ? ENTRY : pathFrom(root, userMain.file),
    compatibility: config.compatibility,
    declared,
    triggers: cronTriggers(users, compiled.manifest, hadSchedules),
    build: { command: checkCommand(root), watch_dir: watchedPaths(compiled, project, config, configFile) },
  });
  const entry = compiled.entryAt(join(root, ENTRY), {
    retired: changes.retired,
    crons: users?.crons ?? [],
    ...(version === undefined ? {} : { version }),
  });
  const planned = (path: string, after: string): PlannedFile => ({ path, before: readText(join(root, path)), after });
  return {
    files: [
      planned(ENTRY, entry),
      planned(GENERATED_FILE, generated),
      planned(REDIRECT_FILE, `${JSON.stringify({ configPath: REDIRECT_TARGET })}\n`),
      { path: LOCK_FILE, before: lock.before, after: lock.after },
    ],
    changes,
    warnings: [...besideWarnings(compiled), ...assetsWarnings(compiled, root, config), ...earlierFormWarnings(config)],
  };
}

/** Writes the files that change. */
export function writeBuild({ files }: Pick<BuildPlan, "files">, { root }: Project): void {
  for (const { path, before, after } of files) {
    if (before === after) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), after);
  }
}

/** Fails if another tool has sent wrangler to a configuration of its own. */
export function requireOwnRedirect({ root }: Project): void {
  const text = readText(join(root, REDIRECT_FILE));
  if (text === undefined) return;
  let target: unknown;
  try {
    target = (JSON.parse(text) as { configPath?: unknown }).configPath;
  } catch {
    // Whoever wrote it, it was not a build.
  }
  const folder = dirname(join(root, REDIRECT_FILE));
  if (typeof target === "string" && resolve(folder, target) === join(root, GENERATED_FILE)) return;
  throw new Failure(
    `${REDIRECT_FILE} is another tool's: it sends wrangler to ${JSON.stringify(target)}. (@cloudflare/vite-plugin writes one at each build.) ` +
      "Only one of them can be what wrangler deploys. To combine them, either build the front end without that plugin and name its output in " +
      "assets.directory of wrangler's configuration, which edge-serve keeps; or give edge-serve a folder with a wrangler configuration of its own, " +
      `and let the other Worker reach it by a service binding. Then remove ${REDIRECT_FILE}.`,
  );
}

// What wrangler runs before it bundles: whether what was built is still what the code and the configuration say.
function checkCommand(root: string): string {
  const here = fileURLToPath(import.meta.url);
  const main = resolve(dirname(here), "..", `main${here.endsWith(".ts") ? ".ts" : ".js"}`);
  return [process.execPath, main, "check", root].map(quoted).join(" ");
}

// As one word of a shell, whatever the path holds: sh expands $ and ` in double quotes, and cmd knows no others.
function quoted(word: string): string {
  if (process.platform === "win32") return `"${word}"`;
  return /^[\w./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** What wrangler dev watches in place of the modules that it bundles: their directories, and the files of the configuration. */
function watchedPaths(
  { inputs }: Compiled,
  { root, wranglerFile }: Project,
  { users }: UserConfig,
  configFile: string | undefined,
): string[] {
  const sources = ownInputs(inputs).map((file) => pathFrom(root, file));
  const directories = new Set(sources.filter((path) => path.includes("/")).map((path) => path.slice(0, path.lastIndexOf("/"))));
  const { command, watch_dir: watched = "./src" } = (users["build"] ?? {}) as { command?: string; watch_dir?: string | string[] };
  const files = [wranglerFile, configFile].filter((file) => file !== undefined).map((file) => pathFrom(root, file));
  const all = [
    ...[...directories].filter((path) => ![...directories].some((other) => path.startsWith(`${other}/`))),
    ...sources.filter((path) => !path.includes("/")),
    ...files,
    // So that a build that was stale is looked at again when it is made anew.
    ENTRY,
    ...(command === undefined ? [] : [watched].flat()),
  ];
  return [...new Set(all)].toSorted();
}

/** The inputs that are somebody's to edit: no package's, nothing generated. */
function ownInputs(inputs: readonly string[]): string[] {
  const isPackage = (file: string) =>
    /[\\/](node_modules|\.wrangler|\.edge-serve)[\\/]/.test(file) || OWN_CODE.some((own) => file.startsWith(own));
  return inputs.filter((file) => !isPackage(file) && existsSync(file));
}

/** What the author should know about an application that is in front of their own main. */
export function besideWarnings({ hasFetchBeside, manifest }: Compiled): string[] {
  const [app] = manifest.applications.filter(({ routePrefix }) => routePrefix === "/");
  if (app === undefined || !hasFetchBeside) return [];
  return [
    `application ${app.name} is at "/" and takes every path, so your main's fetch handler is never called. ` +
      "Give the application a path of its own: --route-prefix /api on the command line, or route_prefix in a config file, where null is none.",
  ];
}

function assetsWarnings({ manifest }: Compiled, root: string, { users }: UserConfig): string[] {
  const assets = users["assets"] as { directory?: string; run_worker_first?: unknown; not_found_handling?: unknown } | undefined;
  if (assets?.directory === undefined) return [];
  const { run_worker_first: runWorkerFirst, not_found_handling: notFoundHandling } = assets;
  return assetWarnings({ runWorkerFirst, notFoundHandling, paths: assetPaths(join(root, assets.directory)) }, manifest.applications);
}

function assetPaths(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = `/${pathFrom(directory, join(entry.parentPath, entry.name))}`;
      return path.endsWith(".html")
        ? path.slice(0, -".html".length).replace(/(.)\/index$|^\/index$/, (_, before = "/") => String(before))
        : path;
    });
}

function earlierFormWarnings({ earlierForm, label }: UserConfig): string[] {
  if (earlierForm === undefined) return [];
  return [
    `${label}:${earlierForm.line}: an earlier edge-serve wrote lines into this file, between "# >>> edge-serve" and "# <<< edge-serve". ` +
      `They are no longer needed: ${LOCK_FILE} now holds the classes, and wrangler uses ${GENERATED_FILE}. ` +
      "Commit the lock file and remove these lines; no data moves.",
  ];
}

function readText(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
