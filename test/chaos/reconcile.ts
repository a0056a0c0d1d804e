/**
 * Holds what clients saw against what ran. Pure.
 *
 * Which combination says what:
 *   A row that is on disk is a run. A run without a row is possible: its object was lost before the row was written, and then
 *   nothing that it said has left the object either, because the platform holds messages back behind a write. So "answered, and
 *   no row" is a fault, "lost, and no row" is none, and two rows are two runs whatever else is known.
 */
import type { Row } from "./rows.ts";
import type { Disturbance, Outcome, Request } from "./history.ts";
import { outcomeOfError } from "./outcome.ts";
import type { Part } from "./project.ts";
import { partOf, runsDirectly } from "./shapes.ts";

export type Fault =
  | "unaccounted"
  | "stuck"
  | "ran twice"
  | "answered, did not run"
  | "failed, did not run"
  | "said not begun, ran"
  | "wrong answer"
  | "failed without cause"
  | "lost without cause"
  | "ran, nobody asked"
  | "task lost"
  | "task did not succeed"
  | "more runs than attempts"
  | "two attempts at once"
  | "outcome stored twice"
  | "no outcome stored"
  | "counted twice"
  | "told another count"
  | "count lost";

/** One thing that must not be. */
export interface Violation {
  readonly fault: Fault;
  /** Of the step. */
  readonly id: string;
  readonly request?: Request;
  readonly rows: readonly Row[];
}

/** What the parts of a request have in common. */
interface Step {
  readonly id: string;
  readonly runs: number;
  /** Whose loss is its own. */
  readonly parts: readonly Part[];
  readonly outcome: Outcome | undefined;
}

/** How long after a fault its consequences may show, and how long before its record it may have begun. */
const AFTERMATH_MS = 3000;
const BEFORE_MS = 100;

/** Everything that is wrong. */
export function reconcile(requests: readonly Request[], rows: readonly Row[], disturbances: readonly Disturbance[]): Violation[] {
  const runs = Map.groupBy(
    rows.filter(({ kind }) => kind === "run" || kind === "item"),
    ({ id, kind }) => `${kind} ${id}`,
  );
  const known = new Set(requests.map(({ id }) => id));
  const strangers = [...runs].filter(([, [first]]) => !known.has(requestOf(first!.id)));
  return [
    ...requests.flatMap((request) => violationsOf(request, runs, disturbances)),
    ...strangers.map(([, found]): Violation => ({ fault: "ran, nobody asked", id: found[0]!.id, rows: found })),
  ];
}

/** The request that a step belongs to. */
export function requestOf(stepId: string): string {
  return stepId.split(".", 1)[0]!;
}

type Runs = ReadonlyMap<string, readonly Row[]>;

function violationsOf(request: Request, runs: Runs, disturbances: readonly Disturbance[]): Violation[] {
  const { id, seen, settledAtMs } = request;
  const outcome = seen?.outcome;
  const own = runs.get(`run ${id}`) ?? [];
  if (seen === undefined || settledAtMs === undefined) return [{ fault: "unaccounted", id, request, rows: own }];
  const meanwhile = disturbances.filter(
    ({ fromMs, untilMs = fromMs }) => fromMs - BEFORE_MS <= settledAtMs && untilMs + AFTERMATH_MS >= request.sentAtMs,
  );
  return stepsOf(request).flatMap((step) => {
    const found = runs.get(`run ${step.id}`) ?? [];
    const items = runs.get(`item ${step.id}`) ?? [];
    const faults: Fault[] = faultsOf(step, Math.max(found.length, items.length), request, meanwhile);
    // Whoever was told that a request has not begun may send it again: then nothing that it asks for may have happened either.
    const isSilent = own.length === 0 && step.id !== id && found.length > 0;
    if (isSilent && (outcome === "refused" || outcome === "unreachable")) faults.push("said not begun, ran");
    return faults.map((fault): Violation => ({ fault, id: step.id, request, rows: [...found, ...items] }));
  });
}

function faultsOf({ id, runs, parts, outcome }: Step, found: number, request: Request, meanwhile: readonly Disturbance[]): Fault[] {
  const faults: Fault[] = [];
  if (found > runs) faults.push("ran twice");
  if (outcome === "ok" && found === 0) faults.push("answered, did not run");
  if (outcome === "failed" && found === 0 && !id.endsWith("@")) faults.push("failed, did not run");
  if ((outcome === "refused" || outcome === "unreachable") && found > 0) faults.push("said not begun, ran");
  if (outcome === "wrong") faults.push("wrong answer");
  if (outcome === "stuck") faults.push("stuck");
  // What shares a batch or a model's load with others fails with them.
  const isShared =
    (request.route === "batch" || request.route === "model") && meanwhile.some(({ detail }) => detail.includes(request.route));
  if (outcome === "failed" && request.act === undefined && !isShared) faults.push("failed without cause");
  // What hangs outlives its replica's end of service.
  const mayBreak = (outcome === "broken" && request.act?.startsWith("throw ") === true) || request.act?.startsWith("hang") === true;
  if (
    (outcome === "lost" || outcome === "broken") &&
    !mayBreak &&
    !meanwhile.some(({ loses }) => parts.some((part) => loses.includes(part)))
  )
    faults.push("lost without cause");
  return faults;
}

function stepsOf(request: Request): Step[] {
  const { id, runs, count, seen } = request;
  const isDirect = runsDirectly(request.route);
  const parts = [partOf(request.route)];
  // What is relayed ends with its source.
  const ownParts: readonly Part[] = request.route === "relay" ? ["Front", ...parts] : ["Front"];
  const own: Step = { id, runs: isDirect ? runs : 1, parts: ownParts, outcome: seen?.outcome };
  if (isDirect) return [own];
  // What the source of a relayed stream says, its front says too: that the source has not begun.
  if (request.route === "relay" && seen?.outcome === "refused")
    return [
      { ...own, outcome: undefined },
      { id: `${id}.1`, runs, parts, outcome: seen.outcome },
    ];
  const passed = seen?.passed ?? [];
  // What the answer does not tell of may have run, and once.
  if (passed.length === 0)
    return [own, ...Array.from({ length: count }, (_, n): Step => ({ id: `${id}.${n + 1}`, runs, parts, outcome: undefined }))];
  return [
    own,
    ...passed.map(({ id: step, isAnswered, error }) => ({
      id: step,
      runs,
      parts,
      outcome: isAnswered ? ("ok" as const) : outcomeOfError(error ?? { message: "" }),
    })),
  ];
}
