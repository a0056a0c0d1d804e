/**
 * The options of `serve.batch`, one entry each, checked where the author wrote them. Their doc comments are the reference's.
 */
import {
  group,
  type Named,
  option,
  type OptionsOf,
  problemsOf,
  refuse,
  schemaOf,
  type TableOf,
  valueProblems,
  withDefaults,
} from "../api/option-table.ts";
import { callable, count, delay, period } from "../api/option-values.ts";
import { MAX_BATCH_SIZE } from "../protocol/limits.ts";

/** Options of `adaptive`. */
export const ADAPTIVE_OPTIONS = {
  /**
   * From an item's call to its result, in milliseconds.
   *
   * @accepts a number above 0 and at most 2,147,483,647
   */
  targetLatencyMs: option(period(), { required: true }),
};

/** Goals of adaptive batching. */
export interface AdaptiveOptions extends Required<OptionsOf<typeof ADAPTIVE_OPTIONS>>, Named {}

/** Every option of `serve.batch`. */
export const BATCH_OPTIONS = {
  /**
   * Never more than this in a batch, counted in items or by `batchSizeOf`.
   *
   * @accepts an integer from 1 to 10,000
   * @default 10
   */
  maxBatchSize: option(count(1, MAX_BATCH_SIZE), { default: 10 }),
  /**
   * How long the oldest item waits for the batch to fill, in milliseconds; 0 takes what is there.
   *
   * @accepts a number from 0 to 2,147,483,647
   * @default 10
   */
  batchWaitTimeoutMs: option(delay(), { default: 10 }),
  /**
   * How many batches may run at once.
   *
   * @accepts an integer from 1 to 1,000,000
   * @default 1
   */
  maxConcurrentBatches: option(count(1), { default: 1 }),
  /**
   * What counts towards `maxBatchSize`, where items differ. Takes what the batched function takes.
   *
   * @default the number of items
   */
  batchSizeOf: option(callable<SizeOf>()),
  /**
   * Finds size and wait by measured latency; `maxBatchSize` and `batchWaitTimeoutMs` are then upper bounds.
   *
   * @default off
   */
  adaptive: group<AdaptiveOptions>(ADAPTIVE_OPTIONS, { default: null }, "an object { targetLatencyMs }"),
} satisfies TableOf<BatchSettings>;

/** Batching options. `Columns` are the parameters of the batched function: an array each. */
export interface BatchOptions<Columns extends readonly unknown[] = readonly never[]>
  extends OptionsOf<typeof BATCH_OPTIONS, { readonly batchSizeOf: (...columns: Columns) => number }>, Named {}

/** Limits that may change while the function is used. */
export interface BatchLimits {
  readonly maxBatchSize: number;
  readonly batchWaitTimeoutMs: number;
}

/** Measures a batch that is given as columns. */
export type SizeOf = (...columns: unknown[][]) => number;

/** The options with every default filled in. */
export interface BatchSettings extends BatchLimits {
  readonly maxConcurrentBatches: number;
  readonly batchSizeOf?: SizeOf;
  readonly adaptive: AdaptiveOptions | null;
}

const SCHEMA = schemaOf(BATCH_OPTIONS);

/**
 * Checks the options and fills in the defaults.
 *
 * @throws ConfigError naming the option, its value and what is accepted.
 */
export function resolveBatchOptions(options: unknown): BatchSettings {
  refuse("serve.batch()", problemsOf(BATCH_OPTIONS, SCHEMA, options));
  return withDefaults<BatchSettings>(BATCH_OPTIONS, options as object);
}

/**
 * Checks what a setter was given.
 *
 * @throws ConfigError naming the setter, the value and what is accepted.
 */
export function checkLimit(setter: string, option: keyof BatchLimits, value: unknown): void {
  refuse(`${setter}()`, valueProblems(option, BATCH_OPTIONS[option], value));
}
