import { describe, expect, it } from "vitest";
import { RequestScope, runInScope } from "../../../src/context/scope.ts";
import { getMultiplexedModelId, type MultiplexedOptions, multiplexed } from "../../../src/multiplexing/multiplexed.ts";
import { disposeModels, loadedModelIds } from "../../../src/multiplexing/registry.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";
import { expectMentions } from "../../support/mentions.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { replicaScope, requestMeta } from "../../support/scope.ts";

const inReplica = <R>(body: () => R, replica = replicaScope()): R =>
  runInScope({ replica, request: new RequestScope(requestMeta({ multiplexedModelId: "fr" })) }, body);

function refusalOf(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

describe("serve.multiplexed", () => {
  it("gives models by id, and says what it has loaded", async () => {
    const getModel = multiplexed((id: string) => ({ id }));
    await inReplica(async () => {
      expect(await getModel("a")).toEqual({ id: "a" });
      await getModel("b");
      await getModel("a");
      await getModel.prefetch("c");
      expect([getModel.loaded, getModel.stats]).toMatchObject([["b", "a", "c"], { hits: 1, misses: 2, loads: 3, prefetches: 1 }]);
    });
  });

  it("holds three models unless told otherwise", async () => {
    const getModel = multiplexed(async (id: string) => id);
    const load = (id: string) => runInScope({ replica, request: undefined }, () => getModel(id));
    const replica = replicaScope();
    for (const id of ["a", "b", "c", "d"]) await load(id);
    expect(loadedModelIds(replica)).toEqual(["b", "c", "d"]);
  });

  it("keeps the replicas of one isolate apart, and joins the functions of one replica", async () => {
    const [one, two] = [replicaScope(), replicaScope()];
    const [first, second] = [multiplexed((id: string) => id), multiplexed((id: string) => id)];
    await inReplica(() => first("a"), one);
    await inReplica(() => first("b"), two);
    await inReplica(() => second("a"), one);
    await inReplica(() => second("c"), one);
    expect([loadedModelIds(one), loadedModelIds(two), loadedModelIds(replicaScope())]).toEqual([["a", "c"], ["b"], []]);
  });

  it("disposes of a replica's models at its end", async () => {
    const disposed: string[] = [];
    const getModel = multiplexed((id: string) => ({ [Symbol.asyncDispose]: async () => void disposed.push(id) }));
    const replica = replicaScope();
    await inReplica(() => Promise.all([getModel("a"), getModel("b")]), replica);
    await disposeModels(replica);
    await disposeModels(replica);
    expect([disposed, loadedModelIds(replica)]).toEqual([["a", "b"], []]);
    // As a replica does whose start failed, and that starts again.
    await inReplica(() => getModel("a"), replica);
    expect(loadedModelIds(replica)).toEqual(["a"]);
  });

  it("refuses what is no id, as Ray Serve does", async () => {
    const getModel = multiplexed((id: string) => id);
    for (const wrong of [1, undefined, null, ["a"]]) {
      expect(await rejectionOf(inReplica(() => getModel(wrong as unknown as string)))).toEqual(
        new TypeError("The model ID must be a string."),
      );
    }
    expect(await rejectionOf(inReplica(() => getModel("")))).toEqual(new RangeError("The model ID cannot be empty."));
    expect(await rejectionOf(inReplica(() => getModel.prefetch("")))).toEqual(new RangeError("The model ID cannot be empty."));
  });

  it("works only inside a replica, and has loaded nothing outside", async () => {
    const getModel = multiplexed((id: string) => id);
    expect(String(await rejectionOf(getModel("a")))).toMatch(/works only inside a replica: .* runLocal\(\)\.$/);
    expect([getModel.loaded, getModel.stats.loads]).toEqual([[], 0]);
  });

  it.each<[unknown, string[]]>([
    ...[0, 1001, -2, 1.5, "3"].map((value): [unknown, string[]] => [
      { maxModelsPerReplica: value },
      ["maxModelsPerReplica", "1", "1000", "-1", JSON.stringify(value)],
    ]),
    [{ sizeOf: 3 }, ["sizeOf", "function", "3"]],
    [{ sizeOf: () => 1, maxBytes: 0 }, ["maxBytes", "above 0", "9007199254740991"]],
    [{ sizeOf: () => 1, maxBytes: Infinity }, ["maxBytes", "9007199254740991", "Infinity"]],
    [{ maxBytes: 5 }, ["maxBytes", "sizeOf"]],
    [{ maxModels: 3 }, ["unknown", '"maxModels"', "maxModelsPerReplica"]],
    [null, ["object", "null"]],
    [[], ["object", "[]"]],
  ])("refuses the options %j", (options, mentioned) => {
    const { message } = refusalOf(() => multiplexed((id): unknown => id, options as MultiplexedOptions<unknown>));
    expectMentions(message, "serve.multiplexed", ...mentioned);
  });

  it("refuses what loads nothing", () => {
    expectMentions(refusalOf(() => multiplexed("a" as never)).message, "serve.multiplexed", "function", '"a"');
  });

  it("accepts -1", async () => {
    const getModel = multiplexed((id: string) => id, { maxModelsPerReplica: -1 });
    const ids = Array.from({ length: 20 }, (_, index) => String(index));
    await inReplica(async () => {
      for (const id of ids) await getModel(id);
      expect(getModel.loaded).toEqual(ids);
    });
  });
});

describe("serve.getMultiplexedModelId", () => {
  it("gives the request's id, and an empty string where there is none", () => {
    expect(inReplica(getMultiplexedModelId)).toBe("fr");
    expect(runInScope({ replica: replicaScope(), request: undefined }, getMultiplexedModelId)).toBe("");
    expect(getMultiplexedModelId()).toBe("");
  });
});
