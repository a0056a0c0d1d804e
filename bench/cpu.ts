/**
 * `npm run bench:cpu`: the CPU time of a request, of edge-serve and of the same by hand, in pairs. See docs/benchmarks.md.
 *
 * `--rounds N` for another precision, `--processes N`, `--cf` for requests that carry a `cf` as Cloudflare's do, `--other name=folder`
 * for another checkout of this project as one more variant, `--quick` to see only that it works. Needs Linux.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CF_OF_A_REQUEST } from "./cpu/cloudflare-request.ts";
import { type Figure, measure, pooled, type Times } from "./cpu/measure.ts";
import { estimate, ratios, show } from "./cpu/statistics.ts";
import { buildVariants, type Variant } from "./cpu/variants.ts";
import { median } from "./statistics.ts";
import { WorkerdProcess } from "./workerd-process.ts";

const FIGURES: readonly Figure[] = [
  { name: "HTTP no-op", path: "/", requests: 80 },
  { name: "handle call", path: "/calls?count=21", requests: 16, less: { path: "/calls?count=1", perRequest: 20 } },
  { name: "composition", path: "/composed", requests: 64 },
];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "100" },
    processes: { type: "string", default: "2" },
    cf: { type: "boolean", default: false },
    other: { type: "string", multiple: true, default: [] },
    only: { type: "string", multiple: true, default: [] },
    quick: { type: "boolean", default: false },
  },
});
const others = Object.fromEntries(values.other.map((text) => text.split("=", 2) as [string, string]));
const figures = FIGURES.filter(({ name }) => values.only.length === 0 || values.only.some((part) => name.includes(part)));
const folder = mkdtempSync(join(tmpdir(), "edge-serve-cpu-"));
try {
  const { config, variants } = buildVariants(folder, others, values.cf);
  const all: Times[][] = [];
  for (let run = 0; run < (values.quick ? 1 : Number(values.processes)); run++) {
    using workerd = await WorkerdProcess.start(config, { sockets: variants.length });
    const ports = workerd.ports;
    const headers = values.cf ? { "cf-blob": JSON.stringify(CF_OF_A_REQUEST) } : undefined;
    const rounds = values.quick ? 2 : Math.ceil(Number(values.rounds) / Number(values.processes));
    all.push(await measure({ pid: workerd.pid, ports, figures, rounds, ...(headers === undefined ? {} : { headers }) }));
  }
  for (const [index, figure] of figures.entries()) report(figure, pooled(all.map((times) => times[index]!)), variants);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function report({ name }: Figure, times: Times, variants: readonly Variant[]): void {
  const sides = [...new Set(variants.map(({ side }) => side))];
  const both = (side: string) => times[side]!.map((value, round) => (value + times[`${side}, again`]![round]!) / 2);
  console.log(`\n${name}: CPU of by hand by CPU of the variant`);
  for (const side of sides) {
    const again = estimate(ratios(times[side]!, times[`${side}, again`]!));
    const toHand = side === "by hand" ? "" : `by hand / it ${show(estimate(ratios(both("by hand"), both(side))))}`;
    const toAlike = side === "by hand" || side === "alike" ? "" : `  alike / it ${show(estimate(ratios(both("alike"), both(side))))}`;
    console.log(`  ${side.padEnd(15)} ${median(both(side)).toFixed(1).padStart(7)} us  A/A ${show(again)}  ${toHand}${toAlike}`);
  }
}
