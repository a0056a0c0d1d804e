/**
 * The options of `serve.batch`: one type, one doc, one default each, checked where the author wrote them.
 */
import { ConfigError } from "../protocol/errors.ts";
import { MAX_BATCH_SIZE, MAX_COUNT, MAX_TIME_MS } from "../protocol/limits.ts";

/** What adaptive batching aims at. */
export interface AdaptiveOptions {
  /** From an item's call to its result, in milliseconds. Above 0, at most 2,147,483,647. */
  readonly targetLatencyMs: number;
}

/** How calls are put together. `Columns` are the parameters of the batched function: an array each. */
export interface BatchOptions<Columns extends readonly unknown[] = readonly never[]> {
  /** Never more than this in a batch, counted in items or by `batchSizeOf`; from 1 to 10,000. @default 10 */
  readonly maxBatchSize?: number;
  /** How long the oldest item waits for the batch to fill, in milliseconds up to 2,147,483,647; 0 takes what is there. @default 10 */
  readonly batchWaitTimeoutMs?: number;
  /** How many batches may run at once; from 1 to 1,000,000. @default 1 */
  readonly maxConcurrentBatches?: number;
  /** What counts towards `maxBatchSize`, where items differ. Takes what the batched function takes. @default the number of items */
  readonly batchSizeOf?: (...columns: Columns) => number;
  /** Finds size and wait by measured latency; `maxBatchSize` and `batchWaitTimeoutMs` are then upper bounds. @default off */
  readonly adaptive?: AdaptiveOptions;
}

/** What may change while the function is used. */
export interface BatchLimits {
  readonly maxBatchSize: number;
  readonly batchWaitTimeoutMs: number;
}

/** Measures a batch that is given as columns. */
export type SizeOf = (...columns: unknown[][]) => number;

/** The options with every default filled in. */
export interface BatchSettings extends BatchLimits {
  readonly maxConcurrentBatches: number;
  readonly batchSizeOf: SizeOf | undefined;
  readonly adaptive: AdaptiveOptions | undefined;
}

interface Rule {
  readonly accepted: string;
  accepts(value: unknown): boolean;
}

const isFinite = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isCount = (value: unknown, maximum: number) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= maximum;
const countTo = (maximum: number): Rule => ({
  accepted: `an integer from 1 to ${maximum}`,
  accepts: (value) => isCount(value, maximum),
});
const duration: Rule = {
  accepted: `a number from 0 to ${MAX_TIME_MS}`,
  accepts: (value) => isFinite(value) && value >= 0 && value <= MAX_TIME_MS,
};
const target: Rule = {
  accepted: `a number above 0 and at most ${MAX_TIME_MS}`,
  accepts: (value) => isFinite(value) && value > 0 && value <= MAX_TIME_MS,
};
const callable: Rule = { accepted: "a function", accepts: (value) => typeof value === "function" };
const record: Rule = { accepted: "an object", accepts: (value) => typeof value === "object" && value !== null && !Array.isArray(value) };

const RULES: Readonly<Record<string, Rule>> = {
  maxBatchSize: countTo(MAX_BATCH_SIZE),
  batchWaitTimeoutMs: duration,
  maxConcurrentBatches: countTo(MAX_COUNT),
  batchSizeOf: callable,
  adaptive: { ...record, accepted: "an object { targetLatencyMs }" },
};
const ADAPTIVE_RULES: Readonly<Record<string, Rule>> = { targetLatencyMs: target };

/**
 * Checks the options and fills in the defaults.
 *
 * @throws ConfigError naming the option, its value and what is accepted.
 */
export function resolveBatchOptions(options: unknown): BatchSettings {
  check("serve.batch(): the options", options, record);
  const { maxBatchSize, batchWaitTimeoutMs, maxConcurrentBatches, batchSizeOf, adaptive } = checkedAll(options as object, RULES, "");
  if (adaptive !== undefined) {
    checkedAll(adaptive as object, ADAPTIVE_RULES, "adaptive.");
    check("serve.batch(): adaptive.targetLatencyMs", (adaptive as AdaptiveOptions).targetLatencyMs, target);
  }
  return {
    maxBatchSize: (maxBatchSize as number | undefined) ?? 10,
    batchWaitTimeoutMs: (batchWaitTimeoutMs as number | undefined) ?? 10,
    maxConcurrentBatches: (maxConcurrentBatches as number | undefined) ?? 1,
    batchSizeOf: batchSizeOf as SizeOf | undefined,
    adaptive: adaptive as AdaptiveOptions | undefined,
  };
}

/**
 * Checks what a setter was given.
 *
 * @throws ConfigError naming the setter, the value and what is accepted.
 */
export function checkLimit(setter: string, option: keyof BatchLimits, value: unknown): void {
  check(`${setter}(): ${option}`, value, RULES[option]!);
}

function checkedAll(options: object, rules: Readonly<Record<string, Rule>>, prefix: string): Readonly<Record<string, unknown>> {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined)
      throw new ConfigError(`serve.batch(): unknown option ${JSON.stringify(prefix + name)}. Accepted: ${Object.keys(rules).join(", ")}.`);
    if (value !== undefined) check(`serve.batch(): ${prefix}${name}`, value, rule);
  }
  return options as Readonly<Record<string, unknown>>;
}

function check(subject: string, value: unknown, { accepted, accepts }: Rule): void {
  if (!accepts(value)) throw new ConfigError(`${subject} must be ${accepted}, got ${show(value)}.`);
}

/** A value as it reads in an error. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (value === null || ["number", "boolean", "undefined"].includes(typeof value)) return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object") return `a ${typeof value}`;
  try {
    const { name } = (value.constructor ?? Object) as { readonly name?: unknown };
    return typeof name === "string" && name !== "" && name !== "Object" ? withArticle(name) : "an object";
  } catch {
    // A getter or a proxy of the application's.
    return "an object";
  }
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;
}
