/**
 * The routes of an isolate, kept up to date beside its requests.
 *
 * Owns: when the control plane is asked, and what an isolate does until it answers.
 * Does not own: what is asked and chosen (traffic/known-traffic.ts), the requests (ingress.ts).
 *
 * Invariants:
 *   I1. A request of a prefix that one application has costs nothing here.
 *   I2. A request of a prefix that several share waits for the control plane only in an isolate that has not heard from it, for
 *       `FIRST_MS` at most.
 *   I3. An older answer never replaces a newer one, and applications and shared prefixes are of one answer.
 */
import { after, within } from "../context/with-timeout.ts";
import type { ApplicationManifest } from "../protocol/manifest.ts";
import type { RouteConfig, TrafficTable } from "../protocol/traffic.ts";
import { type CountedAnswer, DividedPrefix, KnownTraffic, type TrafficQuery } from "../traffic/known-traffic.ts";
import type { ShadowOutcome } from "../traffic/shadow.ts";
import { compiledTable } from "../traffic/state.ts";
import { routesListing } from "../traffic/status.ts";
import { ApplicationRoutes, type IngressTarget } from "./application-routes.ts";

/** What the control plane answers to an isolate that does not know all. */
export interface RoutesNews {
  readonly table: TrafficTable;
  /** What runs, by application; `null` is one that does not. */
  readonly applications: Readonly<Record<string, ApplicationManifest | null>>;
  /** How often prefixes have changed. */
  readonly routing: number;
}

/** What the routes of an isolate are made of. */
export interface IsolateTrafficParts {
  readonly applications: readonly ApplicationManifest[];
  readonly routes: readonly RouteConfig[] | undefined;
  targetOf(app: string): IngressTarget;
  /** Tells the control plane, and asks it; `undefined` is no news. */
  ask(query: TrafficQuery): Promise<RoutesNews | undefined>;
}

/** Lets something finish although its request is over. */
export interface KeepAlive {
  keepAlive(promise: Promise<unknown>): void;
}

/** How long an isolate goes on with what it was told of the routes when a path has none. */
const ROUTES_FRESH_MS = 1000;
/** How long a request waits for the first answer. */
const FIRST_MS = 1000;
/** A revision that no table has: the answer is the whole of it. */
const NONE = -1;

export class IsolateTraffic {
  readonly routes: ApplicationRoutes;
  readonly #compiled: TrafficTable;
  /** What this code has. */
  readonly #names: ReadonlySet<string>;
  readonly #ask: IsolateTrafficParts["ask"];
  /** Made in the first request that needs it: the platform gives out no random numbers before. */
  #known: KnownTraffic | undefined;
  #isHeard = false;
  #isDoubtful = false;
  /** How often prefixes had changed when this isolate was told of them. */
  #routing = 0;
  /** When what is known was asked for. */
  #askedAtMs = 0;
  /** Until when something is waiting to tell what was counted. */
  #tellingUntilMs = 0;

  constructor({ applications, routes = [], targetOf, ask }: IsolateTrafficParts) {
    this.#ask = ask;
    this.#compiled = compiledTable(routes);
    this.#names = new Set(applications.map(({ name }) => name));
    this.routes = new ApplicationRoutes(
      applications,
      targetOf,
      this.#compiled.entries.map((entry) => new DividedPrefix(entry)),
    );
  }

  /** Whether this isolate goes by what was compiled, which may be old. */
  get isCold(): boolean {
    return !this.#isHeard;
  }

  /** Waits for the first answer, and for none after that. */
  async warm(): Promise<void> {
    const query = this.#knowledge.due(Date.now());
    await within(this.#news({ reports: [], ...query, revision: NONE }), { timeoutMs: FIRST_MS, after }, () => {});
    this.#isHeard = true;
  }

  /** Asks what runs, unless that was done a moment ago. */
  async refresh(): Promise<void> {
    const atMs = Date.now();
    // Each request asks for itself while nobody has had an answer: one cannot wait for another's.
    if (!this.#isDoubtful && atMs - this.#askedAtMs < ROUTES_FRESH_MS) return;
    await this.#news({ revision: NONE, reports: [] });
    this.#askedAtMs = Math.max(this.#askedAtMs, atMs);
  }

  /** Whether prefixes have changed since this isolate was told of them. @param routing What an application's replicas say. */
  isBehind(routing: number): boolean {
    return routing > this.#routing;
  }

  /** What is known has been found to be old: the next one who asks is answered by the control plane. */
  outdated(): void {
    this.#askedAtMs = 0;
  }

  /** A route has turned out to be old: where one application has moved to, another one may have left. */
  doubt(): void {
    this.#isDoubtful = true;
    this.outdated();
  }

  /** Whether a route has turned out to be old, and nobody has answered since what is right. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** Asks in the background, if it is time to. */
  keepFresh(worker: KeepAlive): void {
    const query = this.#knowledge.due(Date.now());
    if (query !== undefined) worker.keepAlive(this.#news(query));
  }

  /** An application has answered whose answers nobody else counts. */
  answered(window: number, application: string, answer: CountedAnswer, worker: KeepAlive): void {
    this.#knowledge.answered(window, application, answer);
    this.#tellSoon(worker);
  }

  /** The ingress has answered in the place of an application. */
  answeredInstead(prefix: DividedPrefix, application: string, answer: CountedAnswer, worker: KeepAlive): void {
    this.#knowledge.answeredInstead(prefix, application, answer);
    this.#tellSoon(worker);
  }

  /** A shadow has come to its end. */
  shadowed(application: string, outcome: ShadowOutcome, worker: KeepAlive): void {
    this.#knowledge.shadowed(application, outcome);
    this.#tellSoon(worker);
  }

  /** What `/-/routes` shows. */
  get listing(): Record<string, string | Record<string, number>> {
    return { ...this.routes.listing, ...routesListing(this.#known?.table ?? this.#compiled) };
  }

  get #knowledge(): KnownTraffic {
    return (this.#known ??= new KnownTraffic(crypto.randomUUID(), this.#compiled));
  }

  // The last request of a prefix may be the one that there is something to tell of.
  #tellSoon(worker: KeepAlive): void {
    const nowMs = Date.now();
    const { tellAtMs } = this.#knowledge;
    if (tellAtMs === undefined || nowMs < this.#tellingUntilMs) return;
    // Should the platform end the request that waits, the next one does it.
    this.#tellingUntilMs = Math.max(nowMs, tellAtMs) + FIRST_MS;
    worker.keepAlive(this.#tell());
  }

  async #tell(): Promise<void> {
    for (let atMs; (atMs = this.#knowledge.tellAtMs) !== undefined;) {
      const inMs = atMs - Date.now();
      // A timer may be a little early.
      if (inMs > 0) await new Promise<void>((resolve) => void after(inMs + 1, resolve));
      const query = this.#knowledge.due(Date.now());
      if (query === undefined) continue;
      this.#tellingUntilMs = 0;
      return this.#news(query);
    }
  }

  // Without an answer, what is known holds. Never rejects.
  async #news(query: TrafficQuery): Promise<void> {
    const known = this.#knowledge;
    try {
      const news = await this.#ask({ ...query, routing: this.#routing });
      this.#isHeard = true;
      if (news === undefined || news.table.revision < known.table.revision || this.#isOfOtherCode(news)) return;
      known.take(news.table);
      this.#routing = news.routing;
      const own = Object.entries(news.applications).filter(([name]) => this.#names.has(name));
      this.routes.take(Object.fromEntries(own), known.prefixes);
      this.#isDoubtful = false;
    } catch {
      known.lost(query);
    }
  }

  // During a deploy isolates of two versions ask one object. Code that lacks an application of a route goes by what it knows.
  #isOfOtherCode({ table }: RoutesNews): boolean {
    return table.entries.some(({ cells }) => cells.applications.some((name) => !this.#names.has(name)));
  }
}
