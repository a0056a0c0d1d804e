/**
 * What a replica tells callers of itself, where a request router of the application's own asks for it.
 *
 * The request that is answered is not counted, whether its answer is still being sent or not: a replica whose only request is over
 * when its caller reads this runs nothing.
 */
import type { ReplicaScope } from "../context/scope.ts";
import { loadedModelIds } from "../multiplexing/registry.ts";
import type { Load, News, ReplicaState } from "../protocol/messages.ts";
import type { ReplicaSet } from "../protocol/replica-set.ts";
import type { Run } from "./run.ts";

/** How much of the models' ids is told: an answer to an HTTP request carries them in a header. */
const MAX_MODELS_TEXT = 4096;

/** An answer with what comes beside it. Mostly there is nothing, and a copy costs. */
export function withNews<T extends News>(answer: T, set: ReplicaSet | undefined, state: ReplicaState | undefined): T {
  const told = set === undefined ? answer : { ...answer, set };
  return state === undefined ? told : { ...told, state };
}

export class StateReports {
  readonly #replica: ReplicaScope;
  readonly #load: () => Load;
  // An HTTP answer has no room for it before it is on its way.
  readonly #kept = new WeakMap<Response, ReplicaState>();

  constructor(replica: ReplicaScope, load: () => Load) {
    this.#replica = replica;
    this.#load = load;
  }

  /** Of now, with the answer to this request; without one, with a refusal. */
  now(answered?: Pick<Run, "endedAtMs">): ReplicaState {
    const { ongoing, queued } = this.#load();
    const isHeld = answered?.endedAtMs === 0;
    return { ongoing: isHeld ? ongoing - 1 : ongoing, queued, models: told(loadedModelIds(this.#replica)) };
  }

  keep(response: Response, answered: Run): void {
    this.#kept.set(response, this.now(answered));
  }

  /** What was kept for an HTTP answer. */
  of(response: Response): ReplicaState | undefined {
    return this.#kept.get(response);
  }
}

// The one used last comes last.
function told(ids: readonly string[]): string[] {
  const some: string[] = [];
  let left = MAX_MODELS_TEXT;
  for (const id of ids.toReversed()) {
    // As long as a header has it, where every character that is not ASCII takes six.
    left -= JSON.stringify(id).replaceAll(/[^!-~]/g, "\\u0000").length + 1;
    if (left < 0) break;
    some.push(id);
  }
  return some;
}
