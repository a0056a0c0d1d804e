/**
 * The clients: every request that is sent, with what became of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Random, seeded } from "../../bench/simulation/random.ts";
import type { Act, Step } from "./app/steps.ts";
import type { Request, Seen } from "./history.ts";
import { APPS, type App } from "./project.ts";
import { storedBy } from "./reconcile-tasks.ts";
import { oneOf, weighted } from "./schedule.ts";
import { send, sendBadFrame } from "./send.ts";
import { type Route, ROUTES, runsOf, wayOf } from "./shapes.ts";
import type { System } from "./system.ts";

/** What a request is to be like, where chance is not to say. */
export interface Asked {
  readonly route: Route;
  readonly app: App;
  readonly ms: number;
  readonly act?: Act;
  readonly count?: number;
  readonly leavesAfterMs?: number;
}

/** What the clients of a run send. */
export interface LoadShape {
  /** How many keys an application has. */
  readonly keys: number;
  /** Routes of the load; all by default. */
  readonly routes?: readonly string[] | undefined;
  /** How many calls a request of the load makes at once, where it is passed on. */
  readonly calls: number;
}

const MODELS = 5;
/** Broadcasts reach every replica, so one in a while is as much work as the others. */
const MIX = ROUTES.map((route) => [route, route === "broadcast" ? 0.3 : 1] as const);

export class Clients {
  readonly requests: Request[] = [];
  readonly #system: System;
  readonly #random: Random;
  readonly #name: string;
  /** How many keys an application has. */
  readonly keys: number;
  readonly #routes: readonly string[] | undefined;
  /** How many tasks callers were told of. */
  #stored = 0;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  readonly #calls: number;

  constructor(system: System, seed: number, { keys, routes, calls }: LoadShape) {
    this.#system = system;
    this.keys = keys;
    this.#routes = routes;
    this.#calls = calls;
    // Its own row of numbers: how many requests fit between two faults must not change the faults.
    this.#random = seeded(seed + 1_000_003);
    this.#name = `r${seed}`;
  }

  /** Settles when the request has. */
  request({ route, app, ms, act, count, leavesAfterMs }: Asked): Promise<Request> {
    const step: Step = {
      id: this.#nextId(),
      ms,
      ...(act === undefined ? {} : { act }),
      ...(count === undefined ? {} : { count }),
      ...(route === "keyed" || route === "object" ? { key: `k${this.#upTo(this.keys)}` } : {}),
      ...(route === "model" ? { model: `m${this.#upTo(MODELS)}` } : {}),
    };
    const sending = { route, app, step, ...(leavesAfterMs === undefined ? {} : { leavesAfterMs }) };
    return this.#recorded(step, route, app, () => send(this.#system, sending));
  }

  badFrame(app: App): Promise<Request> {
    const step: Step = { id: this.#nextId(), ms: 0 };
    const signal = AbortSignal.timeout(5000);
    return this.#recorded(step, "socket", app, () => sendBadFrame(this.#system, app, step, signal));
  }

  /** Sends requests by every route, each client one after another, until it is told to stop. */
  async load(clients: number, until: AbortSignal): Promise<void> {
    const mix = MIX.filter(([route]) => this.#routes === undefined || this.#routes.includes(route));
    const one = async () => {
      while (!until.aborted) {
        const route = weighted(this.#random, mix);
        const count = wayOf(route) === undefined ? 1 : this.#calls;
        const { seen } = await this.request({ route, app: oneOf(this.#random, APPS), ms: 1 + this.#upTo(12), count });
        if (seen?.outcome === "unreachable") await Promise.race([this.#system.isUp, sleep(400)]);
        await sleep(this.#upTo(15));
      }
    };
    await Promise.all(Array.from({ length: clients }, one));
  }

  /** Settles when callers were told of so many tasks. */
  async untilStored(count: number): Promise<void> {
    if (this.#stored < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
  }

  #noteStored(count: number): void {
    this.#stored += count;
    const isOver = ({ count: wanted }: { readonly count: number }) => wanted <= this.#stored;
    for (const { resolve } of this.#waiting.filter(isOver)) resolve();
    this.#waiting = this.#waiting.filter((one) => !isOver(one));
  }

  /** How long requests take, in milliseconds, sorted. */
  async measure(clients: number, count: number): Promise<number[]> {
    const routes: readonly Route[] = ["get", "call", "post small", "outside call"];
    let left = count;
    const tookMs: number[] = [];
    const one = async () => {
      while (left-- > 0) {
        const startedAtMs = performance.now();
        await this.request({ route: oneOf(this.#random, routes), app: oneOf(this.#random, APPS), ms: 2 });
        tookMs.push(performance.now() - startedAtMs);
      }
    };
    await Promise.all(Array.from({ length: clients }, one));
    return tookMs.toSorted((a, b) => a - b);
  }

  async #recorded({ id, act, count = 1 }: Step, route: Route, app: App, sent: () => Promise<Seen>): Promise<Request> {
    const request: Request = {
      id,
      route,
      app,
      count,
      runs: runsOf(route),
      sentAtMs: Date.now(),
      ...(act === undefined ? {} : { act }),
    };
    this.requests.push(request);
    request.seen = await sent();
    request.settledAtMs = Date.now();
    this.#noteStored(storedBy(request));
    return request;
  }

  #nextId(): string {
    return `${this.#name}-${this.requests.length}`;
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * most);
  }
}
