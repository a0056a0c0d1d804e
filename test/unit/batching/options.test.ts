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
    [{ maxBatchSize: 0 }, "serve.batch(): maxBatchSize must be an integer of at least 1, got 0."],
    [{ maxBatchSize: 1.5 }, "serve.batch(): maxBatchSize must be an integer of at least 1, got 1.5."],
    [{ maxBatchSize: "8" }, 'serve.batch(): maxBatchSize must be an integer of at least 1, got "8".'],
    [{ batchWaitTimeoutMs: -1 }, "serve.batch(): batchWaitTimeoutMs must be a finite number of at least 0, got -1."],
    [{ batchWaitTimeoutMs: Infinity }, "serve.batch(): batchWaitTimeoutMs must be a finite number of at least 0, got Infinity."],
    [{ maxConcurrentBatches: null }, "serve.batch(): maxConcurrentBatches must be an integer of at least 1, got null."],
    [{ batchSizeOf: 3 }, "serve.batch(): batchSizeOf must be a function, got 3."],
    [{ adaptive: true }, "serve.batch(): adaptive must be an object { targetLatencyMs }, got true."],
    [{ adaptive: {} }, "serve.batch(): adaptive.targetLatencyMs must be a finite number above 0, got undefined."],
    [{ adaptive: { targetLatencyMs: 0 } }, "serve.batch(): adaptive.targetLatencyMs must be a finite number above 0, got 0."],
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
    [() => call.setMaxBatchSize(0), "setMaxBatchSize(): maxBatchSize must be an integer of at least 1, got 0."],
    [() => call.setMaxBatchSize(undefined as never), "setMaxBatchSize(): maxBatchSize must be an integer of at least 1, got undefined."],
    [
      () => call.setBatchWaitTimeoutMs(Number.NaN),
      "setBatchWaitTimeoutMs(): batchWaitTimeoutMs must be a finite number of at least 0, got NaN.",
    ],
  ])("refuse what the options refuse", (act, message) => {
    expect(refusal(act)).toBe(message);
    expect(call.stats.limits).toEqual({ maxBatchSize: 10, batchWaitTimeoutMs: 10 });
  });
});
