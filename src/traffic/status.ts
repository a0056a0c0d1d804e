/**
 * What an operator sees of traffic.
 */
import type { CanaryConfig, CellMap, RouteStatus, TrafficTable } from "../protocol/traffic.ts";
import { type Canary, percentAt, stableOf, verdictOn } from "./canary.ts";
import { cellsIn, percentOf } from "./cells.ts";
import { errorPercentOf, type Figures, p95Of, requestsIn } from "./figures.ts";
import { totalOf } from "./tally.ts";
import type { KeptRoute, TrafficState } from "./state.ts";

/** The prefixes of the status document. */
export function routesStatus({ routes }: TrafficState, nowMs: number): Readonly<Record<string, RouteStatus>> {
  return Object.fromEntries(routes.map((route) => [route.config.prefix, statusOf(route, nowMs)]));
}

function statusOf({ config, cells, canary, sinceMs }: KeptRoute, nowMs: number): RouteStatus {
  const split = percentagesOf(cells);
  if (canary === undefined || config.canary === undefined) {
    return { state: "SPLIT", split, reason: "As the document says.", since_s: sinceMs / 1000 };
  }
  const percent = percentAt(canary, config.canary);
  const reason = canary.reason ?? progressOf(canary, config.canary, nowMs);
  return { state: canary.state, split, percent, reason, since_s: canary.sinceMs / 1000 };
}

function progressOf(canary: Canary, config: CanaryConfig, nowMs: number): string {
  return `Step ${canary.step + 1} of ${config.steps.length}: ${verdictOn(canary, config, nowMs).reason}`;
}

function percentagesOf(cells: CellMap): Record<string, number> {
  return Object.fromEntries(cells.applications.map((application) => [application, percentOf(cellsIn(cells, application))]));
}

/** What `/-/routes` shows of the prefixes with several applications: percentages by application. */
export function routesListing({ entries }: TrafficTable): Record<string, Record<string, number>> {
  return Object.fromEntries(entries.map(({ prefix, cells }) => [prefix, percentagesOf(cells)]));
}

/** What was measured of one application. */
export interface MeasuredSide {
  readonly application: string;
  readonly requests: number;
  readonly errorPercent: number;
  /** `null` without an answer. */
  readonly p95Ms: number | null;
}

/** What the gate has seen of both sides of a canary, in its current or its last step: for the dashboard. */
export function measuredSides({ config, canary }: KeptRoute): readonly MeasuredSide[] {
  if (canary === undefined || config.canary === undefined) return [];
  return [sideOf(config.canary.stable, stableOf(canary, config.canary)), sideOf(config.canary.candidate, totalOf(canary.candidate))];
}

function sideOf(application: string, figures: Figures): MeasuredSide {
  return { application, requests: requestsIn(figures), errorPercent: errorPercentOf(figures), p95Ms: p95Of(figures) ?? null };
}
