/** What is measured of a system that runs, as Prometheus reads it. Part of `reports.test.ts`. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { projectWith } from "../../support/own-controller.ts";
import { increase, readPrometheus, type Sample, total } from "../../support/prometheus.ts";

const TOKEN = "secret";
const HEADERS = { headers: { authorization: `Bearer ${TOKEN}` } };
/** Should a replica have told in the middle of what a test sends, the rest comes 40 s later. */
const TOLD = { timeout: 90_000, interval: 250 };
const TIMEOUT_MS = 240_000;
const IN_ORDER = { concurrent: false };

async function scrape(server: Server): Promise<ReturnType<typeof readPrometheus>> {
  const response = await server.fetch("/-/api/metrics", HEADERS);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  return readPrometheus(await response.text());
}

const BURST_APP = `import * as serve from "edge-serve";
export const app = serve.deployment(() => "ok", { name: "Hello", numReplicas: 2 }).bind();
`;

describe.concurrent("increase() with a scrape each 5 s", () => {
  it("is a burst between two scrapes to a new deployment, within 2 %", { timeout: TIMEOUT_MS }, async ({ expect }) => {
    using project = projectWith(BURST_APP, "");
    await using server = await serve(`${project.root}/src/app.ts:app`, { token: TOKEN, quiet: true });
    const seen = new Map<string, Sample[]>();
    const look = async () => {
      const families = await scrape(server);
      for (const { samples } of families.values()) {
        for (const { name, labels, value } of samples) {
          const key = `${name} ${JSON.stringify(labels)}`;
          const known = seen.get(key);
          if (known === undefined) seen.set(key, [[Date.now(), value]]);
          else known.push([Date.now(), value]);
        }
      }
    };
    const sinceMs = Date.now();
    // Until what is told 10 s after the burst, at the latest, has been known for 15 s and is scraped once more.
    for (let count = 0; count < 9; count++) {
      await look();
      if (count === 1) await Promise.all(Array.from({ length: 150 }, () => server.fetch("/").then((response) => response.text())));
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, sinceMs + (count + 1) * 5000 - Date.now())));
    }
    await look();
    const lastMs = Math.max(...[...seen.values()].map((samples) => samples.at(-1)![0]));
    for (const name of [
      "serve_deployment_request_counter_total",
      "serve_num_http_requests_total",
      "serve_deployment_processing_latency_ms_count",
      "serve_http_request_latency_ms_count",
    ]) {
      const own = [...seen].filter(([key]) => key.startsWith(`${name} `)).map(([, samples]) => samples);
      const grown = own.reduce((sum, samples) => sum + (increase(samples, sinceMs - 1, lastMs) ?? 0), 0);
      expect(grown, name).toBeGreaterThanOrEqual(147);
      expect(grown, name).toBeLessThanOrEqual(153);
    }
  });
});

const APP = `import * as serve from "edge-serve";
export const app = serve.deployment(() => "ok", { name: "Hello", numReplicas: 2, healthCheckPeriodMs: 200 }).bind();
`;
/** Says whenever a replica is called, and whenever a controller is. */
const COUNTING = `
for (const [name, value] of Object.entries(generated as any)) {
  const { prototype } = value as any;
  for (const method of ["assign", "call", "fetch", "report", "metrics", "alarm", "status", "current"]) {
    const own = prototype?.[method];
    if (typeof own === "function" && name !== "default") prototype[method] = function (...args: any[]) {
      console.log("called " + name + "." + method);
      return own.apply(this, args);
    };
  }
}
`;

describe.concurrent("scraping", () => {
  it("asks each application's controller once, and wakes nobody else", { timeout: TIMEOUT_MS }, async ({ expect }) => {
    using project = projectWith(APP, COUNTING);
    await using server = await serve(`${project.root}/src/app.ts:app`, { token: TOKEN, quiet: true });
    const called = () => server.logs().flatMap(({ message }) => (message.startsWith("called ") ? [message] : []));
    await Promise.all(Array.from({ length: 10 }, () => server.fetch("/").then((response) => response.text())));
    await expect.poll(async () => total(await scrape(server), "serve_num_http_requests_total"), TOLD).toBe(10);
    // Long enough for all of it to be asleep: workerd puts objects to sleep after ten seconds.
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    const before = called().length;
    expect(called()).toEqual(expect.arrayContaining(["called default__Hello.fetch", "called EdgeServeController.report"]));
    for (let times = 0; times < 3; times++) expect(total(await scrape(server), "serve_num_http_requests_total")).toBe(10);
    expect(called().slice(before)).toEqual(Array(3).fill("called EdgeServeController.metrics"));
  });
});

describe.concurrent("one system,", () => {
  describe("a scrape", IN_ORDER, () => {
    let server: Server;

    beforeAll(async () => {
      server = await serve("test/e2e/apps/metrics.ts:app", { token: TOKEN, quiet: true });
    });
    afterAll(() => server.stop());

    const FRONT = { application: "default", deployment: "Front", replica: "default/Front/-/0.0" };
    const MODEL = { application: "default", deployment: "Model", replica: "default/Model/-/0.0" };
    const send = async (path: string, init?: RequestInit) => (await server.fetch(path, init)).text();

    async function traffic(): Promise<void> {
      await Promise.all(Array.from({ length: 20 }, () => send("/")));
      await Promise.all([send("/", { method: "POST" }), send("/missing"), send("/missing"), send("/fails")]);
      // Two full batches at once, and one item that waits for more.
      await send("/batch?count=9");
      // One is loaded at a time: the second makes the first go, and so on.
      await send("/models?count=5");
      await send("/stream?count=100");
    }

    it("is refused without the token, whoever asks", async ({ expect }) => {
      expect((await server.fetch("/-/api/metrics")).status).toBe(401);
      const wrong = await server.fetch("/-/api/metrics", { headers: { authorization: "Bearer wrong" } });
      expect([wrong.status, await wrong.text()]).toEqual([403, "That is not the token."]);
      expect((await server.fetch("/-/api/metrics", { ...HEADERS, method: "POST" })).status).toBe(405);
    });

    it("adds up to exactly what was sent", { timeout: TIMEOUT_MS }, async ({ expect }) => {
      await traffic();
      // 20 + 4 + 3 requests; 9 items, 5 models, 1 stream and 1 failure.
      const counted = async () => {
        const read = await scrape(server);
        const count = (at: Record<string, string>) => total(read, "serve_deployment_processing_latency_ms_count", at);
        // A series that comes later than the first report is shown with 0 for a while.
        const late = ["serve_batches_processed_total", "serve_multiplexed_models_load_counter_total"].map((name) =>
          total(read, name, MODEL),
        );
        return [count(FRONT), count(MODEL), ...late];
      };
      await expect.poll(counted, TOLD).toEqual([27, 16, 3, 5]);
      const read = await scrape(server);
      const of = (name: string, labels = {}) => total(read, name, labels);

      expect(of("serve_deployment_request_counter_total", { ...FRONT, route: "/" })).toBe(26);
      expect(of("serve_deployment_request_counter_total", { ...MODEL, route: "/" })).toBe(15);
      expect(of("serve_deployment_error_counter_total")).toBe(2);
      for (const at of [FRONT, MODEL]) expect(of("serve_deployment_error_counter_total", { ...at, exception_type: "RangeError" })).toBe(1);

      const http = (method: string, status: string) =>
        of("serve_num_http_requests_total", { ...FRONT, route: "/", method, status_code: status });
      expect([http("GET", "200"), http("POST", "200"), http("GET", "404"), http("GET", "500")]).toEqual([23, 1, 2, 1]);
      expect(of("serve_num_http_requests_total")).toBe(27);
      expect(of("serve_http_request_latency_ms_count")).toBe(27);
      expect(of("serve_num_http_error_requests_total")).toBe(3);

      const batches = { ...MODEL, function_name: "predict" };
      expect(of("serve_batches_processed_total", batches)).toBe(3);
      expect(of("serve_actual_batch_size_sum", batches)).toBe(9);
      expect(of("serve_batch_utilization_percent_sum", batches)).toBe(225);
      expect(of("serve_batch_wait_time_ms_count", batches)).toBe(9);
      expect(of("serve_batch_wait_time_ms_sum", batches)).toBeGreaterThanOrEqual(199);
      expect(of("serve_batch_execution_time_ms_count", batches)).toBe(3);

      expect(of("serve_multiplexed_get_model_requests_counter_total", MODEL)).toBe(5);
      expect(of("serve_multiplexed_model_hits_total", MODEL)).toBe(0);
      expect(of("serve_multiplexed_models_load_counter_total", MODEL)).toBe(5);
      expect(of("serve_multiplexed_models_unload_counter_total", MODEL)).toBe(4);
      expect(of("serve_num_multiplexed_models", MODEL)).toBe(1);

      expect(of("serve_replica_processing_queries")).toBe(0);
      expect(of("serve_deployment_replica_starts_total", MODEL)).toBe(1);
      expect(of("serve_application_status")).toBe(6);
      expect(of("serve_deployment_replica_healthy")).toBe(2);
    });

    it("looks as the page shows it", async ({ expect }) => {
      const lines = readFileSync("docs/metrics.md", "utf8").match(/(?<=^ {4})(?:# |serve_).*$/gm)!;
      const text = await (await server.fetch("/-/api/metrics", HEADERS)).text();
      expect(lines.length).toBeGreaterThan(10);
      expect(lines.filter((line) => !line.startsWith("# Ray") && !text.includes(`${line}\n`))).toEqual([]);
    });

    it("goes on counting after everything has crashed", { timeout: TIMEOUT_MS }, async ({ expect }) => {
      await server.kill();
      await server.restart();
      const count = async () => total(await scrape(server), "serve_num_http_requests_total");
      expect(await count()).toBe(27);
      await send("/");
      await expect.poll(count, TOLD).toBe(28);
      expect(total(await scrape(server), "serve_deployment_replica_starts_total", FRONT)).toBe(2);
    });
  });
});
