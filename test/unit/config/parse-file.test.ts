import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { formatDiagnostics } from "../../../src/config/diagnostics.ts";
import { parseConfigText } from "../../../src/config/parse-file.ts";
import { validateConfig } from "../../../src/config/system-config.ts";

const EXAMPLE = `# The shop.
http_options:
  request_timeout_s: 30
applications:
  - name: shop
    import_path: src/app.ts:app
    deployments:
      - name: Rank
        autoscaling_config:
          min_replicas: 8
          max_replicas: 4
`;

const report = (text: string) => formatDiagnostics(parseConfigText(text, "serve.yaml").diagnostics);

describe("parseConfigText", () => {
  it("reads a file", () => {
    const { config, diagnostics } = parseConfigText(EXAMPLE.replace("8", "1"), "serve.yaml");
    expect(diagnostics).toEqual([]);
    expect(config).toEqual({
      httpOptions: { requestTimeoutMs: 30_000 },
      applications: [
        {
          name: "shop",
          routePrefix: "/",
          importPath: "src/app.ts:app",
          deployments: [{ name: "Rank", options: { autoscaling: { minReplicas: 1, maxReplicas: 4 } } }],
        },
      ],
    });
  });

  it("points at the value", () => {
    const { config, diagnostics } = parseConfigText(EXAMPLE, "serve.yaml");
    expect(config).toBeUndefined();
    expect(diagnostics).toEqual([
      {
        severity: "error",
        path: "applications[0].deployments[0].autoscaling_config.min_replicas",
        message:
          'Application "shop", deployment "Rank": applications[0].deployments[0].autoscaling_config.min_replicas is 8, ' +
          "but max_replicas is 4. min_replicas must not be larger.",
        file: "serve.yaml",
        line: 10,
        column: 25,
      },
    ]);
  });

  it("points at an unknown key itself, and at the parent of a missing one", () => {
    expect(report("applications:\n  - name: a\n    deploy: []\n    route_prefix: /a\n")).toBe(
      [
        'serve.yaml:2:5  Application "a": applications[0].import_path is missing. ' +
          'It must be "<module>:<export>", such as "src/app.ts:app", or "<module>" for its default export.',
        'serve.yaml:3:5  Application "a": applications[0].deploy is an unknown key. Did you mean deployments?',
      ].join("\n"),
    );
  });

  it("points at flow values and at empty ones", () => {
    expect(report("applications: [{ import_path: a, name: 1 }]")).toMatch(/^serve\.yaml:1:40 {2}applications\[0\]\.name must be /);
    expect(report("applications:\n  - import_path:\n")).toMatch(
      /^serve\.yaml:2:\d+ {2}Application "default": applications\[0\]\.import_path must be text .* got null\.$/,
    );
  });

  it("puts warnings last", () => {
    const text = report("proxy_location: EveryNode\napplications: 3\n");
    expect(text.split("\n")).toEqual([
      "serve.yaml:2:15  applications must be an array of applications, got 3.",
      expect.stringMatching(/^serve\.yaml:1:1 {2}warning: proxy_location is Ray Serve's, and is ignored here: /),
    ]);
  });

  it("follows anchors, aliases and merges", () => {
    const text = [
      "x: &defaults { import_path: src/app.ts:app, deployments: [&d { name: A, num_replicas: -1 }] }",
      "applications:",
      "  - { <<: *defaults, name: a, route_prefix: /a }",
      "  - { name: b, import_path: b, route_prefix: /b, deployments: [*d] }",
    ].join("\n");
    expect(
      report(text)
        .split("\n")
        .map((line) => line.split(" must ")[0]),
    ).toEqual([
      "serve.yaml:1:1  x is an unknown key. Accepted: applications, routes, http_options, target_capacity, logging_config.",
      'serve.yaml:1:87  Application "b", deployment "A": applications[1].deployments[0].num_replicas',
      'serve.yaml:3:5  Application "a", deployment "A": applications[0].deployments[0].num_replicas',
    ]);
  });

  it.each([
    ["applications: [", "serve.yaml:1:16  The YAML cannot be read: Flow sequence in block collection must be sufficiently indented"],
    ["a: 1\na: 2\n", "serve.yaml:2:1  The YAML cannot be read: Map keys must be unique."],
    ["a: 1\n---\nb: 2\n", "serve.yaml:2:1  The YAML cannot be read: a config file holds one document, so it has no second ---."],
    ["a: *nowhere\n", "serve.yaml:1:4  The YAML cannot be read: Unresolved alias"],
    ["", "serve.yaml:1:1  The config must be an object, got null."],
    ["just text", 'serve.yaml:1:1  The config must be an object, got "just text".'],
    ["applications: &a [*a]", "serve.yaml:1:19  applications[0] must be an object, got "],
  ])("reports what cannot be read in %j", (text, message) => {
    expect(report(text)).toContain(message);
    expect(parseConfigText(text, "serve.yaml").config).toBeUndefined();
  });

  it("only warns about a tag that it does not know", () => {
    const { config, diagnostics } = parseConfigText("applications: !ours []\n", "serve.yaml");
    expect(config).toBeDefined();
    expect(formatDiagnostics(diagnostics)).toBe("serve.yaml:1:15  warning: YAML warning: Unresolved tag: !ours.");
  });

  it("refuses aliases that multiply", () => {
    const levels = Array.from({ length: 9 }, (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(10)}]`);
    expect(report(["l0: &l0 [x]", ...levels].join("\n"))).toContain("The YAML cannot be read: ");
  });
});

const seconds = fc.integer({ min: 1, max: 2_147_483_647 }).map((ms) => ms / 1000);
// Bare `<<` is YAML's merge key.
const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("<<"));
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,10}$/);

const deployment = fc.record(
  {
    name,
    num_replicas: fc.oneof(fc.nat(50), fc.constant("auto")),
    max_ongoing_requests: fc.integer({ min: 1, max: 1_000_000 }),
    max_queued_requests: fc.integer({ min: -1, max: 1_000_000 }),
    request_timeout_s: seconds,
    user_config: json,
    health_check_period_s: seconds,
    placement: fc.record({ location_hints: fc.array(fc.constantFrom("weur", "enam")) }, { requiredKeys: [] }),
    backpressure_config: fc.record({ status_code: fc.constantFrom(503, 429), retry_after_s: seconds }, { requiredKeys: [] }),
  },
  { requiredKeys: ["name"] },
);

const application = fc.record(
  {
    name,
    import_path: fc.constantFrom("src/app.ts:app", "app", "/a b/c.ts:d"),
    route_prefix: fc.constant(null),
    args: json,
    deployments: fc.uniqueArray(deployment, { selector: (one) => one.name, maxLength: 3 }),
  },
  { requiredKeys: ["name", "import_path", "route_prefix"] },
);

describe("a valid config", () => {
  it("is the same system after a trip through YAML, and through JSON", () => {
    const applications = fc.uniqueArray(application, { selector: (one) => one.name, maxLength: 3 });
    fc.assert(
      fc.property(applications, (some) => {
        const document = { applications: some };
        const { config, diagnostics } = validateConfig(document);
        expect(diagnostics).toEqual([]);
        expect(parseConfigText(stringify(document), "serve.yaml")).toEqual({ config, diagnostics });
        expect(parseConfigText(JSON.stringify(document), "serve.json").config).toEqual(
          validateConfig(JSON.parse(JSON.stringify(document))).config,
        );
      }),
      { numRuns: 200 },
    );
  });
});
