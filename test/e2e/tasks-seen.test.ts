/** Tasks as callers outside the Worker, tests and operators see them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "edge-serve";
import { connect, getTask } from "edge-serve/client";
import { serve, type Server } from "edge-serve/testing";
import { runCli } from "../../src/cli/program.ts";
import { placeOfShard } from "../../src/tasks/task-id.ts";
import type { TaskPage } from "../../src/protocol/tasks.ts";
import type { app, Asked } from "./apps/tasks.ts";
import { AUTHORIZED, TOKEN } from "../support/operated.ts";
import { rejectionOf } from "../support/rejection.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/tasks.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

const front = () => server.handle<typeof app>("tasks");
const start = (asked: Asked) => front().start.remote(asked).result();
const api = (path: string, method = "GET") => server.fetch(`/-/api/${path}`, { method, headers: AUTHORIZED });

describe("from outside the Worker", () => {
  it("what connect gives can be enqueued, and its tasks can be asked for", async () => {
    const client = connect<typeof app>(server.url, { token: TOKEN, app: "tasks" });
    expect(await (await client.own.enqueue("a")).result()).toBe("my own a");
    const same = client.options({ idempotencyKey: "once" });
    expect((await same.own.enqueue("b")).id).toBe((await same.own.enqueue("c")).id);
    const id = await client.start.remote({ args: [new Map([["a", 1]])] });
    const task = getTask<unknown>(client, id);
    expect(await task.result({ timeoutMs: 20_000 })).toEqual([new Map([["a", 1]])]);
    expect(await task.status()).toMatchObject({ id, state: "SUCCEEDED" });
    expect(await task.cancel()).toBe(false);
    expect(await rejectionOf(getTask(client, id.replace("tasks.", "other.")).status())).toMatchObject({ code: "TASK_NOT_FOUND" });
    expect(() => getTask({}, id)).toThrow(ConfigError);
  });

  it("a test has a task by its id", async () => {
    const task = server.task<string>(await start({ method: "second" }));
    expect(await task.result()).toBe("done");
    expect((await task.status()).attempts).toBe(2);
    expect(await rejectionOf(server.task(await start({ method: "fails" })).result())).toBeInstanceOf(RangeError);
  });
});

describe("an operator", () => {
  it("needs the token", async () => {
    expect((await server.fetch("/-/api/tasks")).status).toBe(401);
    expect((await server.fetch("/-/api/tasks/x/retry", { method: "POST" })).status).toBe(401);
  });

  it("lists tasks, newest first, by pages and by what they have in common", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift(await start({ method: "enqueue", args: [String(n)], options: { delayMs: 3_600_000 } }));
    const first = (await (await api("tasks?app=tasks&deployment=Jobs&state=PENDING&limit=3")).json()) as TaskPage;
    expect(first.tasks.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    const second = (await (await api(`tasks?state=PENDING&limit=3&app=tasks&cursor=${first.cursor}`)).json()) as TaskPage;
    expect(second.tasks.map(({ id }) => id)).toEqual(ids.slice(3));
    expect(second.cursor).toBeUndefined();
    for (const id of ids) await front().cancel.remote(id);
  });

  it.each(["state=LOST", "limit=0", "limit=many", "limit=100000", "cursor=nonsense", "application=tasks", "app=a/b"])(
    "is told what is wrong with %s",
    async (query) => {
      const response = await api(`tasks?${query}`);
      expect([response.status, await response.json()]).toEqual([400, { error: "BAD_REQUEST", message: expect.any(String) }]);
    },
  );

  it("sees, cancels and retries one", async () => {
    const id = await start({ method: "fails" });
    await rejectionOf(server.task(id).result());
    const seen = await api(`tasks/${id}`);
    expect([seen.status, await seen.json()]).toEqual([200, expect.objectContaining({ id, state: "FAILED", attempts: 3 })]);
    const retried = await api(`tasks/${id}/retry`, "POST");
    expect([retried.status, await retried.json()]).toEqual([200, expect.objectContaining({ id, attempts: 0 })]);
    await rejectionOf(server.task(id).result());
    expect(await server.task(id).status()).toMatchObject({ state: "FAILED", attempts: 3 });
    const waiting = await start({ options: { delayMs: 3_600_000 } });
    expect((await api(`tasks/${waiting}/retry`, "POST")).status).toBe(409);
    const cancelled = await api(`tasks/${waiting}/cancel`, "POST");
    expect([cancelled.status, await cancelled.json()]).toEqual([200, expect.objectContaining({ state: "CANCELLED", cancelled: true })]);
    expect((await api(`tasks/${waiting}/cancel`, "GET")).status).toBe(405);
    for (const unknown of ["nonsense", "tasks.0.000000000000000000000a", "%"]) {
      expect([unknown, (await api(`tasks/${unknown}`)).status]).toEqual([unknown, 404]);
    }
  });

  it("sees those that are stored in a jurisdiction, too", async () => {
    const ids = await front().startNarrow.remote(2);
    const shards = ids.map((id) => Number(id.split(".")[1]));
    expect(shards.map((shard) => placeOfShard(shard)?.jurisdiction)).toEqual(["eu", "eu"]);
    for (const id of ids) await server.task(id).result({ timeoutMs: 20_000 });
    const { tasks } = (await (await api("tasks?deployment=Narrow")).json()) as TaskPage;
    expect(tasks.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(await (await api("metrics")).text()).toMatch(/^serve_tasks\{application="tasks",deployment="Narrow",state="SUCCEEDED"\} 2$/m);
  });

  it("scrapes how many there are, what became of attempts, and how long they waited", async () => {
    await server.task(await start({})).result();
    const text = await (await api("metrics")).text();
    expect(text).toMatch(/^serve_tasks\{application="tasks",deployment="Jobs",state="SUCCEEDED"\} [1-9]/m);
    expect(text).toMatch(/^serve_task_attempts_total\{application="tasks",deployment="Jobs",outcome="failed"\} [1-9]/m);
    expect(text).toMatch(/^serve_task_wait_ms_bucket\{application="tasks",deployment="Jobs",le="\+Inf"\} [1-9]/m);
  });

  it("lists, shows, cancels and retries them from a terminal", async () => {
    const edgeServe = async (...argv: string[]) => {
      let [out, err] = ["", ""];
      const exitCode = await runCli(argv, {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        cwd: ".",
        env: { ...process.env, EDGE_SERVE_TOKEN: TOKEN, EDGE_SERVE_URL: server.url },
        signal: new AbortController().signal,
      });
      return { exitCode, out, err };
    };
    const failed = await start({ method: "hopeless" });
    await rejectionOf(server.task(failed).result());
    const listed = await edgeServe("tasks", "--state", "FAILED", "--app", "tasks", "--limit", "1");
    expect(listed.exitCode).toBe(0);
    expect(listed.out).toMatch(new RegExp(`^${failed} +FAILED +tasks/Jobs.hopeless +1 .*Hopeless: no use`, "m"));
    expect(listed.out).toMatch(/--cursor \S+/);
    const shown = await edgeServe("tasks", "show", failed);
    expect(shown.out).toMatch(/state +FAILED[\s\S]*error +Hopeless: no use/);
    const waiting = await start({ options: { delayMs: 3_600_000 } });
    expect(await edgeServe("tasks", "cancel", waiting)).toMatchObject({ exitCode: 0, out: expect.stringContaining("CANCELLED") });
    expect((await edgeServe("tasks", "cancel", waiting)).exitCode).toBe(1);
    expect(JSON.parse((await edgeServe("tasks", "retry", waiting, "--json")).out)).toMatchObject({ id: waiting, attempts: 0 });
    expect(await edgeServe("tasks", "retry", "nonsense")).toMatchObject({ exitCode: 1, err: expect.stringContaining("nonsense") });
    expect(await edgeServe("tasks", "begin", waiting)).toMatchObject({ exitCode: 2, err: expect.stringContaining("begin") });
  });

  it("sees them on the dashboard", async () => {
    const id = await start({ method: "fails" });
    await rejectionOf(server.task(id).result());
    const page = await (await server.fetch("/-/dashboard", { headers: AUTHORIZED })).text();
    expect(page).toContain(id);
    expect(page).toContain("RangeError: never");
  });
});
