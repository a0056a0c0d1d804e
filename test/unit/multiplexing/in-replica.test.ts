import { describe, expect, it } from "vitest";
import { getMultiplexedModelId, multiplexed } from "../../../src/multiplexing/multiplexed.ts";
import type { CallRequest, Reply } from "../../../src/protocol/messages.ts";
import { requestMeta } from "../../support/scope.ts";
import { callOf, replicaOf, valueOf } from "../../support/model-replica.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";

const callFor = (multiplexedModelId: string, method: string, ...args: unknown[]): CallRequest => ({
  ...callOf(method, ...args),
  meta: requestMeta({ hops: 1, multiplexedModelId }),
});

/** A replica that holds one model, and what it did. */
function replicaOfOne() {
  const events: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  class Model {
    readonly #model = multiplexed(
      async (id: string) => {
        events.push(`+${id}`);
        return { id, [Symbol.asyncDispose]: async () => void events.push(`-${id}`) };
      },
      { maxModelsPerReplica: 1 },
    );
    async hold(name: string) {
      const { id } = await this.#model(getMultiplexedModelId());
      await gate(name).promise;
      events.push(`${name} done`);
      return id;
    }
    async *stream(name: string) {
      const { id } = await this.#model(getMultiplexedModelId());
      try {
        for (;;) {
          yield id;
          await gate(name).promise;
        }
      } finally {
        events.push(`${name} done`);
      }
    }
  }
  const gate = (name: string) => gates.get(name) ?? gates.set(name, Promise.withResolvers()).get(name)!;
  return { replica: replicaOf(Model), events, letGo: (name: string) => gate(name).resolve() };
}

describe("a model in a replica", () => {
  it("stays until the method that uses it is done", async () => {
    const { replica, events, letGo } = replicaOfOne();
    const first = replica.call(callFor("fr", "hold", "first"));
    letGo("second");
    const second = replica.call(callFor("de", "hold", "second"));
    await turnOfTheEventLoop();
    expect(events).toEqual(["+fr"]);
    letGo("first");
    expect([valueOf(await first), valueOf(await second)]).toEqual(["fr", "de"]);
    expect(events).toEqual(["+fr", "first done", "-fr", "+de", "second done"]);
  });

  it("stays until a generator that is cancelled has come to its end", async () => {
    const { replica, events, letGo } = replicaOfOne();
    const reply = (await replica.call(callFor("fr", "stream", "stream"))) as Extract<Reply, { kind: "stream" }>;
    expect(await reply.items.pull()).toMatchObject({ items: ["fr"] });
    letGo("after");
    const after = replica.call(callFor("de", "hold", "after"));
    const cancelled = reply.items.cancel();
    await turnOfTheEventLoop();
    expect(events).toEqual(["+fr"]);
    letGo("stream");
    await cancelled;
    expect(valueOf(await after)).toBe("de");
    expect(events).toEqual(["+fr", "stream done", "-fr", "+de", "after done"]);
  });
});

it("disposes of what a failed start had loaded, and loads anew at the next", async () => {
  const events: string[] = [];
  let starts = 0;
  class Model {
    readonly #model = multiplexed((id: string) => {
      events.push(`+${id}`);
      return { id, [Symbol.dispose]: () => void events.push(`-${id}`) };
    });
    async setup() {
      await this.#model("base");
      if (++starts === 1) throw new Error("not yet");
    }
    loaded() {
      return [...this.#model.loaded];
    }
  }
  const replica = replicaOf(Model);
  expect(await replica.call(callOf("loaded"))).toMatchObject({ kind: "refused", failedStart: { code: "DEPLOYMENT_UNAVAILABLE" } });
  expect(events).toEqual(["+base", "-base"]);
  expect(valueOf(await replica.call(callOf("loaded")))).toEqual(["base"]);
});
