import { RequestScope } from "../../../src/context/scope.ts";
import { after } from "../../../src/context/with-timeout.ts";
import { ModelCache, type ModelCachePorts } from "../../../src/multiplexing/model-cache.ts";
import { replicaScope, requestMeta } from "../../support/scope.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";

/** A model of these tests: knows its id, and is recorded when it is disposed of. */
export interface TestModel extends AsyncDisposable {
  readonly id: string;
}

/** A cache whose loads and disposals are recorded; loads named in `held` end when they are told to. */
export function modelsOf(ports: Partial<ModelCachePorts<TestModel>> = {}) {
  const events: string[] = [];
  const held = new Map<string, PromiseWithResolvers<void>>();
  const failing = new Map<string, Error>();
  let nowMs = 0;
  const model = (id: string): TestModel => ({
    id,
    async [Symbol.asyncDispose]() {
      events.push(`-${id}`);
      await held.get(`-${id}`)?.promise;
      const error = failing.get(`-${id}`);
      if (error !== undefined) throw error;
    },
  });
  const cache = new ModelCache<TestModel>({
    replica: replicaScope(),
    maxModels: 2,
    maxBytes: Infinity,
    sizeOf: undefined,
    after,
    disposeTimeoutMs: () => 30_000,
    now: () => nowMs,
    async load(id) {
      events.push(`+${id}`);
      await held.get(id)?.promise;
      const error = failing.get(id);
      if (error !== undefined) throw error;
      return model(id);
    },
    ...ports,
  });
  return {
    cache,
    failing,
    /** What happened since the last look: `+id` a load, `-id` a disposal. */
    events: () => events.splice(0).join(" "),
    /** Makes the load of `id`, or the disposal `-id`, wait for `letGo`. */
    hold: (id: string) => void held.set(id, Promise.withResolvers()),
    letGo: async (id: string) => {
      held.get(id)?.resolve();
      held.delete(id);
      await turnOfTheEventLoop();
    },
    advance: (ms: number) => void (nowMs += ms),
  };
}

let requests = 0;

/** A request in the replica; `chain` where it matters that it came back. */
export function newRequest(requestId = `r${requests++}`, chain: readonly string[] = ["news/Model"]): RequestScope {
  return new RequestScope(requestMeta({ requestId, chain }));
}

/** Lets everything happen that can, and says whether `promise` has settled by then. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => void (settled = true);
  promise.then(settle, settle);
  await turnOfTheEventLoop();
  return settled;
}
