/** Traffic as its shell drives it: a clock, storage, an alarm; and two routes to drive it with. */
import type { CanaryConfig, CanaryRoute, RouteConfig, SplitRoute, TrafficReport } from "../../src/protocol/traffic.ts";
import type { Figures } from "../../src/traffic/figures.ts";
import { applied, judged, NO_TRAFFIC, ordered, reported, tableOf, wakeAtMs } from "../../src/traffic/state.ts";
import { routesStatus } from "../../src/traffic/status.ts";
import { answers, CANARY, report } from "./measured-traffic.ts";

export const SPLIT: SplitRoute = {
  prefix: "/rank",
  split: [
    { application: "a", percent: 95 },
    { application: "b", percent: 5 },
  ],
};
/** The route with the canary of {@link CANARY}. */
export const canaryRoute = (more: Partial<CanaryConfig> = {}): CanaryRoute => ({ prefix: "/search", canary: { ...CANARY, ...more } });

/** What the shell of traffic does: hands in the clock, keeps what comes back, as JSON, and wakes it when it asks to be woken. */
export class TrafficWorld {
  nowMs = 1_000_000;
  state = NO_TRAFFIC;

  #keep(state: typeof NO_TRAFFIC): void {
    this.state = JSON.parse(JSON.stringify(state)) as typeof NO_TRAFFIC;
  }

  put(...routes: RouteConfig[]): this {
    this.#keep(applied(this.state, routes, this.nowMs));
    return this;
  }

  report(told: TrafficReport): this {
    this.#keep(reported(this.state, told, this.nowMs));
    return this;
  }

  /** So many answers of both, in the window that is open. */
  answered(candidate: Figures, stable: Figures = answers(1000)): this {
    const { window } = this;
    return this.report(report("v1", window, stable)).report(report("v2", window, candidate));
  }

  run(ms: number): this {
    const endMs = this.nowMs + ms;
    for (let atMs = wakeAtMs(this.state); atMs !== undefined && atMs <= endMs; atMs = wakeAtMs(this.state)) {
      this.nowMs = Math.max(this.nowMs, atMs);
      this.#keep(judged(this.state, this.nowMs));
    }
    this.nowMs = endMs;
    return this;
  }

  order(kind: "promote" | "rollback", prefix = "/search"): this {
    this.#keep(ordered(this.state, { prefix, kind }, this.nowMs)!);
    return this;
  }

  get window(): number {
    return tableOf(this.state).entries.find(({ prefix }) => prefix === "/search")?.canary?.window ?? 0;
  }

  status(prefix = "/search") {
    return routesStatus(this.state, this.nowMs)[prefix]!;
  }

  get at() {
    const { state, percent } = this.status();
    return [state, percent];
  }
}
