/**
 * `routes` of a config document: prefixes whose requests are divided among applications.
 */
import * as v from "valibot";
import { MAX_COUNT, MAX_TIME_MS } from "../protocol/limits.ts";
import { NAME_PATTERN, NAME_RULE } from "../protocol/names.ts";
import type { CanaryConfig, RouteConfig, Share } from "../protocol/traffic.ts";
import { closest, show } from "../protocol/wording.ts";
import { field } from "./deployment-shape.ts";
import { DEFAULT_NAME, errorAt, type Finding, formatPath, isEnough, keyFinding, type Segments } from "./diagnostics.ts";
import { readShape } from "./read-shape.ts";
import { routePrefixProblem } from "./route-prefix.ts";
import { isRecord, type Shape } from "./shape.ts";

const shapeOf = (...fields: Shape["fields"]): Shape => ({ fields, foreign: new Map() });
const NAMED = { required: "the name of an application" };
const PERCENTAGE = "a number from 0 to 100 with at most two decimals";

/** @internal */
export const SHARE_SHAPE: Shape = shapeOf(
  field("application", "application", "The name of an application.", NAMED),
  field("percent", "percent", "Its share of the requests, from 0 to 100 with at most two decimals.", { required: PERCENTAGE }),
);

const CANARY_SHAPE = shapeOf(
  field("stable", "stable", "The application that has the requests now.", NAMED),
  field("candidate", "candidate", "The application that is to have them.", NAMED),
  field("steps", "steps", "The candidate's percentages, one after the other; ascending, the last is 100.", {
    required: "percentages that ascend and end at 100",
  }),
  field("step_interval_s", "stepIntervalMs", "How long each step lasts at least, in seconds; 300 by default."),
  field("min_requests", "minRequests", "How many requests the candidate must have answered in a step; 50 by default."),
  field("max_error_percent", "maxErrorPercent", "The largest share of 5xx in its answers; 1 by default."),
  field("max_p95_ratio", "maxP95Ratio", "Its 95th percentile of latency is at most this many times the stable one's; 1.5 by default."),
);

/** @internal */
export const ROUTE_SHAPE: Shape = shapeOf(
  field("prefix", "prefix", "The path whose requests are divided; no application or other route has it.", {
    required: 'a path that starts with "/"',
  }),
  field("split", "split", "Applications and their shares, which add up to 100."),
  field("canary", "canary", "Moves requests to another application step by step, as long as it does well.", { shape: CANARY_SHAPE }),
  field("sticky_header", "stickyHeader", "Requests with equal values of this header go to the same application.", { nullable: true }),
  field("shadow", "shadow", "Sends a share of the requests to another application too.", { nullable: true, shape: SHARE_SHAPE }),
);

/** @internal What a canary has that does not say otherwise. */
export const CANARY_DEFAULTS: Pick<CanaryConfig, "stepIntervalMs" | "minRequests" | "maxErrorPercent" | "maxP95Ratio"> = {
  stepIntervalMs: 300_000,
  minRequests: 50,
  maxErrorPercent: 1,
  maxP95Ratio: 1.5,
};

const HEADER = "the name of a header";
const STEPS = "from 1 to 100 percentages that ascend and end at 100";
const MIN_INTERVAL_MS = 5000;
const INTERVAL = `a number from ${MIN_INTERVAL_MS / 1000} to ${MAX_TIME_MS / 1000} seconds`;
const REQUESTS = `an integer from 1 to ${MAX_COUNT}`;
const ERRORS = "a number from 0 to 100";
const MAX_RATIO = 1000;
const RATIO = `a number above 0 and at most ${MAX_RATIO}`;

const NAME_SCHEMA = v.pipe(v.string(NAME_RULE), v.regex(NAME_PATTERN, NAME_RULE));
const PERCENT_SCHEMA = v.pipe(
  v.number(PERCENTAGE),
  v.minValue(0, PERCENTAGE),
  v.maxValue(100, PERCENTAGE),
  // The number nearest to so many hundredths is the one that was written.
  v.check((percent) => Math.round(percent * 100) / 100 === percent, PERCENTAGE),
);

/** @internal */
export const SHARE_SCHEMA = v.strictObject({ application: v.optional(NAME_SCHEMA), percent: v.optional(PERCENT_SCHEMA) }, "an object");

const CANARY_SCHEMA = v.strictObject(
  {
    stable: v.optional(NAME_SCHEMA),
    candidate: v.optional(NAME_SCHEMA),
    steps: v.optional(
      v.pipe(
        v.array(v.pipe(PERCENT_SCHEMA, v.gtValue(0, "a number above 0")), STEPS),
        v.minLength(1, STEPS),
        v.maxLength(100, STEPS),
        v.check((steps) => steps.at(-1) === 100 && steps.every((step, index) => index === 0 || step > steps[index - 1]!), STEPS),
      ),
    ),
    stepIntervalMs: v.optional(
      v.pipe(v.number(INTERVAL), v.minValue(MIN_INTERVAL_MS, INTERVAL), v.maxValue(MAX_TIME_MS, INTERVAL)),
      CANARY_DEFAULTS.stepIntervalMs,
    ),
    minRequests: v.optional(
      v.pipe(v.number(REQUESTS), v.safeInteger(REQUESTS), v.minValue(1, REQUESTS), v.maxValue(MAX_COUNT, REQUESTS)),
      CANARY_DEFAULTS.minRequests,
    ),
    maxErrorPercent: v.optional(v.pipe(v.number(ERRORS), v.minValue(0, ERRORS), v.maxValue(100, ERRORS)), CANARY_DEFAULTS.maxErrorPercent),
    maxP95Ratio: v.optional(v.pipe(v.number(RATIO), v.gtValue(0, RATIO), v.maxValue(MAX_RATIO, RATIO)), CANARY_DEFAULTS.maxP95Ratio),
  },
  "an object",
);

/** @internal `prefix` and `split` are read by functions. */
export const ROUTE_SCHEMA = v.strictObject({
  prefix: v.optional(v.unknown()),
  split: v.optional(v.array(v.unknown(), "an array of applications and their shares")),
  canary: v.optional(CANARY_SCHEMA),
  stickyHeader: v.optional(v.pipe(v.string(HEADER), v.regex(/^[\w!#$%&'*+.^`|~-]{1,256}$/, HEADER))),
  shadow: v.optional(SHARE_SCHEMA),
});

/**
 * @internal Reads `routes`, and checks them against the applications of the same document.
 *
 * @param routes What the document has there; `undefined` and `null` are none.
 * @param applications What the document has as `applications`.
 */
export function readRoutes(routes: unknown, applications: unknown, findings: Finding[]): RouteConfig[] {
  if (routes === undefined || routes === null) return [];
  if (!Array.isArray(routes)) {
    findings.push(errorAt(["routes"], `must be an array of routes, got ${show(routes)}.`));
    return [];
  }
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
  const read = readShape(ROUTE_SCHEMA, { value, at, shape: ROUTE_SHAPE }, findings);
  if (!isRecord(value)) return undefined;
  readPrefix(value["prefix"], [...at, "prefix"], findings);
  const split = readSplit(value["split"], [...at, "split"], findings);
  if (value["split"] !== undefined && value["canary"] !== undefined) {
    findings.push(keyFinding("error", [...at, "canary"], "must not stand beside split: a route has one of the two."));
  } else if (value["split"] === undefined && value["canary"] === undefined) {
    findings.push(errorAt(at, "must have split or canary."));
  }
  const canary = read?.canary as CanaryConfig | undefined;
  if (canary?.stable !== undefined && canary.stable === canary.candidate) {
    findings.push(errorAt([...at, "canary", "candidate"], `must be another application than stable, got ${show(canary.candidate)}.`));
  }
  if (read === undefined) return undefined;
  const base = {
    prefix: read.prefix as string,
    ...(read.stickyHeader === undefined ? {} : { stickyHeader: read.stickyHeader.toLowerCase() }),
    ...(read.shadow === undefined ? {} : { shadow: read.shadow as Share }),
  };
  return canary === undefined ? { ...base, split } : { ...base, canary };
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
  const firstAt = new Map<string, Segments>();
  for (const [index, entry] of (value as unknown[]).entries()) {
    if (isEnough(findings)) break;
    const share = readShape(SHARE_SCHEMA, { value: entry, at: [...at, index], shape: SHARE_SHAPE }, findings) as Share | undefined;
    if (share === undefined) continue;
    shares.push(share);
    if (share.application === undefined) continue;
    const first = firstAt.get(share.application);
    if (first === undefined) firstAt.set(share.application, [...at, index]);
    else {
      const rule = "An application has one share of a route.";
      findings.push(
        errorAt([...at, index, "application"], `is ${show(share.application)}, and so is that of ${formatPath(first)}. ${rule}`),
      );
    }
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
  /** By prefix: what has it, in words. */
  readonly prefixes: Map<string, string>;
}

function knownOf(applications: unknown): Known {
  const known = { applications: new Set<string>(), prefixes: new Map<string, string>() };
  for (const [index, entry] of (Array.isArray(applications) ? (applications as unknown[]) : []).entries()) {
    if (!isRecord(entry)) continue;
    const { name = DEFAULT_NAME, route_prefix: prefix = "/" } = entry;
    if (typeof name !== "string") continue;
    if (NAME_PATTERN.test(name)) known.applications.add(name);
    if (typeof prefix === "string") known.prefixes.set(prefix, `application ${show(name)} (${formatPath(["applications", index])})`);
  }
  return known;
}

function checkNames(route: Readonly<Record<string, unknown>>, at: Segments, known: Known, findings: Finding[]): void {
  const { prefix, split, canary, shadow } = route;
  if (typeof prefix === "string") {
    const other = known.prefixes.get(prefix);
    if (other === undefined) known.prefixes.set(prefix, formatPath(at));
    else findings.push(errorAt([...at, "prefix"], `is ${show(prefix)}, and so is that of ${other}. A prefix belongs to one of them.`));
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

/** One entry of `routes`, in the config file's spelling. JSON. */
export type RouteDocument = Readonly<Record<string, unknown>>;

/** @internal The entry that comes to `route` when it is read. */
export function routeDocument({ prefix, split, canary, stickyHeader, shadow }: RouteConfig): RouteDocument {
  return {
    prefix,
    ...(split === undefined ? {} : { split }),
    ...(canary === undefined ? {} : { canary: canaryDocument(canary) }),
    ...(stickyHeader === undefined ? {} : { sticky_header: stickyHeader }),
    ...(shadow === undefined ? {} : { shadow }),
  };
}

function canaryDocument({ stable, candidate, steps, ...limits }: CanaryConfig): RouteDocument {
  return {
    stable,
    candidate,
    steps,
    step_interval_s: limits.stepIntervalMs / 1000,
    min_requests: limits.minRequests,
    max_error_percent: limits.maxErrorPercent,
    max_p95_ratio: limits.maxP95Ratio,
  };
}
