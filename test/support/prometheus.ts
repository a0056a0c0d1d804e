/**
 * A strict reader of Prometheus text, format 0.0.4: what is not exactly by the format is an error with its line.
 *
 * Written from the format's description, not from what writes it here.
 */

/** A line with a number. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric, and the lines that belong to it. */
export interface ReadFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ReadSample[];
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\[\\n])*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\[\\n"])*")*)\})? ([^ ]+)$/;
const PAIR = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(,|$)/y;
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/;
const SUFFIXES = ["_bucket", "_sum", "_count"];

/** Reads a whole scrape. */
export function readPrometheus(text: string): Map<string, ReadFamily> {
  const families = new Map<string, { type: string; help: string; samples: ReadSample[] }>();
  if (text === "") return families;
  if (!text.endsWith("\n")) throw new Error("The last line must end.");
  let current: { name: string; family: { type: string; help: string; samples: ReadSample[] } } | undefined;
  const seen = new Set<string>();
  for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
    const fail = (what: string): never => {
      throw new Error(`Line ${index + 1}: ${what}: ${JSON.stringify(line)}`);
    };
    if (line.startsWith("# HELP")) {
      const [, name = "", help = ""] = HELP.exec(line) ?? fail("no HELP");
      if (families.has(name)) fail("a second HELP, or a family in two parts");
      current = { name, family: { type: "", help: unescaped(help), samples: [] } };
      families.set(name, current.family);
    } else if (line.startsWith("# TYPE")) {
      const [, name, type = ""] = TYPE.exec(line) ?? fail("no TYPE");
      if (name !== current?.name || current?.family.type !== "") fail("a TYPE that does not follow its HELP");
      current!.family.type = type;
    } else {
      const sample = readSample(line, fail);
      if (current === undefined || current.family.type === "") return fail("a sample before its TYPE");
      const names = current.family.type === "histogram" ? SUFFIXES.map((suffix) => current!.name + suffix) : [current.name];
      if (!names.includes(sample.name)) fail(`a sample among those of ${current.name}`);
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()]);
      if (seen.has(key)) fail("the same series twice");
      seen.add(key);
      current.family.samples.push(sample);
    }
  }
  for (const [name, { type, samples }] of families) if (type === "histogram") checkHistogram(name, samples);
  return families;
}

function readSample(line: string, fail: (what: string) => never): ReadSample {
  const [, name = "", inside = "", number = ""] = SAMPLE.exec(line) ?? fail("no sample");
  const labels: Record<string, string> = {};
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < inside.length) {
    const [, label = "", value = ""] = PAIR.exec(inside) ?? fail("no label");
    if (label in labels) fail("a label twice");
    labels[label] = unescaped(value);
  }
  if (!NUMBER.test(number)) fail("no number");
  return { name, labels, value: Number(number.replace("Inf", "Infinity")) };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}

function checkHistogram(name: string, samples: readonly ReadSample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) =>
    JSON.stringify(
      Object.entries(labels)
        .filter(([label]) => label !== "le")
        .toSorted(),
    ),
  );
  for (const [labels, group] of groups) {
    const fail = (what: string): never => {
      throw new Error(`Histogram ${name} ${labels}: ${what}.`);
    };
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le } }) => Number(le?.replace("Inf", "Infinity")));
    const only = (suffix: string) => {
      const found = group.filter((sample) => sample.name === name + suffix);
      return found.length === 1 ? found[0]!.value : fail(`${found.length} lines of ${suffix}`);
    };
    if (bounds.some((bound, index) => !(bound > (bounds[index - 1] ?? -Infinity)))) fail("its bounds do not ascend");
    if (bounds.at(-1) !== Infinity) fail("its last bound is not +Inf");
    if (buckets.some(({ value }, index) => value < (buckets[index - 1]?.value ?? 0))) fail("its buckets are not cumulative");
    if (buckets.at(-1)!.value !== only("_count")) fail("its last bucket is not its count");
    only("_sum");
  }
}

/** The sum of a metric's numbers over the series that have these labels. @param name As in the line: with `_count`, for instance. */
export function total(families: ReadonlyMap<string, ReadFamily>, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const all = [...families.values()].flatMap(({ samples }) => samples).filter((sample) => sample.name === name);
  const wanted = all.filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  return wanted.reduce((sum, { value }) => sum + value, 0);
}

/** What a scraper saw of one series. */
export type Sample = readonly [atMs: number, value: number];

/**
 * `increase()` as Prometheus computes it (`extrapolatedRate` in its promql/functions.go) over the samples in a window; `undefined`
 * where it gives none, because there are fewer than two.
 */
export function increase(all: readonly Sample[], fromMs: number, untilMs: number): number | undefined {
  const samples = all.filter(([atMs]) => atMs > fromMs && atMs <= untilMs);
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || samples.length < 2) return undefined;
  let result = last[1] - first[1];
  // A counter that has fallen began anew.
  for (const [index, [, value]] of samples.entries()) {
    const before = samples[index - 1]?.[1] ?? 0;
    if (index > 0 && value < before) result += before;
  }
  const sampledMs = last[0] - first[0];
  const meanGapMs = sampledMs / (samples.length - 1);
  const reach = (gapMs: number) => (gapMs >= meanGapMs * 1.1 ? meanGapMs / 2 : gapMs);
  let toStartMs = reach(first[0] - fromMs);
  // No counter was below 0.
  if (result > 0 && first[1] >= 0) toStartMs = Math.min(toStartMs, sampledMs * (first[1] / result));
  return (result * (sampledMs + toStartMs + reach(untilMs - last[0]))) / sampledMs;
}
