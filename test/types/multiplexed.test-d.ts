import { describe, expectTypeOf, it } from "vitest";
import * as serve from "../../src/index.ts";

interface Weights {
  readonly bytes: ArrayBuffer;
  translate(text: string): string;
}

declare function load(id: string): Promise<Weights>;
declare function loadNow(id: string): Weights;

describe("serve.multiplexed", () => {
  it("gives what the loader gives, whether that waits or not", () => {
    expectTypeOf(serve.multiplexed(load)).toEqualTypeOf<serve.Multiplexed<Weights>>();
    expectTypeOf(serve.multiplexed(loadNow)).toEqualTypeOf<serve.Multiplexed<Weights>>();
    expectTypeOf(serve.multiplexed(async (id) => id.length)).toEqualTypeOf<serve.Multiplexed<number>>();
    expectTypeOf(serve.multiplexed(load)).toBeCallableWith("fr");
    expectTypeOf(serve.multiplexed(load)("fr")).toEqualTypeOf<Promise<Weights>>();
  });

  it("types sizeOf by the model", () => {
    serve.multiplexed(load, { maxModelsPerReplica: -1, maxBytes: 1e8, sizeOf: (model) => model.bytes.byteLength });
    // @ts-expect-error the model has no length
    serve.multiplexed(load, { sizeOf: (model) => model.length });
    // @ts-expect-error a size is a number
    serve.multiplexed(load, { sizeOf: () => "large" });
    // @ts-expect-error there is no such option
    serve.multiplexed(load, { maxModels: 3 });
    // @ts-expect-error the limit is a number
    serve.multiplexed(load, { maxModelsPerReplica: "3" });
  });

  it("refuses a loader of something else than ids, and calls without one id", () => {
    // @ts-expect-error ids are strings
    serve.multiplexed(async (id: number) => id);
    // @ts-expect-error a loader gets the id and nothing else
    serve.multiplexed(async (id: string, region: string) => id + region);
    const getModel = serve.multiplexed(load);
    // @ts-expect-error an id is missing
    void getModel();
    // @ts-expect-error an id is a string
    void getModel(1);
    // @ts-expect-error one id at a time
    void getModel("a", "b");
  });

  it("shows what is loaded, read only", () => {
    const getModel = serve.multiplexed(load);
    expectTypeOf(getModel.loaded).toEqualTypeOf<readonly string[]>();
    expectTypeOf(getModel.stats.hits).toEqualTypeOf<number>();
    expectTypeOf(getModel.prefetch("fr")).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error read only
    getModel.loaded = [];
    // @ts-expect-error read only
    getModel.stats.hits = 0;
  });

  it("is a field of a class, whose methods use it and whose handles do not change by it", () => {
    class Translate {
      #model = serve.multiplexed(load);
      async call(text: string): Promise<string> {
        return (await this.#model(serve.getMultiplexedModelId())).translate(text);
      }
    }
    const app = serve.deployment(Translate).bind();
    expectTypeOf(app).toEqualTypeOf<serve.Application<Translate>>();
    expectTypeOf<Awaited<ReturnType<serve.DeploymentHandle<Translate>["remote"]>>>().toEqualTypeOf<string>();
  });

  it("gives the model id as a string", () => {
    expectTypeOf(serve.getMultiplexedModelId).toEqualTypeOf<() => string>();
  });
});
