/**
 * A real Prometheus scrapes a system that runs: what it and promtool make of the metrics, of the dashboard's queries and of the alert
 * rules.
 *
 * Runs where `prometheus` and `promtool` are, in EDGE_SERVE_PROMETHEUS or on the path. `npm run test:prometheus` gets them.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { serve, type Server } from "edge-serve/testing";
import { CliProject } from "../support/cli-project.ts";
import { AUTHORIZED, TOKEN } from "../support/operated.ts";
import { type ProcessGroup, startProgram } from "../support/process-group.ts";

const FOLDERS = process.env["EDGE_SERVE_PROMETHEUS"]?.split(delimiter) ?? process.env["PATH"]!.split(delimiter);
const programOf = (name: string) => FOLDERS.map((folder) => join(folder, name)).find((file) => existsSync(file));
const [PROMETHEUS, PROMTOOL] = [programOf("prometheus"), programOf("promtool")];
const MISSING = PROMETHEUS === undefined || PROMTOOL === undefined;
const REASON = "there is no prometheus and promtool in EDGE_SERVE_PROMETHEUS or on the path: npm run test:prometheus gets them";

const SCRAPE_S = 5;
/** A count that has just appeared is shown with 0 for 15 s, and reports and scrapes take their time. */
const TOLD = { timeout: 90_000, interval: 500 };

/** What promtool says of names that are Ray Serve's, or made as its are: docs/metrics.md says why they stay. */
const KEPT_NAMES = [
  /^serve_\w+_ms metric names should not contain abbreviated units$/,
  /_counter_total metric name should not include type 'counter'$/,
];

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [atS: number, value: string];
}

interface Rule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

describe.skipIf(MISSING)("a real Prometheus", () => {
  const project = new CliProject();
  let server: Server;
  let prometheus: ProcessGroup;
  let api: URL;
  const sent = new Map<string, number>();

  const send = async (path: string): Promise<void> => {
    const response = await server.fetch(path);
    await response.arrayBuffer();
    const app = path.startsWith("/more") ? "more" : "default";
    sent.set(app, (sent.get(app) ?? 0) + 1);
  };
  const burst = (count: number, path: string) => Promise.all(Array.from({ length: count }, () => send(path)));

  const ask = async <T>(path: string, params: Readonly<Record<string, string>> = {}): Promise<T> => {
    const response = await fetch(new URL(`api/v1/${path}?${new URLSearchParams(params)}`, api));
    const { status, error, data } = (await response.json()) as { status: string; error?: string; data: T };
    expect([status, error], JSON.stringify(params)).toEqual(["success", undefined]);
    return data;
  };
  const query = async (text: string, atS?: number): Promise<readonly Result[]> => {
    const { result } = await ask<{ result: readonly Result[] }>("query", {
      query: text,
      ...(atS === undefined ? {} : { time: String(atS) }),
    });
    return result;
  };

  beforeAll(async () => {
    server = await serve("test/e2e/apps/prometheus.yaml", { token: TOKEN, quiet: true });
    const config = {
      global: { scrape_interval: `${SCRAPE_S}s`, evaluation_interval: "1s" },
      rule_files: [resolve("grafana/alerts.yml")],
      scrape_configs: [
        {
          job_name: "edge-serve",
          metrics_path: "/-/api/metrics",
          authorization: { type: "Bearer", credentials: TOKEN },
          static_configs: [{ targets: [new URL(server.url).host] }],
        },
      ],
    };
    project.write("prometheus.yml", stringify(config));
    const args = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"];
    prometheus = startProgram(PROMETHEUS!, args, project.root);
    const [, address = ""] = await prometheus.says(/msg="Listening on" address=(\S+)/);
    api = new URL(`http://${address}/`);
  });
  afterAll(async () => {
    await Promise.all([prometheus?.[Symbol.asyncDispose](), server?.stop()]);
    project[Symbol.dispose]();
  });

  it("counts by increase() what was sent, within 2 %", async () => {
    // A burst to what is new, some that come one by one, and a burst to what has been idle.
    await Promise.all([burst(137, "/"), burst(61, "/more/")]);
    for (const path of ["/missing", "/fails", "/batch?count=9", "/models?count=5", "/stream?count=9"]) await send(path);
    for (const path of ["/more/jobs?count=7", "/more/narrow?count=9"]) await send(path);
    const counted = 'sum by (application) (serve_num_http_requests_total{application=~"default|more"})';
    const reached = async () =>
      Object.fromEntries((await query(counted)).map(({ metric, value }) => [metric["application"], Number(value[1])]));
    await expect.poll(reached, TOLD).toEqual(Object.fromEntries(sent));
    await Promise.all([burst(53, "/"), burst(17, "/more/")]);
    await expect.poll(reached, TOLD).toEqual(Object.fromEntries(sent));

    // At the time of a scrape there is nothing to be guessed beyond it.
    const [{ value: [, scrapedAtS] = [0, ""] } = {}] = await query("max(timestamp(serve_num_http_requests_total))");
    for (const name of ["serve_num_http_requests_total", "serve_http_request_latency_ms_count"]) {
      for (const [app, count] of sent) {
        const [found] = await query(`sum(increase(${name}{application="${app}"}[10m]))`, Number(scrapedAtS));
        const about = `${name} of ${app}`;
        expect(Number(found?.value[1]), about).toBeGreaterThanOrEqual(count * 0.98);
        expect(Number(found?.value[1]), about).toBeLessThanOrEqual(count * 1.02);
      }
    }
  });

  it("has nothing to say against the metrics but that Ray Serve's names are not its own", async () => {
    const input = await (await server.fetch("/-/api/metrics", { headers: AUTHORIZED })).text();
    const { stdout, stderr } = spawnSync(PROMTOOL!, ["check", "metrics"], { input, encoding: "utf8" });
    const said = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
    expect(said.filter((line) => !KEPT_NAMES.some((kept) => kept.test(line)))).toEqual([]);
    // All that was asked about is there.
    for (const name of ["job_words", "jobs_kept", "pages_asked_for_total", "serve_tasks", "serve_shadow_requests_total"])
      expect(input).toContain(`# TYPE ${name} `);
  });

  it("answers each query of the dashboard, with something", async () => {
    const { panels, templating } = JSON.parse(readFileSync("grafana/edge-serve.json", "utf8")) as {
      readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
      readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
    };
    // What Grafana puts in.
    const filled = (text: string) => text.replaceAll("$__rate_interval", "2m").replaceAll(/\$(?:application|deployment)\b/g, ".*");
    const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, filled(expr)] as const));
    expect(queries.length).toBeGreaterThan(20);
    const empty: string[] = [];
    for (const [title, text] of queries) if ((await query(text)).length === 0) empty.push(title);
    expect(empty).toEqual([]);

    for (const { name, definition } of templating.list) {
      if (definition === undefined) continue;
      const [, match = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(filled(definition))!;
      expect((await ask<readonly string[]>(`label/${label}/values`, { "match[]": match })).length, name).toBeGreaterThan(1);
    }
  });

  it("evaluates each alert rule without an error", async () => {
    const file = resolve("grafana/alerts.yml");
    expect(spawnSync(PROMTOOL!, ["check", "rules", file], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    const rules = async () =>
      (await ask<{ groups: readonly { readonly rules: readonly Rule[] }[] }>("rules")).groups.flatMap((group) => group.rules);
    await expect.poll(async () => (await rules()).filter(({ health }) => health === "unknown"), TOLD).toEqual([]);
    const found = await rules();
    expect(found.length).toBeGreaterThan(5);
    expect(found.filter(({ health, lastError = "" }) => health !== "ok" || lastError !== "")).toEqual([]);
  });
});

it.runIf(MISSING)("is not asked here", ({ skip }) => skip(REASON));
