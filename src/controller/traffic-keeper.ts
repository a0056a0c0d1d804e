/**
 * Traffic as the configuration's object keeps it: stored, woken, and asked from outside.
 *
 * Does not own: what follows from a document, a report or the time (traffic/state.ts), the alarm that this shares with the rest of the
 * object (config-store.ts).
 *
 * Invariants:
 *   R1. What an isolate or an operator is told is stored before.
 *   R2. New code is a newer word than a document that was put before it. A canary whose entry is equal in both goes on.
 */
import type { Manifest } from "../protocol/manifest.ts";
import type { RouteConfig, RouteStatus, TrafficReport, TrafficTable } from "../protocol/traffic.ts";
import { addShadows, type ShadowCount, withAllOutcomes } from "../traffic/shadow.ts";
import {
  applied,
  judged,
  NO_TRAFFIC,
  type Order,
  ordered,
  reported,
  tableFor,
  tableOf,
  type TrafficState,
  wakeAtMs,
} from "../traffic/state.ts";
import { type MeasuredSide, measuredSides, routesStatus } from "../traffic/status.ts";

/** What is stored of traffic. JSON. */
export interface StoredTraffic {
  /** Of the code that the state was last brought in line with. */
  readonly version: string;
  readonly state: TrafficState;
  /** How the shadows of all isolates have ended. */
  readonly shadows?: readonly ShadowCount[];
}

/** What the shell hands in. */
export interface TrafficKeeperPorts {
  readonly compiled: Pick<Manifest, "version" | "routes">;
  load(): StoredTraffic | undefined;
  save(traffic: StoredTraffic): void;
  now(): number;
}

/** The routes in force, as an operator sees them. */
export interface RoutesInForce {
  readonly configs: readonly RouteConfig[];
  /** By prefix. */
  readonly status: Readonly<Record<string, RouteStatus>>;
  /** What was measured of both sides of a canary, by prefix. */
  readonly measured: Readonly<Record<string, readonly MeasuredSide[]>>;
  readonly shadows: readonly ShadowCount[];
}

export class TrafficKeeper {
  readonly #ports: TrafficKeeperPorts;
  #state: TrafficState;
  #shadows: readonly ShadowCount[];

  constructor(ports: TrafficKeeperPorts) {
    this.#ports = ports;
    const { compiled, load, now } = ports;
    const stored = load();
    this.#state = stored?.state ?? NO_TRAFFIC;
    this.#shadows = stored?.shadows ?? [];
    if (stored?.version === compiled.version) return;
    const state = applied(this.#state, compiled.routes ?? [], now());
    // A system without routes stores nothing.
    if (stored !== undefined || state !== this.#state) this.#keep(state);
  }

  /** When to call {@link look} although nothing is told. */
  get wakeAtMs(): number | undefined {
    return wakeAtMs(this.#state);
  }

  get routes(): readonly RouteConfig[] {
    return this.#state.routes.map(({ config }) => config);
  }

  /** Takes the routes of a document. */
  apply(routes: readonly RouteConfig[]): void {
    this.#take(applied(this.#state, routes, this.#ports.now()));
  }

  /** Adds what was counted. */
  report(report: TrafficReport): void {
    this.#take(reported(this.#state, report, this.#ports.now()));
  }

  /** Counts shadows that have ended. */
  shadowed(counts: readonly ShadowCount[]): void {
    if (counts.length === 0) return;
    this.#shadows = addShadows(this.#shadows, counts);
    this.#keep(this.#state);
  }

  /** Lets the gate look at every canary. */
  look(): void {
    this.#take(judged(this.#state, this.#ports.now()));
  }

  /** Ends a canary as the operator says; `false` if the prefix has none. */
  order(order: Order): boolean {
    const state = ordered(this.#state, order, this.#ports.now());
    if (state !== undefined) this.#take(state);
    return state !== undefined;
  }

  /** What isolates are told. */
  get table(): TrafficTable {
    return tableOf(this.#state);
  }

  /** The table, unless it is of this revision. */
  tableFor(revision: number): TrafficTable | undefined {
    return tableFor(this.#state, revision);
  }

  inForce(): RoutesInForce {
    const { routes } = this.#state;
    return {
      configs: this.routes,
      status: routesStatus(this.#state, this.#ports.now()),
      shadows: withAllOutcomes(
        this.#shadows,
        routes.flatMap(({ config: { shadow } }) => (shadow === undefined ? [] : [shadow.application])),
      ),
      measured: Object.fromEntries(
        routes.filter(({ canary }) => canary !== undefined).map((route) => [route.config.prefix, measuredSides(route)]),
      ),
    };
  }

  #take(state: TrafficState): void {
    if (state !== this.#state) this.#keep(state);
  }

  #keep(state: TrafficState): void {
    const shadows = this.#shadows.length === 0 ? {} : { shadows: this.#shadows };
    this.#ports.save({ version: this.#ports.compiled.version, state, ...shadows });
    this.#state = state;
  }
}
