/** `serve.metrics` in a system that runs: in replicas, at module scope, and in the user's own Worker. Part of `reports.test.ts`. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { CliProject } from "../../support/cli-project.ts";
import { readPrometheus, total } from "../../support/prometheus.ts";

const APP = `import * as serve from "edge-serve";

const pages = new serve.metrics.Counter("pages_served", { description: "Pages served.", tagKeys: ["kind"] });
export const outside = new serve.metrics.Counter("jobs");

export class Ranker {
  #sizes = new serve.metrics.Histogram("candidates", { boundaries: [1, 10, 100], tagKeys: ["model"] });
  #depth: serve.metrics.Gauge = new serve.metrics.Gauge("depth");
  constructor() {
    this.#sizes.setDefaultTags({ model: "small" });
  }
  rank(count: number) {
    this.#sizes.observe(count);
    this.#depth.set(count);
    pages.inc(2, { kind: "ranked" });
    return count;
  }
}
export class Front {
  constructor(private ranker: serve.DeploymentHandle<Ranker>) {}
  async call(request: Request) {
    const { pathname } = new URL(request.url);
    pages.inc();
    if (pathname === "/wrong") pages.inc(1, { colour: "red" });
    // Counted when the request is over and its replica has nothing to do.
    if (pathname === "/later") setTimeout(() => pages.inc(1, { kind: "late" }), 3000);
    if (pathname === "/many") for (let n = 0; n < 150; n++) pages.inc(1, { kind: "k" + n });
    return pathname === "/rank" ? await this.ranker.rank.remote(12) : "ok";
  }
}
export const app = serve.deployment(Front).bind(serve.deployment(Ranker).bind());
`;

const WORKER = `import { outside } from "./app.ts";
outside.inc();
export default {
  fetch() {
    outside.inc(2);
    return new Response("mine");
  },
};
`;

const project = new CliProject({
  "wrangler.json": JSON.stringify({ name: "own", main: "src/index.ts", compatibility_date: "2026-11-01" }),
  "serve.yaml": "applications:\n  - import_path: src/app.ts:app\n    route_prefix: /api\n",
  "src/app.ts": APP,
  "src/index.ts": WORKER,
});
project.install("edge-serve", "wrangler");
const TOKEN = "secret";
const TOLD = { timeout: 90_000, interval: 500 };

describe.concurrent("one system,", () => {
  describe("metrics of the application's own", { concurrent: false }, () => {
    let server: Server;
    /** What was answered, by path: all is sent at once, and told in the same reports. */
    const answers = new Map<string, (readonly [number, string])[]>();
    beforeAll(async () => {
      server = await serve(`${project.root}/serve.yaml`, { token: TOKEN, quiet: true });
      for (const path of ["/api/rank", "/api/rank", "/api/rank", "/api/wrong", "/api/later", "/api/many", "/", "/", "/"]) {
        const response = await server.fetch(path);
        answers.set(path, [...(answers.get(path) ?? []), [response.status, await response.text()]]);
      }
    });
    afterAll(async () => {
      await server.stop();
      project[Symbol.dispose]();
    });

    const scrape = async () =>
      readPrometheus(await (await server.fetch("/-/api/metrics", { headers: { authorization: `Bearer ${TOKEN}` } })).text());
    const FRONT = { application: "default", deployment: "Front", replica: "default/Front/-/0.0" };
    const RANKER = { application: "default", deployment: "Ranker", replica: "default/Ranker/-/0.0" };

    it("are scraped of each replica that uses them", async ({ expect }) => {
      expect(answers.get("/api/rank")).toEqual(Array.from({ length: 3 }, () => [200, "12"]));
      const seen = async () => {
        const read = await scrape();
        return [
          // One for each request.
          total(read, "pages_served_total", { ...FRONT, kind: "" }),
          total(read, "pages_served_total", { ...RANKER, kind: "ranked" }),
          total(read, "candidates_bucket", { ...RANKER, model: "small", le: "100" }),
          total(read, "candidates_bucket", { ...RANKER, model: "small", le: "10" }),
          total(read, "candidates_sum", { ...RANKER, model: "small" }),
          total(read, "depth", RANKER),
        ];
      };
      await expect.poll(seen, TOLD).toEqual([6, 6, 3, 0, 36, 12]);
      expect((await scrape()).get("pages_served_total")?.help).toBe("Pages served.");
    });

    it("fail the request that misuses them, with the line in the log", async ({ expect }) => {
      expect(answers.get("/api/wrong")).toEqual([[500, "Internal Server Error"]]);
      const line = server.logs().find(({ message }) => message.includes('"colour" was not declared'));
      expect([line?.level, line?.fields["error"]]).toEqual(["ERROR", expect.stringMatching(/app\.ts:\d+/)]);
    });

    it("are told although no request follows, and are at most 100 series and `other`", async ({ expect }) => {
      const seen = async () => {
        const read = await scrape();
        const own = read.get("pages_served_total")!.samples.filter(({ labels }) => labels["deployment"] === "Front");
        const late = own.some(({ labels }) => labels["kind"] === "late") ? 1 : 0;
        const other = total(read, "pages_served_total", { ...FRONT, kind: "other" });
        return [own.length, late + other > 0, own.reduce((sum, { value }) => sum + value, 0)];
      };
      // 3 ranked, 1 wrong, 2 others; 150 kinds, and one that comes late.
      await expect.poll(seen, TOLD).toEqual([101, true, 157]);
    });

    it("count in the user's own Worker as far as an isolate lives to tell", async ({ expect }) => {
      expect(answers.get("/")).toEqual(Array.from({ length: 3 }, () => [200, "mine"]));
      const own = { application: "", deployment: "", replica: "" };
      // Once while each isolate loads its modules: how many there are is the platform's business.
      await expect.poll(async () => total(await scrape(), "jobs_total", own), TOLD).toBeGreaterThanOrEqual(6);
      const told = await total(await scrape(), "jobs_total", own);
      await server.kill();
      await server.restart();
      expect(total(await scrape(), "jobs_total", own)).toBe(told);
    });
  });
});
