/**
 * The configuration that a build writes for wrangler: the user's own for one environment, with `main` and the classes set.
 *
 * Owns: what an environment inherits, what the system needs, where static assets would answer in an application's place.
 * Does not own: reading the user's file, which wrangler does, or declaring classes (`declared-classes.ts`).
 *
 * Invariants:
 *   W1. wrangler understands what is written as it would have understood the user's file with `--env`, but for `main`, the
 *       classes and `build`.
 *   W2. Nothing is read into the user's settings: values are passed on as they are written.
 */
import type { ApplicationManifest } from "../protocol/manifest.ts";
import { TOP_LEVEL } from "./lock-file.ts";

/** A configuration as it is written in a file. */
export type WrittenConfig = Readonly<Record<string, unknown>>;

/** The file that a build writes, beside the user's: wrangler takes every path in it, and `.dev.vars`, from its folder. */
export const GENERATED_FILE = "wrangler.edge-serve.json";
/** Where wrangler looks for a redirect, and what the build's says. */
export const REDIRECT_FILE = ".wrangler/deploy/config.json";
export const REDIRECT_TARGET = `../../${GENERATED_FILE}`;

/** What a generated entry needs; later dates than the pinned runtime knows are refused by it. */
export const DEFAULTS = {
  compatibilityDate: "2026-11-01",
  compatibilityFlags: ["enable_request_signal"],
} as const;

/** The oldest compatibility date to run on: node:async_hooks is there without a flag from then on. */
const OLDEST_DATE = "2026-08-04";
// The request's signal aborts when the client goes, without a flag, from this date on.
const REQUEST_SIGNAL_DATE = "2026-11-17";

/** The date and the flags to run with; or what is wrong with the user's. */
export function compatibilityOf(
  config: { readonly compatibility_date?: unknown; readonly compatibility_flags?: unknown },
  file: string,
): { readonly date: string; readonly flags: readonly string[] } | { readonly problem: string } {
  const { compatibility_date: given, compatibility_flags: flags = [] } = config;
  const date = typeof given === "string" ? given : DEFAULTS.compatibilityDate;
  if (date < OLDEST_DATE) {
    const why = "from which node:async_hooks is there without a flag";
    return {
      problem: `${file}: compatibility_date is ${JSON.stringify(date)}. edge-serve needs ${JSON.stringify(OLDEST_DATE)} or later, ${why}.`,
    };
  }
  const own = Array.isArray(flags) ? (flags as string[]) : [];
  const hasSignal = date >= REQUEST_SIGNAL_DATE || own.some((flag) => flag.endsWith("able_request_signal"));
  return { date, flags: hasSignal ? own : [...own, ...DEFAULTS.compatibilityFlags] };
}

/** What in a configuration no build can live with, and what to write in its place; `undefined` if there is nothing. */
export function unfitSetting(config: WrittenConfig, file: string): string | undefined {
  if (config["no_bundle"] === true) {
    return `${file}: no_bundle is true, and the entry that edge-serve generates imports packages, so wrangler has to bundle it. Remove no_bundle.`;
  }
  if (config["pages_build_output_dir"] !== undefined) {
    return (
      `${file}: pages_build_output_dir makes a Pages project of this, which has no Durable Objects, and edge-serve needs some. ` +
      "Make it a Worker: name the directory in assets.directory instead."
    );
  }
  return undefined;
}

/**
 * The user's configuration for one environment, as if it were written at the top level.
 *
 * @param written The whole file.
 * @param complete What wrangler makes of the file for this environment: where it is empty, nothing was inherited.
 */
export function flatten(written: WrittenConfig, env: string | undefined, complete: WrittenConfig): WrittenConfig {
  const { env: environments, $schema: _, ...top } = written;
  if (env === undefined) return top;
  const own = (environments as Record<string, WrittenConfig>)[env] ?? {};
  const inherited = Object.entries(top).filter(([key, value]) => !(key in own) && (isEmpty(value) || !isEmpty(complete[key])));
  return { ...Object.fromEntries(inherited), ...own, name: complete["name"] };
}

/** Whether wrangler would say nothing by a value: what it puts in the place of settings that are not inherited. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

/** What a generated configuration is made from. */
export interface GeneratedInput {
  /** The user's, for the environment: {@link flatten}. */
  readonly users: WrittenConfig;
  readonly env: string | undefined;
  /** The whole of the user's file. */
  readonly written: WrittenConfig;
  readonly name: string;
  readonly main: string;
  readonly compatibility: { readonly date: string; readonly flags: readonly string[] };
  readonly declared: { readonly exports?: object; readonly migrations?: readonly object[] };
  /** Cron triggers, the user's own and the system's; `undefined` where there is nothing to say of them. */
  readonly triggers: object | undefined;
  /** What wrangler runs before it bundles, and what it watches. */
  readonly build: { readonly command: string; readonly watch_dir: readonly string[] };
}

/** The text of {@link GENERATED_FILE}. */
export function generatedConfig({ users, env, written, name, main, compatibility, declared, triggers, build }: GeneratedInput): string {
  const { exports: _, migrations: __, ...rest } = users;
  const environments = Object.keys((written["env"] as object | undefined) ?? {});
  const config = {
    ...rest,
    name,
    main,
    compatibility_date: compatibility.date,
    compatibility_flags: compatibility.flags,
    ...declared,
    ...(triggers === undefined ? {} : { triggers }),
    build: { ...(users["build"] as object | undefined), ...build },
    // Always there: without it wrangler ignores --env, and deploys whatever was built.
    targetEnvironment: env ?? TOP_LEVEL,
    // Where none is chosen, wrangler would tag the Worker with a name that is no environment.
    ...(env === undefined ? {} : { topLevelName: written["name"] ?? name, definedEnvironments: environments }),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Static assets as the user has configured them, and the paths that files answer. */
export interface Assets {
  readonly runWorkerFirst: unknown;
  readonly notFoundHandling: unknown;
  /** Paths of the URLs at which there is a file: `/`, `/about`, `/style.css`. */
  readonly paths: readonly string[];
}

/** Which applications' paths static assets would answer, in sentences; empty where none. */
export function assetWarnings(
  { runWorkerFirst, notFoundHandling, paths }: Assets,
  applications: readonly Pick<ApplicationManifest, "name" | "routePrefix">[],
): string[] {
  const answersAll = notFoundHandling === "single-page-application" || notFoundHandling === "404-page";
  const shadowed = applications.flatMap(({ name, routePrefix }) => {
    if (routePrefix === null || isWorkerFirst(routePrefix, runWorkerFirst)) return [];
    const path = paths.find((candidate) => isBelow(candidate, routePrefix));
    return answersAll || path !== undefined ? [{ name, routePrefix, path }] : [];
  });
  if (shadowed.length === 0) return [];
  const which = shadowed.map(({ name, routePrefix, path }) => {
    const how = path === undefined ? `a browser's page loads below ${routePrefix} (not_found_handling)` : path;
    return `${name} (${how})`;
  });
  const patterns = shadowed.flatMap(({ routePrefix }) => (routePrefix === "/" ? ["/*"] : [routePrefix, `${routePrefix}/*`]));
  const all = [...new Set([...patterns, ...(patterns.includes("/*") ? [] : ["/-/*"])])];
  return [
    `static assets would answer requests of application ${which.join(", ")} before the Worker does. ` +
      `Set assets.run_worker_first to ${JSON.stringify(all)} so that the Worker is asked first.`,
  ];
}

function isBelow(path: string, prefix: string): boolean {
  return prefix === "/" || path === prefix || path.startsWith(`${prefix}/`);
}

function isWorkerFirst(prefix: string, runWorkerFirst: unknown): boolean {
  if (!Array.isArray(runWorkerFirst)) return runWorkerFirst === true;
  const patterns = runWorkerFirst as string[];
  const below = prefix === "/" ? ["/", "/x"] : [prefix, `${prefix}/x`];
  const matches = (path: string) => (pattern: string) => globOf(pattern).test(path);
  return below.every(
    (path) =>
      patterns.filter((pattern) => !pattern.startsWith("!")).some(matches(path)) &&
      !patterns
        .filter((pattern) => pattern.startsWith("!"))
        .map((pattern) => pattern.slice(1))
        .some(matches(path)),
  );
}

function globOf(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .split("*")
      .map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, "\\$&"))
      .join(".*")}$`,
  );
}
