/**
 * The shapes of the routes: by which way a request comes, and what may be asked to go wrong in it.
 */
import type { Act, Way } from "./app/steps.ts";
import { EAGER_RUNS, type Part, TASK_ATTEMPTS } from "./project.ts";

export const ROUTES = [
  "get",
  "post small",
  "post large",
  "stream",
  "relay",
  "socket",
  "call",
  "keyed",
  "object",
  "eager",
  "batch",
  "model",
  "elastic",
  "broadcast",
  "items",
  "task",
  "outside run",
  "outside call",
  "outside stream",
] as const;
export type Route = (typeof ROUTES)[number];

const WAYS: Partial<Record<Route, Way>> = {
  call: "call",
  keyed: "keyed",
  object: "object",
  eager: "eager",
  batch: "batch",
  model: "model",
  elastic: "elastic",
  broadcast: "broadcast",
  items: "items",
  task: "task",
  "outside call": "call",
};

/** How a front passes it on, where it does and says what became of it. */
export function wayOf(route: Route): Way | undefined {
  return WAYS[route];
}

/** Where the work is done, in the end. */
export function partOf(route: string): Part {
  const way = wayOf(route as Route);
  if (way === "eager") return "Eager";
  if (way === "batch") return "Batcher";
  if (way === "model") return "Models";
  if (way === "elastic") return "Elastic";
  if (way === "task") return "Jobs";
  if (way === "object") return "Counters";
  return runsDirectly(route) ? "Front" : "Work";
}

/** Whether the front itself does the work. */
export function runsDirectly(route: string): boolean {
  return wayOf(route as Route) === undefined && route !== "relay";
}

/** How often the work itself may run. */
export function runsOf(route: Route): number {
  if (route === "task") return TASK_ATTEMPTS;
  return route === "eager" ? EAGER_RUNS : 1;
}

const ANYWHERE: readonly Route[] = [
  "get",
  "post small",
  "post large",
  "call",
  "keyed",
  "object",
  "eager",
  "model",
  "elastic",
  "broadcast",
  "task",
  "outside run",
  "outside call",
];

/** The routes on which something can be asked to go wrong. */
export function routesFor(act: Act): readonly Route[] {
  if (act === "abort streaming") return ["stream", "relay", "items", "outside stream"];
  if (act === "abort in batch") return ["batch"];
  if (act === "abort loading") return ["model"];
  if (act === "fall ill" || act === "hang in check" || act === "hang in dispose") return ["call", "eager", "elastic"];
  if (act === "hang") return ["get", "call", "eager", "keyed", "object", "task", "outside run"];
  if (act === "hang deaf") return ["call", "object", "batch", "model", "items", "task", "outside run"];
  if (act === "throw error") return [...ANYWHERE, "batch", "stream", "relay", "items", "socket"];
  if (act === "abort working") return [...ANYWHERE, "socket"];
  // What a broadcast answers is which replica it was, and a task is never tried again for what it answers.
  if (act.startsWith("answer ")) return ANYWHERE.filter((route) => route !== "broadcast" && route !== "task");
  return ANYWHERE;
}
