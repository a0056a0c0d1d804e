/**
 * One application of a config: its name, where it is, where HTTP requests reach it, its deployments.
 */
import { show } from "../protocol/wording.ts";
import type { LoggingOptions } from "../api/options.ts";
import type { PolicyRef } from "../protocol/manifest.ts";
import { isRecord } from "../protocol/own.ts";
import { type DeploymentEntry, readDeployment } from "./deployment-config.ts";
import { DEFAULT_NAME, errorAt, type Finding, formatPath, isEnough, type Segments, Unique } from "./diagnostics.ts";
import { parseImportPath } from "./import-path.ts";
import { readSection } from "./read-section.ts";
import { APPLICATION, DEFAULT_PREFIX } from "./system-options.ts";

/** One application of a config. */
export interface ApplicationConfig {
  readonly name: string;
  /** `null` means no HTTP. */
  readonly routePrefix: string | null;
  /** Nobody has asked for the route: where the ingress deployment answers no HTTP, there is none. */
  readonly isDefaultRoute?: true;
  /** As written, and accepted by `parseImportPath`. */
  readonly importPath: string;
  /** JSON for the builder. */
  readonly args?: unknown;
  /** Decides for all autoscaled deployments. */
  readonly autoscalingPolicy?: PolicyRef;
  /** Whether callers outside the Worker, and other Workers of the account, reach its handle. */
  readonly rpc?: boolean;
  readonly deployments: readonly DeploymentEntry[];
  /** What is left out is inherited: deployment, application, system. */
  readonly logging?: LoggingOptions;
}

/** @internal One entry of `applications`. */
export function readApplication(value: unknown, at: Segments, findings: Finding[]): ApplicationConfig | undefined {
  const read = readSection(APPLICATION, { value, at }, findings);
  if (!isRecord(value)) return undefined;
  const routePrefix = readRoutePrefix(value["route_prefix"], [...at, "route_prefix"], findings);
  const importPath = readImportPath(value["import_path"], [...at, "import_path"], findings);
  const deployments = readDeployments(value["deployments"], [...at, "deployments"], findings);
  if (read === undefined || routePrefix === undefined || importPath === undefined) return undefined;
  return {
    name: read.name ?? DEFAULT_NAME,
    routePrefix,
    importPath,
    ...(read.args === undefined ? {} : { args: read.args }),
    ...(read.autoscalingPolicy === undefined ? {} : { autoscalingPolicy: read.autoscalingPolicy }),
    ...(read.rpc === undefined ? {} : { rpc: read.rpc }),
    deployments,
    ...(read.logging === undefined ? {} : { logging: read.logging }),
  };
}

function readRoutePrefix(value: unknown, at: Segments, findings: Finding[]): string | null | undefined {
  if (value === undefined) return DEFAULT_PREFIX;
  const problem = routePrefixProblem(value);
  if (problem === undefined) return typeof value === "string" ? prefixInUrls(value) : null;
  findings.push(errorAt(at, problem));
  return undefined;
}

/** @internal What {@link routePrefixProblem} accepts, as one expression: for the JSON Schema. */
export const ROUTE_PREFIX_PATTERN: RegExp = /^(?!\/-(?:\/|$))(?!.*\/(?:\.|%2[eE]){1,2}(?:\/|$))\/(?:[^{}?#\\\p{Cc}]*[^{}?#/\\\p{Cc} ])?$/u;

const RULES: readonly { readonly isBroken: (prefix: string) => boolean; readonly rule: string }[] = [
  { isBroken: (prefix) => !prefix.startsWith("/"), rule: 'must start with "/"' },
  { isBroken: (prefix) => prefix.endsWith("/") && prefix !== "/", rule: 'must not end with "/", unless it is just "/"' },
  { isBroken: (prefix) => /[{}]/.test(prefix), rule: 'must not contain "{" or "}", because it is no pattern' },
  { isBroken: (prefix) => /[?#]/.test(prefix), rule: 'must not contain "?" or "#", because it is a path' },
  {
    isBroken: (prefix) => /[\\\p{Cc}]| $/u.test(prefix),
    rule: 'must not contain "\\" or control characters, or end with a space',
  },
  {
    isBroken: (prefix) => prefix.split("/").some((part) => /^(?:\.|%2e){1,2}$/i.test(part)),
    rule: 'must not have "." or ".." between slashes',
  },
  { isBroken: (prefix) => prefix === "/-" || prefix.startsWith("/-/"), rule: 'must not be "/-" or under it, which is edge-serve\'s own' },
];

/**
 * What is wrong with a route prefix, to go on from what it is called: `must start with "/", got "a".`;
 * `undefined` when it is accepted. `null` is accepted: no HTTP.
 */
export function routePrefixProblem(prefix: unknown): string | undefined {
  if (prefix === null) return undefined;
  if (typeof prefix !== "string") return `must be a path that starts with "/", or null for no HTTP, got ${show(prefix)}.`;
  const broken = RULES.find(({ isBroken }) => isBroken(prefix));
  return broken === undefined ? undefined : `${broken.rule}, got ${show(prefix)}.`;
}

/** A prefix as it stands in the URLs of requests: percent-encoded where it has to be. One that is not accepted is left as it is. */
export function prefixInUrls(prefix: string): string {
  return routePrefixProblem(prefix) === undefined ? new URL(`http://host${prefix}`).pathname : prefix;
}

function readImportPath(value: unknown, at: Segments, findings: Finding[]): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") {
    findings.push(errorAt(at, `must be text such as "src/app.ts:app", got ${show(value)}.`));
    return undefined;
  }
  const parsed = parseImportPath(value);
  if (!("problem" in parsed)) return value;
  findings.push(errorAt(at, parsed.problem));
  return undefined;
}

function readDeployments(value: unknown, at: Segments, findings: Finding[]): DeploymentEntry[] {
  if (!Array.isArray(value)) return [];
  const names = new Unique();
  const deployments: DeploymentEntry[] = [];
  for (const [index, entry] of (value as unknown[]).entries()) {
    if (isEnough(findings)) break;
    const place = [...at, index];
    const read = readDeployment(entry, place, findings);
    if (read !== undefined) deployments.push(read);
    const name = isRecord(entry) ? entry["name"] : undefined;
    if (typeof name !== "string") continue;
    const clash = names.claim(name, `the name of ${formatPath(place)}`);
    if (clash !== undefined) findings.push(errorAt([...place, "name"], `${clash} Deployment names must be unique within an application.`));
  }
  return deployments;
}

/** @internal Two applications with one name, or with one route prefix. */
export function findConflicts(applications: readonly unknown[], at: Segments, findings: Finding[]): void {
  const names = new Unique();
  const prefixes = new Unique();
  for (const [index, application] of applications.entries()) {
    if (isEnough(findings)) break;
    if (!isRecord(application)) continue;
    const place = [...at, index];
    const { name = DEFAULT_NAME, route_prefix: prefix = DEFAULT_PREFIX } = application;
    if (typeof name !== "string") continue;
    const namesake = names.claim(name, `the name of ${formatPath(place)}`);
    if (namesake !== undefined) findings.push(errorAt([...place, "name"], `${namesake} Application names must be unique.`));
    if (typeof prefix !== "string") continue;
    const clash = prefixes.claim(prefixInUrls(prefix), `that of application ${show(name)} (${formatPath(place)})`);
    if (clash !== undefined) {
      findings.push(errorAt([...place, "route_prefix"], `${clash} Give application ${show(name)} another, or null for no HTTP.`));
    }
  }
}
