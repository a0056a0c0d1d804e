/** What `npm run bench:cpu` writes into docs/benchmarks.md. */
import { cpus } from "node:os";
import { type Estimate, show } from "./statistics.ts";

/** A side, as it compares. */
export interface Row {
  readonly side: string;
  /** Of a request, or a call. */
  readonly us: number;
  /** With itself. */
  readonly again: Estimate;
  readonly toHand?: Estimate;
  readonly toAlike?: Estimate;
}

/** A figure, with its sides. */
export interface Measured {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** How it was measured. */
export interface Run {
  readonly rounds: string;
  readonly processes: string;
  /** Of the machine before. */
  readonly load: number;
}

/** The part of the page. */
export function pageOf(all: readonly Measured[], { rounds, processes, load }: Run): string {
  const cell = (value: Estimate | undefined) => (value === undefined ? "" : show(value, 2));
  const lines = all.flatMap(({ name, rows }) =>
    rows.map(({ side, us, again, toHand, toAlike }, index) => {
      const figure = index === 0 ? `**${name}**` : "";
      return `| ${figure} | ${side} | ${us.toFixed(0)} | ${cell(toHand)} | ${cell(toAlike)} | ${cell(again)} |`;
    }),
  );
  return `## The CPU of a request, in pairs

Processor time of workerd for one request. The sides are services of one workerd process, each with its own isolate, and take turns in random order; a ratio is
the median of the rounds' ratios, with its 95 % interval. *By hand* is [what most people write](../bench/micro/apps/hand-written.ts), *alike* is
[the same with the features](../bench/micro/apps/hand-written-alike.ts) that edge-serve gives user code: a request id, a path without prefix, a context. More than 1 is
less time than that takes. *Itself* is a side against the same code under another name: what it differs from 1 by is noise. The access log is off, and
nothing is minified. ${rounds} rounds in ${processes} processes of workerd, each with 16 connections.

| figure | side | us | by hand / it | alike / it | itself |
| --- | --- | --- | --- | --- | --- |
${lines.join("\n")}

Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model ?? "an unknown processor"}, ${cpus().length} cores; node ${process.versions.node}. When it began, ${load.toFixed(1)} other processes wanted
a processor (the load average).`;
}
