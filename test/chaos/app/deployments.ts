/**
 * The deployments that a front passes work on to. The first act of every run is a row.
 */
import * as serve from "edge-serve";
import { abortAfterWrite, begin, isOf, sleep, work } from "./acts.ts";
import { meet } from "./meet.ts";
import type { Act, Step } from "./steps.ts";
import { VERSION } from "./version.ts";
import { note } from "./witness.ts";

export class Work {
  #fails: Act | undefined;

  constructor() {
    note(serve.getReplicaContext().state, "constructor");
  }

  async reconfigure(config: { readonly fails?: "throws" | "hangs" } | undefined): Promise<void> {
    if (config?.fails === "throws") throw new Error("asked to refuse its configuration");
    if (config?.fails === "hangs") await new Promise(() => {});
  }

  async checkHealth(): Promise<void> {
    if (this.#fails === "fall ill") throw new Error("asked to fall ill");
    if (this.#fails === "hang in check") await new Promise(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#fails === "hang in dispose") await new Promise(() => {});
  }

  async run(step: Step): Promise<unknown> {
    begin(step.id);
    if (isOf(step.act, "fall ill", "hang in check", "hang in dispose")) this.#fails = step.act;
    return work(step, { id: step.id, version: VERSION });
  }

  async *items(step: Step): AsyncGenerator<string> {
    begin(step.id);
    yield* itemsOf(step);
  }

  /** Of a broadcast: each replica's run is a step of its own. */
  async each(step: Step): Promise<string> {
    const id = `${step.id}@${serve.getReplicaContext().replicaId}`;
    begin(id);
    await work(step, id);
    return id;
  }

  meet(token: string, count: number): Promise<boolean> {
    return meet(token, count);
  }
}

/** Work that is enqueued: what goes wrong goes wrong in the first attempt. */
export class Jobs extends Work {
  override async run({ act, ...step }: Step): Promise<unknown> {
    const { task } = serve.getRequestContext();
    const attempt = `${step.id}#${task?.attempt}#${task?.id}`;
    const { state } = serve.getReplicaContext();
    note(state, "begun", attempt);
    try {
      return await super.run(act === undefined || task?.attempt !== 1 ? step : { ...step, act });
    } finally {
      note(state, "ended", attempt);
    }
  }
}

/** The objects of keys: each counts its runs. */
export class Counters extends Work {
  override async run(step: Step): Promise<unknown> {
    begin(step.id);
    const { state } = serve.getReplicaContext();
    const count = (state.storage.kv.get<number>("count") ?? 0) + 1;
    state.storage.kv.put("count", count);
    note(state, "counted", `${step.id}#${count}`);
    return work(step, { id: step.id, count });
  }
}

export async function* itemsOf({ id, items = 5, ms, act }: Step): AsyncGenerator<string> {
  for (let n = 0; n < items; n++) {
    if (n === 2 && act === "abort streaming") await abortAfterWrite();
    if (n === 2 && act === "hang deaf") await work({ id, ms, act }, id);
    if (n === 2 && act === "throw error") throw new Error("asked to throw");
    yield `${id} ${n}\n`;
    await sleep(ms / items);
  }
}

export class Batcher {
  constructor() {
    note(serve.getReplicaContext().state, "constructor");
  }

  readonly #batch = serve.batch(
    async (steps: Step[]): Promise<unknown[]> => {
      for (const { id } of steps) begin(id, "item");
      if (steps.some(({ act }) => act === "abort in batch")) await abortAfterWrite();
      if (steps.some(({ act }) => act === "hang deaf")) await new Promise(() => {});
      await sleep(Math.max(...steps.map(({ ms }) => ms)));
      return Promise.all(steps.map((step) => work({ ...step, ms: 0 }, { id: step.id }).catch(toError)));
    },
    { maxBatchSize: 4, batchWaitTimeoutMs: 5 },
  );

  async run(step: Step): Promise<unknown> {
    begin(step.id);
    return this.#batch(step);
  }

  meet(token: string, count: number): Promise<boolean> {
    return meet(token, count);
  }
}

// An item of a batch fails by an error in its place, so what is no error is wrapped.
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("asked to throw");
}

export class Models {
  #loads: "well" | "dies" | "fails" | "hangs" = "well";

  constructor() {
    note(serve.getReplicaContext().state, "constructor");
  }

  readonly #model = serve.multiplexed((id: string) => this.#load(id), { maxModelsPerReplica: 2 });

  async run(step: Step): Promise<unknown> {
    begin(step.id);
    if (step.act === "abort loading") this.#loads = "dies";
    if (step.act === "throw error") this.#loads = "fails";
    if (step.act === "hang deaf") this.#loads = "hangs";
    const id = serve.getMultiplexedModelId();
    const model = await this.#model(this.#loads === "well" ? id : `${id}-${step.id}`);
    return work(step, { id: step.id, model: model.id });
  }

  async #load(id: string): Promise<{ id: string }> {
    note(serve.getReplicaContext().state, "load", id);
    await sleep(5);
    const how = this.#loads;
    this.#loads = "well";
    if (how === "dies") await abortAfterWrite();
    if (how === "hangs") await new Promise(() => {});
    if (how === "fails") throw new Error("asked to throw");
    return { id };
  }

  meet(token: string, count: number): Promise<boolean> {
    return meet(token, count);
  }
}
