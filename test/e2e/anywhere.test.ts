/**
 * Handles in all code of the user's own Worker: contract section 9, in workerd, with a real queue, Workflow, cron and e-mail.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "../../src/testing.ts";
import { CliProject } from "../support/cli-project.ts";
import { wrangler } from "../support/shop.ts";

const APP = `import * as serve from "edge-serve";

export class Mind {
  async hold() {
    const { signal } = serve.getRequestContext();
    serve.logger.info("held");
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    serve.logger.info("let go");
  }
}
export class Ingress {
  constructor(private mind: serve.DeploymentHandle<Mind>, private tally: serve.KeyedHandle<Tally>) {}
  call() {
    return "for clients";
  }
  about(caller: string) {
    const { requestId, traceparent } = serve.getRequestContext();
    serve.logger.info("asked", { caller, requestId, traceparent });
    return { caller, requestId, traceparent };
  }
  *count(to: number) {
    for (let n = 0; n < to; n++) yield n;
  }
  fail() {
    throw new RangeError("no");
  }
}
export class Tally {
  add() {
    const { kv } = serve.getReplicaContext().state.storage;
    kv.put("sum", (kv.get<number>("sum") ?? 0) + 1);
    return { key: serve.getReplicaContext().key, sum: kv.get<number>("sum") };
  }
}
const mind = serve.deployment(Mind).bind();
const tally = serve.deployment(Tally, { keyed: true }).bind();
export const app = serve.deployment(Ingress).bind(mind, tally);
`;

const WORKER = `import { DurableObject, WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";
import * as serve from "edge-serve";
import type { app, Mind, Tally } from "./app.ts";

// Made while modules load, before there is a system.
const early = serve.getAppHandle<typeof app>("default");
const earlyTally = serve.getKeyedHandle<Tally>("Tally", "default");
const earlyOne = earlyTally.get("one");
let tooEarly: unknown;
early.about.remote("nobody").then(() => {}, (error: unknown) => (tooEarly = error));

const ask = (caller: string) => serve.getAppHandle<typeof app>("default").about.remote(caller);

export class Room extends DurableObject {
  ask() {
    return ask("object");
  }
  async ring() {
    await this.ctx.storage.setAlarm(Date.now());
  }
  async alarm() {
    await ask("alarm");
  }
}
export class Flow extends WorkflowEntrypoint {
  async run(_: unknown, step: { do<T>(name: string, body: () => Promise<T>): Promise<T> }) {
    await ask("workflow");
    return step.do("ask", async () => (await ask("step")).caller);
  }
}
export class Door extends WorkerEntrypoint {
  ask() {
    return ask("entrypoint");
  }
}
export default {
  async fetch(request: Request, env: any, ctx: any) {
    const { pathname } = new URL(request.url);
    if (pathname === "/early") return Response.json(await early.about.remote("early"));
    if (pathname === "/too-early") return Response.json({ name: (tooEarly as Error).name, message: (tooEarly as Error).message });
    if (pathname === "/object") return Response.json(await env.ROOM.getByName("a").ask());
    if (pathname === "/ring") return Response.json(await env.ROOM.getByName("a").ring() ?? null);
    if (pathname === "/entrypoint") return Response.json(await ctx.exports.Door.ask());
    if (pathname === "/flow") return Response.json({ id: (await env.FLOW.create()).id });
    if (pathname === "/send") return Response.json(await env.JOBS.send("a job") ?? null);
    if (pathname === "/named") {
      const options = { requestId: "my-own.id", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
      return Response.json(await serve.getDeploymentHandle("Ingress", "default").options(options).about.remote("named"));
    }
    if (pathname === "/keyed") {
      const tally = serve.getKeyedHandle<Tally>("Tally", "default");
      await tally.delete("one");
      const sums = await Promise.all([earlyOne.add.remote(), earlyTally.get("one").add.remote(), tally.get("one").add.remote()]);
      await earlyTally.delete("one");
      return Response.json([...sums, await earlyOne.add.remote()]);
    }
    if (pathname === "/twice") return Response.json(await Promise.all([ask("first"), ask("second")]));
    if (pathname === "/count") {
      let sum = 0;
      for await (const n of serve.getAppHandle<typeof app>("default").count.remote(5)) sum += n;
      return Response.json(sum);
    }
    if (pathname === "/hold") {
      await serve.getDeploymentHandle<Mind>("Mind", "default").hold.remote();
      return new Response("held");
    }
    if (pathname === "/wrong") {
      const said = (act: () => unknown) => Promise.resolve().then(act).then(() => "well", (error: Error) => error.name + ": " + error.message);
      return Response.json(await Promise.all([
        said(() => serve.getAppHandle("nope")),
        said(() => serve.getDeploymentHandle("Nope", "default")),
        said(() => serve.getDeploymentHandle("Mind")),
        said(() => serve.getDeploymentHandle("Tally", "default")),
        said(() => serve.getKeyedHandle("Mind", "default")),
        said(() => serve.getKeyedHandle("Tally")),
        said(() => earlyTally.get("")),
        said(() => serve.getAppHandle("default").options({ requestId: "no spaces" })),
        said(() => serve.getAppHandle<typeof app>("default").fail.remote()),
      ]));
    }
    serve.logger.info("mine", { pathname });
    return Response.json(await ask("fetch"));
  },
  async queue() {
    await ask("queue");
  },
  async scheduled() {
    await ask("scheduled");
  },
  async email() {
    await ask("email");
  },
};
`;

const CONFIG = {
  name: "own",
  main: "src/index.ts",
  compatibility_date: "2026-11-01",
  compatibility_flags: ["enable_request_signal"],
  durable_objects: { bindings: [{ name: "ROOM", class_name: "Room" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Room"] }],
  queues: { producers: [{ binding: "JOBS", queue: "jobs" }], consumers: [{ queue: "jobs", max_batch_timeout: 0 }] },
  workflows: [{ name: "flow", binding: "FLOW", class_name: "Flow" }],
  triggers: { crons: ["0 0 * * *"] },
};

const project = new CliProject({
  "wrangler.json": JSON.stringify(CONFIG),
  "serve.yaml": "applications:\n  - import_path: src/app.ts:app\n    route_prefix: /api\n",
  "src/app.ts": APP,
  "src/index.ts": WORKER,
});
project.install("edge-serve", "wrangler");
afterAll(() => project[Symbol.dispose]());

describe("a handle in the user's own Worker", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve(`${project.root}/serve.yaml`, { quiet: true });
  });
  afterAll(() => server?.stop());
  const get = async (path: string, init?: RequestInit) => (await server.fetch(path, init)).json() as Promise<never>;
  const asked = (caller: string) =>
    server.waitForLog(({ message, fields }) => message === "asked" && fields["caller"] === caller, { timeoutMs: 20_000 });

  it.each(["fetch", "object", "entrypoint", "early"])("works in %s", async (place) => {
    const { caller, requestId } = await get(`/${place}`);
    expect([caller, requestId]).toEqual([place, expect.stringMatching(/^[\w-]{36}$/)]);
  });

  it.each([
    ["queue", "/send"],
    ["alarm", "/ring"],
    ["workflow", "/flow"],
    ["step", "/flow"],
  ])("works in %s", async (place, path) => {
    await get(path);
    await asked(place);
  });

  it("gives each call a call tree of its own, within the trace of the request", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const all: { requestId: string; traceparent: string }[] = await get("/twice", {
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, "x-request-id": "outer" },
    });
    expect(new Set([...all.map(({ requestId }) => requestId), "outer"]).size).toBe(3);
    for (const { traceparent } of all) expect(traceparent.split("-")[1]).toBe(traceId);
  });

  it("takes a request id and a trace", async () => {
    expect(await get("/named")).toMatchObject({ requestId: "my-own.id", traceparent: expect.stringMatching(/^00-0af7651916cd43dd/) });
  });

  it("reaches the objects of keys, in order, also one that was made at module scope", async () => {
    const key = "one";
    expect(await get("/keyed")).toEqual([1, 2, 3, 1].map((sum) => ({ key, sum })));
  });

  it("stands beside the logger, which writes what it is given", async () => {
    await get("/fetch");
    await server.waitForLog(({ level, message, fields }) => level === "INFO" && message === "mine" && fields["pathname"] === "/fetch");
  });

  it("streams", async () => {
    expect(await get("/count")).toBe(10);
  });

  it("cancels its calls when the client of the request leaves", async () => {
    const leaving = new AbortController();
    const response = server.fetch("/hold", { signal: leaving.signal });
    await server.waitForLog(({ message }) => message === "held");
    leaving.abort();
    await expect(response).rejects.toThrow();
    await server.waitForLog(({ message }) => message === "let go");
  });

  it("says what is wrong", async () => {
    expect(await get("/wrong")).toEqual([
      expect.stringMatching(/^ConfigError: .*"nope".*Available: default/),
      expect.stringMatching(/^ConfigError: .*"Nope".*"default".*Available: Mind/),
      expect.stringMatching(/^ConfigError: getDeploymentHandle\("Mind"\) .*Say which one/),
      expect.stringMatching(/^ConfigError: Deployment "Tally" .*is keyed.*getKeyedHandle/),
      expect.stringMatching(/^ConfigError: Deployment "Mind" .*is not keyed.*getDeploymentHandle/),
      expect.stringMatching(/^ConfigError: getKeyedHandle\("Tally"\) .*Say which one/),
      expect.stringMatching(/^KeyError: /),
      expect.stringMatching(/^ConfigError: .*requestId must be 1 to 128/),
      "RangeError: no",
    ]);
  });

  it("can be made at module scope, where calling it says where to call it", async () => {
    expect(await get("/too-early")).toEqual({
      name: "ConfigError",
      message: expect.stringMatching(/module scope.*in a handler: fetch, queue/),
    });
  });
});

it("works in scheduled and email, under wrangler dev", async () => {
  expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
  await using dev = wrangler(project, ["dev", "--port", "0"]);
  const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
  await fetch(new URL("/cdn-cgi/handler/scheduled?cron=0+0+*+*+*", url));
  await dev.says(/"caller":"scheduled"/);
  const body = "From: <a@example.com>\r\nTo: <b@example.com>\r\nMessage-ID: <1@example.com>\r\nSubject: hi\r\n\r\nhello";
  await fetch(new URL("/cdn-cgi/handler/email?from=a@example.com&to=b@example.com", url), { method: "POST", body });
  await dev.says(/"caller":"email"/);
});
