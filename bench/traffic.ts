/**
 * `npm run bench:traffic`: the CPU time of a request of a prefix that several applications share, beside one of a plain prefix, in pairs. Writes
 * its part of docs/benchmarks.md.
 *
 * `--rounds N` for another precision, `--processes N`, `--quick` to see only that it works. Needs Linux.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure, pooled, type Times } from "./cpu/measure.ts";
import { estimate, type Estimate, ratios, show } from "./cpu/statistics.ts";
import { BASE, buildTrafficVariants, HEADERS, PREFIX } from "./cpu/traffic-variants.ts";
import { writePart } from "./parts.ts";
import { median } from "./statistics.ts";
import { WorkerdProcess } from "./workerd-process.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "240" },
    processes: { type: "string", default: "3" },
    quick: { type: "boolean", default: false },
  },
});
const figures = [{ name: "no-op", path: PREFIX, requests: 80 }];
const processes = values.quick ? 1 : Number(values.processes);
const rounds = values.quick ? 2 : Math.ceil(Number(values.rounds) / processes);
const folder = mkdtempSync(join(tmpdir(), "edge-serve-traffic-"));
try {
  const { config, variants } = buildTrafficVariants(folder);
  const runs: Times[] = [];
  for (let run = 0; run < processes; run++) {
    using workerd = await WorkerdProcess.start(config, { sockets: variants.length });
    const { pid, ports } = workerd;
    runs.push((await measure({ pid, ports, figures, rounds, headers: HEADERS }))[0]!);
  }
  const text = textOf(pooled(runs), [...new Set(variants.map(({ side }) => side))]);
  console.log(text);
  if (!values.quick) writePart("bench:traffic", text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function textOf(times: Times, sides: readonly string[]): string {
  const both = (side: string) => times[side]!.map((value, round) => (value + times[`${side}, again`]![round]!) / 2);
  const rows = sides.map((side) => {
    const more = side === BASE ? "" : percentOf(estimate(ratios(both(side), both(BASE))));
    return `| ${side} | ${median(both(side)).toFixed(1)} | ${more} | ${show(estimate(ratios(times[side]!, times[`${side}, again`]!)))} |`;
  });
  return `## A prefix that applications share

What a request of [a split or a canary](traffic.md) costs more than one of ${BASE}: processor time of workerd for an answer of a no-op, all sides in one
process, ${rounds * processes} rounds in ${processes} processes, the median of the rounds' ratios with its 95 % interval. *Itself* is a side against the same code under another
name: what it differs from 1 by is noise. In *a plain prefix* the document has a split at another prefix.

| the request goes to | us | more than ${BASE} | itself |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

// `1.2 % (0.4 to 2.0)`.
function percentOf({ median: middle, low, high }: Estimate): string {
  const [more, from, to] = [middle, low, high].map((ratio) => ((ratio - 1) * 100).toFixed(1));
  return `**${more} %** (${from} to ${to})`;
}
