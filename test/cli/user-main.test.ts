import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serve } from "../../src/testing.ts";
import { CliProject } from "../support/cli-project.ts";

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

  it("is served without them where main does not, and serve() says so in the log", async () => {
    using project = new CliProject({ "wrangler.toml": `${HEAD}${BOUND}`, "src/app.ts": COUNTING_APP });
    await using server = await serve(`${project.root}/src/app.ts:app`);
    expect(await (await server.fetch("/")).text()).toBe("no counter");
    const [warning] = server.logs();
    expect(warning).toMatchObject({ level: "WARNING", message: expect.stringContaining("binds COUNTER to a class of your own") });
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
