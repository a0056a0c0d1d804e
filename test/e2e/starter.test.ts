/**
 * A project as Cloudflare's own starter leaves it, with what people add to one, gets a composed application: by files beside it, a
 * script, and one line of its vitest configuration. Nothing else of it is edited.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliProject, HELLO_APP } from "../support/cli-project.ts";
import { startNode } from "../support/process-group.ts";
import { ended, wrangler } from "../support/shop.ts";

const BINDINGS = `
    "d1_databases": [{ "binding": "DB", "database_name": "orders", "database_id": "0" }],
    "queues": {
      "producers": [{ "binding": "JOBS", "queue": "jobs" }],
      "consumers": [{ "queue": "jobs", "max_batch_timeout": 0 }],
    },
    "durable_objects": { "bindings": [{ "name": "COUNTER", "class_name": "Counter" }] },`;
const CONFIG = `/**
 * For more details on how to configure Wrangler, refer to:
 * https://developers.cloudflare.com/workers/wrangler/configuration/
 */
{
  "$schema": "node_modules/wrangler/config-schema.json",
  "name": "orders",
  "main": "src/index.ts",
  "compatibility_date": "2026-11-01",
  "observability": { "enabled": true },
  "triggers": { "crons": ["0 3 * * *"] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Counter"] }],
  ${BINDINGS}
  "env": {
    "staging": {${BINDINGS}
    },
  },
}
`;
const MAIN = `import { DurableObject } from "cloudflare:workers";

interface Env { DB: D1Database; JOBS: Queue<string>; COUNTER: DurableObjectNamespace<Counter> }

export class Counter extends DurableObject<Env> {
  async increment(): Promise<number> {
    const count = ((await this.ctx.storage.get<number>("count")) ?? 0) + 1;
    await this.ctx.storage.put("count", count);
    return count;
  }
}

export default {
  async fetch(request, env) {
    const row = await env.DB.prepare("SELECT 40 + ? AS sum").bind(await env.COUNTER.getByName("all").increment()).first<{ sum: number }>();
    await env.JOBS.send(new URL(request.url).pathname);
    return new Response("own " + row?.sum);
  },
  async queue(batch) { console.log("queued " + batch.messages.map(({ body }) => body).join()); },
  async scheduled({ cron }) { console.log("cron " + cron); },
} satisfies ExportedHandler<Env, string>;
`;
const ADDED = {
  "serve.yaml": "applications:\n  - import_path: src/app.ts:app\n    route_prefix: /hello\n",
  "src/app.ts": HELLO_APP,
};
const vitestConfig = (configPath: string) => `import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: "${configPath}" } })],
  test: { testTimeout: 120_000 },
});
`;
const TEST = `import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";
const get = async (path: string) => (await exports.default.fetch("http://example.com" + path)).text();
it("answers as before", async () => {
  expect(await get("/orders")).toBe("own 41");
  expect(await env.COUNTER.getByName("all").increment()).toBe(2);
});
it("serves the application", async () => expect(await get("/hello")).toBe("Hello world!"));
`;

describe("Cloudflare's starter, with a database, a queue, a cron and an object of its own", () => {
  const project = new CliProject({
    "package.json": '{ "name": "orders", "type": "module", "scripts": { "build": "edge-serve build" } }',
    "wrangler.jsonc": CONFIG,
    "src/index.ts": MAIN,
    ...ADDED,
    "vitest.config.ts": vitestConfig("./wrangler.edge-serve.json"),
    "test/app.test.ts": TEST,
  });
  project.install("edge-serve", "wrangler", "vitest", "@cloudflare/vitest-plugin");
  beforeAll(async () => expect(await project.run(["build"])).toMatchObject({ exitCode: 0, err: "" }));
  afterAll(() => {
    expect(project.read("wrangler.jsonc")).toBe(CONFIG);
    expect(project.read("src/index.ts")).toBe(MAIN);
    project[Symbol.dispose]();
  });

  it("passes its tests in Cloudflare's vitest plugin", async () => {
    await using running = startNode(`${project.root}/node_modules/vitest/vitest.mjs`, ["run"], project.root);
    const { exitCode, said } = await running.ended;
    expect(exitCode, said).toBe(0);
    expect(said).toMatch(/Tests\s+2 passed/);
  });

  it("is served by wrangler dev, its queue and its cron too", async () => {
    await using dev = wrangler(project, ["dev", "--port", "0"]);
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    const get = async (path: string) => (await fetch(new URL(path, url))).text();
    expect(await get("/orders")).toBe("own 41");
    expect(await get("/hello")).toBe("Hello world!");
    await dev.says(/queued \/orders/);
    await get("/cdn-cgi/handler/scheduled?cron=0+3+*+*+*");
    await dev.says(/cron 0 3 \* \* \*/);
  });

  it("is deployed to its environment after a build for that, with its bindings and its migrations before the system's", async () => {
    expect(await project.run(["build", "--env", "staging"])).toMatchObject({ exitCode: 0, err: "" });
    const { exitCode, said } = await ended(project, ["deploy", "--dry-run", "--env", "staging"]);
    expect(exitCode, said).toBe(0);
    for (const binding of ["env.DB", "env.JOBS", "env.COUNTER"]) expect(said).toContain(binding);
    const config = JSON.parse(project.read("wrangler.edge-serve.json") ?? "");
    expect(config).toMatchObject({ name: "orders-staging", triggers: { crons: ["0 3 * * *"] } });
    expect(config.migrations).toMatchObject([{ tag: "v1" }, { tag: "edge-serve-1" }]);
    expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
  });
});
