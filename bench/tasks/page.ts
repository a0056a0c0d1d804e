/** The figures of tasks as Markdown: for the terminal, and for `docs/benchmarks.md`. */
import { SHARDS } from "../../src/tasks/task-id.ts";
import { show } from "../cpu/statistics.ts";
import type { Findings } from "./measure.ts";

/** What is aimed at. */
const AIM_MS = 50;
const AIM_RATIO = 0.7;

/** The part of the page. @param madeOn When, and on what. */
export function pageOf(findings: Findings, madeOn: string): string {
  const { plan, begun, enqueues, idle, lateMs } = findings;
  const rows = enqueues.map(({ name, perSecond, cpuUs }) => [
    name,
    `${perSecond.ours.toFixed(0)} / ${perSecond.byHand.toFixed(0)}`,
    `**${show(perSecond.ratio, 2)}**`,
    `${perSecond.divided.toFixed(0)}`,
    show(perSecond.ratioToDivided, 2),
    `${cpuUs.ours.toFixed(0)} / ${cpuUs.byHand.toFixed(0)}`,
    `**${show(cpuUs.ratio, 2)}**`,
  ]);
  return `## Tasks

An idle system begins a task **${begun.p50Ms.toFixed(0)} ms** after its \`enqueue\` was called (median of ${plan.begun}; p99 ${begun.p99Ms.toFixed(0)} ms; the aim is
less than ${AIM_MS} ms): that is storing it, the alarm of its object, the choice of a replica, and the call. Of what is due later the next one began
**${lateMs.toFixed(0)} ms** late, with ${grouped(plan.waiting)} others waiting.

[An object by hand](../bench/tasks/apps/hand-written.ts) inserts a row and sets its alarm, and has no more of what tasks have. Each enqueue is a
call of one object to another, and durable when it resolves. The aim is a ratio of ${AIM_RATIO.toFixed(2)}.

| enqueues of one caller | a second, edge-serve / by hand | ratio | by hand in ${SHARDS} objects | ratio | CPU us each, edge-serve / by hand | ratio |
| --- | --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}

| tasks that wait | looked at for | objects made | alarms | CPU of workerd, ms a second |
| --- | --- | --- | --- | --- |
${idle.map((one) => `| ${grouped(one.tasks)} | ${one.seconds.toFixed(0)} s | ${one.made} | ${one.woken} | ${one.cpuMs.toFixed(1)} |`).join("\n")}

- Ratios are medians over ${plan.rounds} rounds of the ratio within a round, more is better, with 95 % intervals. Both sides are services of one workerd,
  with storage on disk; CPU is measured with 16 callers at a time, as by \`npm run bench:cpu\`.
- By hand all tasks are in one object. Those of edge-serve are divided among ${SHARDS}, so what is enqueued at once is written by ${SHARDS} objects, each with a
  transaction and a file of its own. *By hand in ${SHARDS} objects* is divided the same way.

Measured on ${madeOn}.`;
}

function grouped(value: number): string {
  return value.toLocaleString("en");
}
