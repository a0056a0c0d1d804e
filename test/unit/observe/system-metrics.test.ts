import { describe, expect, it } from "vitest";
import { SCRAPE_MS } from "../../../src/controller/metrics-store.ts";
import { DERIVED, MEASURED } from "../../../src/observe/metric-definitions.ts";
import { systemMetrics } from "../../../src/operator/system-metrics.ts";
import type { ApplicationMetrics, SeriesByKey } from "../../../src/protocol/metrics.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";
import { readPrometheus, total } from "../../support/prometheus.ts";

const REPLICA = { application: "app", deployment: "Model", replica: "app/Model/-/0.0" };

async function application(series: SeriesByKey, afterMs = SCRAPE_MS): Promise<ApplicationMetrics> {
  const world = new ControlledWorld(manifestOf({ Model: { autoscaling: { maxReplicas: 4 } }, Other: { numReplicas: 2 } }));
  await world.run();
  await world.controller.report({
    deployment: "Model",
    replica: REPLICA.replica,
    version: "v1",
    epoch: 9,
    event: { kind: "alive" },
    metrics: { startedAtMs: 1, series },
  });
  // Counts that have just appeared are scraped as 0.
  await world.run(afterMs);
  return (await world.controller.metrics())!;
}

const scrape = async (series: SeriesByKey, afterMs?: number) =>
  readPrometheus(systemMetrics([{ app: "app", metrics: await application(series, afterMs) }]));

describe("a scrape", () => {
  it("has no name twice, and Prometheus's endings", () => {
    const all = [...Object.values(MEASURED), ...DERIVED.map(([metric]) => metric)];
    const names = all.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(all.filter(({ name, type }) => name.endsWith("_total") !== (type === "counter"))).toEqual([]);
    expect(names.filter((name) => !/^serve_[a-z_]+$/.test(name))).toEqual([]);
  });

  it("has the states in Ray Serve's numbers, and the counts of replicas", async () => {
    const read = await scrape({});
    expect(total(read, "serve_controller_up", { application: "app" })).toBe(1);
    expect(total(read, "serve_application_status", { application: "app" })).toBe(6);
    expect(total(read, "serve_deployment_status", { deployment: "Other" })).toBe(6);
    expect(total(read, "serve_autoscaling_target_replicas", { deployment: "Other" })).toBe(2);
    expect(total(read, "serve_deployment_replicas", { deployment: "Other", state: "RUNNING" })).toBe(2);
    expect(total(read, "serve_deployment_replica_healthy")).toBe(3);
    expect(read.get("serve_autoscaling_total_requests")?.samples).toHaveLength(1);
    expect(total(read, "serve_deployment_replica_starts_total", REPLICA)).toBe(1);
    expect(read.get("serve_application_status")?.help).toBe(
      "1 DEPLOY_FAILED, 2 UNHEALTHY, 3 NOT_STARTED, 4 DELETING, 5 DEPLOYING, 6 RUNNING",
    );
  });

  it.each([
    ["serve_deployment_request_counter_total", 5],
    ["serve_num_http_requests_total", 5],
    ["serve_deployment_processing_latency_ms_count", 5],
    ["serve_deployment_replica_starts_total", 1],
  ])("has 0 for a count that has just appeared: %s", async (name, count) => {
    const series: SeriesByKey = { requests: [[["/"], [5]]], http: [[["/", "GET", 200], [5]]], latency: [[["/"], [50, 0, 0, 5]]] };
    expect(total(await scrape(series, 0), name, REPLICA)).toBe(0);
    expect(total(await scrape(series, SCRAPE_MS - 1), name, REPLICA)).toBe(0);
    expect(total(await scrape(series), name, REPLICA)).toBe(count);
  });

  it("names the labels of what a replica has measured", async () => {
    const read = await scrape({
      http: [
        [["/", "GET", 200], [7]],
        [["/", "GET", 503], [2]],
      ],
      errors: [[["/", 'E"\n'], [1]]],
    });
    expect(read.get("serve_num_http_requests_total")?.samples.map(({ labels }) => labels)).toEqual([
      { ...REPLICA, route: "/", method: "GET", status_code: "200" },
      { ...REPLICA, route: "/", method: "GET", status_code: "503" },
    ]);
    expect(read.get("serve_deployment_error_counter_total")?.samples[0]?.labels["exception_type"]).toBe('E"\n');
    expect(read.get("serve_num_http_error_requests_total")?.samples).toEqual([
      { name: "serve_num_http_error_requests_total", labels: { ...REPLICA, route: "/", method: "GET", error_code: "503" }, value: 2 },
    ]);
  });

  it("tells numbers of batches and of loads by their histograms", async () => {
    const read = await scrape({ batchSize: [[["predict"], [12, 0, 1, 2]]], modelLoad: [[[], [90, 0, 0, 0, 0, 4]]] });
    expect(total(read, "serve_batches_processed_total", { ...REPLICA, function_name: "predict" })).toBe(3);
    expect(total(read, "serve_multiplexed_models_load_counter_total", REPLICA)).toBe(4);
    expect(total(read, "serve_actual_batch_size_sum")).toBe(12);
  });

  it("leaves out what another version of the code has sent", async () => {
    const read = await scrape({ unheardOf: [[["x"], [1]]], requests: [[[], [5]]] });
    expect(total(read, "serve_deployment_request_counter_total", { ...REPLICA, route: "" })).toBe(5);
  });

  it("goes on without the applications whose controllers do not answer", async () => {
    const metrics = await application({ requests: [[["/"], [5]]] });
    const read = readPrometheus(
      systemMetrics([
        { app: "app", metrics },
        { app: "gone", metrics: undefined },
      ]),
    );
    expect(total(read, "serve_controller_up", { application: "gone" })).toBe(0);
    expect(total(read, "serve_deployment_request_counter_total")).toBe(5);
    expect(readPrometheus(systemMetrics([{ app: "gone", metrics: undefined }])).size).toBe(1);
  });
});
