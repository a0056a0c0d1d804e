import { describe, expect, it } from "vitest";
import * as serve from "edge-serve";
import { runLocal } from "edge-serve/testing";

class Unstable {
  #failures = 0;
  call(value: unknown) {
    return { value, task: serve.getRequestContext().task };
  }
  second() {
    if (this.#failures++ === 0) throw new Error("not yet");
    return "done";
  }
  never() {
    throw new RangeError("never");
  }
  async hold() {
    const { signal } = serve.getRequestContext();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }
  *numbers() {
    yield 1;
  }
}

const run = () => runLocal(serve.deployment(Unstable, { tasks: { backoffMs: 1 }, schedules: [{ cron: "* * * * * *" }] }).bind());

describe("tasks of a local run", () => {
  it("run, with a copy of their arguments", async () => {
    const value = { list: [1] };
    const task = await run().enqueue(value);
    value.list.push(2);
    expect(await task.result()).toEqual({ value: { list: [1] }, task: { id: task.id, attempt: 1 } });
    expect(await serve.getTask(task.id).status()).toMatchObject({ state: "SUCCEEDED", attempts: 1, method: "call" });
  });

  it("are tried again, and fail with the method's own error", async () => {
    const handle = run();
    expect(await (await handle.second.enqueue()).result()).toBe("done");
    const task = await handle.never.enqueue();
    await expect(task.result()).rejects.toBeInstanceOf(RangeError);
    expect(await task.status()).toMatchObject({ state: "FAILED", attempts: 3, error: { name: "RangeError" } });
  });

  it("can be cancelled, waiting and running", async () => {
    const waiting = await run().options({ delayMs: 1e9 }).enqueue(1);
    expect(await waiting.cancel()).toBe(true);
    const running = await run().hold.enqueue();
    await expect.poll(async () => (await running.status()).state).toBe("RUNNING");
    expect(await running.cancel()).toBe(true);
    await expect(running.result()).rejects.toBeInstanceOf(serve.RequestCancelledError);
  });

  it("are the same with the same idempotency key", async () => {
    const handle = run().options({ idempotencyKey: "a" });
    expect((await handle.enqueue(1)).id).toBe((await handle.enqueue(2)).id);
  });

  it("are no generators, and need the option tasks", async () => {
    const untyped = run() as unknown as Record<string, { enqueue(): Promise<unknown> }>;
    await expect(untyped["numbers"]!.enqueue()).rejects.toBeInstanceOf(serve.SerializationError);
    await expect(runLocal(serve.deployment(Unstable).bind()).enqueue(1)).rejects.toBeInstanceOf(serve.ConfigError);
  });
});
