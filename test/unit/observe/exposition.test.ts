import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Metric } from "../../../src/observe/metric-definitions.ts";
import { expose } from "../../../src/operator/exposition.ts";
import { observe } from "../../../src/observe/series.ts";
import { readPrometheus } from "../../support/prometheus.ts";

const GAUGE: Metric = { name: "serve_x", type: "gauge", help: "What it is.", labels: ["a", "b"] };
const HISTOGRAM: Metric = { name: "serve_ms", type: "histogram", help: "Times.", labels: ["a"], bounds: [1, 2.5, 10] };

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom('"', "\\", "\n", '\\"', "\\n", "a\r\nb", "}", '",b="'),
);

describe("Prometheus text", () => {
  it("is what the format's description shows", () => {
    const numbers = [13.5, 1, 0, 1];
    expect(
      expose([
        [GAUGE, [[["/", 'say "hi"\\\n'], [3]]]],
        [HISTOGRAM, [[["/"], numbers]]],
      ]),
    ).toBe(
      [
        "# HELP serve_x What it is.",
        "# TYPE serve_x gauge",
        'serve_x{a="/",b="say \\"hi\\"\\\\\\n"} 3',
        "# HELP serve_ms Times.",
        "# TYPE serve_ms histogram",
        'serve_ms_bucket{a="/",le="1"} 1',
        'serve_ms_bucket{a="/",le="2.5"} 1',
        'serve_ms_bucket{a="/",le="10"} 2',
        'serve_ms_bucket{a="/",le="+Inf"} 2',
        'serve_ms_sum{a="/"} 13.5',
        'serve_ms_count{a="/"} 2',
        "",
      ].join("\n"),
    );
  });

  it("says nothing of a metric that has no series", () => {
    expect(expose([[GAUGE, []]])).toBe("");
  });

  it("gives back every label, help and number that it was given", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(anyText, anyText), { selector: (pair) => pair.join("\0"), minLength: 1, maxLength: 5 }),
        anyText,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (labels, help, value) => {
          const read = readPrometheus(expose([[{ ...GAUGE, help }, labels.map((pair) => [pair, [value]] as const)]]));
          const family = read.get("serve_x")!;
          expect(family).toMatchObject({ type: "gauge", help });
          expect(family.samples.map((sample) => [sample.labels["a"], sample.labels["b"]])).toEqual(labels);
          // There is one zero in it.
          expect(family.samples.every((sample) => sample.value === value)).toBe(true);
        },
      ),
    );
  });

  it("has histograms that add up", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 })), (values) => {
        const numbers = [0];
        for (const value of values) observe(numbers, HISTOGRAM.bounds!, value);
        const { samples } = readPrometheus(expose([[HISTOGRAM, [[["/"], numbers]]]])).get("serve_ms")!;
        const of = (suffix: string, le?: string) =>
          samples.find((one) => one.name === `serve_ms${suffix}` && one.labels["le"] === le)?.value;
        expect(of("_bucket", "2.5")).toBe(values.filter((value) => value <= 2.5).length);
        expect(of("_count")).toBe(values.length);
        expect(of("_sum")).toBe(values.reduce((sum, value) => sum + value, 0));
      }),
    );
  });
});

describe("the reader that tests use", () => {
  it.each([
    ["a line without end", "# HELP a b\n# TYPE a gauge\na 1"],
    ["a sample without TYPE", "a 1\n"],
    ["a family in two parts", "# HELP a b\n# TYPE a gauge\na 1\n# HELP c d\n# TYPE c gauge\n# HELP a b\n# TYPE a gauge\n"],
    ["a quote that is not escaped", '# HELP a b\n# TYPE a gauge\na{l="x"y"} 1\n'],
    ["an escape that is none", '# HELP a b\n# TYPE a gauge\na{l="\\t"} 1\n'],
    ["the same series twice", "# HELP a b\n# TYPE a gauge\na 1\na 2\n"],
    ["a number of JavaScript's", "# HELP a b\n# TYPE a gauge\na Infinity\n"],
    ["a histogram without +Inf", '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
    ["buckets that are not cumulative", '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n'],
  ])("refuses %s", (_, text) => {
    expect(() => readPrometheus(text)).toThrow();
  });
});
