/**
 * The dashboard as one HTML page: no other file, no other origin, and readable without its script.
 */
import type { Scraped } from "../system-metrics.ts";
import type { ScalingDecision } from "../../protocol/status.ts";
import { html, type Html, timeOf } from "./html.ts";
import { historyPlots } from "./history.ts";
import type { Measured } from "./summary.ts";
import { NO_ROUTES, routesSection, type RoutesView } from "./routes.ts";
import { type DashboardPage, pageOf } from "./shell.ts";
import { type ApplicationView, type DeploymentView, type Notice, type ReplicaView, type SystemView, viewOf } from "./view.ts";

/** The section of the tasks, and the looks of its forms. */
export interface TasksShown {
  readonly section: Html;
  readonly formStyle: string;
}

/**
 * Makes the page.
 *
 * @param nonce Unguessable, and new for each page.
 * @param tasks Where the system has any.
 */
export function dashboardPage(
  scraped: readonly Scraped[],
  nonce: string,
  { tasks, routes = NO_ROUTES }: { readonly tasks?: TasksShown | undefined; readonly routes?: RoutesView } = {},
): DashboardPage {
  const view = viewOf(scraped);
  const main = html`<main data-level="${view.level}">
    <h1><span class="dot ${view.level}"></span>${headline(view)}</h1>
    ${
      view.notices.length > 0 &&
      html`<ul class="notices">
        ${view.notices.map(noticeItem)}
      </ul>`
    }
    ${routesSection(routes)} ${view.applications.map(applicationSection)} ${tasks?.section}
  </main>`;
  return pageOf({ title: TITLES[view.level], main, footer: FOOTER, formStyle: tasks?.formStyle }, nonce);
}

const FOOTER =
  "As of the replicas' last reports: at most 40 s old while they work. Plots are of the last hour by the minute; the number is of the last whole one.";

const TITLES: Readonly<Record<SystemView["level"], string>> = { good: "Healthy", changing: "Changing", bad: "Unhealthy" };

function headline({ level, applications }: SystemView): string {
  const running = applications.filter((one) => one.level === "good").length;
  if (applications.length === 0) return "There are no applications.";
  if (level === "good")
    return applications.length === 1 ? "The application is running." : `All ${applications.length} applications are running.`;
  return `${running} of ${applications.length} ${applications.length === 1 ? "application runs" : "applications run"}.`;
}

function noticeItem({ level, text, message }: Notice): Html {
  return html`<li class="${level}"><strong>${text}</strong>${message !== "" && html`<pre>${message}</pre>`}</li>`;
}

function applicationSection({ name, details, level, deployments }: ApplicationView): Html {
  if (details === undefined)
    return html`<section>
      <h2><span class="dot ${level}"></span>${name}</h2>
      <p>Its controller did not answer.</p>
    </section>`;
  const ingress = deployments.find((one) => one.isIngress);
  return html`<section tabindex="0">
    <h2>
      <span class="dot ${level}"></span>${name}
      <small
        >${details.status} · ${details.route_prefix ?? "no HTTP"} · version ${details.version} · deployed
        ${timeOf(details.last_deployed_time_s)}</small
      >
    </h2>
    ${ingress !== undefined && httpLine(ingress.measured)}
    <table>
      <thead>
        <tr>
          <th>deployment
          <th>state
          <th class="n">replicas ${NUMBER_HEADS}
        </tr>
      </thead>
      <tbody>
        ${deployments.map(deploymentRow)}
      </tbody>
    </table>
    ${deployments.map((one) => deploymentMore(name, one))}
  </section> `;
}

function httpLine({ http }: Measured): Html | undefined {
  if (http.length === 0) return undefined;
  const codes = http.map(
    ([status, count]) => html`<span class="${status >= "500" ? "bad" : ""}">${status} <b>${grouped(count)}</b></span> `,
  );
  return html`<p class="http">HTTP answers: ${codes}</p>`;
}

function deploymentRow({ details, level, isIngress, measured }: DeploymentView): Html {
  return html`<tr>
    <th scope="row">${details.name}${isIngress && html` <small>ingress</small>`}
    <td><span class="dot ${level}"></span>${details.status}
    <td class="n">${replicasOf(details)} ${numberCells(measured)}
  </tr>`;
}

function replicasOf({ replica_states, target_num_replicas: target, inline }: DeploymentView["details"]): string {
  if (target === null) return inline === true ? "inline" : "by key";
  const { RUNNING: running = 0, ...others } = replica_states;
  return `${running} of ${target}${Object.entries(others)
    .map(([state, count]) => `, ${count} ${state}`)
    .join("")}`;
}

// Above what `numberCells` makes.
const NUMBER_HEADS = html`<th class="n">running
  <th class="n">waiting
  <th class="n">requests
  <th class="n">errors
  <th class="n">p50 ms
  <th class="n">p99 ms`;

function numberCells({ requests, errors, ongoing, queued, p50Ms, p99Ms }: Measured): Html {
  const share = errors === 0 ? "" : ` (${percent(errors / (requests + errors))})`;
  return html`<td class="n">${ongoing}
    <td class="n ${queued > 0 && "changing"}">${queued}
    <td class="n">${grouped(requests + errors)}
    <td class="n ${errors > 0 && "bad"}">${grouped(errors)}${share}
    <td class="n">${ms(p50Ms)}
    <td class="n">${ms(p99Ms)}`;
}

function deploymentMore(app: string, { details, measured, history, replicas }: DeploymentView): Html {
  const { autoscaling_detail: autoscaling, target_num_replicas: target } = details;
  const counted = target === null ? replicasOf(details) : `${replicas.length} ${replicas.length === 1 ? "replica" : "replicas"}`;
  const lines = [
    ...measured.errorTypes.map(([type, count]) => `${grouped(count)} × ${type}`),
    ...measured.batches.map(
      ({ name, count, meanSize, meanUtilization, p95WaitMs }) =>
        `${name}: ${grouped(count)} batches of ${meanSize.toFixed(1)} on average, ${meanUtilization.toFixed(0)} % full; 95 % of calls wait less than ${ms(p95WaitMs)} ms`,
    ),
    ...(measured.models === undefined
      ? []
      : [
          `models loaded: ${measured.models.loaded}; ${percent(measured.models.hits / measured.models.gets)} of ${grouped(measured.models.gets)} calls found theirs`,
        ]),
    ...(autoscaling === undefined ? [] : [`the autoscaler sees ${autoscaling.total_ongoing_requests.toFixed(1)} requests`]),
  ];
  return html`${history !== undefined && historyPlots(history, details.name)}
    <details id="${app}/${details.name}">
      <summary>${details.name}: ${counted}, epoch ${details.epoch}</summary>
      ${
        lines.length > 0 &&
        html`<ul>
          ${lines.map((line) => html`<li>${line}</li>`)}
        </ul>`
      }
      ${
        target !== null &&
        html`<table>
          <thead>
            <tr>
              <th>replica
              <th>state
              <th>since
              <th class="n">starts ${NUMBER_HEADS}
            </tr>
          </thead>
          <tbody>
            ${replicas.map(replicaRow)}
          </tbody>
        </table>`
      }
      ${
        autoscaling !== undefined &&
        autoscaling.decisions.length > 0 &&
        html`<p>Decided:</p>
          <ul>
            ${autoscaling.decisions.toReversed().map(decisionItem)}
          </ul>`
      }
    </details> `;
}

function replicaRow({ details, level, starts, measured }: ReplicaView): Html {
  return html`<tr>
    <th scope="row">${details.replica_id}
    <td><span class="dot ${level}"></span>${details.state}${details.message !== undefined && html` <small>${details.message}</small>`}
    <td>${timeOf(details.start_time_s)}
    <td class="n">${starts} ${numberCells(measured)}
  </tr>`;
}

function decisionItem({ timestamp_s, prev_num_replicas, curr_num_replicas, reason }: ScalingDecision): Html {
  return html`<li>${timeOf(timestamp_s)} ${prev_num_replicas} → ${curr_num_replicas}: ${reason}</li>`;
}

function grouped(value: number): string {
  return value.toLocaleString("en");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function ms(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(value < 10 ? 1 : 0);
}
