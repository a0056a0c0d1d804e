/**
 * `npm run bench:cpu`: the CPU time of a request, of edge-serve and of the same by hand, in pairs. See docs/benchmarks.md.
 *
 * `--rounds N` for another precision, `--processes N`, `--only NAME` for one of the figures, `--cf` for requests that carry a `cf` as Cloudflare's
 * do, `--other name=folder` for another checkout of this project as one more variant, `--quick` to see only that it works: with any of the last four the
 * page is left as it is. Needs Linux.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CF_OF_A_REQUEST } from "./cpu/cloudflare-request.ts";
import { type Figure, measure, pooled, type Times } from "./cpu/measure.ts";
import { pageOf, type Row } from "./cpu/page.ts";
import { estimate, ratios, show } from "./cpu/statistics.ts";
import { buildVariants, keyedSides, poolSides } from "./cpu/variants.ts";
import { writePart } from "./parts.ts";
import { median } from "./statistics.ts";
import { WorkerdProcess } from "./workerd-process.ts";

/** A figure, on which sides it is measured, and which of them the others are compared with. */
interface Compared extends Omit<Figure, "variants"> {
  readonly sides: readonly string[];
  /** Nothing but what is measured. */
  readonly hand: string;
  /** With the same features. */
  readonly alike: string;
}

const CALLS = { path: "/calls?count=21", requests: 16, less: { path: "/calls?count=1", perRequest: 20 } } as const;

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
const pools = { sides: poolSides(others), hand: "by hand", alike: "alike" } as const;
const keyed = keyedSides(others);
const FIGURES: readonly Compared[] = [
  { ...pools, name: "HTTP no-op", path: "/", requests: 80 },
  { ...pools, name: "handle call", ...CALLS },
  { ...pools, name: "composition", path: "/composed", requests: 64 },
  { name: "keyed HTTP", path: "/ada", requests: 80, sides: keyed, hand: "keyed by hand", alike: "keyed alike" },
  // Beside a call to a pool, by the same rounds.
  { name: "keyed call", ...CALLS, sides: [...keyed, "edge-serve"], hand: "keyed by hand", alike: "keyed alike" },
];
const figures = FIGURES.filter(({ name }) => values.only.length === 0 || values.only.some((part) => name.includes(part)));
const [load = 0] = loadavg();
const folder = mkdtempSync(join(tmpdir(), "edge-serve-cpu-"));
try {
  const wanted = new Set(figures.flatMap(({ sides }) => sides));
  const { config, variants } = buildVariants(folder, { others, isWithCf: values.cf, wanted });
  const measured = figures.map(({ sides, ...figure }) => ({
    ...figure,
    variants: variants.filter(({ side }) => sides.includes(side)).map(({ name }) => name),
  }));
  const all: Times[][] = [];
  for (let run = 0; run < (values.quick ? 1 : Number(values.processes)); run++) {
    using workerd = await WorkerdProcess.start(config, { sockets: variants.length });
    const ports = workerd.ports;
    const headers = values.cf ? { "cf-blob": JSON.stringify(CF_OF_A_REQUEST) } : undefined;
    const rounds = values.quick ? 2 : Math.ceil(Number(values.rounds) / Number(values.processes));
    all.push(await measure({ pid: workerd.pid, ports, figures: measured, rounds, ...(headers === undefined ? {} : { headers }) }));
  }
  const compared = figures.map((figure, index) => rowsOf(figure, pooled(all.map((times) => times[index]!))));
  for (const [index, rows] of compared.entries()) print(figures[index]!, rows);
  // The whole of it, with nothing else beside.
  if (!values.quick && !values.cf && values.only.length === 0 && values.other.length === 0) {
    const { rounds, processes } = values;
    writePart(
      "bench:cpu",
      pageOf(
        figures.map(({ name }, index) => ({ name, rows: compared[index]! })),
        { rounds, processes, load },
      ),
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function rowsOf({ sides, hand, alike }: Compared, times: Times): Row[] {
  const both = (side: string) => times[side]!.map((value, round) => (value + times[`${side}, again`]![round]!) / 2);
  return sides.map((side) => ({
    side,
    us: median(both(side)),
    again: estimate(ratios(times[side]!, times[`${side}, again`]!)),
    ...(side === hand ? {} : { toHand: estimate(ratios(both(hand), both(side))) }),
    ...(side === hand || side === alike ? {} : { toAlike: estimate(ratios(both(alike), both(side))) }),
  }));
}

function print({ name }: Compared, rows: readonly Row[]): void {
  console.log(`\n${name}: CPU of by hand by CPU of the variant`);
  for (const { side, us, again, toHand, toAlike } of rows) {
    const hand = toHand === undefined ? "" : `by hand / it ${show(toHand)}`;
    const alike = toAlike === undefined ? "" : `  alike / it ${show(toAlike)}`;
    console.log(`  ${side.padEnd(15)} ${us.toFixed(1).padStart(7)} us  A/A ${show(again)}  ${hand}${alike}`);
  }
}
