/**
 * `serve.metrics`: metrics of the application's own, as `ray.serve.metrics` has them.
 *
 * They may be made anywhere, in any number of places: what has one name is one metric. They count in the replica that uses them, and in
 * other code of the Worker in its isolate (isolate-metrics.ts).
 */
import { currentScope } from "../context/scope.ts";
import { ConfigError } from "../protocol/errors.ts";
import { show } from "../protocol/wording.ts";
import { isolateSeries } from "./isolate-metrics.ts";
import { observe } from "./series.ts";
import { type Defined, define, type MetricOptions } from "./user-metric.ts";
import { userSeriesOf } from "./user-series.ts";

export type { MetricOptions };

/** The values of a metric's tags, by name. Numbers and booleans are written as text, and at most 200 characters are kept. */
export type MetricTags = Readonly<Record<string, string | number | boolean>>;

/** What an author says of a histogram. */
export interface HistogramOptions extends MetricOptions {
  /** Upper bounds of its buckets, inclusive, finite and ascending: 1 to 100. */
  readonly boundaries: readonly number[];
}

/** How much of a tag's value is kept. */
const MAX_VALUE_LENGTH = 200;

/** What all metrics have. */
abstract class UserMetricBase {
  readonly #defined: Defined;
  #defaults: readonly string[];

  constructor(defined: Defined) {
    this.#defined = defined;
    this.#defaults = defined.metric.tagKeys.map(() => "");
  }

  /** What it is called where it is scraped: a counter's name ends in `_total`. */
  get name(): string {
    return this.#defined.metric.name;
  }

  /**
   * Sets the tags that hold wherever a call gives none of that name. Replaces those that were set before.
   *
   * @throws ConfigError for a tag that was not declared, or a value that is no string, number or boolean.
   */
  setDefaultTags(tags: MetricTags): void {
    this.#defaults = this.#valuesOf(
      tags,
      this.#defined.metric.tagKeys.map(() => ""),
    );
  }

  /** The numbers to be changed. */
  protected numbersFor(value: unknown, tags: MetricTags | undefined): number[] {
    if (typeof value !== "number" || !Number.isFinite(value)) this.refuse(`the value must be a finite number, got ${show(value)}.`);
    const labels = tags === undefined ? this.#defaults : this.#valuesOf(tags, this.#defaults);
    const replica = currentScope()?.replica;
    return (replica === undefined ? isolateSeries() : userSeriesOf(replica)).at(this.#defined, labels);
  }

  protected get bounds(): readonly number[] {
    return this.#defined.metric.bounds ?? [];
  }

  protected refuse(what: string): never {
    throw new ConfigError(`Metric ${show(this.name)}: ${what}`);
  }

  #valuesOf(tags: MetricTags, defaults: readonly string[]): readonly string[] {
    const { tagKeys } = this.#defined.metric;
    if (typeof tags !== "object" || tags === null) this.refuse(`tags must be an object, got ${show(tags)}.`);
    let values: string[] | undefined;
    for (const [key, value] of Object.entries(tags) as [string, unknown][]) {
      const index = tagKeys.indexOf(key);
      if (index === -1) {
        const declared = tagKeys.length === 0 ? "has no tags" : `has the tags ${tagKeys.join(", ")}`;
        this.refuse(`the tag ${show(key)} was not declared. It ${declared}: name all of them in tagKeys.`);
      }
      if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
        this.refuse(`the tag ${show(key)} must be a string, a number or a boolean, got ${show(value)}.`);
      }
      (values ??= [...defaults])[index] = String(value).slice(0, MAX_VALUE_LENGTH).toWellFormed();
    }
    return values ?? defaults;
  }
}

/**
 * A number that only grows. It is scraped with `_total` at the end of its name.
 *
 * @example
 * const served = new serve.metrics.Counter("pages_served", { description: "Pages served.", tagKeys: ["kind"] });
 * served.inc(1, { kind: "search" });
 */
export class Counter extends UserMetricBase {
  /** @throws ConfigError for a name or tags that Prometheus would not take, or that mean something else already. */
  constructor(name: string, options: MetricOptions = {}) {
    super(define("counter", name, options));
  }

  /**
   * Adds to it.
   *
   * @param value How much; 1 when left out. Finite, and not negative.
   * @throws ConfigError for any other value, and for a tag that was not declared.
   */
  inc(value = 1, tags?: MetricTags): void {
    if (value < 0) this.refuse(`a counter only grows, got ${value}.`);
    this.numbersFor(value, tags)[0]! += value;
  }
}

/** A number that goes up and down: what was set last. It is shown as long as the replica that has set it is one. */
export class Gauge extends UserMetricBase {
  /** @throws ConfigError for a name or tags that Prometheus would not take, or that mean something else already. */
  constructor(name: string, options: MetricOptions = {}) {
    super(define("gauge", name, options));
  }

  /**
   * Sets it.
   *
   * @param value Finite.
   * @throws ConfigError for any other value, and for a tag that was not declared.
   */
  set(value: number, tags?: MetricTags): void {
    this.numbersFor(value, tags)[0] = value;
  }
}

/** How values are distributed: how many lie below each boundary, their sum and their count. */
export class Histogram extends UserMetricBase {
  /** @throws ConfigError for a name, tags or boundaries that Prometheus would not take, or that mean something else already. */
  constructor(name: string, options: HistogramOptions) {
    super(define("histogram", name, options ?? {}, options?.boundaries));
  }

  /**
   * Counts a value.
   *
   * @param value Finite.
   * @throws ConfigError for any other value, and for a tag that was not declared.
   */
  observe(value: number, tags?: MetricTags): void {
    observe(this.numbersFor(value, tags), this.bounds, value);
  }
}
