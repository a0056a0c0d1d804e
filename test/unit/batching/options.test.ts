import { describe, expect, it } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";

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
  it.each([
    [{ maxBatchSize: 0 }, "serve.batch(): maxBatchSize must be an integer from 1 to 10000, got 0."],
    [{ maxBatchSize: 10_001 }, "serve.batch(): maxBatchSize must be an integer from 1 to 10000, got 10001."],
    [{ maxConcurrentBatches: 1e9 }, "serve.batch(): maxConcurrentBatches must be an integer from 1 to 1000000, got 1000000000."],
    [{ batchWaitTimeoutMs: 2 ** 31 }, "serve.batch(): batchWaitTimeoutMs must be a number from 0 to 2147483647, got 2147483648."],
    [
      { adaptive: { targetLatencyMs: 2 ** 31 } },
      "serve.batch(): adaptive.targetLatencyMs must be a number above 0 and at most 2147483647, got 2147483648.",
    ],
    [{ maxBatchSize: 1.5 }, "serve.batch(): maxBatchSize must be an integer from 1 to 10000, got 1.5."],
    [{ maxBatchSize: "8" }, 'serve.batch(): maxBatchSize must be an integer from 1 to 10000, got "8".'],
    [{ batchWaitTimeoutMs: -1 }, "serve.batch(): batchWaitTimeoutMs must be a number from 0 to 2147483647, got -1."],
    [{ batchWaitTimeoutMs: Infinity }, "serve.batch(): batchWaitTimeoutMs must be a number from 0 to 2147483647, got Infinity."],
    [{ maxConcurrentBatches: null }, "serve.batch(): maxConcurrentBatches must be an integer from 1 to 1000000, got null."],
    [{ batchSizeOf: 3 }, "serve.batch(): batchSizeOf must be a function, got 3."],
    [{ adaptive: true }, "serve.batch(): adaptive must be an object { targetLatencyMs }, got true."],
    [{ adaptive: {} }, "serve.batch(): adaptive.targetLatencyMs must be a number above 0 and at most 2147483647, got undefined."],
    [
      { adaptive: { targetLatencyMs: 0 } },
      "serve.batch(): adaptive.targetLatencyMs must be a number above 0 and at most 2147483647, got 0.",
    ],
    [{ adaptive: { target: 5 } }, 'serve.batch(): unknown option "adaptive.target". Accepted: targetLatencyMs.'],
    [
      { batchSize: 3 },
      'serve.batch(): unknown option "batchSize". Accepted: maxBatchSize, batchWaitTimeoutMs, maxConcurrentBatches, batchSizeOf, adaptive.',
    ],
    [5, "serve.batch(): the options must be an object, got 5."],
    [[], "serve.batch(): the options must be an object, got an Array."],
  ])("%j are refused where they were written", (options, message) => {
    expect(refusal(make(options))).toBe(message);
  });

  it("are refused without a function", () => {
    expect(refusal(() => batch("predict" as never))).toBe('serve.batch() takes a function over arrays, got "predict".');
  });

  it("have defaults, and undefined is one of them", () => {
    expect(make({ maxBatchSize: undefined })().stats.limits).toEqual({ maxBatchSize: 10, batchWaitTimeoutMs: 10 });
  });
});

describe("setters", () => {
  const call = make({})();
  it.each([
    [() => call.setMaxBatchSize(0), "setMaxBatchSize(): maxBatchSize must be an integer from 1 to 10000, got 0."],
    [() => call.setMaxBatchSize(undefined as never), "setMaxBatchSize(): maxBatchSize must be an integer from 1 to 10000, got undefined."],
    [
      () => call.setBatchWaitTimeoutMs(Number.NaN),
      "setBatchWaitTimeoutMs(): batchWaitTimeoutMs must be a number from 0 to 2147483647, got NaN.",
    ],
  ])("refuse what the options refuse", (act, message) => {
    expect(refusal(act)).toBe(message);
    expect(call.stats.limits).toEqual({ maxBatchSize: 10, batchWaitTimeoutMs: 10 });
  });
});
