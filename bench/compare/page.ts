/** The comparison as Markdown and plots: for the terminal and for `docs/benchmarks.md`. */
import type { Comparison, Footprint, Outcome } from "./measure.ts";
import { type Meaning, MEANING } from "./meaning.ts";
import { type Bar, barsOf, type Panel } from "./plot.ts";
import type { Participant, Results } from "./results.ts";
import { failureOf, ratioOf, type Summary, summaryIn, summaryOf } from "./statistics.ts";

const OURS = "edge-serve";
/** The same system, used otherwise: it is in the tables, and no other that edge-serve is slower than. */
const OURS_INLINE = "edge-serve-inline";
const BY_HAND = "durable-objects";
/** The same colour in every plot, whoever is left out. */
const COLOURS: Readonly<Record<string, string>> = {
  "edge-serve": "#1565c0",
  "edge-serve-inline": "#5e9fe0",
  "durable-objects": "#7a7a7a",
  ray: "#b0642d",
  "ray-defaults": "#d3a06f",
  bentoml: "#8a5fb0",
};
/** A difference that rounds of the same system have too. */
const NOTABLE = 0.95;
const MB = 1e6;

type Systems = readonly Pick<Participant, "id" | "title">[];

/** A table for each comparison, with a row for each system. */
export function tableOf(comparisons: readonly Comparison[], systems: Systems): string {
  return comparisons.map((comparison) => figureTable(comparison, systems)).join("\n\n");
}

function figureTable(comparison: Comparison, systems: Systems): string {
  const { figure, outcomes } = comparison;
  const head = [figure.title, `${figure.unit}/s`, "edge-serve is", "p50 ms", "p99 ms", "processor, us an answer"];
  const rows = systems.map(({ id, title }) => {
    const outcome = outcomes.find(({ system }) => system === id)!;
    const failure = failureOf(outcome);
    if (failure !== undefined) return [title, failure, "", "", "", ""];
    const ratio = id === OURS ? undefined : ratioOf(comparison, OURS, id);
    const cells = (["p50Ms", "p99Ms", "cpuUs"] as const).map((key) => number(summaryIn(outcome, key)!.median));
    return [title, spread(summaryIn(outcome, "perSecond")!), ratio === undefined ? "" : times(ratio), ...cells];
  });
  return markdown(head, rows);
}

/** Starts and memory of each system. */
export function footprintTable({ footprints, systems }: Pick<Results, "footprints" | "systems">): string {
  if (footprints.length === 0) return "";
  const head = ["", "start to first answer, ms", "at rest, MB", "RSS summed, MB", "processes", "each further replica, MB"];
  const rows = systems.map(({ id, title }) => {
    const { startMs, failure, ...memory } = footprints.find(({ system }) => system === id)!;
    const start = startMs.length === 0 ? "" : spread(summaryOf(startMs));
    if (failure !== undefined) return [title, start, failure, "", "", ""];
    const bytes = [memory.restBytes, memory.restRssBytes].map((value) => number(value / MB));
    return [title, start, ...bytes, String(memory.processes), number(Math.max(0, memory.replicaBytes) / MB)];
  });
  return markdown(head, rows);
}

/** The plots, by file name. */
export function plotsOf({ comparisons, footprints, systems }: Results): Record<string, string> {
  const throughput = comparisons.map(({ figure, outcomes }) => ({
    title: figure.unit === "answers" ? figure.title : `${figure.title}: ${figure.unit}`,
    bars: systems.map(({ id, title }) =>
      outcomeBar(
        { name: title, colour: COLOURS[id]! },
        outcomes.find(({ system }) => system === id)!,
      ),
    ),
  }));
  return {
    "compare-throughput.svg": barsOf("Answers (or tokens) a second: longer is better, the axis is logarithmic", throughput),
    ...(footprints.length === 0
      ? {}
      : { "compare-footprint.svg": barsOf("Shorter is better, the axis is logarithmic", footprintPanels(footprints, systems)) }),
  };
}

function outcomeBar(look: Pick<Bar, "name" | "colour">, outcome: Outcome): Bar {
  const summary = summaryIn(outcome, "perSecond");
  if (summary === undefined) return { ...look, value: undefined, text: failureOf(outcome)! };
  return { ...look, value: summary.median, low: summary.low, high: summary.high, text: number(summary.median) };
}

function footprintPanels(footprints: readonly Footprint[], systems: Systems): Panel[] {
  const panel = (title: string, valueOf: (footprint: Footprint) => number | undefined): Panel => ({
    title,
    bars: systems.map(({ id, title: name }) => {
      const value = valueOf(footprints.find(({ system }) => system === id)!);
      return { name, colour: COLOURS[id]!, value, text: value === undefined ? "not measured" : number(value) };
    }),
  });
  const positive = (value: number) => (value > 0 ? value : undefined);
  return [
    panel("from nothing to the first answer, ms", ({ startMs }) => (startMs.length === 0 ? undefined : summaryOf(startMs).median)),
    panel("memory with one replica at rest, MB", ({ restBytes }) => positive(restBytes / MB)),
    panel("memory of each further replica, MB", ({ replicaBytes }) => positive(replicaBytes / MB)),
  ];
}

/** Its part of the page. */
export function pageOf(results: Results): string {
  const { comparisons, systems, footprints } = results;
  const sections = Object.entries(MEANING).flatMap(([application, meaning]) => {
    const own = comparisons.filter(({ figure }) => figure.application.split("-")[0] === application);
    return own.length === 0 ? [] : [sectionOf(meaning, own, systems)];
  });
  const plots = plotsOf(results);
  return [
    INTRODUCTION,
    "![Answers a second of each system](compare-throughput.svg)\n",
    slowerList(comparisons, systems),
    ...sections,
    ...(footprints.length === 0 ? [] : [`${FOOTPRINT}\n\n${footprintTable(results)}\n`]),
    ...("compare-footprint.svg" in plots ? ["![Start and memory of each system](compare-footprint.svg)\n"] : []),
    endOf(results),
  ].join("\n");
}

function sectionOf({ heading, text }: Meaning, comparisons: readonly Comparison[], systems: Systems): string {
  return `### ${heading}\n\n${text}\n\n${tableOf(comparisons, systems)}\n`;
}

/** What is worse is said first. */
function slowerList(comparisons: readonly Comparison[], systems: Systems): string {
  const lines = comparisons.flatMap((comparison) => {
    const faster = systems.flatMap(({ id, title }) => {
      const ratio = id === OURS || id === OURS_INLINE ? undefined : ratioOf(comparison, OURS, id);
      return ratio !== undefined && ratio.median < NOTABLE ? [{ id, text: `${ratio.median.toFixed(2)} of ${title}` }] : [];
    });
    const { thanByHand, thanProcesses } = MEANING[comparison.figure.application === "cpu-all" ? "cpu" : comparison.figure.application];
    const byHand = faster.filter(({ id }) => id === BY_HAND);
    const processes = faster.filter(({ id }) => id !== BY_HAND);
    return [
      ...(byHand.length === 0 ? [] : [slowerLine(comparison, byHand, thanByHand)]),
      ...(processes.length === 0 ? [] : [slowerLine(comparison, processes, thanProcesses)]),
    ];
  });
  const list =
    lines.length === 0 ? "In this run, in none of the figures." : `Its throughput is this share of theirs:\n\n${lines.join("\n")}`;
  return `### Where edge-serve is slower\n\n${list}\n`;
}

function slowerLine({ figure }: Comparison, faster: readonly { readonly text: string }[], why: string): string {
  return `- **${figure.title}**: ${faster.map(({ text }) => text).join(", ")}. ${why}`;
}

const INTRODUCTION = `## Side by side

The same applications on edge-serve, [by hand on a Worker and Durable Objects](../bench/compare/apps/hand-written.ts),
[on Ray Serve](../bench/compare/apps/ray_serve.py) and [on BentoML](../bench/compare/apps/bentoml_services.py), on one machine, in one run. It is
made again with one command: \`npm run bench:compare\`. Compare ratios; the absolute numbers are those of this machine, on which
the load shares the processors with what is measured. *edge-serve, inline* is [the same with \`placement: "inline"\`](inline.md): the handlers run in the
Worker, without an object, and so without storage, a queue or another replica.

Read it with this in mind. The two on workerd run JavaScript in one process with one thread; the other two run Python in several
processes, on as many cores as there are. They are made for different places: what Cloudflare's network adds or saves, models that only run
in Python, and accelerators are not in here. *Ray Serve* has the settings that its guides recommend for throughput (HAProxy in front,
\`RAY_SERVE_THROUGHPUT_OPTIMIZED\`); *Ray Serve, defaults* is what one gets without them.
`;

const FOOTPRINT = `### Start and memory

*Start* is from the start of the first process to the first right answer of a no-op. Packages are installed and Workers are bundled
before that; on Cloudflare there is no process of yours to start at all. *At rest* is what all processes of the system hold with one
replica, after some thousand requests and two seconds' rest; a page that processes share counts once (PSS), in the next column as often as it is
shared. *Each further replica* is what more replicas of the no-op add, divided by their number. In workerd a replica is an object in
an isolate that is there anyway; in the other two it is a process with an interpreter.`;

function endOf({ machine, plan, systems, skipped, load, comparisons, date, tookSeconds }: Results): string {
  const others = comparisons.flatMap(({ outcomes }) => outcomes.flatMap(({ samples }) => samples.map(({ othersCpu }) => othersCpu)));
  const idle = others.length === 0 ? 0 : summaryOf(others).median;
  const versionsOf = (versions: Readonly<Record<string, string>>) =>
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ");
  return `### How it was measured

- ${machine.processor}, ${machine.cores} cores, ${machine.system}, on ${date}, in ${Math.round(tookSeconds / 60)} minutes. When it began,
  ${machine.loadBefore.toFixed(1)} other processes wanted a processor (the load average); where that is not close to 0, run it again.
- ${plan.rounds} ${plan.rounds === 1 ? "round" : "rounds"} of ${plan.seconds} s after a warm-up, the systems in turns; medians, in parentheses the smallest and the
  largest. *edge-serve is* compares round by round: 2.0x is twice as fast. All systems are up while one is measured; the idle ones took
  ${Math.round(idle * 100)} % of one processor (median).
- The load is [autocannon](https://github.com/mcollina/autocannon) (${versionsOf(load)}) over loopback, for all of them, with keep-alive
  connections and \`POST\` with a small JSON body. It checks status and body of every answer; before and after, requests that differ are
  checked too. One wrong answer and a figure counts as failed.
- *Processor* is the time of all processes of a system, proxies included, for each answer.
- Access logs are off everywhere. Durable Object storage is in memory; the applications store nothing.
${systems.map(({ title, versions, settings = "" }) => `- ${title}: ${versionsOf(versions)}.${settings === "" ? "" : ` Set: ${settings}.`}`).join("\n")}
${Object.values(skipped)
  .map((line) => `- ${line}\n`)
  .join("")}
All samples are in [compare.json](compare.json); how the programs work is in [bench/compare](../bench/compare/README.md).
`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function spread({ median, low, high }: Summary): string {
  return `**${number(median)}** (${number(low)} to ${number(high)})`;
}

function times({ median, low, high }: Summary): string {
  return `**${ratio(median)}x** (${ratio(low)} to ${ratio(high)})`;
}

function ratio(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toFixed(2);
}

/** Three digits say as much as there is to say. */
export function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
