/**
 * The prefixes that several applications share, as the dashboard shows them.
 */
import type { RouteStatus } from "../../protocol/traffic.ts";
import { figured } from "../../traffic/gate.ts";
import type { MeasuredSide } from "../../traffic/status.ts";
import { html, type Html, timeOf } from "./html.ts";

/** What is shown, by prefix. */
export interface RoutesView {
  readonly status: Readonly<Record<string, RouteStatus>>;
  /** Of canaries: what was measured of both sides. */
  readonly measured: Readonly<Record<string, readonly MeasuredSide[]>>;
}

/** None. */
export const NO_ROUTES: RoutesView = { status: {}, measured: {} };

/** A table of them; nothing if there are none. */
export function routesSection({ status, measured }: RoutesView): Html | false {
  const routes = Object.entries(status);
  if (routes.length === 0) return false;
  return html`<section tabindex="0">
    <h2>Routes</h2>
    <table>
      <thead>
        <tr>
          <th>prefix
          <th>state
          <th>since
          <th>application
          <th class="n">share
          <th class="n">requests
          <th class="n">errors
          <th class="n">p95 ms
          <th>reason
        </tr>
      </thead>
      <tbody>
        ${routes.flatMap(([prefix, route]) => rowsOf(prefix, route, measured[prefix] ?? []))}
      </tbody>
    </table>
  </section> `;
}

// A row for each application; what is the route's stands in the first.
function rowsOf(prefix: string, { state, split, reason, since_s }: RouteStatus, sides: readonly MeasuredSide[]): Html[] {
  return Object.entries(split).map(([application, percent], index) => {
    const isFirst = index === 0;
    const side = sides.find((one) => one.application === application);
    return html`<tr>
      ${isFirst ? html`<th scope="row">${prefix}` : html`<td>`}
      <td>
        ${isFirst && html`<span class="dot ${state === "ROLLED_BACK" ? "bad" : state === "PROGRESSING" ? "changing" : "good"}"></span>${state}`}

      <td>${isFirst && timeOf(since_s)}
      <td>${application}
      <td class="n">${percent} %
      <td class="n">${side?.requests ?? "–"}
      <td class="n">${side === undefined ? "–" : `${figured(side.errorPercent)} %`}
      <td class="n">${side === undefined || side.p95Ms === null ? "–" : figured(side.p95Ms)}
      <td>${isFirst && reason}
    </tr>`;
  });
}
