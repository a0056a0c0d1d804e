import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serve } from "../../src/testing.ts";
import { CliProject } from "../support/cli-project.ts";
import { startNode } from "../support/process-group.ts";

const COUNTING_APP = `import * as serve from "edge-serve";
class Ingress {
  async call() {
    const { COUNTER } = serve.getReplicaContext().env as { COUNTER?: DurableObjectNamespace };
    return COUNTER === undefined ? "no counter" : await COUNTER.get(COUNTER.idFromName("one")).increment();
  }
}
export const app = serve.deployment(Ingress).bind();
`;
const OWN_MAIN = `import { DurableObject } from "cloudflare:workers";
import ingress from "../.edge-serve/worker.ts";
export * from "../.edge-serve/worker.ts";

export class Counter extends DurableObject {
  #count = 0;
  increment() { return ++this.#count; }
}
export default {
  async fetch(request: Request, env: unknown) {
    const response = await ingress.fetch(request, env);
    return new Response(response.body, { status: response.status, headers: { ...Object.fromEntries(response.headers), "x-own": "1" } });
  },
};
`;
const BOUND = '\n[[durable_objects.bindings]]\nname = "COUNTER"\nclass_name = "Counter"\n';
const DECLARED = '\n[exports.Counter]\ntype = "durable-object"\nstorage = "sqlite"\n';
const HEAD = 'name = "counting"\ncompatibility_date = "2026-11-01"\ncompatibility_flags = ["enable_request_signal"]\n';

/** The platform calls a field before any method. */
const FIELDS = `import { WorkerEntrypoint } from "cloudflare:workers";\nexport class Counter {}
  export default class extends WorkerEntrypoint { #word = "field"; fetch = async () => new Response(this.#word); };`;

describe("a Worker with classes of the user's own", () => {
  it("is served with them, and with its own default export, where main re-exports the generated entry", async () => {
    using project = new CliProject({
      "wrangler.toml": `${HEAD}main = "src/worker.ts"\n${BOUND}${DECLARED}`,
      "src/app.ts": COUNTING_APP,
      "src/worker.ts": OWN_MAIN,
    });
    await using server = await serve(`${project.root}/src/app.ts:app`);
    const response = await server.fetch("/");
    expect([await response.text(), response.headers.get("x-own")]).toEqual(["1", "1"]);
    expect(await server.handle<{ call(): number }>().remote()).toBe(2);

    await using running = project.start(["run", "src/app.ts:app", "--port", "0"]);
    const [, url = ""] = /at (http\S+)/.exec(await running.says("/  default"))!;
    expect(await (await fetch(url)).text()).toBe("1");
    project.write("src/worker.ts", OWN_MAIN.replace('"x-own": "1"', '"x-own": "2"'));
    await running.says("Reloaded");
    expect((await fetch(url)).headers.get("x-own")).toBe("2");

    expect(await project.run(["build", "src/app.ts:app"])).toMatchObject({ exitCode: 0, err: "" });
  });

  it("is served without them where no main has them, and serve() says so in the log", async () => {
    using project = new CliProject({ "wrangler.toml": `${HEAD}${BOUND}`, "src/app.ts": COUNTING_APP });
    await using server = await serve(`${project.root}/src/app.ts:app`);
    expect(await (await server.fetch("/")).text()).toBe("no counter");
    const [warning] = server.logs();
    expect(warning).toMatchObject({ level: "WARNING", message: expect.stringContaining("binds COUNTER to a class of your own") });
  });
});

// A Worker as people have them: handlers of all kinds, a Durable Object, and nothing of edge-serve.
const OWN_WORKER = `import { DurableObject } from "cloudflare:workers";

export class Counter extends DurableObject {
  #count = 0;
  increment() { return ++this.#count; }
}
const count = (env: any) => env.COUNTER.getByName("one").increment();

export default {
  async fetch(request: Request, env: any, ctx: ExecutionContext) {
    ctx.waitUntil(Promise.resolve());
    const { pathname } = new URL(request.url);
    if (pathname === "/send") {
      await env.JOBS.send("a job");
      return new Response("sent");
    }
    if (pathname === "/throw") throw new Error("my own mistake");
    return new Response("mine: " + pathname + " " + (await count(env)), { status: 201 });
  },
  async queue(batch: MessageBatch) { console.log("queue got " + batch.messages[0]!.body); },
  async scheduled(controller: ScheduledController) { console.log("scheduled at " + controller.cron); },
};
`;
const BESIDE_CONFIG = {
  name: "own",
  main: "src/index.ts",
  compatibility_date: "2026-11-01",
  durable_objects: { bindings: [{ name: "COUNTER", class_name: "Counter" }] },
  queues: { producers: [{ binding: "JOBS", queue: "jobs" }], consumers: [{ queue: "jobs", max_batch_timeout: 0 }] },
  triggers: { crons: ["0 0 * * *"] },
};
const COUNTER_EXPORT = { exports: { Counter: { type: "durable-object", storage: "sqlite" } } };
const AT_API = "applications:\n  - import_path: src/app.ts:app\n    route_prefix: /api\n";

function beside(main: string, config: object = COUNTER_EXPORT): CliProject {
  const project = new CliProject({
    "wrangler.json": JSON.stringify({ ...BESIDE_CONFIG, ...config }),
    "serve.yaml": AT_API,
    "src/app.ts": COUNTING_APP,
    "src/index.ts": main,
  });
  project.install("edge-serve", "wrangler");
  return project;
}

describe("a main of the user's own, which knows nothing of edge-serve", () => {
  it.each([
    ["with classes declared by exports", COUNTER_EXPORT],
    [
      "with legacy migrations",
      {
        migrations: [
          { tag: "v1", new_sqlite_classes: ["Old"] },
          { tag: "v2", renamed_classes: [{ from: "Old", to: "Counter" }] },
        ],
      },
    ],
  ])("is served beside the applications by serve(), %s", async (_, config) => {
    using project = beside(OWN_WORKER, config);
    await using server = await serve(`${project.root}/serve.yaml`);
    expect(await (await server.fetch("/api")).text()).toBe("1");
    const theirs = await server.fetch("/anything");
    expect([theirs.status, await theirs.text()]).toEqual([201, "mine: /anything 2"]);
    expect(await (await server.fetch("/-/routes")).json()).toEqual({ "/api": "default" });
    expect(await (await server.fetch("/send")).text()).toBe("sent");
    await server.waitForLog(({ message }) => message.includes("queue got a job"), { timeoutMs: 30_000 });
    expect((await server.fetch("/throw")).status).toBe(500);
    const line = await server.waitForLog(({ level }) => level === "ERROR");
    expect(JSON.stringify([line.message, line.fields])).toMatch(/my own mistake[^]*src\/index\.ts:\d+:\d+/);
  });

  it("is what wrangler dev serves after a build, its cron included, and deploy takes both", async () => {
    using project = beside(OWN_WORKER);
    expect(await project.run(["build"])).toMatchObject({ exitCode: 0, err: "" });
    await using dev = startNode(`${project.root}/node_modules/wrangler/bin/wrangler.js`, ["dev", "--port", "0"], project.root);
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    expect(await (await fetch(new URL("/api", url))).text()).toBe("1");
    expect(await (await fetch(new URL("/x", url))).text()).toBe("mine: /x 2");
    await fetch(new URL("/cdn-cgi/handler/scheduled?cron=0+0+*+*+*", url));
    await dev.says(/scheduled at 0 0 \* \* \*/);
    await using deploy = startNode(`${project.root}/node_modules/wrangler/bin/wrangler.js`, ["deploy", "--dry-run"], project.root);
    expect(await deploy.ended).toMatchObject({ exitCode: 0 });
  });

  it.each([
    [
      "a class, with methods for other Workers",
      `import { WorkerEntrypoint } from "cloudflare:workers";
       export class Counter {}
       export default class extends WorkerEntrypoint {
         #word = "class";
         fetch(request: Request) { return new Response(this.#word + " " + this.greet()); }
         greet() { return "hello"; }
       };`,
      "class hello",
      200,
    ],
    [
      "an instance of a class",
      `class Router { #word = "router"; fetch() { return new Response(this.#word); } }\nexport default new Router();`,
      "router",
      200,
    ],
    ["a class whose handlers are fields", FIELDS, "field", 200],
    [
      "the namespace of a module",
      'import * as handlers from "./handlers.ts";\nexport class Counter {}\nexport default handlers;',
      "of a module",
      200,
    ],
    [
      "a Hono application",
      `import { Hono } from "hono";
       export class Counter {}
       export default new Hono().get("/x", (c) => c.text("of Hono, with " + typeof c.executionCtx.waitUntil));`,
      "of Hono, with function",
      200,
    ],
    ["an object without fetch", "export default { scheduled() {} };", "Path '/x' not found", 404],
    ["nothing at all", "export class Unused {}", "Path '/x' not found", 404],
  ])("may export %s by default", async (_, main, answer, status) => {
    using project = beside(main, { durable_objects: { bindings: [] }, queues: {} });
    project.install("hono");
    project.write("src/handlers.ts", 'export const fetch = () => new Response("of a module");');
    await using server = await serve(`${project.root}/serve.yaml`);
    const response = await server.fetch("/x");
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(answer)]);
    expect(await (await server.fetch("/api")).text()).toBe("no counter");
  });

  it("is an error of build, run and serve() where its default export is no Worker", async () => {
    using project = beside("export default async function handle() {}", { durable_objects: { bindings: [] } });
    const wrong = /src\/index\.ts: the default export is a function\. .*export default \{ fetch: handle \};/;
    for (const command of ["build", "run"])
      expect(await project.run([command])).toMatchObject({ exitCode: 1, err: expect.stringMatching(wrong) });
    await expect(serve(`${project.root}/serve.yaml`)).rejects.toThrow(wrong);
  });

  it("may need its bindings to load", async () => {
    using project = beside(`import { env } from "cloudflare:workers";
      const id = (env as any).COUNTER.idFromName("one");
      ${OWN_WORKER}`);
    expect(await project.run(["build"])).toMatchObject({ exitCode: 0, err: "" });
    await using server = await serve(`${project.root}/serve.yaml`);
    expect((await server.fetch("/x")).status).toBe(201);
  });

  it.each([
    ["default__Ingress", "default/Ingress"],
    ["EdgeServe", "the entrypoint"],
  ])("is an error of build, run and serve() where it exports a generated class's name: %s", async (name, whose) => {
    using project = beside(`${OWN_WORKER}\nexport class ${name} extends DurableObject {}`);
    for (const command of ["build", "run"]) {
      const { exitCode, err } = await project.run([command]);
      expect(exitCode).toBe(1);
      for (const part of ["src/index.ts", name, whose]) expect(err).toContain(part);
    }
    await expect(serve(`${project.root}/serve.yaml`)).rejects.toThrow(name);
  });

  it("is told about where an application takes every path", async () => {
    using project = beside(OWN_WORKER);
    const { exitCode, err } = await project.run(["build", "src/app.ts:app"]);
    expect(exitCode).toBe(0);
    for (const part of ["default", "--route-prefix", "route_prefix"]) expect(err).toContain(part);
    await using running = project.start(["run", "src/app.ts:app", "--port", "0"]);
    expect(await running.says("Serving")).toContain("route_prefix");
    project.write("src/index.ts", OWN_WORKER.replace("async fetch(", "async notFetch("));
    expect(await project.run(["build", "src/app.ts:app"])).toMatchObject({ exitCode: 0, err: "" });
  });

  it("keeps its paths where the command line gives an application its own, and a stale build says so", async () => {
    using project = beside(OWN_WORKER);
    const command = ["src/app.ts:app", "--route-prefix", "/counted"];
    expect(await project.run(["build", ...command])).toMatchObject({ exitCode: 0, err: "" });
    expect(project.read(".edge-serve/worker.ts")).toContain('routePrefix: "/counted"');
    project.write("src/app.ts", COUNTING_APP.replace("(Ingress)", "(Ingress, { numReplicas: 2 })"));
    expect(await project.run(["check", "."])).toMatchObject({ exitCode: 1, err: expect.stringContaining(command.join(" ")) });

    await using running = project.start(["run", ...command, "--port", "0"]);
    const [, url = ""] = /at (http\S+)/.exec(await running.says("/counted  default"))!;
    expect(await (await fetch(new URL("/counted", url))).text()).toBe("1");
    expect(await (await fetch(url)).text()).toBe("mine: / 2");
  });
});

describe("legacy migrations that cannot be joined", () => {
  const migrations = (...list: object[]) => JSON.stringify({ ...BESIDE_CONFIG, migrations: list });
  const [v1, v2] = [
    { tag: "v1", new_classes: ["Counter"] },
    { tag: "v2", new_sqlite_classes: ["Room"] },
  ];

  it("are the same error of build, run and deploy, with the text to write", async () => {
    using project = beside(`${OWN_WORKER}\nexport class Room extends DurableObject {}`, { migrations: [v1] });
    expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
    project.write("wrangler.json", migrations(v1, v2));
    expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
    const config = JSON.parse(project.read("wrangler.edge-serve.json") ?? "");
    expect(config.migrations.map(({ tag }: { tag: string }) => tag)).toEqual(["v1", "edge-serve-1", "v2"]);
    expect(config).not.toHaveProperty("exports");

    project.write("wrangler.json", migrations(v2));
    for (const command of ["build", "run", "deploy"]) {
      const { exitCode, err } = await project.run([command]);
      expect(exitCode).toBe(1);
      expect(err).toContain('migration "v1"');
      expect(err).toMatch(/"tag": "v1",\s+"new_classes": \[\s+"Counter"\s+\]/);
    }
  });
});

describe("serve", () => {
  it("[V3] leaves no temporary file behind, killed or not", async () => {
    using project = new CliProject({ "src/app.ts": COUNTING_APP });
    const server = await serve(`${project.root}/src/app.ts:app`);
    await server.kill();
    await server.restart();
    await server.kill();
    await server.stop();
    for (const directory of [".wrangler/tmp", ".edge-serve"].map((path) => join(project.root, path))) {
      expect(existsSync(directory) ? readdirSync(directory) : [], directory).toEqual([]);
    }
  });
});
