/**
 * The end of models: `[Symbol.asyncDispose]`, else `[Symbol.dispose]`, where a model has one.
 *
 * A model that goes is nobody's request: what its disposal throws, or that it never ends, is logged, and stops nobody.
 */
import { writeLog } from "../context/logger.ts";
import { type ReplicaScope, runInScope } from "../context/scope.ts";
import { withinLimit } from "../context/with-timeout.ts";
import { LATENCY_MS } from "../observe/metric-definitions.ts";
import { observe } from "../observe/series.ts";
import { stackText } from "../protocol/thrown.ts";

interface MaybeDisposable {
  readonly [Symbol.asyncDispose]?: unknown;
  readonly [Symbol.dispose]?: unknown;
}

/** What disposals need to know of their surroundings. */
export interface DisposalPorts {
  readonly replica: ReplicaScope;
  now(): number;
  /** How long a disposal may take, in milliseconds. */
  disposeTimeoutMs(): number;
}

/** The disposals of one replica's models that are under way. */
export class Disposals {
  readonly #ports: DisposalPorts;
  readonly #underway = new Set<Promise<void>>();
  readonly #durationsMs: number[];

  /** @param durationsMs The histogram to add how long they took to. */
  constructor(ports: DisposalPorts, durationsMs: number[]) {
    this.#ports = ports;
    this.#durationsMs = durationsMs;
  }

  /** Disposes of a model; of one that is still to come once it is there. */
  begin(id: string, model: unknown): void {
    const { replica, now, disposeTimeoutMs } = this.#ports;
    const scope = { replica, request: undefined };
    const startedAtMs = now();
    const limit = { timeoutMs: disposeTimeoutMs(), after: replica.after };
    const gone = runInScope(scope, () => withinLimit(async () => disposeModel(await model), limit))
      .catch((error: unknown) => {
        const whose = `the model ${JSON.stringify(id)} of deployment ${JSON.stringify(replica.context.deployment)}`;
        writeLog("ERROR", `Disposing of ${whose} failed.`, { error: stackText(error) }, scope);
      })
      .then(() => {
        this.#underway.delete(gone);
        observe(this.#durationsMs, LATENCY_MS, now() - startedAtMs);
      });
    this.#underway.add(gone);
  }

  /** Resolves when those that are under way are over. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#underway);
  }
}

async function disposeModel(model: unknown): Promise<void> {
  if ((typeof model !== "object" && typeof model !== "function") || model === null) return;
  const disposable = model as MaybeDisposable;
  const dispose = disposable[Symbol.asyncDispose] ?? disposable[Symbol.dispose];
  if (typeof dispose === "function") await (dispose as (this: unknown) => unknown).call(model);
}
