/**
 * Which faults, in which order, with what between: all of it decided by the seed. Pure.
 */
import { exponential, type Random, seeded } from "../../bench/simulation/random.ts";
import { SHARDS } from "../../src/tasks/task-id.ts";
import type { Act } from "./app/steps.ts";
import { APPS, type App, PARTS, type Part } from "./project.ts";
import { type Route, ROUTES, routesFor, wayOf } from "./shapes.ts";

/** Something that goes wrong. */
export type Planned = { readonly n: number; readonly afterMs: number } & (
  | { readonly kind: "act"; readonly act: Act; readonly route: Route; readonly app: App; readonly ms: number }
  /** Many calls of one deployment at once, and one of them ends the object that the others wait for. */
  | {
      readonly kind: "abort while queued";
      readonly route: Route;
      readonly app: App;
      readonly count: number;
      readonly act: Act;
      readonly ms: number;
      /** Who sends them: as many clients, or one front. */
      readonly from: "clients" | "front";
    }
  /** The same, and the object is ended from outside while it refuses. */
  | { readonly kind: "abort while full"; readonly route: Route; readonly app: App; readonly count: number; readonly ms: number }
  | { readonly kind: "abort draining"; readonly app: App; readonly ms: number }
  | { readonly kind: "abort idle"; readonly app: App; readonly part: Part; readonly pick: number }
  | { readonly kind: "leave"; readonly route: Route; readonly app: App; readonly ms: number }
  | { readonly kind: "bad frame"; readonly app: App }
  | { readonly kind: "scale"; readonly app: App; readonly part: Part; readonly replicas: number }
  | {
      readonly kind: "apply";
      readonly app: App;
      readonly part: Part;
      readonly replicas: number;
      readonly slots: number;
      readonly configure: Configure;
    }
  | { readonly kind: "swap" }
  | { readonly kind: "controller"; readonly app: App }
  | { readonly kind: "config" }
  | { readonly kind: "task shard"; readonly app: App; readonly shard: number }
  | { readonly kind: "kill"; readonly ms: number }
  | { readonly kind: "rebuild"; readonly ms: number }
);

export type Kind = Planned["kind"];

const ACTS: readonly (readonly [Act, weight: number])[] = [
  ["abort at once", 6],
  ["abort after write", 8],
  ["abort working", 8],
  ["abort streaming", 8],
  ["abort in batch", 5],
  ["abort loading", 4],
  ["fall ill", 1],
  ["hang in check", 1],
  ["hang in dispose", 1],
  ["hang", 4],
  ["hang deaf", 2],
  ["throw error", 6],
  ["throw cycle", 2],
  ["throw huge", 1],
  ["throw text", 2],
  ["throw nothing", 2],
  ["throw bare object", 2],
  ["throw getter", 2],
  ["throw class", 2],
  ["answer function", 2],
  ["answer symbol", 2],
  ["answer used response", 2],
  ["answer error response", 2],
  ["answer nested handle", 1],
];

/** Of a hundred. */
const KINDS: readonly (readonly [Kind, weight: number])[] = [
  ["act", 52],
  ["abort while queued", 10],
  ["abort while full", 5],
  ["abort draining", 2],
  ["abort idle", 4],
  ["leave", 10],
  ["bad frame", 1.5],
  ["scale", 3],
  ["apply", 3],
  ["swap", 1],
  ["controller", 4],
  ["config", 2],
  ["task shard", 3],
  ["kill", 2],
  ["rebuild", 1],
];
/** Of each hundred faults so many come after the last that ends the process: what leaks by them is there at the end. */
const WITHOUT_END = 40;

/** What `reconfigure` does with the configuration of a document. */
export type Configure = "well" | "throws" | "hangs";
const CONFIGURES: readonly Configure[] = ["well", "well", "well", "throws", "hangs"];

/** How far apart faults are, on average. */
export const APART_MS = 70;
/** What a burst fills: small deployments, whose requests wait. */
const QUEUED: readonly Route[] = ["call", "keyed", "object", "eager", "model", "elastic", "outside call", "get", "post small"];
const SCALED: readonly Part[] = PARTS.filter((part) => part !== "Elastic" && part !== "Counters");

/** `count` faults, the same ones for the same seed. @param apartMs How far apart, on average. */
export function scheduleOf(seed: number, count: number, apartMs: number = APART_MS): Planned[] {
  const random = seeded(seed);
  return Array.from(
    { length: count },
    (_, n) => ({ n, afterMs: Math.round(exponential(random, apartMs)), ...drawn(random, kindsAt(n)) }) as Planned,
  );
}

/** One of the choices, each as often as its weight says. */
export function weighted<T>(random: Random, choices: readonly (readonly [T, weight: number])[]): T {
  let left = random() * choices.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [choice, weight] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  return choices.at(-1)![0];
}

/** One of the choices, each as often. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}

type WithoutPlace<T> = T extends unknown ? Omit<T, "n" | "afterMs"> : never;

const GENTLE = KINDS.filter(([kind]) => kind !== "kill" && kind !== "rebuild");

function kindsAt(n: number): typeof KINDS {
  return n % 100 >= 100 - WITHOUT_END ? GENTLE : KINDS;
}

function drawn(random: Random, kinds: typeof KINDS): WithoutPlace<Planned> {
  const kind = weighted(random, kinds);
  const app = oneOf(random, APPS);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  switch (kind) {
    case "act": {
      const act = weighted(random, ACTS);
      return { kind, act, route: oneOf(random, routesFor(act)), app, ms: 2 + upTo(30) };
    }
    case "abort while queued": {
      const route = oneOf(random, QUEUED);
      const act: Act = oneOf(random, ["abort at once", "abort after write", "abort working"]);
      const from = wayOf(route) !== undefined && random() < 0.6 ? "front" : "clients";
      return { kind, route, app, count: 6 + upTo(18), act, ms: oneOf(random, [0, 5, 15]), from };
    }
    case "abort while full":
      return { kind, route: oneOf(random, QUEUED), app, count: 10 + upTo(30), ms: upTo(25) };
    case "abort draining":
      return { kind, app, ms: upTo(60) };
    case "abort idle":
      return { kind, app, part: oneOf(random, PARTS), pick: random() };
    case "leave":
      return { kind, route: oneOf(random, ROUTES), app, ms: upTo(30) };
    case "bad frame":
    case "controller":
      return { kind, app };
    case "task shard":
      return { kind, app, shard: upTo(SHARDS - 1) };
    case "scale":
      return { kind, app, part: oneOf(random, SCALED), replicas: 1 + upTo(3) };
    case "apply":
      return { kind, app, part: oneOf(random, SCALED), replicas: 1 + upTo(3), slots: 1 + upTo(5), configure: oneOf(random, CONFIGURES) };
    case "kill":
    case "rebuild":
      return { kind, ms: upTo(50) };
    default:
      return { kind };
  }
}
