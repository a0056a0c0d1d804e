import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RequestCancelledError } from "edge-serve";
import { serve, type Server } from "edge-serve/testing";
import type { TaskPage } from "../../src/protocol/tasks.ts";
import type { app } from "./apps/tasks.ts";
import { AUTHORIZED, TOKEN } from "../support/operated.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/schedules.yaml", { token: TOKEN, quiet: true });
  // A system to which no request ever comes is begun by its cron trigger.
  await server.fetch("/");
});
afterAll(() => server.stop());

const api = (path: string, method = "GET", body?: unknown) =>
  server.fetch(`/-/api/${path}`, {
    method,
    headers: AUTHORIZED,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const swept = (what: string, count: number) => {
  let seen = 0;
  return server.waitForLog(({ message, fields }) => message === "swept" && fields["what"] === what && ++seen === count, {
    timeoutMs: 20_000,
  });
};

const documentWith = (schedules: unknown) => ({
  applications: [
    { name: "clock", route_prefix: "/", import_path: "tasks.ts:clock", deployments: [{ name: "Jobs", schedules }] },
    { name: "quiet", route_prefix: null, import_path: "tasks.ts:app" },
  ],
});

describe("a schedule", () => {
  it("gives one task for each of its times, also through a kill", async () => {
    await swept("floor", 2);
    await server.kill();
    const before = server.logs().length;
    await server.restart();
    await server.waitForLog((line) => line.message === "swept" && server.logs().indexOf(line) >= before, { timeoutMs: 20_000 });
    const { tasks } = (await (await api("tasks?app=clock&limit=1000")).json()) as TaskPage;
    expect(tasks.length).toBeGreaterThanOrEqual(3);
    const seconds = tasks.map(({ createdAt }) => Math.floor(createdAt / 1000));
    expect(new Set(tasks.map(({ method, deployment }) => `${deployment}.${method}`))).toEqual(new Set(["Jobs.sweep"]));
    // Two that were made in one second are of two times: one that had been missed, and the next.
    expect(seconds.length - new Set(seconds).size).toBeLessThanOrEqual(1);
  });

  it("changes by PUT, without a deploy", async () => {
    expect((await api("applications", "PUT", documentWith([{ cron: "* * * * * *", method: "sweep", args: ["roof"] }]))).status).toBe(200);
    const changedAt = server.logs().length;
    await swept("roof", 3);
    // One that had been given already may still have run.
    const old = server
      .logs()
      .slice(changedAt)
      .filter(({ message, fields }) => message === "swept" && fields["what"] === "floor");
    expect(old.length).toBeLessThanOrEqual(1);
  });

  it("fires no more once it is gone", async () => {
    expect((await api("applications", "PUT", documentWith([]))).status).toBe(200);
    const { tasks } = (await (await api("tasks?app=clock&limit=1000")).json()) as TaskPage;
    // Two of its times later.
    const front = server.handle<typeof app>("quiet");
    await server.task(await front.start.remote({ method: "run", options: { delayMs: 2000 } })).result();
    const later = (await (await api("tasks?app=clock&limit=1000")).json()) as TaskPage;
    expect(later.tasks.length).toBe(tasks.length);
  });

  it("that is none is refused, and changes nothing", async () => {
    const response = await api("applications", "PUT", documentWith([{ cron: "0 0 31 2 *" }]));
    expect(response.status).toBe(400);
    const { message } = (await response.json()) as { message: string };
    expect(message).toMatch(/"clock".*"Jobs".*cron/);
  });
});

describe("the options of tasks", () => {
  it("change by PUT, for attempts that begin later", async () => {
    const document = documentWith([]);
    const [clock, quiet] = document.applications;
    const put = { applications: [clock, { ...quiet, deployments: [{ name: "Jobs", tasks: { max_attempts: 2, backoff_s: 0 } }] }] };
    expect((await api("applications", "PUT", put)).status).toBe(200);
    const front = server.handle<typeof app>("quiet");
    const task = server.task(await front.start.remote({ method: "fails" }));
    await expect(task.result({ timeoutMs: 20_000 })).rejects.toBeInstanceOf(RangeError);
    // The first attempt may have begun before its shard had heard of the change.
    const next = server.task(await front.start.remote({ method: "fails" }));
    await expect(next.result({ timeoutMs: 20_000 })).rejects.toBeInstanceOf(RangeError);
    expect((await next.status()).attempts).toBe(2);
  });
});

describe("an application that is deleted", () => {
  it("has its waiting tasks cancelled, and they stay listed", async () => {
    const front = server.handle<typeof app>("quiet");
    const id = await front.start.remote({ method: "run", args: [1], options: { delayMs: 3_600_000 } });
    expect((await api("applications/quiet", "DELETE")).status).toBe(200);
    await expect(server.task(id).result({ timeoutMs: 10_000 })).rejects.toBeInstanceOf(RequestCancelledError);
    const { tasks } = (await (await api("tasks?app=quiet&state=CANCELLED")).json()) as TaskPage;
    expect(tasks.map((task) => [task.id, task.state])).toEqual([[id, "CANCELLED"]]);
  });
});
