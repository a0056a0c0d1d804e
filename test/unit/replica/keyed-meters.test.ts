/**
 * What the objects of keys have counted is told together, once each, however many there are and whatever becomes of them.
 */
import { describe, expect, it } from "vitest";
import { KeyedMeters } from "../../../src/replica/keyed-meters.ts";
import { define } from "../../../src/observe/user-metric.ts";
import { UserSeries } from "../../../src/observe/user-series.ts";
import type { MetricsSnapshot } from "../../../src/protocol/metrics.ts";

/** Time that passes when it is told to. */
class Clock {
  nowMs = 1_000_000;
  readonly #sleepers: { readonly atMs: number; wake(): void }[] = [];

  readonly sleep = (ms: number): Promise<void> => new Promise((wake) => this.#sleepers.push({ atMs: this.nowMs + ms, wake: () => wake() }));

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      this.#sleepers.sort((a, b) => b.atMs - a.atMs);
      const next = this.#sleepers.at(-1);
      if (next === undefined || next.atMs > endMs) break;
      this.#sleepers.pop();
      this.nowMs = next.atMs;
      next.wake();
    }
    this.nowMs = endMs;
  }
}

function system() {
  const clock = new Clock();
  const told: { readonly atMs: number; readonly guest: string | undefined; readonly counted: MetricsSnapshot["series"] }[] = [];
  let isDown = false;
  const meters = new KeyedMeters({
    now: () => clock.nowMs,
    sleep: (ms) => clock.sleep(ms),
    keepAlive() {},
    async tell({ series }, guest) {
      if (isDown) throw new Error("nobody heard it");
      told.push({ atMs: clock.nowMs, guest, counted: series });
    },
  });
  return {
    clock,
    told,
    meters,
    fail: (is: boolean) => void (isDown = is),
    sum: (key: string, guest?: string) =>
      told
        .filter((one) => one.guest === guest)
        .flatMap(({ counted }) => counted[key] ?? [])
        .reduce((sum, [, [number = 0]]) => sum + number, 0),
    /** An object with a counter. */
    object(more: () => MetricsSnapshot["series"] = () => ({})) {
      let count = 0;
      const noted = meters.of({
        measured: () => ({ startedAtMs: 0, series: { requests: [[["/"], [count]]], ongoing: [[[], [1]]], ...more() } }),
        heard() {},
      });
      return () => {
        count++;
        noted();
      };
    },
  };
}

describe("the meters of a keyed deployment in an isolate", () => {
  it("tell what 50 objects have counted, once each, at most once in five seconds", async () => {
    const { clock, told, sum, object } = system();
    const objects = Array.from({ length: 50 }, () => object());
    for (let second = 0; second < 30; second++) {
      for (const count of objects) count();
      await clock.pass(1000);
    }
    await clock.pass(10_000);
    expect(sum("requests")).toBe(50 * 30);
    expect(told.length).toBeLessThanOrEqual(8);
    const gaps = told.slice(1).map(({ atMs }, index) => atMs - told[index]!.atMs);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5000);
    // What is so at a moment does not add up.
    expect(sum("ongoing")).toBe(0);
  });

  it("tell nothing where nothing was counted", async () => {
    const { clock, told, object } = system();
    object()();
    await clock.pass(600_000);
    expect(told).toHaveLength(1);
  });

  it("tell later what did not arrive", async () => {
    const { clock, sum, object, fail } = system();
    const count = object();
    fail(true);
    count();
    await clock.pass(20_000);
    expect(sum("requests")).toBe(0);
    fail(false);
    count();
    await clock.pass(10_000);
    expect(sum("requests")).toBe(2);
  });

  it("tell what an object has counted that is gone with its timers", async () => {
    const { clock, sum, object, meters } = system();
    const { sleep } = clock;
    // What waits in an object that is ended comes to no end.
    const kept = clock as { sleep: Clock["sleep"] };
    kept.sleep = () => new Promise(() => {});
    object()();
    kept.sleep = sleep;
    await clock.pass(60_000);
    meters.gone();
    await clock.pass(10_000);
    expect(sum("requests")).toBe(1);
  });

  it("tell of what runs inline in the objects under its own name", async () => {
    const { clock, sum, object } = system();
    object(() => ({ "requests@other/Tokenizer": [[["/"], [3]]] }))();
    await clock.pass(1000);
    expect([sum("requests"), sum("requests", "other/Tokenizer")]).toEqual([1, 3]);
  });

  it.each<[what: string, sets: readonly (readonly [object: number, value: number, passesMs: number])[], told: readonly number[]]>([
    [
      "by two in the same report",
      [
        [0, 5, 0],
        [1, 7, 0],
      ],
      [7],
    ],
    [
      "by the first of two",
      [
        [0, 5, 0],
        [1, 7, 0],
        [0, 6, 0],
      ],
      [6],
    ],
    [
      "to what the object had set before, and another one had changed",
      [
        [0, 5, 6000],
        [1, 7, 6000],
        [0, 5, 0],
      ],
      [5, 7, 5],
    ],
    ["to 0", [[0, 0, 0]], [0]],
    [
      "to 0 after another one had set it",
      [
        [0, 5, 6000],
        [1, 0, 0],
      ],
      [5, 0],
    ],
  ])("let what the application has set last hold: %s", async (_, sets, expected) => {
    const { clock, told, meters } = system();
    const key = JSON.stringify(["gauge", "items", []]);
    const gauge = define("gauge", "items", {});
    const objects = [0, 1].map(() => {
      const series = new UserSeries();
      const measured = () => ({ startedAtMs: 0, series: series.take().series });
      return { series, noted: meters.of({ measured, heard: () => series.heard(series.take()) }) };
    });
    for (const [at, value, passesMs] of sets) {
      objects[at]!.series.at(gauge, [])[0] = value;
      objects[at]!.noted();
      await clock.pass(passesMs);
    }
    await clock.pass(6000);
    expect(told.map(({ counted }) => counted[key])).toEqual(expected.map((value) => [[[], [value]]]));
  });
});
