/** `serve.metrics`: what is refused, and what is counted where. Names are each test's own: a name means one thing in an isolate. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { runInScope } from "../../../src/context/scope.ts";
import { setMetricsTeller } from "../../../src/observe/isolate-metrics.ts";
import { Counter, Gauge, Histogram } from "../../../src/observe/metrics.ts";
import { userSeriesOf } from "../../../src/observe/user-series.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";
import type { UserCounts } from "../../../src/protocol/metrics.ts";
import { replicaScope } from "../../support/scope.ts";

/** Runs in a replica, and gives what is taken of it: numbers by metric and tags. */
function counted(body: () => void): Record<string, readonly number[]> {
  const replica = replicaScope();
  runInScope({ replica, request: undefined }, body);
  const { series } = userSeriesOf(replica).take();
  return Object.fromEntries(
    Object.entries(series).flatMap(([key, list]) =>
      list.map(([labels, numbers]) => [[(JSON.parse(key) as string[])[1], ...labels].join(" "), numbers] as const),
    ),
  );
}

const any = (value: unknown) => value as never;

describe("a metric is refused at its line", () => {
  const there = [
    new Counter("t_taken", { tagKeys: ["a", "b"] }),
    new Histogram("t_hist", { boundaries: [1, 2] }),
    new Gauge("t_total_gauge_total"),
    new Gauge("t_later_sum"),
  ];

  it("has the names that it is scraped by", () => {
    expect(there.map(({ name }) => name)).toEqual(["t_taken_total", "t_hist", "t_total_gauge_total", "t_later_sum"]);
  });

  it.each<[about: string, make: () => unknown, says: RegExp]>([
    ["an empty name", () => new Counter(""), /letters, digits/],
    ["a name that begins with a digit", () => new Counter("1x"), /letters, digits/],
    ["a name with a dash", () => new Gauge("a-b"), /letters, digits/],
    ["a name with a line's end", () => new Gauge("a\nb"), /letters, digits/],
    ["a name that is no string", () => new Gauge(any(7)), /must be a string/],
    ["a name of 201 characters", () => new Gauge("x".repeat(201)), /at most 200/],
    ["a name of the framework's", () => new Counter("serve_requests"), /serve_/],
    ["options that are none", () => new Counter("t_options", any(null)), /object of options/],
    ["a description that is no text", () => new Counter("t_description", { description: any(1) }), /description/],
    ["tagKeys that are no array", () => new Counter("t_keys", { tagKeys: any("ab") }), /tagKeys must be an array/],
    ["a tag with a dash", () => new Counter("t_keys", { tagKeys: ["a-b"] }), /"a-b"/],
    ["a tag that begins with __", () => new Counter("t_keys", { tagKeys: ["__a"] }), /"__a"/],
    ["a tag that each series has", () => new Counter("t_keys", { tagKeys: ["replica"] }), /"replica"/],
    ["a tag that buckets have", () => new Histogram("t_keys", { boundaries: [1], tagKeys: ["le"] }), /"le"/],
    ["a tag twice", () => new Counter("t_keys", { tagKeys: ["a", "a"] }), /twice/],
    ["eleven tags", () => new Counter("t_keys", { tagKeys: Array.from({ length: 11 }, (_, n) => `t${n}`) }), /at most 10/],
    ["one name with two kinds", () => new Gauge("t_taken_total"), /there is a counter/],
    ["one name with two kinds, as it is scraped", () => new Counter("t_total_gauge"), /there is a gauge/],
    ["one name with two sets of tags", () => new Counter("t_taken", { tagKeys: ["a"] }), /the tags a, b before/],
    ["one histogram with two sets of boundaries", () => new Histogram("t_hist", { boundaries: [1, 3] }), /boundaries 1, 2 before/],
    ["a name that is a line of a histogram's", () => new Gauge("t_hist_sum"), /histogram "t_hist"/],
    ["a histogram with a line that is a metric", () => new Histogram("t_later", { boundaries: [1] }), /gauge "t_later_sum"/],
    ["a histogram without boundaries", () => new Histogram("t_bounds", any({})), /boundaries are required/],
    ["a histogram without options", () => new Histogram("t_bounds", any(undefined)), /boundaries are required/],
    ["no boundaries in the list", () => new Histogram("t_bounds", { boundaries: [] }), /boundaries are required/],
    ["boundaries that descend", () => new Histogram("t_bounds", { boundaries: [2, 1] }), /ascend/],
    ["two equal boundaries", () => new Histogram("t_bounds", { boundaries: [1, 1] }), /ascend/],
    ["a boundary without an end", () => new Histogram("t_bounds", { boundaries: [1, Infinity] }), /boundaries\[1\]/],
    ["a boundary that is no number", () => new Histogram("t_bounds", { boundaries: [any("1")] }), /boundaries\[0\]/],
  ])("%s", (_, make, says) => {
    expect(make).toThrow(says);
    expect(make).toThrow(ConfigError);
  });

  const counter = new Counter("t_counter", { tagKeys: ["a"] });
  const gauge = new Gauge("t_gauge");
  const histogram = new Histogram("t_histogram", { boundaries: [1] });

  it.each<[about: string, use: () => unknown, says: RegExp]>([
    ["a negative inc", () => counter.inc(-1), /only grows/],
    ["an inc by NaN", () => counter.inc(NaN), /finite/],
    ["an inc by Infinity", () => counter.inc(Infinity), /finite/],
    ["an inc by text", () => counter.inc(any("1")), /finite/],
    ["a set to NaN", () => gauge.set(NaN), /finite/],
    ["a set to nothing", () => gauge.set(any(undefined)), /finite/],
    ["a bigint", () => gauge.set(any(1n)), /finite/],
    ["an observed -Infinity", () => histogram.observe(-Infinity), /finite/],
    ["a tag that was not declared", () => counter.inc(1, { b: "x" }), /"b" was not declared/],
    ["a tag where none was declared", () => gauge.set(1, { constructor: "x" }), /has no tags/],
    ["a default tag that was not declared", () => counter.setDefaultTags({ b: "x" }), /"b" was not declared/],
    ["a tag that is no text", () => counter.inc(1, { a: any({}) }), /"a" must be a string/],
    ["tags that are none", () => counter.inc(1, any("a")), /tags must be an object/],
  ])("%s", (_, use, says) => {
    const seen = counted(() => expect(use).toThrow(says));
    expect(seen).toEqual({});
    expect(use).toThrow(ConfigError);
  });
});

describe("what is counted", () => {
  it("adds, sets and observes, by tags and their defaults", () => {
    const counter = new Counter("c_hits", { tagKeys: ["kind", "ok"] });
    const gauge = new Gauge("c_depth");
    const histogram = new Histogram("c_size", { boundaries: [1, 10], tagKeys: ["kind"] });
    counter.setDefaultTags({ kind: "page" });
    const seen = counted(() => {
      counter.inc();
      counter.inc(2.5, { ok: true });
      counter.inc(0, { kind: "file", ok: 1 });
      gauge.set(7);
      gauge.set(-3);
      for (const value of [1, 2, 11]) histogram.observe(value);
    });
    expect(seen).toEqual({
      "c_hits_total page ": [1],
      "c_hits_total page true": [2.5],
      "c_hits_total file 1": [0],
      c_depth: [-3],
      "c_size ": [14, 1, 1, 1],
    });
  });

  it("is one metric wherever it is made, with default tags of each object's own", () => {
    const [a, b] = [new Counter("c_one", { tagKeys: ["x"] }), new Counter("c_one_total", { tagKeys: ["x"] })];
    a.setDefaultTags({ x: "a" });
    a.setDefaultTags({});
    b.setDefaultTags({ x: "b" });
    expect([a.name, b.name]).toEqual(["c_one_total", "c_one_total"]);
    expect(counted(() => [a, a, b].forEach((one) => one.inc()))).toEqual({ "c_one_total ": [2], "c_one_total b": [1] });
  });

  it("has at most 100 series of a metric, and the rest as `other`", () => {
    const counter = new Counter("c_many", { tagKeys: ["id", "kind"] });
    const seen = counted(() => {
      for (let n = 0; n < 300; n++) counter.inc(1, { id: n % 150 });
    });
    expect(Object.keys(seen)).toHaveLength(101);
    expect([seen["c_many_total 99 "], seen["c_many_total other other"]]).toEqual([[2], [100]]);
  });

  it("has at most 1,000 series in all, and every metric at least one", () => {
    const counters = Array.from({ length: 12 }, (_, n) => new Counter(`c_all_${n}`, { tagKeys: ["id"] }));
    const late = new Counter("c_late");
    const seen = counted(() => {
      for (const counter of counters) for (let n = 0; n < 100; n++) counter.inc(1, { id: n });
      late.inc();
    });
    const others = Object.keys(seen).filter((name) => name.endsWith(" other"));
    expect([Object.keys(seen).length, others]).toEqual([1003, ["c_all_10_total other", "c_all_11_total other"]]);
    expect(Object.values(seen).reduce((sum, [number]) => sum + number!, 0)).toBe(1201);
  });

  it("takes no more than a row has room for, however long tags and buckets are", () => {
    const boundaries = Array.from({ length: 100 }, (_, n) => n);
    const histograms = Array.from({ length: 10 }, (_, n) => new Histogram(`c_large_${n}`, { boundaries, tagKeys: ["id"] }));
    const seen = counted(() => {
      for (const one of histograms) for (let n = 0; n < 100; n++) one.observe(1000, { id: `${n} ${"x".repeat(10_000)}` });
    });
    expect(JSON.stringify(seen).length).toBeLessThan(1_000_000);
    expect(Object.values(seen).reduce((sum, numbers) => sum + numbers.at(-1)!, 0)).toBe(1000);
  });

  it("is a replica's own, also where several share an isolate", () => {
    const counter = new Counter("c_shared");
    expect([counted(() => counter.inc(1)), counted(() => counter.inc(2))]).toEqual([{ c_shared_total: [1] }, { c_shared_total: [2] }]);
  });
});

describe("what is taken", () => {
  it("has changed since the last that was heard, and nothing else", () => {
    const [counter, other] = [new Counter("k_a", { tagKeys: ["x"] }), new Counter("k_b", { description: "Bs." })];
    const replica = replicaScope();
    const series = userSeriesOf(replica);
    const inReplica = (body: () => void) => runInScope({ replica, request: undefined }, body);
    const labels = () => {
      const taken = series.take();
      return { taken, seen: Object.values(taken.series).flatMap((list) => list.map(([label, [number]]) => [...label, number])) };
    };
    inReplica(() => (counter.inc(1, { x: "p" }), other.inc()));
    const first = labels();
    expect([first.seen, first.taken.about]).toEqual([[["p", 1], [1]], { k_b_total: "Bs." }]);
    // Not heard: it comes again, with what was added meanwhile.
    inReplica(() => counter.inc(1, { x: "q" }));
    const second = labels();
    expect(second.seen).toEqual([["p", 1], ["q", 1], [1]]);
    inReplica(() => counter.inc(1, { x: "q" }));
    series.heard(second.taken);
    expect(series.hasNews).toBe(true);
    const third = labels();
    expect(third.seen).toEqual([["q", 2]]);
    series.heard(third.taken);
    expect([series.hasNews, labels().seen]).toEqual([false, []]);
  });
});

describe("code that runs in no replica", () => {
  afterEach(() => setMetricsTeller(undefined));

  function teller() {
    const told: UserCounts[] = [];
    const kept: Promise<unknown>[] = [];
    const wakers: (() => void)[] = [];
    const ports = {
      tell: vi.fn(async (counts: UserCounts) => void told.push(counts)),
      keepAlive: (promise: Promise<unknown>) => void kept.push(promise),
      sleep: () => new Promise<void>((resolve) => wakers.push(resolve)),
      now: () => 1_000_000,
    };
    setMetricsTeller(ports);
    const wake = async () => {
      for (const resolve of wakers.splice(0)) resolve();
      await Promise.all(kept.splice(0));
    };
    const values = () => told.map(({ series }) => Object.values(series).map(([one]) => one![1]));
    return { ports, wake, values, kept };
  }

  const counter = new Counter("w_hits");
  const gauge = new Gauge("w_depth");

  it("tells what it has added since it told so last, together", async () => {
    const { wake, values, kept } = teller();
    counter.inc();
    counter.inc(2);
    gauge.set(5);
    expect(kept).toHaveLength(1);
    await wake();
    counter.inc(4);
    await wake();
    expect(values()).toEqual([[[3], [5]], [[4]]]);
    await wake();
    expect(values()).toHaveLength(2);
  });

  it("counts where nothing can be told yet, as while modules load, and never fails", async () => {
    const { ports, wake, values } = teller();
    const { keepAlive } = ports;
    ports.keepAlive = () => {
      throw new Error("Disallowed operation called within global scope.");
    };
    counter.inc();
    ports.keepAlive = keepAlive;
    counter.inc();
    await wake();
    expect(values()).toEqual([[[2]]]);
    ports.tell.mockRejectedValueOnce(new Error("The object is gone."));
    counter.inc();
    await wake();
    counter.inc(7);
    await wake();
    // What may have been heard is not told twice.
    expect(values()).toEqual([[[2]], [[7]]]);
  });

  it("does nothing where nobody is to be told", () => {
    expect(() => (counter.inc(), gauge.set(1))).not.toThrow();
  });
});
