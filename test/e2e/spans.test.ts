/** Spans of the platform's own tracing, as a tail Worker of the platform's sees them. */
import { createTestHarness } from "wrangler";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliProject } from "../support/cli-project.ts";

const APP = `import * as serve from "edge-serve";

export class Model {
  predict = serve.batch(async function predict(texts: string[]) {
    return texts.map((text) => text.length);
  }, { maxBatchSize: 2, batchWaitTimeoutMs: 200 });
  async later() {
    return "done";
  }
}
export class Slow {
  async call() {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return "slow";
  }
}
export class Front {
  constructor(private model: serve.DeploymentHandle<Model>, private slow: serve.DeploymentHandle<Slow>) {}
  async call(request: Request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/own") {
      return serve.span("mine", async (span) => {
        span.setAttribute("late", true);
        return "spanned";
      }, { early: 7 });
    }
    if (pathname === "/throws") {
      try {
        return await serve.span("mine", async () => { throw new RangeError("no"); });
      } catch (error) {
        return String(error);
      }
    }
    if (pathname === "/odd") {
      const odd = [Symbol("x"), { a: 1 }, null, 5n, () => {}] as never[];
      return serve.span("odd", (span) => {
        odd.forEach((value, index) => span.setAttribute("late" + index, value));
        span.setAttribute("good", "late");
        return "spanned";
      }, { early: 7, ...odd, left: undefined });
    }
    if (pathname === "/slow") return await this.slow.remote();
    if (pathname === "/task") return await (await this.model.later.enqueue()).result();
    return await Promise.all(["a", "bb"].map((text) => this.model.predict.remote(text)));
  }
}
const model = serve.deployment(Model, { tasks: {} }).bind();
export const app = serve.deployment(Front).bind(model, serve.deployment(Slow, { maxOngoingRequests: 1 }).bind());
`;

const TAIL = `const spans = [];
export default {
  async fetch() {
    return Response.json(spans);
  },
  tailStream(onset) {
    const open = new Map();
    return ({ spanContext, event }) => {
      if (event.type === "spanOpen") {
        const span = { name: event.name, id: event.spanId, parent: spanContext.spanId, attributes: {} };
        open.set(event.spanId, span);
        spans.push(span);
      } else if (event.type === "attributes") {
        const span = open.get(spanContext.spanId);
        for (const { name, value } of event.info) if (span) span.attributes[name] = typeof value === "bigint" ? Number(value) : value;
      }
    };
  },
};
`;

const config = (name: string, more: object) => JSON.stringify({ name, compatibility_date: "2026-11-01", ...more });
const project = new CliProject({
  "wrangler.json": config("traced", { streaming_tail_consumers: [{ service: "tail" }] }),
  "src/app.ts": APP,
  "tail/wrangler.json": config("tail", { main: "index.js", compatibility_flags: ["streaming_tail_worker"] }),
  "tail/index.js": TAIL,
});
project.install("edge-serve", "wrangler");

interface Seen {
  readonly name: string;
  readonly id: string;
  readonly parent: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

describe("spans", () => {
  let server: ReturnType<typeof createTestHarness>;
  beforeAll(async () => {
    expect(await project.run(["build", "src/app.ts:app"])).toMatchObject({ exitCode: 0 });
    server = createTestHarness({
      workers: [{ configPath: `${project.root}/wrangler.edge-serve.json` }, { configPath: `${project.root}/tail/wrangler.json` }],
    });
    await server.listen();
  });
  afterAll(async () => {
    await server.close();
    project[Symbol.dispose]();
  });

  const seen = async () => (await (await server.getWorker("tail").fetch("http://tail/")).json()) as Seen[];
  const named = async (name: string, id: string) =>
    (await seen()).filter(
      (span) => span.name === name && String(span.attributes["serve.request_id"] ?? span.attributes["serve.request_ids"]).includes(id),
    );

  const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  async function ask(path: string, id: string): Promise<string> {
    const headers = { "x-request-id": id, traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
    return (await server.fetch(path, { headers })).text();
  }

  it("are opened for the ingress, tries, running and batches, with their attributes", async () => {
    expect(await ask("/", "first")).toBe("[1,2]");
    const at = (deployment: string, method: string) => ({
      "serve.app": "default",
      "serve.deployment": deployment,
      "serve.method": method,
      "serve.request_id": "first",
      "serve.trace_id": TRACE,
    });
    const FRONT = { "serve.replica": "default/Front/-/0.0" };
    const MODEL = { "serve.replica": "default/Model/-/0.0" };
    await expect.poll(() => named("serve.batch", "first")).toHaveLength(1);
    const shown = async (name: string) => (await named(name, "first")).map(({ attributes }) => attributes);
    expect(await shown("serve.ingress")).toEqual([
      expect.objectContaining({ ...at("Front", "GET"), "serve.status": 200, "serve.route": "/" }),
    ]);
    const tries = await shown("serve.try");
    expect(tries).toContainEqual(expect.objectContaining({ ...at("Front", "fetch"), ...FRONT, "serve.attempt": 1 }));
    expect(tries.filter((one) => one["serve.deployment"] === "Model")).toEqual([
      expect.objectContaining({ ...at("Model", "predict"), ...MODEL, "serve.attempt": 1 }),
      expect.objectContaining({ ...at("Model", "predict"), ...MODEL, "serve.attempt": 1 }),
    ]);
    const runs = await shown("serve.run");
    const span = { "serve.span_id": expect.stringMatching(/^[0-9a-f]{16}$/) };
    expect(runs.filter((one) => one["serve.deployment"] === "Front")).toEqual([
      expect.objectContaining({ ...at("Front", "fetch"), ...FRONT, ...span }),
    ]);
    expect(runs.filter((one) => one["serve.deployment"] === "Model")).toHaveLength(2);
    expect(await shown("serve.batch")).toEqual([
      expect.objectContaining({ ...MODEL, "serve.method": "predict", "serve.batch_size": 2, "serve.request_ids": "first,first" }),
    ]);
  });

  it("are opened for what waits in a queue", async () => {
    await Promise.all(Array.from({ length: 4 }, (_, n) => ask("/slow", `queued-${n}`)));
    await expect.poll(async () => (await named("serve.queue", "queued-")).length).toBeGreaterThan(0);
    const [span] = await named("serve.queue", "queued-");
    expect(span!.attributes).toMatchObject({ "serve.deployment": "Slow", "serve.replica": "default/Slow/-/0.0", "serve.trace_id": TRACE });
  });

  it("are opened for a task's attempt", async () => {
    expect(await ask("/task", "tasked")).toBe("done");
    const attempts = async () => (await seen()).filter(({ name }) => name === "serve.task_attempt");
    await expect.poll(attempts).toHaveLength(1);
    const [{ attributes }] = (await attempts()) as [Seen];
    expect(attributes).toMatchObject({ "serve.deployment": "Model", "serve.method": "later", "serve.attempt": 1, "serve.trace_id": TRACE });
    expect(attributes["serve.task"]).toMatch(/^default\./);
  });

  it("are the application's own, inside those", async () => {
    expect([await ask("/own", "own"), await ask("/throws", "throws")]).toEqual(["spanned", "RangeError: no"]);
    const mine = async () => (await seen()).filter(({ name }) => name === "mine");
    await expect.poll(mine).toHaveLength(2);
    const [first] = (await mine()) as [Seen];
    expect(first.attributes).toEqual({ early: 7, late: true });
    const [run] = (await named("serve.run", "own")) as [Seen];
    expect(first.parent).toBe(run.id);
  });

  it("leave out what is no attribute, which fails no request", async () => {
    expect(await ask("/odd", "odd")).toBe("spanned");
    const odd = async () => (await seen()).filter(({ name }) => name === "odd");
    await expect.poll(odd).toHaveLength(1);
    expect((await odd())[0]!.attributes).toEqual({ early: 7, good: "late" });
  });
});
