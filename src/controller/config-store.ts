/**
 * The configuration that an operator has put in place of what was compiled, for all applications together.
 *
 * One object for the system, so that a document is taken as a whole or not at all; each application's controller then
 * gets its part.
 *
 * Invariants:
 *   F1. What was acknowledged is stored here and with every controller.
 *   F2. A document that was stored reaches every controller, however often this object or a controller is lost.
 *   F3. New code is a newer word than a document that was put before it: the document is forgotten, for good. Going back
 *       to the code of before does not bring it back, wherever that code was seen.
 *   F4. Whatever fails here, an alarm is set that goes on with it: it is asked for before anything is stored.
 *   F5. Applications and routes are of one document, for whoever asks: an isolate never has the routes of one and the prefixes of
 *       another.
 */
import type { ConfigChange } from "../protocol/control.ts";
import type { ApplicationManifest, Manifest } from "../protocol/manifest.ts";
import type { Measured, ReplicaMetrics, UserCounts } from "../protocol/metrics.ts";
import { own } from "../protocol/own.ts";
import type { RouteConfig, TrafficReport, TrafficTable } from "../protocol/traffic.ts";
import type { TrafficQuery } from "../traffic/known-traffic.ts";
import { type Order, prefixesNaming } from "../traffic/state.ts";
import { keepCounts, totalOf, youngOf } from "./metrics-store.ts";
import { NO_ROUTING, ownersOf, type Routing, routingAfter, treatedAnew } from "./routing.ts";
import { earliest } from "./schedule.ts";
import { type RoutesInForce, TrafficKeeper, type TrafficKeeperPorts } from "./traffic-keeper.ts";

/** What should run, by application; `null` is an application that was deleted. */
export type Applications = Readonly<Record<string, ApplicationManifest | null>>;

/** What is stored. JSON. */
export interface StoredConfig {
  readonly revision: number;
  /** Of the code that the applications belong to. */
  readonly version: string;
  readonly applications: Applications;
  /** Applications whose controller does not have its part yet. */
  readonly pending: readonly string[];
  /** No operator's document, but what was compiled. */
  readonly isCompiled?: boolean;
  /** How often prefixes have changed. */
  readonly routing?: Routing;
}

/** What the shell hands to the store. */
export interface ConfigStorePorts {
  readonly compiled: Manifest;
  load(): StoredConfig | undefined;
  save(config: StoredConfig): void;
  /** Where traffic is stored. */
  readonly traffic: Pick<TrafficKeeperPorts, "load" | "save">;
  /** Where what code outside of replicas has counted is stored. */
  readonly measured: { load(): Measured | undefined; save(measured: Measured): void };
  wakeAt(timeMs: number | undefined): void;
  /** Rejects if the controller was not reached, or does not answer in time. */
  deliver(app: string, change: ConfigChange): Promise<void>;
  now(): number;
}

/** What the store is called by. */
export interface ConfigStoreRpc {
  /** Takes what should run, instead of all that was before. Resolves once every controller has its part. */
  put(version: string, applications: readonly ApplicationManifest[], routes?: readonly RouteConfig[]): Promise<number>;
  /** Deletes one application; `false` when there is none of that name, and the prefixes of the routes that name it if there are any. */
  remove(version: string, app: string): Promise<boolean | readonly string[]>;
  /** What should run, by application. */
  current(): Promise<Applications>;
  /** An application's controller has seen other code, and gone over to what that was compiled to. */
  moved(version: string, app: string): Promise<void>;
  /** An isolate tells what it has counted, and asks for what it does not know; `undefined` if it knows all. */
  traffic(query: TrafficQuery): Promise<TrafficNews | undefined>;
  /** A controller tells what its replicas have counted. */
  counted(report: TrafficReport): Promise<void>;
  /** An isolate tells what code outside of replicas has counted. */
  measured(counts: UserCounts): Promise<void>;
  /** Ends a canary; `false` if the prefix has none. */
  order(order: Order): Promise<boolean>;
  /** The routes, as an operator sees them. */
  routes(): Promise<RoutesInForce & OfWorker>;
}

/** What code of the Worker has counted outside of replicas; missing if it has counted nothing. */
export interface OfWorker {
  readonly worker?: ReplicaMetrics;
}

/** What isolates route by. */
export interface TrafficNews {
  readonly table: TrafficTable;
  readonly applications: Applications;
  /** How often prefixes have changed. */
  readonly routing: number;
}

const REDELIVER_MS = 1000;

export class ConfigStore implements ConfigStoreRpc {
  readonly #ports: ConfigStorePorts;
  readonly #traffic: TrafficKeeper;
  /** When what is pending is delivered again. */
  #deliverAtMs: number | undefined;

  constructor(ports: ConfigStorePorts) {
    this.#ports = ports;
    const { compiled, load, save, now } = ports;
    this.#traffic = new TrafficKeeper({ ...ports.traffic, compiled, now });
    if (this.#traffic.wakeAtMs !== undefined) this.#wake(undefined);
    const stored = load();
    if (stored === undefined) return;
    if (stored.version === compiled.version) {
      if (stored.pending.length > 0) this.#wake(now() + REDELIVER_MS);
      return;
    }
    this.#wake(now());
    const applications = { ...noneOf(stored.applications), ...compiledApplications(compiled) };
    const pending = Object.keys(applications);
    const { routing = NO_ROUTING } = stored;
    save({ revision: stored.revision + 1, version: compiled.version, applications, pending, isCompiled: true, routing });
  }

  async put(version: string, applications: readonly ApplicationManifest[], routes: readonly RouteConfig[] = []): Promise<number> {
    const all = {
      ...noneOf(this.#current()),
      ...Object.fromEntries(applications.map((application) => [application.name, application])),
    };
    return this.#store(version, all, { routes });
  }

  async remove(version: string, app: string): Promise<boolean | readonly string[]> {
    const applications = this.#current();
    if ((own(applications, app) ?? null) === null) return false;
    const prefixes = prefixesNaming(this.#traffic.routes, app);
    if (prefixes.length > 0) return prefixes;
    // Only this one changes: the others keep what was scaled by hand, which a whole document would take back.
    const pending = new Set([...(this.#ports.load()?.pending ?? []), app]);
    await this.#store(version, { ...applications, [app]: null }, { pending: [...pending] });
    return true;
  }

  async current(): Promise<Applications> {
    return this.#current();
  }

  async moved(version: string, app: string): Promise<void> {
    const { compiled, load, save } = this.#ports;
    const stored = load();
    if (stored === undefined || stored.version === version) return;
    const applications = { ...stored.applications, [app]: own(compiledApplications(compiled), app) ?? null };
    save({ ...stored, applications, pending: stored.pending.filter((name) => name !== app) });
  }

  async traffic({ revision, routing: known, reports, shadows = [] }: TrafficQuery): Promise<TrafficNews | undefined> {
    this.#traffic.shadowed(shadows);
    for (const report of reports) this.#traffic.report(report);
    this.#wake(this.#deliverAtMs);
    const routing = this.#ports.load()?.routing?.count ?? 0;
    const isKnown = this.#traffic.tableFor(revision) === undefined && known === routing;
    return isKnown ? undefined : { table: this.#traffic.table, applications: this.#current(), routing };
  }

  async counted(report: TrafficReport): Promise<void> {
    this.#traffic.report(report);
    this.#wake(this.#deliverAtMs);
  }

  async measured(counts: UserCounts): Promise<void> {
    const { load, save } = this.#ports.measured;
    save(keepCounts(load(), counts, this.#ports.now()));
  }

  async order(order: Order): Promise<boolean> {
    const isKnown = this.#traffic.order(order);
    this.#wake(this.#deliverAtMs);
    return isKnown;
  }

  async routes(): Promise<RoutesInForce & OfWorker> {
    const measured = this.#ports.measured.load();
    return { ...this.#traffic.inForce(), ...(measured === undefined ? {} : { worker: this.#shown(measured) }) };
  }

  #shown(measured: Measured): ReplicaMetrics {
    const series = totalOf(measured, { isSilent: false, isGone: false });
    const { starts, atMs, latest } = measured;
    const about = latest.about ?? {};
    return { deployment: "", replica: "", starts, atMs, series, about, young: youngOf(measured, this.#ports.now()) };
  }

  /** Goes on with what was interrupted, and with canaries. */
  async alarm(): Promise<void> {
    try {
      this.#traffic.look();
    } finally {
      const stored = this.#ports.load();
      if (stored !== undefined && stored.pending.length > 0) await this.#deliver(stored);
      else this.#wake(undefined);
    }
  }

  /** Asks for the one alarm of the object: to deliver at this time, or to look at a canary, whichever is first. */
  #wake(deliverAtMs: number | undefined): void {
    this.#deliverAtMs = deliverAtMs;
    this.#ports.wakeAt(earliest(deliverAtMs, this.#traffic.wakeAtMs));
  }

  #current(): Applications {
    const { compiled, load } = this.#ports;
    return load()?.applications ?? compiledApplications(compiled);
  }

  async #store(
    version: string,
    applications: Applications,
    { pending = Object.keys(applications), routes }: { readonly pending?: readonly string[]; readonly routes?: readonly RouteConfig[] },
  ): Promise<number> {
    const { compiled, load, save, now } = this.#ports;
    if (version !== compiled.version) {
      throw new Error(`The document was checked against version ${version} of the code, and ${compiled.version} runs. Send it again.`);
    }
    const revision = (load()?.revision ?? 0) + 1;
    const current = this.#current();
    const before = ownersOf(current, this.#traffic.routes);
    const after = ownersOf(applications, routes ?? this.#traffic.routes);
    const routing = routingAfter(load()?.routing ?? NO_ROUTING, before, after, treatedAnew(current, applications));
    const stored = { revision, version, applications, pending, routing };
    this.#wake(now() + REDELIVER_MS);
    save(stored);
    if (routes !== undefined) this.#traffic.apply(routes);
    await this.#deliver(stored);
    return revision;
  }

  async #deliver({ revision, version, applications, pending, routing, isCompiled = false }: StoredConfig): Promise<void> {
    const { deliver, load, save, now } = this.#ports;
    // Before anything else: whatever happens now, this object is woken to finish.
    this.#wake(now() + REDELIVER_MS);
    const settled = await Promise.allSettled(
      pending.map((app) => {
        const taken = own(routing?.taken ?? {}, app);
        const change = { revision, version, application: own(applications, app) ?? null, isCompiled };
        return deliver(app, taken === undefined ? change : { ...change, routing: taken });
      }),
    );
    const newest = load();
    // A later document has replaced this one, and delivers its own parts.
    if (newest?.revision !== revision) return;
    const left = pending.filter((_, index) => settled[index]?.status === "rejected");
    save({ ...newest, pending: left });
    if (left.length === 0) this.#wake(undefined);
    const failed = settled.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

function compiledApplications({ applications }: Manifest): Applications {
  return Object.fromEntries(applications.map((application) => [application.name, application]));
}

function noneOf(applications: Applications): Applications {
  return Object.fromEntries(Object.keys(applications).map((name) => [name, null]));
}
