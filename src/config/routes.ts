/**
 * `routes` of a config document: prefixes whose requests are divided among applications.
 */
import { withDefaults } from "../api/option-table.ts";
import { NAME_PATTERN } from "../protocol/names.ts";
import type { CanaryConfig, RouteConfig, Share } from "../protocol/traffic.ts";
import { closest, show } from "../protocol/wording.ts";
import { isRecord } from "../protocol/own.ts";
import { prefixInUrls, routePrefixProblem } from "./application-config.ts";
import { DEFAULT_NAME, errorAt, type Finding, formatPath, isEnough, keyFinding, type Segments, Unique } from "./diagnostics.ts";
import { readSection } from "./read-section.ts";
import { CANARY_OPTIONS, ROUTE, SHARE, SHARE_OPTIONS } from "./route-options.ts";
import { DEFAULT_PREFIX } from "./system-options.ts";

/**
 * @internal Reads `routes`, and checks them against the applications of the same document.
 *
 * @param routes What the document has there; anything but an array is none, and no matter of this function.
 * @param applications What the document has as `applications`.
 */
export function readRoutes(routes: unknown, applications: unknown, findings: Finding[]): RouteConfig[] {
  if (!Array.isArray(routes)) return [];
  const known = knownOf(applications);
  const read: RouteConfig[] = [];
  for (const [index, entry] of (routes as unknown[]).entries()) {
    if (isEnough(findings)) break;
    const before = findings.length;
    const route = readRoute(entry, ["routes", index], findings);
    if (isRecord(entry)) checkNames(entry, ["routes", index], known, findings);
    if (route !== undefined && findings.length === before) read.push(route);
  }
  return read;
}

function readRoute(value: unknown, at: Segments, findings: Finding[]): RouteConfig | undefined {
  const read = readSection(ROUTE, { value, at }, findings);
  if (!isRecord(value)) return undefined;
  readPrefix(value["prefix"], [...at, "prefix"], findings);
  const split = readSplit(value["split"], [...at, "split"], findings);
  if (value["split"] !== undefined && value["canary"] !== undefined) {
    findings.push(keyFinding("error", [...at, "canary"], "must not stand beside split: a route has one of the two."));
  } else if (value["split"] === undefined && value["canary"] === undefined) {
    findings.push(errorAt(at, "must have split or canary."));
  }
  const canary = read?.canary;
  if (canary?.stable !== undefined && canary.stable === canary.candidate) {
    findings.push(errorAt([...at, "canary", "candidate"], `must be another application than stable, got ${show(canary.candidate)}.`));
  }
  if (read === undefined) return undefined;
  const base = {
    prefix: prefixInUrls(read.prefix as string),
    ...(read.stickyHeader === undefined ? {} : { stickyHeader: read.stickyHeader.toLowerCase() }),
    ...(read.shadow === undefined ? {} : { shadow: shareOf(read.shadow) }),
  };
  return canary === undefined ? { ...base, split } : { ...base, canary: withDefaults<CanaryConfig>(CANARY_OPTIONS, canary) };
}

// With its keys in one order, whatever the document's: what is equal is told by its text.
function shareOf(share: Partial<Share>): Share {
  return withDefaults<Share>(SHARE_OPTIONS, share);
}

function readPrefix(value: unknown, at: Segments, findings: Finding[]): void {
  if (value === undefined) return;
  const problem = value === null ? 'must be a path that starts with "/", got null.' : routePrefixProblem(value);
  if (problem !== undefined) findings.push(errorAt(at, problem));
}

function readSplit(value: unknown, at: Segments, findings: Finding[]): Share[] {
  if (!Array.isArray(value)) return [];
  const before = findings.length;
  const shares: Share[] = [];
  const applications = new Unique();
  for (const [index, entry] of (value as unknown[]).entries()) {
    if (isEnough(findings)) break;
    const share = readSection(SHARE, { value: entry, at: [...at, index] }, findings);
    if (share === undefined) continue;
    shares.push(shareOf(share));
    if (share.application === undefined) continue;
    const clash = applications.claim(share.application, `that of ${formatPath([...at, index])}`);
    if (clash !== undefined) findings.push(errorAt([...at, index, "application"], `${clash} An application has one share of a route.`));
  }
  if (findings.length > before) return shares;
  // In whole hundredths, which add up exactly.
  const sum = shares.reduce((total, { percent }) => total + Math.round(percent * 100), 0) / 100;
  if (sum !== 100) findings.push(errorAt(at, `must have percentages that add up to 100, got ${sum}.`));
  return shares;
}

/** What the document has otherwise, and who has it. */
interface Known {
  readonly applications: ReadonlySet<string>;
  readonly prefixes: Unique;
}

function knownOf(applications: unknown): Known {
  const known = { applications: new Set<string>(), prefixes: new Unique() };
  for (const [index, entry] of (Array.isArray(applications) ? (applications as unknown[]) : []).entries()) {
    if (!isRecord(entry)) continue;
    const { name = DEFAULT_NAME, route_prefix: prefix = DEFAULT_PREFIX } = entry;
    if (typeof name !== "string") continue;
    if (NAME_PATTERN.test(name)) known.applications.add(name);
    if (typeof prefix === "string")
      known.prefixes.claim(prefixInUrls(prefix), `that of application ${show(name)} (${formatPath(["applications", index])})`);
  }
  return known;
}

function checkNames(route: Readonly<Record<string, unknown>>, at: Segments, known: Known, findings: Finding[]): void {
  const { prefix, split, canary, shadow } = route;
  if (typeof prefix === "string") {
    const clash = known.prefixes.claim(prefixInUrls(prefix), `that of ${formatPath(at)}`);
    if (clash !== undefined) findings.push(errorAt([...at, "prefix"], `${clash} A prefix belongs to one of them.`));
  }
  const named: [unknown, Segments][] = [
    ...(Array.isArray(split) ? (split as unknown[]) : []).map((share, index): [unknown, Segments] => [
      memberOf(share, "application"),
      [...at, "split", index, "application"],
    ]),
    [memberOf(canary, "stable"), [...at, "canary", "stable"]],
    [memberOf(canary, "candidate"), [...at, "canary", "candidate"]],
    [memberOf(shadow, "application"), [...at, "shadow", "application"]],
  ];
  for (const [name, place] of named) {
    if (isEnough(findings)) return;
    if (typeof name !== "string" || !NAME_PATTERN.test(name) || known.applications.has(name)) continue;
    findings.push(errorAt(place, `is ${show(name)}, which no application is called. ${cureFor(name, known)}`));
  }
}

/** More applications than a sentence can hold. */
const MANY = 20;

function cureFor(name: string, { applications }: Known): string {
  // Also the nearest is looked for among these only: each comparison takes its time.
  const some = [...applications.keys().take(MANY)];
  const nearest = closest(name, some);
  if (nearest !== undefined) return `Did you mean ${show(nearest)}?`;
  const more = applications.size > some.length ? ", ..." : "";
  return `The applications: ${some.map((one) => show(one)).join(", ") || "none"}${more}.`;
}

function memberOf(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
