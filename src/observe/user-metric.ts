/**
 * What a metric of the application's own is: its definition, and the rules for names.
 *
 * Owns: which definitions there are in this isolate, so that one name means one thing.
 * Does not own: its numbers (user-series.ts), what an author calls (metrics.ts).
 *
 * A definition is also the key of its series on the wire, as text: whoever receives numbers needs nothing else to show them.
 */
import { ConfigError } from "../protocol/errors.ts";
import { show } from "../protocol/wording.ts";
import { REPLICA, type Metric } from "./metric-definitions.ts";

/** What tells one metric from another. */
export interface UserMetric {
  readonly type: Metric["type"];
  /** As it is scraped: a counter's ends in `_total`. */
  readonly name: string;
  /** In alphabetical order. */
  readonly tagKeys: readonly string[];
  /** Of a histogram's buckets: upper bounds, inclusive, ascending. */
  readonly bounds?: readonly number[];
}

/** What an author says of a metric. */
export interface MetricOptions {
  /** What it measures: the metric's HELP line. */
  readonly description?: string | undefined;
  /** The names of its tags: at most 10. A tag that is not given has the value `""`. */
  readonly tagKeys?: readonly string[] | undefined;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const TAG_KEY = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** What the framework's own metrics are called. */
const OWN_PREFIX = "serve_";
/** What each series has anyway, and what Prometheus gives a meaning to. */
const TAKEN: readonly string[] = [...REPLICA, "le", "quantile"];
const MAX_NAME_LENGTH = 200;
const MAX_TAGS = 10;
const MAX_BOUNDS = 100;
const MAX_DESCRIPTION_LENGTH = 1000;
/** How many metrics an isolate has: each may have a series, whatever its tags are. */
const MAX_METRICS = 1000;

/** The lines of a histogram. */
const SUFFIXES = ["_bucket", "_sum", "_count"];

/** A definition and its key. */
export interface Defined {
  readonly metric: UserMetric;
  readonly key: string;
}

const known = new Map<string, Defined>();
/** Whose lines have this name, besides a metric of this name. */
const lines = new Map<string, Defined>();
const descriptions = new Map<string, string>();

/**
 * Takes a definition.
 *
 * @param about What it is called in an error, such as `Counter "hits"`.
 * @throws ConfigError for what cannot be a metric, and where the name means something else already.
 */
export function define(type: UserMetric["type"], name: string, options: MetricOptions, boundaries?: readonly number[]): Defined {
  const kind = type.charAt(0).toUpperCase() + type.slice(1);
  if (typeof name !== "string") throw new ConfigError(`${kind}: the name must be a string, got ${typeof name}.`);
  const about = `${kind} ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))}`;
  const refuse = (what: string): never => {
    throw new ConfigError(`${about}: ${what}`);
  };
  if (!NAME.test(name)) refuse("a metric's name has letters, digits, _ and :, and does not begin with a digit.");
  if (name.length > MAX_NAME_LENGTH) refuse(`a metric's name has at most ${MAX_NAME_LENGTH} characters, got ${name.length}.`);
  if (name.startsWith(OWN_PREFIX)) refuse(`names that begin with ${OWN_PREFIX} are the framework's own.`);
  if (typeof options !== "object" || options === null) refuse(`the second argument must be an object of options, got ${String(options)}.`);
  const { description = "", tagKeys = [] } = options;
  if (typeof description !== "string") refuse(`description must be a string, got ${typeof description}.`);
  const bounds = type === "histogram" ? boundsIn(boundaries, refuse) : undefined;
  const metric: UserMetric = {
    type,
    name: type === "counter" && !name.endsWith("_total") ? `${name}_total` : name,
    tagKeys: keysIn(tagKeys, refuse),
    ...(bounds === undefined ? {} : { bounds }),
  };
  return claimed(metric, description.slice(0, MAX_DESCRIPTION_LENGTH), refuse);
}

type Refuse = (what: string) => never;

function keysIn(tagKeys: readonly string[], refuse: Refuse): readonly string[] {
  if (!Array.isArray(tagKeys)) return refuse(`tagKeys must be an array of names, got ${typeof tagKeys}.`);
  if (tagKeys.length > MAX_TAGS) refuse(`a metric has at most ${MAX_TAGS} tags, got ${tagKeys.length}.`);
  for (const key of tagKeys as readonly unknown[]) {
    if (typeof key !== "string" || !TAG_KEY.test(key) || key.startsWith("__") || key.length > MAX_NAME_LENGTH) {
      refuse(`a tag's name has letters, digits and _, and does not begin with a digit or __, got ${show(key)}.`);
    }
    if (TAKEN.includes(key as string))
      refuse(`a tag cannot be called ${show(key)}: each series has that label anyway, or it has a meaning.`);
  }
  if (new Set(tagKeys).size < tagKeys.length) refuse(`tagKeys names a tag twice: ${tagKeys.join(", ")}.`);
  return tagKeys.toSorted();
}

function boundsIn(boundaries: readonly number[] | undefined, refuse: Refuse): readonly number[] {
  if (!Array.isArray(boundaries) || boundaries.length === 0)
    return refuse("boundaries are required: upper bounds of its buckets, ascending.");
  if (boundaries.length > MAX_BOUNDS) refuse(`a histogram has at most ${MAX_BOUNDS} boundaries, got ${boundaries.length}.`);
  const bounds: number[] = Array.from(boundaries as readonly number[]);
  for (const [index, bound] of bounds.entries()) {
    if (typeof bound !== "number" || !Number.isFinite(bound)) refuse(`boundaries[${index}] must be a finite number, got ${show(bound)}.`);
    if (index > 0 && bound <= bounds[index - 1]!) refuse(`boundaries must ascend, got ${bound} after ${bounds[index - 1]}.`);
  }
  return bounds;
}

function claimed(metric: UserMetric, description: string, refuse: Refuse): Defined {
  const { type, name, tagKeys, bounds } = metric;
  const before = known.get(name);
  if (before !== undefined) {
    const { metric: other, key } = before;
    if (other.type !== type) refuse(`there is a ${other.type} of this name.`);
    if (other.tagKeys.join() !== tagKeys.join()) refuse(`it was defined with ${tagsText(other)} before, and has ${tagsText(metric)} here.`);
    if (key !== keyOf(metric))
      refuse(`it was defined with the boundaries ${other.bounds?.join(", ")} before, and has ${bounds?.join(", ")} here.`);
    if (description !== "") descriptions.set(name, description);
    return before;
  }
  const others = type === "histogram" ? SUFFIXES.map((suffix) => known.get(name + suffix)) : [];
  const clash = lines.get(name) ?? others.find((other) => other !== undefined);
  if (clash !== undefined) refuse(`a line of this name belongs to the ${clash.metric.type} ${show(clash.metric.name)}.`);
  if (known.size >= MAX_METRICS) refuse(`there are ${MAX_METRICS} metrics already. Make each one once, and tell things apart by tags.`);
  const defined = { metric, key: keyOf(metric) };
  known.set(name, defined);
  if (type === "histogram") for (const suffix of SUFFIXES) lines.set(name + suffix, defined);
  descriptions.set(name, description);
  return defined;
}

function tagsText({ tagKeys }: UserMetric): string {
  return tagKeys.length === 0 ? "no tags" : `the tags ${tagKeys.join(", ")}`;
}

/** What an author has said of the metric of this name. */
export function descriptionOf(name: string): string {
  return descriptions.get(name) ?? "";
}

function keyOf({ type, name, tagKeys, bounds }: UserMetric): string {
  return JSON.stringify(bounds === undefined ? [type, name, tagKeys] : [type, name, tagKeys, bounds]);
}

/** The definition that a key is; `undefined` for one of newer code. */
export function userMetricOf(key: string): UserMetric | undefined {
  try {
    const [type, name, tagKeys, bounds] = JSON.parse(key) as [UserMetric["type"], string, readonly string[], (readonly number[])?];
    if (type !== "counter" && type !== "gauge" && type !== "histogram") return undefined;
    return bounds === undefined ? { type, name, tagKeys } : { type, name, tagKeys, bounds };
  } catch {
    return undefined;
  }
}
