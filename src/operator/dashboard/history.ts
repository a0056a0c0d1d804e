/**
 * The last hour of a deployment, a number a minute, and small plots of it. Pure.
 *
 * The plots are SVG that is made here: a library that draws in the browser would be another script to send and to allow, and one for the
 * server would weigh more in each system's bundle than the dozen lines that bars take.
 */
import { LATENCY_MS } from "../../observe/metric-definitions.ts";
import { HISTORY_MINUTES, type Look } from "../../protocol/metrics.ts";
import { html, type Html } from "./html.ts";
import { quantileOf } from "./summary.ts";

/** Something by the minute, the oldest first; the last minute is not over yet. `undefined` is not known, or nothing. */
export type Minutes = readonly (number | undefined)[];

/** What there is to plot. Requests are those that failed too. */
export type DeploymentHistory = readonly [
  requests: Minutes,
  errors: Minutes,
  p95Ms: Minutes,
  p50Ms: Minutes,
  replicas: Minutes,
  queued: Minutes,
];

/** The last hour of a deployment; `undefined` if nothing is known of it. @param looks The last one is of now. */
export function historyOf(looks: readonly Look[], deployment: string): DeploymentHistory | undefined {
  if (looks.length < 2) return undefined;
  const end = looks.at(-1)!.minute + 1;
  const hour: (readonly (number | undefined)[])[] = [];
  for (const [index, { minute, deployments }] of looks.slice(0, -1).entries()) {
    const next = looks[index + 1]!;
    const before = deployments[deployment] ?? [];
    const after = next.deployments[deployment];
    if (after === undefined) continue;
    const [replicas, queued] = after;
    const [, , requests = 0, errors = 0, ...latency] = after.map((number, at) => Math.max(0, number - (before[at] ?? 0)));
    const quantile = (share: number) => quantileOf(latency, LATENCY_MS, share);
    hour[minute] = [requests + errors, errors, quantile(0.95), quantile(0.5), replicas, queued];
    // Where no look was kept, nothing was reported.
    for (let idle = minute + 1; idle < next.minute; idle++) hour[idle] = [0, 0, undefined, undefined, replicas, 0];
  }
  return [0, 1, 2, 3, 4, 5].map((line) =>
    Array.from({ length: HISTORY_MINUTES }, (_, at) => hour[end - HISTORY_MINUTES + at]?.[line]),
  ) as readonly Minutes[] as DeploymentHistory;
}

/** Four plots beside each other. */
export function historyPlots([requests, errors, p95, p50, replicas, waiting]: DeploymentHistory, name: string): Html {
  return html`<h3>${name}</h3>
    <div class="plots">
      ${[plot({ "requests/min": requests, errors }), plot({ "p95 ms": p95, "p50 ms": p50 }), plot({ replicas }), plot({ waiting })]}
    </div>`;
}

// A bar for each minute; what is a part of the first stands before it.
function plot(bars: Readonly<Record<string, Minutes>>): Html {
  const all = Object.entries(bars).map(([name, values]) => ({ name, values, most: Math.max(0, ...values.map((value = 0) => value)) }));
  const top = Math.max(1, all[0]!.most);
  return html`<figure>
    <svg viewBox="0 0 60 30" preserveAspectRatio="none" aria-hidden="true">
      ${all.map(({ name, values }) => html`<path class="${name}" d="${values.map((value = 0, at) => `M${at + 0.5} 30V${+(30 - (value / top) * 30).toFixed(1)}`).join("")}" />`)}
    </svg>
    <figcaption>
      ${all.map(({ name, most, values }) => html`<span class="${name === "errors" && most > 0 && "bad"}">${name} <b>${short(values.at(-2))}</b>, max ${short(most)}</span> `)}
    </figcaption>
  </figure>`;
}

function short(value: number | undefined): string {
  return value === undefined ? "–" : String(+value.toFixed(1));
}
