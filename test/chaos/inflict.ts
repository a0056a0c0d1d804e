/**
 * Does to the system what the schedule says.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clients } from "./clients.ts";
import type { Disturbance } from "./history.ts";
import { documentOf, LIMITS, PARTS, type App, type Part } from "./project.ts";
import type { Planned } from "./schedule.ts";
import { partOf } from "./shapes.ts";
import type { System } from "./system.ts";

const NONE: readonly Part[] = [];
const SLOW_MS = 8000;

export class Inflictor {
  /** What has been done, in order. */
  readonly done: Disturbance[] = [];
  readonly #system: System;
  readonly #clients: Clients;
  readonly #underWay = new Set<Promise<unknown>>();
  #prefixes: Readonly<Record<App, string>> = { wide: "/a", narrow: "/b" };
  #applied = 0;

  constructor(system: System, clients: Clients) {
    this.#system = system;
    this.#clients = clients;
  }

  /**
   * Does all of it, in time. What needs the whole system is waited for, and nothing else.
   *
   * @param isDue Settles when a fault may come, by its place in the schedule; its own pause follows.
   */
  async run(schedule: readonly Planned[], signal: AbortSignal, isDue: (index: number) => Promise<void>): Promise<void> {
    for (const [index, planned] of schedule.entries()) {
      await isDue(index);
      if (signal.aborted) return;
      await sleep(planned.afterMs);
      const disturbance: Disturbance = {
        n: planned.n,
        kind: planned.kind,
        detail: detailOf(planned),
        loses: losesOf(planned),
        fromMs: Date.now(),
      };
      this.done.push(disturbance);
      const under = this.#inflict(planned)
        // An operator's request that fails while the system is down is part of it.
        .catch((error: unknown) => Object.assign(disturbance, { detail: `${disturbance.detail}; ${String(error)}` }))
        .then(() => (disturbance.untilMs = Date.now() + (isSlow(planned) ? SLOW_MS : 0)));
      if (planned.kind === "kill" || planned.kind === "rebuild") await under;
      else this.#follow(under);
    }
    await this.end();
  }

  /** Settles when everything that was begun is over. */
  async end(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #follow(under: Promise<unknown>): void {
    this.#underWay.add(under);
    void under.finally(() => this.#underWay.delete(under));
  }

  async #inflict(planned: Planned): Promise<void> {
    const [system, clients] = [this.#system, this.#clients];
    switch (planned.kind) {
      case "act":
        return void (await clients.request(planned));
      case "abort while queued": {
        const { route, app, count, act, ms, from } = planned;
        if (from === "front") return void (await clients.request({ route, app, ms, act, count }));
        const one = (n: number) => clients.request({ route, app, ms, ...(n === count >> 1 ? { act } : {}) });
        return void (await Promise.all(Array.from({ length: count }, (_, n) => one(n))));
      }
      case "abort while full": {
        const { route, app, count, ms } = planned;
        const burst = Promise.all(Array.from({ length: count }, () => clients.request({ route, app, ms: 30 })));
        await sleep(ms);
        await this.#abortSome(app, partOf(route), 0, () => true);
        return void (await burst);
      }
      case "abort draining": {
        const { app, ms } = planned;
        const burst = Promise.all(Array.from({ length: 5 }, () => clients.request({ route: "call", app, ms: 300 })));
        await sleep(20);
        await system.scale(app, "Work", 1);
        await sleep(ms);
        await this.#abortSome(app, "Work", 0, (state) => state !== "RUNNING");
        await system.scale(app, "Work", LIMITS.Work.replicas);
        return void (await burst);
      }
      case "abort idle":
        return this.#abortSome(planned.app, planned.part, planned.pick, () => true);
      case "leave":
        return void (await clients.request({ route: planned.route, app: planned.app, ms: 20, leavesAfterMs: planned.ms }));
      case "bad frame":
        return void (await clients.badFrame(planned.app));
      case "scale":
        return void (await system.scale(planned.app, planned.part, planned.replicas));
      case "apply": {
        const { app, part: name, replicas: num_replicas, slots: max_ongoing_requests, configure: fails } = planned;
        const changed = { name, num_replicas, max_ongoing_requests, user_config: { applied: ++this.#applied, fails } };
        return void (await system.put(documentOf({ [app]: [changed] }, this.#prefixes)));
      }
      case "swap": {
        this.#prefixes = { wide: this.#prefixes.narrow, narrow: this.#prefixes.wide };
        return void (await system.put(documentOf({}, this.#prefixes)));
      }
      case "controller":
        return system.abort("EdgeServeController", planned.app);
      case "config":
        return system.abort("EdgeServeConfig", "system");
      case "task shard":
        return system.abort("EdgeServeTasks", `tasks/${planned.app}/${planned.shard}`);
      case "kill":
        await sleep(planned.ms);
        return system.restart();
      case "rebuild":
        await sleep(planned.ms);
        this.#prefixes = { wide: "/a", narrow: "/b" };
        return system.rebuild();
    }
  }

  async #abortSome(app: App, part: Part, pick: number, which: (state: string) => boolean): Promise<void> {
    if (part === "Counters") return this.#system.abort(`${app}__Counters`, `${app}/Counters/@k${Math.floor(pick * this.#clients.keys)}`);
    const { replicas } = (await this.#system.application(app)).deployments[part];
    const found = replicas.filter(({ state }) => which(state));
    const one = found[Math.floor(pick * found.length)];
    if (one !== undefined) await this.#system.abort(`${app}__${part}`, one.replica_id);
  }
}

// A replica whose check or configuration fails is replaced, which takes three checks.
function isSlow(planned: Planned): boolean {
  return planned.kind === "act" ? /^(fall ill|hang)/.test(planned.act) : planned.kind === "apply";
}

function detailOf(planned: Planned): string {
  return Object.entries(planned)
    .filter(([name]) => !["n", "kind", "afterMs"].includes(name))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
}

// Whose requests may be lost: the part that is ended, or replaced. What throws, leaves, scales or applies loses nobody's.
function losesOf(planned: Planned): readonly Part[] {
  switch (planned.kind) {
    case "act":
      return /^(abort|fall ill|hang deaf|hang in)/.test(planned.act) ? [partOf(planned.route)] : NONE;
    case "abort while queued":
    case "abort while full":
      return [partOf(planned.route)];
    case "abort draining":
      return ["Work"];
    case "abort idle":
      return [planned.part];
    case "apply":
      return planned.configure === "hangs" ? [planned.part] : NONE;
    case "kill":
    case "rebuild":
      return PARTS;
    default:
      return NONE;
  }
}

/** Everything as the code says again, the prefixes too. */
export async function restore(system: System): Promise<void> {
  const status = await system.put(documentOf());
  if (status !== 200) throw new Error(`The document that changes nothing was answered with ${status}.`);
}
