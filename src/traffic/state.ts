/**
 * All that is kept of traffic, and what happens to it: documents, reports, time, and an operator's word.
 *
 * Owns:          the cells of each prefix, its canary, and the numbers of windows and of the table.
 * Does not own:  storage, the clock and the alarm, which the shell hands in and sets.
 *
 * Invariants:
 *   T1. A state is never changed in place. A function that has nothing to change returns the state that it was given, so the
 *       shell stores only what differs.
 *   T2. An equal document changes nothing. A canary whose entry is another begins at its first step, with figures of its own.
 *   T3. The table's revision grows exactly when what isolates are told changes.
 *   T4. A window's number is used once, whatever prefix or canary it was for.
 */
import type { CompiledPlace } from "../protocol/http-request.ts";
import type { CanaryConfig, CellMap, RouteConfig, Share, TableEntry, TrafficReport, TrafficTable } from "../protocol/traffic.ts";
import { begun, type Canary, counted, moved, nextLookMs, percentAt, promoted, rolledBack } from "./canary.ts";
import { CELLS, cellsOf, percentOf, reshare } from "./cells.ts";

/** What is kept of one prefix. JSON. */
export interface KeptRoute {
  readonly config: RouteConfig;
  readonly cells: CellMap;
  /** When the document came that says so; of a split, when it got these shares. */
  readonly sinceMs: number;
  /** There exactly when the document has one. */
  readonly canary?: Canary;
}

/** What is kept of all of them. JSON. */
export interface TrafficState {
  readonly revision: number;
  /** The number of the newest window. */
  readonly lastWindow: number;
  readonly routes: readonly KeptRoute[];
}

/** Before there was any document. */
export const NO_TRAFFIC: TrafficState = { revision: 0, lastWindow: 0, routes: [] };

/** Replaces the document. A prefix that stays keeps its cells, and its canary if the entry is equal. */
export function applied(state: TrafficState, routes: readonly RouteConfig[], nowMs: number): TrafficState {
  let { lastWindow } = state;
  const known = new Map(state.routes.map((route) => [route.config.prefix, route]));
  const kept = routes.map((config): KeptRoute => {
    const before = known.get(config.prefix);
    if (before !== undefined && isSame(before.config, config)) return before;
    const cells = (canary?: Canary) => reshare(before?.cells, sharesOf(config, canary));
    if (config.canary === undefined) {
      const goesOn = before !== undefined && isSame(before.config.split, config.split);
      return { config, cells: cells(), sinceMs: goesOn ? before.sinceMs : nowMs };
    }
    const goesOn = before?.canary !== undefined && isSame(before.config.canary, config.canary);
    const canary = goesOn ? before.canary : begun({ nowMs, window: ++lastWindow });
    return { config, cells: cells(canary), sinceMs: nowMs, canary };
  });
  return settled(state, { ...state, lastWindow, routes: kept });
}

/** Adds a report, and lets the gate look at it. */
export function reported(state: TrafficState, { source, run, application, counts }: TrafficReport, nowMs: number): TrafficState {
  const told = eachCanary(state, (canary, config) => {
    const side = application === config.candidate ? "candidate" : application === config.stable ? "stable" : undefined;
    if (side === undefined) return canary;
    return counts.reduce((so, count) => counted(so, side, { source: `${application}/${source}`, run, count }), canary);
  });
  return told === state ? state : judged(told, nowMs);
}

/** Lets the gate look at every canary; to be called at {@link wakeAtMs}. */
export function judged(state: TrafficState, nowMs: number): TrafficState {
  return eachCanary(state, (canary, config, window) => moved(canary, config, { nowMs, window }));
}

/** When to call {@link judged} although nothing was reported; `undefined`: not before the next report. */
export function wakeAtMs({ routes }: TrafficState): number | undefined {
  const times = routes.flatMap(({ canary, config }) => (canary === undefined ? [] : (nextLookMs(canary, config.canary!) ?? [])));
  return times.length === 0 ? undefined : Math.min(...times);
}

/** An operator's word on the canary of a prefix. */
export interface Order {
  readonly prefix: string;
  readonly kind: "promote" | "rollback";
}

/** Ends a canary as the operator says; `undefined` if the prefix has none. */
export function ordered(state: TrafficState, { prefix, kind }: Order, nowMs: number): TrafficState | undefined {
  if (!state.routes.some(({ config, canary }) => config.prefix === prefix && canary !== undefined)) return undefined;
  return eachCanary(state, (canary, _config, _window, at) => {
    if (at !== prefix) return canary;
    return kind === "promote"
      ? promoted(canary, "Promoted by the operator.", nowMs)
      : rolledBack(canary, "Rolled back by the operator.", nowMs);
  });
}

/** The answer to an isolate that has the table of a revision; `undefined` if it is this one. */
export function tableFor(state: TrafficState, revision: number): TrafficTable | undefined {
  return revision === state.revision ? undefined : tableOf(state);
}

/** What isolates are told. */
export function tableOf({ revision, routes }: TrafficState): TrafficTable {
  return { revision, entries: routes.map(entryOf) };
}

/**
 * The table of an isolate that has not been told anything yet, from the compiled document. It cannot know how far a canary has
 * come, so the stable application gets every request.
 */
export function compiledTable(routes: readonly RouteConfig[]): TrafficTable {
  const entries = routes.map((config) => entryOf({ config, cells: reshare(undefined, sharesOf(config)), sinceMs: 0 }));
  return { revision: NO_TRAFFIC.revision, entries };
}

/** The prefixes whose routes name an application: as long as there are any, it cannot be deleted. */
export function prefixesNaming(routes: readonly RouteConfig[], application: string): string[] {
  return routes.filter((route) => applicationsOf(route).includes(application)).map(({ prefix }) => prefix);
}

/** The applications that a route names, each once. */
export function applicationsOf(route: RouteConfig): string[] {
  const shadow = route.shadow === undefined ? [] : [route.shadow.application];
  return [...new Set([...sharesOf(route).map(({ application }) => application), ...shadow])];
}

/**
 * Where an application was compiled to be reached: at its own prefix, or at the one that it shares, if it is in one route only. Callers and
 * replicas both know it, so a request for it need not say where it was sent.
 */
export function compiledPlaceOf(
  { name, routePrefix }: { readonly name: string; readonly routePrefix: string | null },
  routes: readonly RouteConfig[] = [],
): CompiledPlace {
  if (routePrefix !== null) return { prefix: routePrefix, isShared: false };
  const shared = routes.filter((route) => sharesOf(route).some(({ application }) => application === name));
  return shared.length === 1 ? { prefix: shared[0]!.prefix, isShared: true } : { prefix: null, isShared: false };
}

/** The shares that are in force; of a canary that has not begun, the candidate's is 0. */
export function sharesOf({ split, canary: config }: RouteConfig, canary?: Canary): readonly Share[] {
  if (split !== undefined) return split;
  const percent = canary === undefined ? 0 : percentAt(canary, config);
  return [
    // In whole cells: 100 - 99.99 is not 0.01.
    { application: config.stable, percent: percentOf(CELLS - cellsOf(percent)) },
    { application: config.candidate, percent },
  ];
}

function entryOf({ config, cells, canary }: KeptRoute): TableEntry {
  const { prefix, stickyHeader, shadow } = config;
  const window = canary?.window;
  return {
    prefix,
    cells,
    ...(stickyHeader === undefined ? {} : { stickyHeader }),
    ...(shadow === undefined ? {} : { shadow }),
    ...(window === undefined ? {} : { canary: { candidate: config.canary!.candidate, window } }),
  };
}

type Change = (canary: Canary, config: CanaryConfig, window: number, prefix: string) => Canary;

function eachCanary(state: TrafficState, change: Change): TrafficState {
  let { lastWindow } = state;
  const routes = state.routes.map((route) => {
    const { config, cells, canary } = route;
    if (canary === undefined || config.canary === undefined) return route;
    const changed = change(canary, config.canary, lastWindow + 1, config.prefix);
    if (changed === canary) return route;
    lastWindow = Math.max(lastWindow, changed.window ?? 0);
    const isShifted = percentAt(changed, config.canary) !== percentAt(canary, config.canary);
    return { ...route, canary: changed, cells: isShifted ? reshare(cells, sharesOf(config, changed)) : cells };
  });
  return settled(state, { ...state, lastWindow, routes });
}

function settled(before: TrafficState, after: TrafficState): TrafficState {
  const { routes } = after;
  if (routes.length === before.routes.length && routes.every((route, index) => route === before.routes[index])) return before;
  // Figures are no news to isolates.
  return isSame(tableOf(before).entries, tableOf(after).entries) ? after : { ...after, revision: before.revision + 1 };
}

// Routes are made in one place, with their keys in one order.
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
