import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, RequestCancelledError, RequestTimeoutError, SerializationError } from "edge-serve";
import { serve, type Server } from "edge-serve/testing";
import type { app, Asked } from "./apps/tasks.ts";
import { rejectionOf } from "../support/rejection.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/tasks.yaml", { quiet: true });
});
afterAll(() => server.stop());

const front = () => server.handle<typeof app>("tasks");
const start = (asked: Asked) => front().start.remote(asked).result();
const outcome = async (asked: Asked) => {
  const id = await start(asked);
  return front().result.remote(id, 20_000).result();
};
describe("an enqueued call", () => {
  it("runs, and its task has the result, whatever crosses", async () => {
    const values = [1, "a", new Map([["k", new Date(0)]]), null, undefined];
    const id = await start({ args: values });
    expect(await front().result.remote(id, 20_000)).toEqual(values);
    const status = await front().status.remote(id);
    expect(status).toMatchObject({ id, state: "SUCCEEDED", app: "tasks", deployment: "Jobs", method: "call", attempts: 1 });
    expect(status.createdAt).toBeLessThanOrEqual(status.startedAt!);
    expect(status.startedAt).toBeLessThanOrEqual(status.finishedAt!);
  });

  it("takes responses that were not awaited", async () => {
    expect(await front().result.remote(await front().startWithResponse.remote(), 20_000)).toBe(7);
  });

  it("knows its task, its attempt and its deadline, and has a request id of its own", async () => {
    const id = await start({ method: "context" });
    const { task, requestId, leftMs } = (await front().result.remote(id, 20_000)) as Record<string, never>;
    expect(task).toEqual({ id, attempt: 1 });
    expect(requestId).toMatch(/^[\w-]{36}$/);
    expect(leftMs).toBeGreaterThan(20_000);
    expect(leftMs).toBeLessThanOrEqual(30_000);
  });

  it.each([
    ["a deployment", async (options: object) => start({ method: "context", options })],
    ["outside", async (options: object) => (await front().options(options).routedBy.enqueue()).id],
  ])("from %s is routed by the key and the model id of its handle, and knows them", async (_, enqueue) => {
    const options = { key: "a session", multiplexedModelId: "a model" };
    expect(await server.task(await enqueue(options)).result({ timeoutMs: 20_000 })).toMatchObject(options);
  });

  it("is tried again when it fails", async () => {
    const id = await start({ method: "second" });
    expect(await front().result.remote(id, 20_000)).toBe("done");
    expect(await front().status.remote(id)).toMatchObject({ state: "SUCCEEDED", attempts: 2 });
  });

  it("has failed after its last attempt, with the method's own error", async () => {
    const id = await start({ method: "fails", args: [new Map([[1, 2]])] });
    const error = await rejectionOf(front().result.remote(id, 20_000));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "never", value: new Map([[1, 2]]) });
    expect(await front().status.remote(id)).toMatchObject({
      state: "FAILED",
      attempts: 3,
      error: { name: "RangeError", message: "never" },
    });
  });

  it.each([
    ["says so with retryable: false", "hopeless", "Hopeless"],
    ["returns what cannot be stored", "unstorable", "SerializationError"],
    ["returns what cannot even cross", "uncrossable", "SerializationError"],
    ["is no method", "missing", "MethodNotFoundError"],
  ])("has failed at once where its method %s", async (_, method, name) => {
    const id = await start({ method });
    expect(await rejectionOf(front().result.remote(id, 20_000))).toMatchObject({ name });
    expect(await front().status.remote(id)).toMatchObject({ state: "FAILED", error: { name } });
    expect((await front().status.remote(id)).attempts).toBeLessThanOrEqual(1);
  });

  it("continues the trace of who enqueued it with each attempt, in a call tree of its own", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: "vendor=1,other=2", "x-request-id": "outer" };
    const response = await server.fetch("/", { headers });
    const { attempt, traceparent, tracestate, requestId } = await server.task<Record<string, string>>(await response.text()).result();
    expect([attempt, traceparent!.split("-")[1], tracestate]).toEqual([2, traceId, headers.tracestate]);
    const requestIds = server.logs().flatMap(({ message, fields }) => (message === "traced" ? [fields["requestId"]] : []));
    expect(requestIds).toEqual([expect.not.stringMatching(/^outer$/), requestId]);
    expect(requestIds[0]).not.toBe(requestId);
    const { task, deadline, inner } = (await outcome({ method: "nested" })) as Record<string, { readonly deadline: number }>;
    expect(task).toMatchObject({ attempt: 1 });
    expect(inner).toEqual({ task: undefined, deadline });
  });

  it("may call as deep as any request, however deep it was enqueued", async () => {
    const id = await front().startBelow.remote(8);
    expect(await server.task(id).result({ timeoutMs: 20_000 })).toBe("arrived");
    expect((await server.task(id).status()).attempts).toBe(1);
  });

  it("has an attempt more where its replica is lost", async () => {
    const id = await front().startCrash.remote();
    expect(await server.task(id).result({ timeoutMs: 20_000 })).toBe("survived");
    expect(await server.task(id).status()).toMatchObject({ state: "SUCCEEDED", attempts: 2 });
  });

  it("waits where queues are full, which is no attempt", async () => {
    const tasks = (await front().startNarrow.remote(8)).map((id) => server.task(id));
    expect(await Promise.all(tasks.map((task) => task.result({ timeoutMs: 20_000 })))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await Promise.all(tasks.map(async (task) => (await task.status()).attempts))).toEqual(tasks.map(() => 1));
  });

  it("sees its signal abort when an attempt has taken too long, and fails after the last one", async () => {
    const task = server.task(await front().startLong.remote());
    expect(await rejectionOf(task.result({ timeoutMs: 20_000 }))).toBeInstanceOf(RequestTimeoutError);
    expect(await task.status()).toMatchObject({ state: "FAILED", attempts: 2, error: { name: "RequestTimeoutError" } });
    const stops = server.logs().filter(({ message, fields }) => message === "stopped" && fields["name"] === "too long");
    expect(stops).toHaveLength(2);
  });

  it("is tried again where a call inside of it finds no method", async () => {
    const id = await start({ method: "callsMissing" });
    expect(await rejectionOf(server.task(id).result())).toMatchObject({ name: "MethodNotFoundError" });
    expect((await server.task(id).status()).attempts).toBe(3);
  });

  it("is refused where it is a generator, or holds what cannot be stored", async () => {
    expect(await rejectionOf(start({ method: "numbers" }))).toBeInstanceOf(SerializationError);
    expect(await rejectionOf(start({ args: ["x".repeat(1_100_000)] }))).toMatchObject({ code: "SERIALIZATION" });
  });

  it("is refused where the deployment has no option tasks", async () => {
    const error = await rejectionOf(front().startWithout.remote());
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/"Plain".*tasks: \{\}|tasks: \{\}.*"Plain"/);
  });

  it.each([{ idempotencyKey: "" }, { delayMs: -1 }, { delayMs: 31_536_000_001 }])("is refused with %j", async (options) => {
    expect(await rejectionOf(start({ options }))).toBeInstanceOf(ConfigError);
  });

  it("waits for its delay, and never runs when it is cancelled before", async () => {
    const id = await start({ method: "run", args: [-1], options: { delayMs: 3_600_000 } });
    const { state, nextAttemptAt, createdAt } = await front().status.remote(id);
    expect([state, Math.round((nextAttemptAt! - createdAt) / 1000)]).toEqual(["PENDING", 3600]);
    expect(await rejectionOf(front().result.remote(id, 50))).toBeInstanceOf(RequestTimeoutError);
    expect(await front().cancel.remote(id)).toBe(true);
    expect(await rejectionOf(front().result.remote(id))).toBeInstanceOf(RequestCancelledError);
    expect(await front().cancel.remote(id)).toBe(false);
  });

  it("sees its signal abort when it is cancelled, and what it returns is dropped", async () => {
    const id = await start({ method: "hold", args: ["cancelled"] });
    await server.waitForLog(({ message, fields }) => message === "held" && fields["name"] === "cancelled");
    expect(await front().status.remote(id)).toMatchObject({ state: "RUNNING", attempts: 1 });
    expect(await front().cancel.remote(id)).toBe(true);
    await server.waitForLog(({ message, fields }) => message === "stopped" && fields["name"] === "cancelled");
    expect(await front().status.remote(id)).toMatchObject({ state: "CANCELLED" });
  });

  it("is the same task with the same idempotency key", async () => {
    const asked = { method: "run", options: { idempotencyKey: "message 1" } };
    const id = await start({ ...asked, args: [100] });
    expect(await start({ ...asked, args: [101] })).toBe(id);
    expect(await start({ ...asked, method: "second" })).not.toBe(id);
    const [byDefault, byName] = await Promise.all([start({ options: asked.options }), start({ ...asked, method: "call" })]);
    expect(byName).toBe(byDefault);
    expect(await front().result.remote(id, 20_000)).toBe(100);
  });

  it("leaves a method that is called enqueue as it is", async () => {
    expect(await front().own.remote("method")).toBe("my own method");
    expect(await outcome({ method: "enqueue", args: ["task"] })).toBe("my own task");
  });

  it.each(["nonsense", "tasks.0.000000000000000000000a", "tasks.99.000000000000000000000a", "other.0.000000000000000000000a"])(
    "is not found by the id %s",
    async (id) => {
      expect(await rejectionOf(front().status.remote(id))).toMatchObject({ name: "TaskNotFoundError", code: "TASK_NOT_FOUND" });
    },
  );
});

describe("when everything is killed", () => {
  it("no task is lost, and those that had finished do not run again", async () => {
    const before = await start({ method: "run", args: [5000] });
    await front().result.remote(before, 20_000);
    const held = await start({ method: "hold", args: ["killed"] });
    await server.waitForLog(({ message, fields }) => message === "held" && fields["name"] === "killed");
    const ids = await front().startMany.remote(60);
    await server.kill();
    await server.restart();
    const results = await Promise.all(ids.map((id) => front().result.remote(id, 60_000).result()));
    expect(results).toEqual(Array.from({ length: 60 }, (_, n) => n));
    // Its replica has gone: that was an attempt.
    await server.waitForLog(({ message, fields }) => message === "held" && fields["name"] === "killed");
    await expect.poll(async () => (await front().status.remote(held)).attempts, { timeout: 60_000, interval: 250 }).toBe(2);
    await front().release.remote();
    expect(await front().result.remote(held, 20_000)).toBe("released");
    expect(await front().status.remote(before)).toMatchObject({ state: "SUCCEEDED", attempts: 1 });
    const ran = server.logs().filter(({ message, fields }) => message === "ran" && fields["n"] === 5000);
    expect(ran).toHaveLength(1);
  });
});
