import { describe, expect, it } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";
import { expectMentions } from "../../support/mentions.ts";

const make = (options: unknown) => () => batch(async (texts: string[]) => texts, options as never);

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return "accepted";
}

describe("options", () => {
  it.each<[unknown, string[]]>([
    [{ maxBatchSize: 0 }, ["maxBatchSize", "1", "10000", "0"]],
    [{ maxBatchSize: 10_001 }, ["maxBatchSize", "1", "10000", "10001"]],
    [{ maxConcurrentBatches: 1e9 }, ["maxConcurrentBatches", "1", "1000000", "1000000000"]],
    [{ batchWaitTimeoutMs: 2 ** 31 }, ["batchWaitTimeoutMs", "0", "2147483647", "2147483648"]],
    [{ adaptive: { targetLatencyMs: 2 ** 31 } }, ["adaptive.targetLatencyMs", "0", "2147483647", "2147483648"]],
    [{ maxBatchSize: 1.5 }, ["maxBatchSize", "1", "10000", "1.5"]],
    [{ maxBatchSize: "8" }, ["maxBatchSize", "1", "10000", '"8"']],
    [{ batchWaitTimeoutMs: -1 }, ["batchWaitTimeoutMs", "0", "2147483647", "-1"]],
    [{ batchWaitTimeoutMs: Infinity }, ["batchWaitTimeoutMs", "0", "2147483647", "Infinity"]],
    [{ maxConcurrentBatches: null }, ["maxConcurrentBatches", "1", "1000000", "null"]],
    [{ batchSizeOf: 3 }, ["batchSizeOf", "function", "3"]],
    [{ adaptive: true }, ["adaptive", "object", "true"]],
    [{ adaptive: {} }, ["adaptive.targetLatencyMs", "0", "2147483647", "missing"]],
    [{ adaptive: { targetLatencyMs: 0 } }, ["adaptive.targetLatencyMs", "0", "2147483647"]],
    [{ adaptive: { target: 5 } }, ["unknown", '"adaptive.target"', "targetLatencyMs"]],
    [{ batchSize: 3 }, ["unknown", '"batchSize"', "maxBatchSize"]],
    [5, ["the options", "object", "5"]],
    [[], ["the options", "object", "[]"]],
  ])("%j are refused where they were written", (options, mentioned) => {
    expectMentions(refusal(make(options)), "serve.batch", ...mentioned);
  });

  it("are refused without a function", () => {
    expectMentions(
      refusal(() => batch("predict" as never)),
      "serve.batch",
      "function",
      '"predict"',
    );
  });

  it("have defaults, and undefined is one of them", () => {
    expect(make({ maxBatchSize: undefined })().stats.limits).toEqual({ maxBatchSize: 10, batchWaitTimeoutMs: 10 });
  });
});

describe("setters", () => {
  const call = make({})();
  it.each([
    [() => call.setMaxBatchSize(0), ["setMaxBatchSize", "maxBatchSize", "1", "10000", "0"]],
    [() => call.setMaxBatchSize(undefined as never), ["setMaxBatchSize", "maxBatchSize", "1", "10000", "undefined"]],
    [() => call.setBatchWaitTimeoutMs(Number.NaN), ["setBatchWaitTimeoutMs", "batchWaitTimeoutMs", "0", "2147483647", "NaN"]],
  ])("refuse what the options refuse", (act, mentioned) => {
    expectMentions(refusal(act), ...mentioned);
    expect(call.stats.limits).toEqual({ maxBatchSize: 10, batchWaitTimeoutMs: 10 });
  });
});
