/** Metrics of the application's own, from the reports of replicas to the text that is scraped. */
import { describe, expect, it } from "vitest";
import { GONE_MS, keepCounts, SCRAPE_MS, totalOf } from "../../../src/controller/metrics-store.ts";
import { systemMetrics } from "../../../src/operator/system-metrics.ts";
import { LEASE_MS } from "../../../src/protocol/control.ts";
import { MANY_REPLICAS, MANY_REPLICAS_IN_ALL, type Measured, type SeriesByKey } from "../../../src/protocol/metrics.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";
import { readPrometheus, total } from "../../support/prometheus.ts";

const key = (...definition: unknown[]) => JSON.stringify(definition);
const HITS = key("counter", "hits_total", ["kind"]);
const DEPTH = key("gauge", "depth", []);
const SIZES = key("histogram", "sizes", ["kind"], [1, 10]);

const replica = (n: number) => `app/Model/-/${n}.0`;

async function world(numReplicas = 2) {
  const controlled = new ControlledWorld(manifestOf({ Model: { numReplicas } }));
  await controlled.run();
  const tell = (name: string, series: SeriesByKey, { startedAtMs = 1, about = {} } = {}) =>
    controlled.report(name, { kind: "alive" }, { epoch: 9, metrics: { startedAtMs, series, about } });
  const text = async () => systemMetrics([{ app: "app", metrics: await controlled.controller.metrics() }]);
  const scrape = async () => readPrometheus(await text());
  return { controlled, tell, text, scrape };
}

describe("an application's own metric", () => {
  it("is scraped with application, deployment, replica and its tags, and its description as HELP", async () => {
    const { controlled, tell, text } = await world();
    const series = { [HITS]: [[["a"], [3]] as const], [DEPTH]: [[[], [-2.5]] as const], [SIZES]: [[["a"], [12, 1, 1, 1]] as const] };
    await tell(replica(0), series as never, { about: { hits_total: "Pages\nserved \\ seen." } });
    await controlled.run(SCRAPE_MS);
    const at = `application="app",deployment="Model",replica="app/Model/-/0.0"`;
    for (const line of [
      `# HELP hits_total Pages\\nserved \\\\ seen.\n# TYPE hits_total counter\nhits_total{${at},kind="a"} 3\n`,
      `# HELP depth depth\n# TYPE depth gauge\ndepth{${at}} -2.5\n`,
      `sizes_bucket{${at},kind="a",le="10"} 2\nsizes_bucket{${at},kind="a",le="+Inf"} 3\nsizes_sum{${at},kind="a"} 12\nsizes_count{${at},kind="a"} 3\n`,
    ]) {
      expect(await text()).toContain(line);
    }
  });

  it("keeps what has not changed, and goes on over a start", async () => {
    const { controlled, tell, scrape } = await world();
    await tell(replica(0), {
      [HITS]: [
        [["a"], [3]],
        [["b"], [1]],
      ],
      [DEPTH]: [[[], [7]]],
    });
    await tell(replica(0), { [HITS]: [[["b"], [2]]] });
    await controlled.run(SCRAPE_MS);
    const seen = async () => {
      const read = await scrape();
      return [total(read, "hits_total", { kind: "a" }), total(read, "hits_total", { kind: "b" }), read.get("depth")?.samples[0]?.value];
    };
    expect(await seen()).toEqual([3, 2, 7]);
    await tell(replica(0), { [HITS]: [[["a"], [1]]] }, { startedAtMs: 2 });
    // What was set by what the replica was before is not so any more.
    expect(await seen()).toEqual([4, 2, undefined]);
  });

  it("is shown with 0 when it appears, but for a gauge", async () => {
    const { controlled, tell, scrape } = await world();
    await tell(replica(0), { [HITS]: [[["a"], [3]]], [DEPTH]: [[[], [7]]] });
    const first = await scrape();
    expect([total(first, "hits_total"), total(first, "depth")]).toEqual([0, 7]);
    await controlled.run(SCRAPE_MS);
    expect(total(await scrape(), "hits_total")).toBe(3);
  });

  it("is a gauge's as long as its replica is one, also while that sleeps, and a count's for longer", async () => {
    const { controlled, tell, scrape } = await world();
    for (const n of [0, 1]) await tell(replica(n), { [HITS]: [[["a"], [3]]], [DEPTH]: [[[], [7]]] });
    await controlled.run(LEASE_MS + 1);
    const seen = async () => {
      const read = await scrape();
      return [total(read, "hits_total"), read.get("depth")?.samples.length];
    };
    expect(await seen()).toEqual([6, 2]);
    await controlled.controller.scale("Model", 1);
    await controlled.run();
    await controlled.report(replica(1), { kind: "drained" });
    expect(await seen()).toEqual([6, 1]);
    await controlled.run(GONE_MS);
    expect(await seen()).toEqual([3, 1]);
  });

  it.each<[about: string, before: SeriesByKey, after: SeriesByKey, expected: readonly [number, string]]>([
    ["of another kind", { [HITS]: [[["a"], [3]]] }, { [key("gauge", "hits_total", ["kind"])]: [[["a"], [1]]] }, [1, "gauge"]],
    ["with other tags", { [HITS]: [[["a"], [3]]] }, { [key("counter", "hits_total", [])]: [[[], [2]]] }, [5, "counter"]],
    [
      "with other boundaries",
      { [SIZES]: [[["a"], [5, 0, 1]]] },
      { [key("histogram", "sizes", ["kind"], [5])]: [[["a"], [3, 1]]] },
      [3, "histogram"],
    ],
  ])("that new code defines %s is scraped by the newer definition, and never twice", async (_, before, after, [sum, type]) => {
    const { controlled, tell, scrape } = await world();
    await tell(replica(0), before);
    await tell(replica(1), before);
    await controlled.run(SCRAPE_MS);
    await tell(replica(0), after, { startedAtMs: 2 });
    await controlled.run(SCRAPE_MS);
    const read = await scrape();
    const [name] = Object.keys(before).map((one) => (JSON.parse(one) as string[])[1]!);
    const own = total(read, type === "histogram" ? `${name}_sum` : name!, { replica: replica(0) });
    expect([own, read.get(name!)?.type]).toEqual([sum, type]);
  });

  it("of code of the Worker has no application, deployment or replica", () => {
    const told = (value: number) => ({ series: { [HITS]: [[["a"], [value]] as never], [DEPTH]: [[[], [value]] as never] }, about: {} });
    let measured: Measured | undefined;
    for (const value of [2, 3]) measured = keepCounts(measured, told(value), 0);
    const series = totalOf(measured!, { isSilent: false, isGone: false });
    const read = readPrometheus(systemMetrics([], [], { deployment: "", replica: "", series }));
    const own = { application: "", deployment: "", replica: "" };
    expect([total(read, "hits_total", { ...own, kind: "a" }), total(read, "depth", own)]).toEqual([5, 3]);
  });

  it("may be larger than numbers are", async () => {
    const { controlled, tell, text } = await world();
    await tell(replica(0), { [HITS]: [[["a"], [Infinity]]], [DEPTH]: [[[], [-1e300 * 1e10]]] });
    await controlled.run(SCRAPE_MS);
    expect(await text()).toMatch(/hits_total\{.*\} \+Inf\n(?:.*\n)*depth\{.*\} -Inf\n/);
  });
});

describe("a deployment of many replicas", () => {
  const MANY = MANY_REPLICAS + 1;
  const HTTP = { requests: [[["/"], [2]]] } satisfies SeriesByKey;

  it("is scraped as sums without the label `replica`, which never get smaller when replicas are replaced", async () => {
    const { controlled, tell, scrape } = await world(MANY);
    for (let n = 0; n < MANY; n++) await tell(replica(n), { ...HTTP, [HITS]: [[["a"], [1]]], [DEPTH]: [[[], [2]]] });
    expect(total(await scrape(), "hits_total")).toBe(0);
    await controlled.run(SCRAPE_MS);
    const seen = async () => {
      const read = await scrape();
      const samples = ["hits_total", "depth", "serve_deployment_request_counter_total", "serve_deployment_replica_healthy"].map(
        (name) => read.get(name)!.samples,
      );
      expect(samples.flat().filter(({ labels }) => "replica" in labels || labels["deployment"] !== "Model")).toEqual([]);
      return samples.map(([one, ...others]) => [one!.value, others.length]);
    };
    expect(await seen()).toEqual([
      [MANY, 0],
      [2 * MANY, 0],
      [2 * MANY, 0],
      [MANY, 0],
    ]);
    // New ones of a kind that there is are added as they are.
    await controlled.controller.scale("Model", MANY + 1);
    await controlled.run();
    await tell(replica(MANY), {
      [HITS]: [
        [["a"], [5]],
        [["b"], [5]],
      ],
    });
    const read = await scrape();
    expect([total(read, "hits_total", { kind: "a" }), total(read, "hits_total", { kind: "b" })]).toEqual([MANY + 5, 0]);
    await controlled.controller.scale("Model", MANY);
    await controlled.run();
    await controlled.report(replica(MANY), { kind: "drained" });
    await controlled.run(GONE_MS);
    expect(total(await scrape(), "hits_total")).toBe(MANY + 10);
    // It is forgotten when the next one goes.
    await controlled.controller.scale("Model", MANY - 1);
    await controlled.controller.scale("Model", MANY);
    await controlled.run(60_000);
    expect(total(await scrape(), "hits_total")).toBe(MANY + 10);
  });

  it.each([
    ["as sums in an application of many in all", MANY_REPLICAS_IN_ALL + 1, [undefined]],
    ["replica by replica in one with one less", MANY_REPLICAS_IN_ALL, ["app/D0/-/0.0", "app/D0/-/1.0"]],
  ])("is not needed: a small one is scraped %s", async (_, inAll, shown) => {
    const sizes = Array.from({ length: Math.ceil(inAll / MANY_REPLICAS) }, (_none, at) =>
      Math.min(MANY_REPLICAS, inAll - at * MANY_REPLICAS),
    );
    const controlled = new ControlledWorld(manifestOf(Object.fromEntries(sizes.map((numReplicas, at) => [`D${at}`, { numReplicas }]))));
    await controlled.run();
    for (const name of ["app/D0/-/0.0", "app/D0/-/1.0"])
      await controlled.report(
        name,
        { kind: "alive" },
        { deployment: "D0", epoch: 9, metrics: { startedAtMs: 1, series: { [DEPTH]: [[[], [2]]] } } },
      );
    const read = readPrometheus(systemMetrics([{ app: "app", metrics: await controlled.controller.metrics() }]));
    expect(read.get("depth")!.samples.map(({ labels }) => labels["replica"])).toEqual(shown);
    expect(total(read, "depth")).toBe(4);
    expect(total(read, "serve_deployment_replica_healthy")).toBe(inAll);
  });

  it("is scraped replica by replica with one less", async () => {
    const { controlled, tell, scrape } = await world(MANY_REPLICAS);
    for (let n = 0; n < 3; n++) await tell(replica(n), { [HITS]: [[["a"], [1]]] });
    await controlled.run(SCRAPE_MS);
    expect((await scrape()).get("hits_total")!.samples.map(({ labels }) => labels["replica"])).toEqual([0, 1, 2].map(replica));
  });
});
