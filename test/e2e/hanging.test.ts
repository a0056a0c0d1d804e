/** User code that never ends, or throws where nobody waits for it, in workerd: the deployment goes on, and the log says what it was. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LogLine, serve, type Server } from "edge-serve/testing";
import { applicationsOf, AUTHORIZED, deploymentOf, putDocument, TOKEN } from "../support/operated.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/hanging.yaml", { token: TOKEN });
});
afterAll(() => server.stop());

const ask = async (app: string, text = "", headers: Record<string, string> = {}) => {
  const response = await server.fetch(`/${app}?text=${text}`, { headers });
  return [response.status, await response.text()];
};
const model = (id: string) => ask("models", "", { "serve-multiplexed-model-id": id });
const logged = (level: string, part: string) =>
  server.waitForLog((line: LogLine) => line.level === level && line.message.includes(part), { timeoutMs: 15_000 });
const soon = { timeout: 25_000, interval: 200 };

describe.concurrent("a deployment goes on", { timeout: 60_000 }, () => {
  it.each([
    ["batch", "OK", 'of deployment "Batch" still runs 5000 ms after the last of the 1 callers'],
    ["generator", "okok", 'of deployment "Generator" still runs 5000 ms after the last of the 1 callers'],
  ])("after a %s whose function hangs", async (app, answer, line) => {
    expect((await ask(app, "hang"))[0]).toBe(408);
    expect((await ask(app, "ok"))[0]).toBe(408);
    await logged("WARNING", line);
    expect(await ask(app, "ok")).toEqual([200, answer]);
  });

  it("after a model whose load hangs, and models that do not go", async ({ expect }) => {
    expect((await model("hang"))[0]).toBe(408);
    expect((await model("good"))[0]).toBe(408);
    await logged("WARNING", 'The load of the model "hang" of deployment "Models" still runs 5000 ms after its last caller has left');
    expect(await model("good")).toEqual([200, "good"]);
    expect((await model("hang"))[0]).toBe(408);
    await expect.poll(() => model("bad"), soon).toEqual([200, "bad"]);
    expect(await model("sticky")).toEqual([200, "sticky"]);
    const bad = await logged("ERROR", 'Disposing of the model "bad" of deployment "Models" failed.');
    expect(bad.fields["error"]).toContain("this model does not go");
    expect(await model("good")).toEqual([200, "good"]);
    await logged("ERROR", 'Disposing of the model "sticky" of deployment "Models" failed.');
  });

  // The requests of a replica share timers, and the one that set a timer may have ended.
  it("after calls that hang: each ends at its own deadline", async ({ expect }) => {
    const deadlines = [2500, 100, 1300, 400, 100];
    const answers = await Promise.all(deadlines.map((ms) => ask("late", String(ms))));
    for (const [index, ms] of deadlines.entries()) {
      const [status, answer] = answers[index]!;
      expect(status).toBe(200);
      const { name, elapsedMs } = JSON.parse(String(answer)) as { name: string; elapsedMs: number };
      expect(name).toBe("RequestTimeoutError");
      expect(elapsedMs).toBeGreaterThanOrEqual(ms - 1);
      expect(elapsedMs).toBeLessThan(ms + 1000);
    }
  });

  it("after checkHealth hangs: the replica is replaced", async ({ expect }) => {
    const [, first] = await ask("checked");
    const working = ask("checked", "8000");
    await logged("WARNING", 'Deployment "Checked": checkHealth() failed: it took longer than 300 ms');
    await logged("WARNING", 'Deployment "Checked": The replica is not well. checkHealth failed 3 times in a row.');
    await expect.poll(async () => (await ask("checked"))[1], soon).not.toBe(first);
    expect(await working).toEqual([200, first]);
  });

  it("after a method hangs whose clients have all left, without a deadline: the replica is replaced", async ({ expect }) => {
    const client = new AbortController();
    const leaving = Array.from({ length: 3 }, () => fetch(new URL("/left", server.url), { signal: client.signal }).catch(() => "left"));
    await logged("INFO", "Left has begun 3");
    client.abort();
    expect(await Promise.all(leaving)).toEqual(["left", "left", "left"]);
    await logged("WARNING", 'Deployment "Left": The replica is not well. 3 requests still run');
    await expect.poll(() => ask("left"), soon).toEqual([200, "answered"]);
  });

  it("after setup() hangs under requests that run out of time: the replica is replaced", async ({ expect }) => {
    const replies = Array.from({ length: 3 }, () => ask("unset"));
    for (const [status] of await Promise.all(replies)) expect(status).toBe(408);
    await logged("WARNING", 'Deployment "Unset": The replica is not well. setup() has not ended. 3 requests still run');
    await expect.poll(() => ask("unset"), soon).toEqual([200, "set up 2"]);
  });

  // Three seconds, of which the first has half of one, and each that follows twice as much as the one before.
  it("after setup() took longer than its callers wait: each replacement has more time", async ({ expect }) => {
    await expect.poll(async () => (await ask("slow"))[0], soon).toBe(200);
    const [, answer] = await ask("slow");
    expect(["set up 1", "set up 2", "set up 3", "set up 4"]).toContain(answer);
  });

  it("after recordAutoscalingStats hangs: it is scaled all the same", async ({ expect }) => {
    const working = Array.from({ length: 6 }, () => ask("recorded", "12000"));
    await logged("WARNING", 'Deployment "Recorded": recordAutoscalingStats() failed: it took longer than 300 ms');
    await expect.poll(async () => (await deploymentOf(server, "recorded", "Recorded"))?.target_num_replicas, soon).toBeGreaterThan(1);
    await Promise.all(working);
  });

  it.each([
    ["routed", "Routed", "threw RangeError: which one?"],
    ["asynchronous", "Asynchronous", "must return the index of one of its 2 candidates, got a promise"],
  ])("after its request router has failed (%s)", async (app, name, problem) => {
    for (let n = 0; n < 3; n++) expect(await ask(app)).toEqual([200, "routed"]);
    const line = `The requestRouter of deployment "${name}" ${problem}. Requests are routed without it.`;
    await logged("WARNING", line);
    expect(server.logs().filter(({ message }) => message === line)).toHaveLength(1);
  });

  it("after a replica's dispose hangs: the replica is gone", async ({ expect }) => {
    await expect.poll(async () => (await deploymentOf(server, "drained", "Drained"))?.replica_states["RUNNING"], soon).toBe(2);
    await Promise.all(Array.from({ length: 20 }, () => ask("drained")));
    const scaled = await server.fetch("/-/api/applications/drained/deployments/Drained/scale", {
      method: "POST",
      headers: AUTHORIZED,
      body: '{"target_num_replicas":1}',
    });
    expect(scaled.status).toBe(200);
    await logged("ERROR", "has not cleaned up: [Symbol.asyncDispose](): it took longer than 300 ms");
    await expect.poll(async () => (await deploymentOf(server, "drained", "Drained"))?.replicas.length, soon).toBe(1);
    expect((await ask("drained"))[0]).toBe(200);
  });
});

describe("a configuration that hangs in reconfigure", () => {
  const names = [
    "batch",
    "generator",
    "models",
    "configured",
    "checked",
    "left",
    "late",
    "slow",
    "unset",
    "drained",
    "recorded",
    "routed",
    "asynchronous",
  ];
  const documentWith = (userConfig: unknown) => ({
    applications: names.map((name) => ({
      name,
      route_prefix: `/${name}`,
      import_path: `hanging.ts:${name}`,
      ...(name === "configured" ? { deployments: [{ name: "Configured", user_config: userConfig }] } : {}),
    })),
  });
  const config = async () => (JSON.parse(String((await ask("configured"))[1])) as { config: unknown }).config;

  it("is refused by the replica, which says so in the status and the log, and takes the next one", { timeout: 60_000 }, async () => {
    expect(await config()).toBe("first");
    expect((await putDocument(server, documentWith("hang"))).status).toBe(200);
    await expect
      .poll(async () => deploymentOf(server, "configured", "Configured"), soon)
      .toMatchObject({ status: "UNHEALTHY", message: "reconfigure(): it took longer than 300 ms" });
    const { message } = (await applicationsOf(server))["configured"]!;
    expect(message).toBe('Deployment "Configured": reconfigure(): it took longer than 300 ms');
    const line = await logged("ERROR", 'Deployment "Configured" of application "configured" goes on with the configuration that it had');
    expect(line.message).toContain("reconfigure(): it took longer than 300 ms");
    expect(await config()).toBe("first");
    expect((await putDocument(server, documentWith("second"))).status).toBe(200);
    await expect.poll(config, soon).toBe("second");
    await expect.poll(async () => (await applicationsOf(server))["configured"]?.status, soon).toBe("RUNNING");
  });
});

describe("a constructor that throws", () => {
  it("is logged when it does, once each time, with where it was thrown, before any request", { timeout: 60_000 }, async () => {
    const broken = await serve("test/e2e/apps/hanging-start.yaml", { token: TOKEN });
    try {
      const { message } = (await expect
        .poll(async () => (await deploymentOf(broken, "broken", "Broken"))!, soon)
        .toMatchObject({ status: "DEPLOY_FAILED" })
        .then(() => deploymentOf(broken, "broken", "Broken")))!;
      expect(message).toContain("its constructor threw RangeError: no weights here");
      const lines = broken.logs().filter(({ level }) => level === "ERROR");
      expect(lines).toHaveLength(3);
      for (const line of lines) {
        expect(line.message).toBe(
          'Deployment "Broken" of application "broken" cannot start: its constructor threw RangeError: no weights here',
        );
        expect(line.fields["error"]).toContain("RangeError: no weights here");
      }
      // A request that finds it so says that it failed, and not once more why with a stack.
      expect((await broken.fetch("/")).status).toBe(503);
      expect(broken.logs().filter(({ level }) => level === "ERROR")).toHaveLength(4);
    } finally {
      await broken.stop();
    }
  });
});
