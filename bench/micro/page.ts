/** The comparisons as Markdown: for the terminal, and with the machine for `docs/benchmarks.md`. */
import { median } from "../statistics.ts";
import type { Comparison, Rounds, Sample } from "./measure.ts";

/** On what it was measured. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** How many processes wanted the processor before this began, on average over a minute. */
  readonly loadBefore: number;
  readonly system: string;
  /** Name and version of each program. */
  readonly versions: Readonly<Record<string, string>>;
  readonly date: string;
}

/** A table with a row for each figure. */
export function tableOf(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ figure, ours, byHand, alike }) => [
    figure.name,
    `${rounded(ours, "perSecond")} ${figure.unit}/s`,
    `${rounded(byHand, "perSecond")} ${figure.unit}/s`,
    ratioOf(ours, byHand, "perSecond"),
    `>= ${figure.aim.toFixed(2)}`,
    [ours, byHand].map((side) => rounded(side, "p99Ms")).join(" / "),
    [ours, byHand, alike].map((side) => rounded(side, "cpuUs")).join(" / "),
    // As with throughput, more is better.
    ratioOf(byHand, ours, "cpuUs"),
    ratioOf(alike, ours, "cpuUs"),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(HEAD), line(HEAD.map(() => "---")), ...rows.map(line)].join("\n");
}

const HEAD = [
  "figure",
  "edge-serve",
  "by hand",
  "ratio",
  "aim",
  "p99 ms, both",
  "CPU us each, and by hand alike",
  "ratio by CPU",
  "to by hand alike",
];

/** Its part of the page. */
export function pageOf(comparisons: readonly Comparison[], { rounds, ms }: Rounds, machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return `## Beside Durable Objects by hand, in detail

What edge-serve costs, against [a Worker and Durable Objects written by hand](../bench/micro/apps/hand-written.ts) that do the same as
[the measured applications](../bench/micro/apps/edge-serve.ts), in the same run. Only the ratios mean something: the absolute numbers are those of a
small machine on which the load shares the processor with what is measured.

${tableOf(comparisons)}

- Medians of ${rounds} rounds of ${ms / 1000} s, the sides in turns; in parentheses the smallest and largest ratio of a round. *Ratio by CPU* is the
  processor time of the workerd process for each request, call or item, by hand through edge-serve: on a shared machine it is steadier
  than throughput. Both are one process each, and how the machine places a process makes a difference of its own, of up to a tenth.
- *By hand alike* is [a third Worker](../bench/micro/apps/hand-written-alike.ts), by hand too, which gives user code what edge-serve does: a
  request id on every response and in every object, a path without its prefix, a context that can be asked for anywhere. The rest of the
  way to *by hand* is what the platform takes for these: that is why an aim of 0.95 is missed whatever edge-serve itself costs.
- All sides are bundled by \`wrangler deploy --dry-run\` and run on workerd itself, without wrangler's development proxy, over loopback,
  with Durable Object storage on disk. Access logs are off (\`logging: { accessLog: false }\`; by default they are on).
- What edge-serve does besides, and no Worker here does by hand: admission, choice of a replica, errors that keep their class and show the
  caller's stack, cancellation, deadlines, dispatch by name, metrics. [The hot path](architecture.md#the-hot-path) lists what each thing costs.
- *Handle calls* are made one after the other, 50 for each HTTP request. *Items* are 2000 for each HTTP request; by hand they are a byte
  stream with one chunk for each item.

Measured on ${machine.date}: ${machine.processor}, ${machine.cores} cores, ${machine.system}; ${versions.join(", ")}.
When it began, ${machine.loadBefore.toFixed(1)} other processes wanted a processor (the load average). Where that is not close to 0, and where the ratios of
rounds lie far apart, throughput says little: look at the ratio by CPU.
`;
}

function ratioOf(over: readonly Sample[], under: readonly Sample[], key: keyof Sample): string {
  const ratios = over.map((sample, round) => sample[key] / under[round]![key]);
  return `**${median(ratios).toFixed(2)}** (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
}

function rounded(samples: readonly Sample[], key: keyof Sample): string {
  const value = median(samples.map((sample) => sample[key]));
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(2);
}
