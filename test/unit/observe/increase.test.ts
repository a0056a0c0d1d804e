/**
 * What Prometheus makes of what is scraped: replicas that tell by the real rules, a controller that keeps and shows by the real
 * ones, and scrapers that are simulated.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { keep, SCRAPE_MS, totalOf, youngOf } from "../../../src/controller/metrics-store.ts";
import { systemMetrics } from "../../../src/operator/system-metrics.ts";
import type { ReplicaEvent } from "../../../src/protocol/control.ts";
import type { Measured, MetricsSnapshot } from "../../../src/protocol/metrics.ts";
import { initialReplicaSet } from "../../../src/protocol/replica-set.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";
import { answerOf, replicaOf } from "../../support/model-replica.ts";
import { increase, readPrometheus, type Sample } from "../../support/prometheus.ts";

const NOW = { isSilent: false, isGone: false };
const COUNTS = ["serve_deployment_request_counter_total", "serve_num_http_requests_total", "serve_deployment_processing_latency_ms_count"];
/** Of the scraper: more often than it scrapes, so that each phase is met. */
const LOOK_MS = 1000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

class Model {
  fetch() {
    return new Response("ok");
  }
}

/** An application whose replicas are real, and all that a scraper could have seen, by series. */
function scraped(options: DeploymentOptions = {}) {
  const manifest = manifestOf({ Model: options });
  const config = manifest.deployments["Model"]!;
  const world = new ControlledWorld(manifest);
  const seen = new Map<string, Sample[]>();
  let sent = 0;

  const aheadMs = Date.now() - world.clock.now();
  // The controller's clock is turned by hand, and always before it is told or asked something.
  const catchUp = () => world.run(Date.now() - aheadMs - world.clock.now());
  const look = async () => {
    await catchUp();
    const text = systemMetrics([{ app: "app", metrics: await world.controller.metrics() }]);
    for (const name of COUNTS) {
      for (const { samples } of readPrometheus(text).values()) {
        for (const sample of samples.filter((one) => one.name === name)) {
          const key = JSON.stringify([name, sample.labels]);
          const known = seen.get(key);
          if (known === undefined) seen.set(key, [[Date.now(), sample.value]]);
          else known.push([Date.now(), sample.value]);
        }
      }
    }
  };
  /** The object of a replica is made: it is new, or it has slept. */
  const wake = (ordinal: number) => {
    const name = `app/Model/-/${ordinal}.0`;
    const tell = async (event: ReplicaEvent, metrics?: MetricsSnapshot) => {
      await catchUp();
      return world.controller.report({
        deployment: "Model",
        replica: name,
        version: "v1",
        epoch: 99,
        event,
        ...(metrics === undefined ? {} : { metrics }),
      });
    };
    const replica = replicaOf(Model, {
      limits: config,
      control: {
        control: { report: async ({ event, metrics }) => tell(event, metrics), load: () => undefined, save: () => {} },
        deployment: "Model",
        replica: name,
        version: "v1",
        compiled: { config, set: initialReplicaSet("app", "Model", config, "/") },
        terminate: () => {},
        release: async () => {},
      },
    });
    const send = async (count = 1) => {
      for (let request = 0; request < count; request++) await (await answerOf(replica, "/")).text();
      sent += count;
    };
    return { name, replica, send, tell };
  };
  return {
    world,
    wake,
    /** Lets time pass, and does something `perSecond` times a second. */
    async pass(seconds: number, perSecond = 0, act: () => Promise<void> = async () => {}): Promise<void> {
      for (let second = 0; second < seconds; second++) {
        for (let time = 0; time < perSecond; time++) await act();
        await look();
        await vi.advanceTimersByTimeAsync(LOOK_MS);
      }
    },
    /** The increase of each count over the run by the scraper with this interval that comes `phase` seconds late, to its last scrape. */
    increases(intervalS: number, phase: number): (number | undefined)[] {
      const isScraped = (atMs: number) => (atMs / 1000 - phase) % intervalS === 0;
      const all = [...seen].map(([key, samples]) => [key, samples.filter(([atMs]) => isScraped(atMs))] as const);
      const untilMs = Math.max(...all.map(([, samples]) => samples.at(-1)?.[0] ?? 0));
      return COUNTS.map((name) =>
        all
          .filter(([key]) => key.startsWith(`["${name}"`))
          .map(([, samples]) => increase(samples, 0, untilMs))
          .reduce((sum, more) => (more === undefined ? sum : (sum ?? 0) + more), undefined),
      );
    },
    get sent() {
      return sent;
    },
  };
}

function expectAll(run: ReturnType<typeof scraped>): void {
  for (const intervalS of [1, 5, 10, 15]) {
    for (let phase = 0; phase < intervalS; phase++) {
      for (const [index, sum] of run.increases(intervalS, phase).entries()) {
        const about = `${COUNTS[index]}, each ${intervalS} s from ${phase} s`;
        expect(sum, about).toBeGreaterThanOrEqual(run.sent * 0.98);
        expect(sum, about).toBeLessThanOrEqual(run.sent * 1.02);
      }
    }
  }
}

describe("increase() over a run is what was sent", () => {
  it("to a new deployment, steadily", async () => {
    const run = scraped();
    await run.pass(5);
    const { send } = run.wake(0);
    await run.pass(50, 20, send);
    await run.pass(60);
    expect(run.sent).toBe(1000);
    expectAll(run);
  });

  it("to two replicas, steadily for 45 s", async () => {
    const run = scraped({ numReplicas: 2 });
    const replicas = [run.wake(0), run.wake(1)];
    await run.pass(45, 20, async () => {
      for (const { send } of replicas) await send();
    });
    await run.pass(60);
    expectAll(run);
  });

  it("in one burst between two scrapes, to a deployment that is new", async () => {
    const run = scraped();
    await run.pass(20);
    await run.wake(0).send(137);
    await run.pass(60);
    expectAll(run);
  });

  it("in one burst, to a replica that has worked before and slept", async () => {
    const run = scraped();
    await run.wake(0).send(500);
    await run.pass(600);
    await run.wake(0).send(137);
    await run.pass(60);
    expectAll(run);
  });

  it("in many bursts, with pauses of any length", async () => {
    const run = scraped();
    const { send } = run.wake(0);
    for (const pause of [1, 3, 8, 20, 50, 4, 2, 90, 6, 6, 6, 6, 6, 6]) {
      await send(11);
      await run.pass(pause);
    }
    await run.pass(90);
    expectAll(run);
  });

  it("to replicas of which one is drained in the middle", async () => {
    const run = scraped({ numReplicas: 2 });
    const [first, second] = [run.wake(0), run.wake(1)];
    await run.pass(20, 10, async () => {
      await first.send();
      await second.send();
    });
    await run.world.controller.scale("Model", 1);
    await run.world.run();
    const order = run.world.orders.findLast(({ replica }) => replica.name === second.name)!;
    await second.replica.assign(order.assignment, false);
    await run.pass(60, 10, () => first.send());
    await run.pass(60);
    expect((await run.world.model()).replicas).toHaveLength(1);
    expectAll(run);
  });

  it("to an autoscaled deployment", async () => {
    const run = scraped({ autoscaling: { maxReplicas: 1 } });
    const { send } = run.wake(0);
    await run.pass(50, 20, send);
    await run.pass(60);
    expectAll(run);
  });
});

describe("a scraper", () => {
  it("[G1] that looks each 15 s or more often misses nothing, whenever a count is told", () => {
    const report = fc.record({
      afterMs: fc.integer({ min: 0, max: 60_000 }),
      more: fc.integer({ min: 0, max: 99 }),
      restarts: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(report, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 100, max: SCRAPE_MS }),
        fc.integer({ min: 0, max: SCRAPE_MS }),
        (reports, intervalMs, phaseMs) => {
          let [atMs, startedAtMs, count, all] = [0, 1, 0, 0];
          const kept: (readonly [number, Measured])[] = [];
          for (const { afterMs, more, restarts } of reports) {
            atMs += afterMs;
            if (restarts) [startedAtMs, count] = [startedAtMs + 1, 0];
            count += more;
            all += more;
            kept.push([atMs, keep(kept.at(-1)?.[1], { startedAtMs, series: { requests: [[["/"], [count]]] } }, atMs)]);
          }
          const samples: Sample[] = [];
          for (let nowMs = phaseMs % intervalMs; nowMs < atMs + SCRAPE_MS + intervalMs; nowMs += intervalMs) {
            const measured = kept.findLast(([toldAtMs]) => toldAtMs <= nowMs)?.[1];
            if (measured === undefined) continue;
            const isYoung = youngOf(measured, nowMs).length > 0;
            samples.push([nowMs, isYoung ? 0 : totalOf(measured, NOW)["requests"]![0]![1][0]!]);
          }
          expect(samples.every(([, value], index) => value >= (samples[index - 1]?.[1] ?? 0))).toBe(true);
          expect(samples[0]![1]).toBe(0);
          expect(increase(samples, -1, samples.at(-1)![0]) ?? 0).toBeCloseTo(all, 6);
        },
      ),
    );
  });
});

describe("increase()", () => {
  const each5s = (...values: number[]): Sample[] => values.map((value, index) => [index * 5000, value]);

  it.each([
    // By hand: growth, times the window by the time between the first sample and the last.
    ["within its samples", each5s(0, 10, 20), [-1, 10_000], 20],
    ["up to the end of its window", each5s(0, 10, 20), [-1, 12_000], 24],
    ["at most half a gap beyond a series that ends", each5s(0, 10, 20), [-1, 60_000], 25],
    ["back to where it was 0, and no further", each5s(10, 20, 30), [-4001, 10_000], 28.002],
    ["over a counter that begins anew", each5s(5, 10, 2, 4), [-1, 15_000], 9.0006],
    ["of a single sample, as none", each5s(7), [-1, 60_000], undefined],
  ] as const)("extrapolates as Prometheus does: %s", (_, samples, [fromMs, untilMs], expected) => {
    const found = increase(samples, fromMs, untilMs);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(expected, 4);
  });
});
