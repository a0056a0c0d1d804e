import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Finding, formatPath, withNames } from "../../../src/config/diagnostics.ts";
import { readRoutes } from "../../../src/config/routes.ts";
import { documentOf } from "../../../src/config/to-document.ts";
import { validateConfig } from "../../../src/config/system-config.ts";

const APPLICATIONS = [{ name: "v1", route_prefix: null }, { name: "v2", route_prefix: null }, { name: "v3", route_prefix: "/v3" }, {}];

function read(routes: unknown, applications: unknown = APPLICATIONS) {
  const findings: Finding[] = [];
  const result = readRoutes(routes, applications, findings);
  return { routes: result, findings: findings.map((finding) => withNames(finding, { applications, routes })) };
}

const SPLIT = [
  { application: "v1", percent: 95 },
  { application: "v2", percent: 5 },
];
const CANARY = { stable: "v1", candidate: "v2", steps: [5, 25, 50, 100] };

describe("routes that are accepted", () => {
  it("are those of a document, in code's spelling, with their defaults", () => {
    const document = [
      { prefix: "/rank", split: SPLIT, sticky_header: "X-Session-Id", shadow: { application: "v3", percent: 10 } },
      { prefix: "/search", canary: { ...CANARY, step_interval_s: 5.5, min_requests: 1, max_error_percent: 0, max_p95_ratio: 2 } },
      { prefix: "/more", canary: CANARY },
    ];
    const limits = { stepIntervalMs: 300_000, minRequests: 50, maxErrorPercent: 1, maxP95Ratio: 1.5 };
    expect(read(document)).toEqual({
      findings: [],
      routes: [
        { prefix: "/rank", split: SPLIT, stickyHeader: "x-session-id", shadow: { application: "v3", percent: 10 } },
        { prefix: "/search", canary: { ...CANARY, stepIntervalMs: 5500, minRequests: 1, maxErrorPercent: 0, maxP95Ratio: 2 } },
        { prefix: "/more", canary: { ...CANARY, ...limits } },
      ],
    });
  });

  it.each([undefined, null, []])("are none where there is %j", (routes) => {
    expect(read(routes)).toEqual({ routes: [], findings: [] });
  });

  it.each<[string, object]>([
    ["percentages whose sum as floating point is not 100", { split: [33.33, 33.33, 33.34] }],
    ["ten times 10", { split: [10.1, 20.2, 29.3, 40.4] }],
    ["hundredths", { split: [0.01, 99.99] }],
    ["all and nothing", { split: [0, 100] }],
    ["one application", { split: [100] }],
  ])("have %s", (_, { split }: { split?: number[] }) => {
    const names = ["v1", "v2", "v3", "default"];
    const shares = split!.map((percent, index) => ({ application: names[index], percent }));
    expect(read([{ prefix: "/rank", split: shares }])).toMatchObject({ findings: [], routes: [{ split: shares }] });
  });

  it("have a shadow and a sticky header beside a canary too", () => {
    const route = { prefix: "/a/b", canary: CANARY, sticky_header: "cookie", shadow: { application: "v3", percent: 0.5 } };
    expect(read([route]).findings).toEqual([]);
  });

  it("are the same text if they say the same: neither the order of keys nor a default that is said makes another canary", () => {
    const said = { max_p95_ratio: 1.5, max_error_percent: 1, min_requests: 50, step_interval_s: 300, steps: [5, 25, 50, 100] };
    const shadow = { application: "v3", percent: 1 };
    const routes = [
      { prefix: "/x", canary: CANARY, sticky_header: "x-a", shadow },
      { shadow: { percent: 1, application: "v3" }, sticky_header: "X-A", canary: { ...said, candidate: "v2", stable: "v1" }, prefix: "/x" },
    ].map((route) => JSON.stringify(read([route]).routes));
    expect(routes[0]).toContain("v2");
    expect(routes[1]).toBe(routes[0]);
  });

  it("come back as they were from the document that is made of them", () => {
    const hundredths = fc.nat(10_000);
    const route = fc.oneof(
      hundredths.map((cells) => ({
        split: [
          { application: "v1", percent: cells / 100 },
          { application: "v2", percent: (10_000 - cells) / 100 },
        ],
      })),
      fc
        .record(
          {
            stable: fc.constant("v1"),
            candidate: fc.constant("v2"),
            steps: fc
              .uniqueArray(fc.integer({ min: 1, max: 9999 }), { maxLength: 8 })
              .map((steps) => [...steps.toSorted((a, b) => a - b).map((step) => step / 100), 100]),
            step_interval_s: fc.integer({ min: 5000, max: 1e6 }).map((ms) => ms / 1000),
            min_requests: fc.integer({ min: 1, max: 1e6 }),
            max_error_percent: fc.double({ min: 0, max: 100, noNaN: true }),
          },
          { requiredKeys: ["stable", "candidate", "steps"] },
        )
        .map((canary) => ({ canary })),
    );
    const more = fc.record(
      { sticky_header: fc.constantFrom("x-a", "X-B"), shadow: fc.constant({ application: "v3", percent: 1.5 }) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(route, more, (one, other) => {
        const { routes, findings } = read([{ prefix: "/x", ...one, ...other }]);
        expect(findings).toEqual([]);
        expect(read(JSON.parse(JSON.stringify(documentOf([], [], routes).routes ?? [])))).toEqual({ routes, findings: [] });
      }),
      { numRuns: 500 },
    );
  });
});

describe("a route that is refused", () => {
  const of = (split: unknown[]) => ({ prefix: "/rank", split });
  const share = (application: unknown, percent: unknown) => ({ application, percent });
  const canary = (more: object) => ({ prefix: "/search", canary: { ...CANARY, ...more } });

  it.each<[string, unknown, string, string[]]>([
    ["that is none", 7, "routes[0]", ["object", "7"]],
    ["without a prefix", { split: SPLIT }, "routes[0].prefix", ["missing", '"/"']],
    ["without HTTP", { prefix: null, split: SPLIT }, "routes[0].prefix", ["null", '"/"']],
    ["whose prefix breaks the rules", { prefix: "/a/", split: SPLIT }, "routes[0].prefix", ['"/a/"']],
    ["whose prefix is edge-serve's own", { prefix: "/-/x", split: SPLIT }, "routes[0].prefix", ['"/-/x"']],
    [
      "whose prefix an application has",
      { prefix: "/v3", split: SPLIT },
      "routes[0].prefix",
      ['"/v3"', 'application "v3"', "applications[2]"],
    ],
    ["whose prefix an application has by default", { prefix: "/", split: SPLIT }, "routes[0].prefix", ['application "default"']],
    ["with neither of the two", { prefix: "/x" }, "routes[0]", ["split", "canary"]],
    ["with both", { prefix: "/x", split: SPLIT, canary: CANARY }, "routes[0].canary", ["split"]],
    ["with a key that nobody knows", { prefix: "/x", splits: SPLIT, canary: CANARY }, "routes[0].splits", ["split?"]],
    ["whose split is no list", { prefix: "/x", split: { v1: 100 } }, "routes[0].split", ["array", "v1"]],
    ["whose split is empty", of([]), "routes[0].split", ["100", "got 0"]],
    ["whose shares are too little", of([share("v1", 99.99)]), "routes[0].split", ["100", "99.99"]],
    ["whose shares are too much", of([share("v1", 99.99), share("v2", 0.02)]), "routes[0].split", ["100", "100.01"]],
    [
      "with a share of three decimals",
      of([share("v1", 99.999), share("v2", 0.001)]),
      "routes[0].split[0].percent",
      ["two decimals", "99.999"],
    ],
    ["with a share below 0", of([share("v1", 101), share("v2", -1)]), "routes[0].split[1].percent", ["from 0 to 100", "-1"]],
    ["with a share that is no number", of([share("v1", "95")]), "routes[0].split[0].percent", ["number", '"95"']],
    ["with a share of nobody", of([{ percent: 100 }]), "routes[0].split[0].application", ["missing"]],
    ["with a share of nothing", of([{ application: "v1" }]), "routes[0].split[0].percent", ["missing", "two decimals"]],
    ["with an application twice", of([share("v1", 50), share("v1", 50)]), "routes[0].split[1].application", ['"v1"', "routes[0].split[0]"]],
    [
      "with an application that is not there",
      of([share("ranker", 100)]),
      "routes[0].split[0].application",
      ['"ranker"', '"v1"', '"default"'],
    ],
    [
      "with an application whose name is mistyped",
      of([share("defualt", 100)]),
      "routes[0].split[0].application",
      ['"defualt"', '"default"?'],
    ],
    ["with no name for an application", of([share("a b", 100)]), "routes[0].split[0].application", ["letter", '"a b"']],
    ["with a shadow that is not there", { ...of(SPLIT), shadow: share("v9", 1) }, "routes[0].shadow.application", ['"v9"']],
    ["with a shadow of too much", { ...of(SPLIT), shadow: share("v3", 101) }, "routes[0].shadow.percent", ["101"]],
    ["with no name for a header", { ...of(SPLIT), sticky_header: "a b" }, "routes[0].sticky_header", ["header", '"a b"']],
    ["with a candidate that is not there", canary({ candidate: "v9" }), "routes[0].canary.candidate", ['"v9"']],
    ["without a stable application", canary({ stable: undefined }), "routes[0].canary.stable", ["missing"]],
    ["whose candidate is the stable one", canary({ candidate: "v1" }), "routes[0].canary.candidate", ["another", '"v1"']],
    ["without steps", canary({ steps: undefined }), "routes[0].canary.steps", ["missing", "ascend"]],
    ["with no step", canary({ steps: [] }), "routes[0].canary.steps", ["ascend", "[]"]],
    ["whose steps end early", canary({ steps: [5, 50] }), "routes[0].canary.steps", ["100", "[5,50]"]],
    ["whose steps go back", canary({ steps: [50, 5, 100] }), "routes[0].canary.steps", ["ascend", "[50,5,100]"]],
    ["with a step twice", canary({ steps: [5, 5, 100] }), "routes[0].canary.steps", ["ascend"]],
    ["with a step to 0", canary({ steps: [0, 100] }), "routes[0].canary.steps[0]", ["above 0", "got 0"]],
    ["with a step of three decimals", canary({ steps: [0.125, 100] }), "routes[0].canary.steps[0]", ["two decimals", "0.125"]],
    ["with steps that are too short", canary({ step_interval_s: 4.999 }), "routes[0].canary.step_interval_s", ["from 5 ", "4.999"]],
    ["with steps that are too long", canary({ step_interval_s: 2_147_484 }), "routes[0].canary.step_interval_s", ["2147483.647"]],
    ["with no request to be judged by", canary({ min_requests: 0 }), "routes[0].canary.min_requests", ["from 1 ", "got 0"]],
    ["with half a request", canary({ min_requests: 1.5 }), "routes[0].canary.min_requests", ["integer", "1.5"]],
    ["with more errors than all", canary({ max_error_percent: 101 }), "routes[0].canary.max_error_percent", ["100", "101"]],
    ["with a ratio of 0", canary({ max_p95_ratio: 0 }), "routes[0].canary.max_p95_ratio", ["above 0", "got 0"]],
    ["with a ratio without end", canary({ max_p95_ratio: Infinity }), "routes[0].canary.max_p95_ratio", ["1000", "Infinity"]],
    ["with a canary that is none", { prefix: "/x", canary: "v2" }, "routes[0].canary", ["object", '"v2"']],
  ])("is one %s", (_, route, path, named) => {
    const { routes, findings } = read([route]);
    const finding = findings.find(({ segments }) => formatPath(segments) === path);
    expect(finding, JSON.stringify(findings)).toBeDefined();
    for (const part of [path, ...named]) expect(finding!.message).toContain(part);
    expect(routes).toEqual([]);
  });

  it("is one whose prefix another route has", () => {
    const { findings } = read([
      { prefix: "/x", split: SPLIT },
      { prefix: "/x", canary: CANARY },
    ]);
    expect(findings.map(({ message }) => message)).toEqual([expect.stringMatching(/^Route "\/x": routes\[1\]\.prefix .*routes\[0\]/)]);
  });

  it("is said where the document has no list of routes", () => {
    const { diagnostics } = validateConfig({ applications: [], routes: { "/rank": SPLIT } });
    expect(diagnostics.map(({ message }) => message)).toEqual([expect.stringMatching(/^routes must be an array/)]);
  });

  const many = <T>(item: (index: number) => T): T[] => Array.from({ length: 100_000 }, (_, index) => item(index));
  it.each<[string, unknown, unknown]>([
    ["routes that are none", many(() => 1), APPLICATIONS],
    ["routes of one prefix", many(() => ({ prefix: "/x", split: SPLIT })), APPLICATIONS],
    ["shares that are none", [of(many(() => 1))], APPLICATIONS],
    ["shares of one application", [of(many(() => share("v1", 0)))], APPLICATIONS],
    [
      "shares of nobody known, beside many applications",
      [of(many((index) => share(`x${index}`, 0)))],
      many((index) => ({ name: `a${index}` })),
    ],
    ["steps", [canary({ steps: many(() => 1) })], APPLICATIONS],
    ["a long prefix", [{ prefix: "/".repeat(1_000_000), split: SPLIT }], APPLICATIONS],
    ["a long header", [{ prefix: "/x", split: SPLIT, sticky_header: "x".repeat(1_000_000) }], APPLICATIONS],
    ["a long name", [of([share("x".repeat(1_000_000), 100)])], APPLICATIONS],
    ["a prototype as a key", [JSON.parse('{"prefix":"/x","__proto__":{"split":[]}}')], APPLICATIONS],
  ])("is answered with short sentences, in no time, whatever it is made of: %s", (_, routes, applications) => {
    const { routes: accepted, findings } = read(routes, applications);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.length).toBeLessThan(1010);
    expect(accepted.length).toBeLessThan(2);
    for (const { message } of findings.slice(0, 50)) expect(message.length).toBeLessThan(1000);
  });

  it("is never the reason for a throw, whatever it is", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (routes, applications) => {
        read([routes, ...(Array.isArray(routes) ? routes : [])], applications);
      }),
      { numRuns: 1000 },
    );
  });
});
