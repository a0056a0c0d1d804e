import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { multiplexed } from "../../../src/multiplexing/multiplexed.ts";
import { countOf } from "../../../src/observe/series.ts";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import type { ItemPuller } from "../../../src/protocol/messages.ts";
import { compiledOf, REPLICA, ScriptedControl } from "../../support/assignments.ts";
import { answerOf, callOf, delivered, replicaOf, valueOf } from "../../support/model-replica.ts";
import { requestMeta } from "../../support/scope.ts";

/** A replica, and what it tells its controller when its work is over. */
function measured(target: Function, options: DeploymentOptions = {}) {
  const control = new ScriptedControl();
  const compiled = compiledOf(options);
  const replica = replicaOf(target, {
    limits: compiled.config,
    control: { control, deployment: "Model", replica: REPLICA, version: "v1", compiled, terminate: () => {}, release: async () => {} },
  });
  const told = async () => {
    await vi.advanceTimersByTimeAsync(60_000);
    const [metrics, ...others] = control.reports.flatMap((report) => report.metrics ?? []).toReversed();
    return { series: metrics!.series, text: JSON.stringify(metrics), reports: others.length + 1 };
  };
  return { replica, control, told };
}

beforeEach(() => {
  vi.useFakeTimers();
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

class Model {
  call() {
    return "ok";
  }
  fail(error: unknown) {
    throw error;
  }
  async wait(ms: number) {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  *items(fails: boolean) {
    yield 1;
    if (fails) throw new RangeError("no more");
    yield 2;
  }
  fetch(request: Request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/thrown") throw new Response("no", { status: 402 });
    if (pathname === "/fails") throw new SyntaxError("no");
    if (pathname === "/breaks") return this.items(true);
    return new Response("ok", { status: pathname === "/created" ? 201 : 200 });
  }
}

describe("what a replica measures of calls", () => {
  it("[T2] is each of them, as processed or as failed, with its time", async () => {
    const { replica, told } = measured(Model);
    for (let count = 0; count < 5; count++) await replica.call(callOf());
    for (const error of [new TypeError("a"), new TypeError("b"), new RangeError("c"), "text"]) await replica.call(callOf("fail", error));
    await replica.call(callOf("nothing"));
    const waited = replica.call(callOf("wait", 250));
    await vi.advanceTimersByTimeAsync(250);
    await waited;
    const { series } = await told();
    expect(series["requests"]).toEqual([[[""], [6]]]);
    expect(series["errors"]).toEqual([
      [["", "TypeError"], [2]],
      [["", "RangeError"], [1]],
      [["", "string"], [1]],
      [["", "MethodNotFoundError"], [1]],
    ]);
    // Ten at once, and one between 200 and 300 ms.
    expect(series["latency"]).toEqual([[[""], [250, 10, 0, 0, 0, 0, 0, 0, 0, 1]]]);
    expect(series["http"]).toEqual([]);
    expect([series["ongoing"], series["queued"]]).toEqual([[[[], [0]]], [[[], [0]]]]);
  });

  it("is a stream when its last item is there, and its failure", async () => {
    const { replica, told } = measured(Model);
    for (const fails of [true, false, false]) {
      const items = valueOf(await replica.call(callOf("items", fails))) as ItemPuller;
      while (!(await items.pull()).done);
    }
    const { series } = await told();
    expect(series["requests"]).toEqual([[[""], [2]]]);
    expect(series["errors"]).toEqual([[["", "RangeError"], [1]]]);
    expect(countOf(series["latency"]![0]![1])).toBe(3);
  });

  it("is what it refused, and what left its queue, which has not run", async () => {
    const { replica, told } = measured(Model, { maxOngoingRequests: 1, maxQueuedRequests: 1 });
    const held = replica.call(delivered({ id: "a", mode: "claim" }, "wait", 100));
    await replica.call(delivered({ id: "b", mode: "claim" }));
    const queued = replica.call(delivered({ id: "c", mode: "queue" }));
    await vi.advanceTimersByTimeAsync(1);
    await replica.call(delivered({ id: "d", mode: "queue" }));
    replica.cancel("c", new RequestCancelledError("enough"));
    await queued;
    await vi.advanceTimersByTimeAsync(100);
    await held;
    const { series } = await told();
    expect(series["refused"]).toEqual([
      [["claim"], [1]],
      [["queue"], [1]],
    ]);
    expect(series["errors"]).toEqual([[["", "RequestCancelledError"], [1]]]);
    expect(series["requests"]).toEqual([[[""], [1]]]);
    expect(countOf(series["latency"]![0]![1])).toBe(1);
  });
});

describe("what a replica measures of HTTP requests", () => {
  it("[T2] is each of them by route, method and status; an error that its author meant is none", async () => {
    const { replica, told } = measured(Model);
    for (const path of ["/", "/", "/created", "/thrown", "/fails"]) await (await answerOf(replica, path)).text();
    await (await answerOf(replica, "/", { method: "POST" })).text();
    const { series } = await told();
    expect(series["http"]).toEqual([
      [["", "GET", 200], [2]],
      [["", "GET", 201], [1]],
      [["", "GET", 402], [1]],
      [["", "GET", 500], [1]],
      [["", "POST", 200], [1]],
    ]);
    expect(series["httpLatency"]!.map(([labels, numbers]) => [labels, [countOf(numbers)]])).toEqual(series["http"]);
    expect(series["requests"]).toEqual([[[""], [5]]]);
    expect(series["errors"]).toEqual([[["", "SyntaxError"], [1]]]);
  });

  it("is by the prefix that they came by, and so is what they call", async () => {
    const { replica, told } = measured(Model);
    for (const routePrefix of ["/a", "/a", "/b"]) await replica.call({ ...callOf(), meta: requestMeta({ hops: 1, routePrefix }) });
    const { series } = await told();
    expect(series["requests"]).toEqual([
      [["/a"], [2]],
      [["/b"], [1]],
    ]);
  });

  it("is a failure where a stream breaks off after its status was sent", async () => {
    const { replica, told } = measured(Model);
    const response = await answerOf(replica, "/breaks");
    await expect(response.text()).rejects.toThrow();
    const { series } = await told();
    expect(series["http"]).toEqual([[["", "GET", 200], [1]]]);
    expect(series["requests"]).toEqual([]);
    expect(series["errors"]).toEqual([[["", "RangeError"], [1]]]);
  });
});

describe("what a replica tells", () => {
  it("has its batches in it, by the name of their function", async () => {
    class Batching {
      predict = batch(
        async function score(texts: string[]) {
          await new Promise((resolve) => setTimeout(resolve, 30));
          return texts;
        },
        { maxBatchSize: 4, batchWaitTimeoutMs: 10 },
      );
      call(text: string) {
        return this.predict(text);
      }
    }
    const { replica, told } = measured(Batching);
    const calls = Array.from({ length: 6 }, (_, n) => replica.call(callOf("call", String(n))));
    await vi.advanceTimersByTimeAsync(200);
    await Promise.all(calls);
    const { series } = await told();
    const counts = (key: string) => {
      const [labels, numbers] = series[key]![0]!;
      return [labels, numbers[0], countOf(numbers)];
    };
    expect(counts("batchSize")).toEqual([["score"], 6, 2]);
    expect(counts("batchUtilization")).toEqual([["score"], 150, 2]);
    expect(counts("batchExecution")).toEqual([["score"], 60, 2]);
    expect(counts("batchWait").at(-1)).toBe(6);
    expect(series["batchQueue"]).toEqual([[["score"], [0]]]);
  });

  it("has its models in it, those of all its functions together", async () => {
    class Models {
      a = multiplexed(async (id: string) => ({ id }), { maxModelsPerReplica: 1 });
      b = multiplexed(async (id: string) => ({ id, [Symbol.asyncDispose]: async () => {} }));
      async call(id: string) {
        await this.a(id);
        await this.b(id);
      }
    }
    const { replica, told } = measured(Models);
    for (const id of ["x", "x", "y", "x"]) await replica.call(callOf("call", id));
    const { series } = await told();
    expect(series["modelGets"]).toEqual([[[], [8]]]);
    expect(series["modelHits"]).toEqual([[[], [3]]]);
    expect(countOf(series["modelLoad"]![0]![1])).toBe(5);
    expect(countOf(series["modelUnload"]![0]![1])).toBe(2);
    expect(series["models"]).toEqual([[[], [3]]]);
  });

  it("is less than 2 kB for an application as they are", async () => {
    const { replica, told } = measured(Model);
    for (let count = 0; count < 1000; count++) await (await answerOf(replica, count % 7 === 0 ? "/fails" : "/")).text();
    for (let ms = 0; ms < 50; ms++) {
      const call = replica.call(callOf("wait", ms * ms));
      await vi.advanceTimersByTimeAsync(2500);
      await call;
    }
    const { text } = await told();
    console.info(`a replica's report: ${text.length} bytes`);
    expect(text.length).toBeLessThan(2000);
  });

  it("is a picture: what is counted afterwards does not change it", async () => {
    const { replica, told } = measured(Model);
    await replica.call(callOf());
    const first = await told();
    await replica.call(callOf());
    expect(JSON.parse(first.text)).toMatchObject({ series: first.series });
    expect((await told()).series["requests"]).toEqual([[[""], [2]]]);
  });
});
