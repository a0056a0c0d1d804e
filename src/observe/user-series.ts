/**
 * The numbers of the application's own metrics in one place that counts: a replica, or the isolate for all other code of the Worker.
 *
 * Invariants:
 *   U1. A metric has at most `MAX_SERIES_OF_ONE` series, and all together `MAX_SERIES_OF_ALL`, whatever is put into tags. The rest is
 *       counted with the value `other` in each tag, of which each metric has one more series.
 *   U2. What is taken has changed since the last time that was heard, and nothing else.
 */
import type { ReplicaScope } from "../context/scope.ts";
import type { Series, SeriesByKey } from "../protocol/metrics.ts";
import { MAX_SERIES_OF_ONE } from "./series.ts";
import { type Defined, descriptionOf } from "./user-metric.ts";

/** How many series there are of all metrics, besides those of `other`. */
export const MAX_SERIES_OF_ALL = 1000;
/** How much all series may take, in characters and numbers, so that a controller can keep them in a row. */
const MAX_SIZE = 400_000;
/** About what a number takes. */
const NUMBER_SIZE = 8;

/** What stands in each tag of what is one too many. */
const OTHER = "other";

interface Entry {
  readonly labels: readonly string[];
  readonly numbers: number[];
  /** The number of its last change. */
  changed: number;
}

interface Entries {
  readonly defined: Defined;
  readonly byLabels: Map<string, Entry>;
  other: Entry | undefined;
}

/** What is told. */
export interface UserSnapshot {
  readonly series: SeriesByKey;
  /** The description of each metric that has one, by name. */
  readonly about: Readonly<Record<string, string>>;
  /** To be given to `heard`. */
  readonly upTo: number;
}

export class UserSeries {
  readonly #metrics = new Map<string, Entries>();
  #count = 0;
  #size = 0;
  #changes = 0;
  /** Up to which change all is known. */
  #heard = 0;
  /** The number of the first change of the newest series. */
  #begun = 0;
  /** Up to which change something was taken. */
  #taken = 0;
  /** Called with the first change since something was taken. */
  changed: (() => void) | undefined;

  /** The numbers to be changed at once. @param labels The values of the tags, in the order of the definition. */
  at(defined: Defined, labels: readonly string[]): number[] {
    const entries = this.#entriesOf(defined);
    const text = textOf(labels);
    const entry = entries.byLabels.get(text) ?? this.#begin(entries, labels, text);
    const isFirst = this.#changes === this.#taken;
    entry.changed = ++this.#changes;
    if (isFirst) this.changed?.();
    return entry.numbers;
  }

  #entriesOf(defined: Defined): Entries {
    let entries = this.#metrics.get(defined.key);
    if (entries === undefined) this.#metrics.set(defined.key, (entries = { defined, byLabels: new Map(), other: undefined }));
    return entries;
  }

  #begin(entries: Entries, labels: readonly string[], text: string): Entry {
    const { defined, byLabels } = entries;
    const size = text.length + NUMBER_SIZE * ((defined.metric.bounds?.length ?? 0) + 2);
    const isFull = byLabels.size >= MAX_SERIES_OF_ONE || this.#count >= MAX_SERIES_OF_ALL || this.#size + size > MAX_SIZE;
    if (isFull) {
      if (entries.other !== undefined) return entries.other;
      const others = labels.map(() => OTHER);
      return (entries.other = byLabels.get(textOf(others)) ?? this.#made(others));
    }
    this.#count++;
    this.#size += size;
    const entry = labels.every((label) => label === OTHER) && entries.other !== undefined ? entries.other : this.#made(labels);
    byLabels.set(text, entry);
    return entry;
  }

  #made(labels: readonly string[]): Entry {
    this.#begun = this.#changes + 1;
    return { labels, numbers: [0], changed: 0 };
  }

  /** Whether something has changed that was not heard of. */
  get hasNews(): boolean {
    return this.#changes > this.#heard;
  }

  /** Whether a series has begun since something was taken last. */
  get hasNewSeries(): boolean {
    return this.#begun > this.#taken;
  }

  /** What has changed since what was heard. Copied: the numbers go on. */
  take(): UserSnapshot {
    const series: Record<string, Series[]> = {};
    const about: Record<string, string> = {};
    this.#taken = this.#changes;
    if (this.hasNews) {
      for (const { defined, byLabels, other } of this.#metrics.values()) {
        const all = new Set(byLabels.values());
        if (other !== undefined) all.add(other);
        const changed = [...all].filter((entry) => entry.changed > this.#heard);
        if (changed.length === 0) continue;
        series[defined.key] = changed.map(({ labels, numbers }) => [labels, [...numbers]]);
        const description = descriptionOf(defined.metric.name);
        if (description !== "") about[defined.metric.name] = description;
      }
    }
    return { series, about, upTo: this.#changes };
  }

  /** What was taken is known where it was told. */
  heard({ upTo }: Pick<UserSnapshot, "upTo">): void {
    this.#heard = Math.max(this.#heard, upTo);
  }
}

function textOf(labels: readonly string[]): string {
  return labels.length === 1 ? labels[0]! : labels.length === 0 ? "" : JSON.stringify(labels);
}

// Weakly, because several replicas share an isolate and come and go in it.
const ofReplicas = new WeakMap<ReplicaScope, UserSeries>();

/** What is counted in a replica. */
export function userSeriesOf(replica: ReplicaScope): UserSeries {
  let series = ofReplicas.get(replica);
  if (series === undefined) ofReplicas.set(replica, (series = new UserSeries()));
  return series;
}
