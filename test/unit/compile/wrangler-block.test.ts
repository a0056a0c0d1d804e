import * as fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { type BlockReport, updateWranglerToml, type WantedBlock } from "../../../src/compile/wrangler-block.ts";

const WANTED: WantedBlock = {
  file: "wrangler.toml",
  workerName: "hello",
  main: ".edge-serve/worker.ts",
  compatibilityDate: "2026-11-01",
  compatibilityFlags: ["enable_request_signal"],
  classes: ["default__Hello", "default__World"],
  prune: false,
};

function update(text: string | undefined, wanted: Partial<WantedBlock> = {}): { text: string; report: BlockReport } {
  const result = updateWranglerToml(text, { ...WANTED, ...wanted });
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  return result;
}

function problems(text: string, wanted: Partial<WantedBlock> = {}): readonly string[] {
  const result = updateWranglerToml(text, { ...WANTED, ...wanted });
  return "problems" in result ? result.problems : [];
}

const OWN = `# my worker
name = "mine" # keep
main = ".edge-serve/worker.ts"
compatibility_date = "2026-11-01"
compatibility_flags = ["enable_request_signal"]

# the variables
[vars]
TEXT = """
[exports.default__Hello]
# >>> edge-serve classes
"""
`;

describe("updateWranglerToml", () => {
  it("writes a small complete file where there is none", () => {
    expect(update(undefined).text).toMatchInlineSnapshot(`
      "# The Worker's configuration: https://developers.cloudflare.com/workers/wrangler/configuration/
      name = "hello"
      main = ".edge-serve/worker.ts"
      compatibility_date = "2026-11-01"
      compatibility_flags = ["enable_request_signal"]

      [observability]
      enabled = true

      # >>> edge-serve classes: written by edge-serve build; changes here are lost
      [exports.default__Hello]
      type = "durable-object"
      storage = "sqlite"

      [exports.default__World]
      type = "durable-object"
      storage = "sqlite"
      # <<< edge-serve classes
      "
    `);
  });

  it("[W1] appends the classes and keeps every other byte", () => {
    const { text, report } = update(OWN);
    expect(text.startsWith(OWN)).toBe(true);
    expect(report).toEqual({ added: WANTED.classes, retired: [], deleted: [], warnings: [] });
  });

  it("supplies the top-level settings that are missing before the first table", () => {
    const { text } = update('name = "mine"\ncompatibility_date = "2026-11-17"\n\n# the variables\n[vars]\nA = "1"\n');
    expect(text).toContain(
      'compatibility_date = "2026-11-17"\n# >>> edge-serve settings: written by edge-serve build; changes here are lost\n' +
        'main = ".edge-serve/worker.ts"\ncompatibility_flags = ["enable_request_signal"]\n# <<< edge-serve settings\n\n# the variables\n[vars]\n',
    );
    expect(parse(text)).toMatchObject({ main: ".edge-serve/worker.ts", vars: { A: "1" } });
  });

  it("drops a setting from its region once the file gives it", () => {
    const before = update('name = "mine"\n[vars]\nA = "1"\n').text;
    const given = before
      .replace('name = "mine"\n', 'name = "mine"\nmain = ".edge-serve/worker.ts"\n')
      .replace(/(?<=changes here are lost\n)main.*\n/, "");
    expect(update(given).text).toBe(given);
  });

  it("moves its settings back above the first table", () => {
    const before = update('name = "mine"\n').text;
    const { text } = update(`[vars]\nA = "1"\n${before.replace('name = "mine"\n', "")}`);
    expect(parse(text)).toMatchObject({ main: ".edge-serve/worker.ts", vars: { A: "1" } });
  });

  it("[W4] keeps a class that is gone, and makes a tombstone of it when pruned", () => {
    const first = update(OWN).text;
    const second = update(first, { classes: ["default__Hello"] });
    expect(second.report.retired).toEqual(["default__World"]);
    expect(parse(second.text)["exports"]).toHaveProperty("default__World.storage", "sqlite");

    const third = update(second.text, { classes: ["default__Hello"], prune: true });
    expect(third.report).toMatchObject({ retired: [], deleted: ["default__World"] });
    expect(parse(third.text)["exports"]).toEqual({
      default__Hello: { type: "durable-object", storage: "sqlite" },
      default__World: { type: "durable-object", state: "deleted" },
    });
    expect(update(third.text, { classes: ["default__Hello"] }).text).toBe(third.text);
    expect(update(third.text).report.added).toEqual(["default__World"]);
  });

  it("keeps CRLF line endings", () => {
    const { text } = update('name = "mine"\r\n[vars]\r\nA = "1"\r\n');
    expect(text.replaceAll("\r\n", "")).not.toContain("\n");
    expect(update(text).text).toBe(text);
  });

  it("refuses a class that the file declares itself, with both lines", () => {
    const text = `${OWN}\n[exports.default__Hello]\ntype = "durable-object"\nstorage = "sqlite"\n`;
    expect(problems(text)).toEqual([
      "wrangler.toml:14: [exports.default__Hello] is also written by edge-serve. Remove yours, or rename the deployment.",
    ]);
    const written = update(OWN, { classes: ["default__World"] }).text;
    const both = written.replace("[vars]", '[exports.default__Hello]\ntype = "durable-object"\nstorage = "sqlite"\n\n[vars]');
    expect(problems(both)[0]).toContain(
      "wrangler.toml:8: [exports.default__Hello] is also written by edge-serve, in the block that starts at line 18.",
    );
  });

  it.each([
    [
      "migrations",
      'name = "a"\n\n[[migrations]]\ntag = "v1"\n',
      "wrangler.toml:3: [[migrations]] and [exports.<Class>] exclude each other",
    ],
    [
      "an old date",
      'name = "a"\ncompatibility_date = "2026-01-01"\n',
      'wrangler.toml:2: compatibility_date is "2026-01-01". edge-serve needs "2026-08-04" or later',
    ],
    ["inline exports", 'exports = { A = { type = "worker" } }\n', "wrangler.toml:1: exports is an inline table"],
    ["no TOML", "name = \n", "wrangler.toml:1:"],
  ])("refuses %s", (_, text, message) => {
    expect(problems(text)[0]).toContain(message);
  });

  it("refuses a value that stands after its block and so belongs to the block's last table", () => {
    const text = `${update('name = "a"\n').text}\naccount_id = "x"\n`;
    expect(problems(text)[0]).toMatch(
      /^wrangler\.toml:\d+: account_id stands after the block written by edge-serve, so it belongs to \[exports\.default__World\]/,
    );
  });

  it("refuses a block whose end is missing", () => {
    expect(problems(update(OWN).text.replace("# <<< edge-serve classes", "#"))[0]).toContain("must stand once each");
  });

  it("warns of another main and of flags without the request's signal", () => {
    const text = 'main = "src/index.ts"\ncompatibility_date = "2026-11-01"\ncompatibility_flags = []\n';
    expect(update(text).report.warnings).toEqual([
      expect.stringContaining('wrangler.toml:1: main is "src/index.ts"'),
      expect.stringContaining('wrangler.toml:3: compatibility_flags lacks "enable_request_signal"'),
    ]);
  });
});

const statement = fc.constantFrom(
  'account_id = "x"',
  "# a comment",
  "",
  'note = """\n[table]\n# >>> edge-serve classes\nmain = 1 \\""" \n"""',
  'list = [ # [\n  \'a]\', "b\\"]", [1,\n 2],\n]',
  "lit = '''\n\"\"\"\n[x]'''",
  'main = "src/own.ts"',
  'compatibility_date = "2026-11-17"',
  "compatibility_flags = []",
);
const table = fc.tuple(
  fc.constantFrom("[vars]", '[exports."Own"]\ntype = "worker"', "[[services]]", "[dev] # here", "[a.'b.c'.d]"),
  fc.uniqueArray(fc.constantFrom("A = '1'", 'B = """\n# <<< edge-serve settings\n"""', "# note", "c.d = {a = 1}"), { maxLength: 3 }),
);
const document = fc
  .tuple(fc.uniqueArray(statement), fc.uniqueArray(table, { selector: ([header]) => header }), fc.constantFrom("\n", "\r\n"), fc.boolean())
  .map(([top, tables, eol, ends]) => {
    const rows = [...top, ...tables.flatMap(([header, body]) => [header, ...body])];
    return (rows.join("\n") + (ends ? "\n" : "")).replaceAll("\n", eol);
  });
const classes = fc.uniqueArray(fc.constantFrom("default__A", "default__B", "news__C_dD"), { maxLength: 3 });

describe("updateWranglerToml, for any file", () => {
  it("[W1][W2][W3] keeps the user's values, is idempotent, and declares the classes", () => {
    fc.assert(
      fc.property(document, classes, classes, fc.boolean(), (text, first, second, prune) => {
        const once = update(text, { classes: first }).text;
        expect(update(once, { classes: first }).text).toBe(once);
        const twice = update(once, { classes: second, prune }).text;
        expect(update(twice, { classes: second, prune }).text).toBe(twice);

        const before = parse(text);
        const { exports = {}, ...after } = parse(twice) as { exports?: Record<string, { storage?: string; type: string }> };
        const { exports: own = {}, ...rest } = before;
        expect(after).toMatchObject(rest);
        expect(exports).toMatchObject(own as object);
        expect(
          Object.keys(exports)
            .filter((name) => exports[name]!.storage === "sqlite")
            .toSorted(),
        ).toEqual((prune ? second : [...new Set([...first, ...second])]).toSorted());
        const foreign = (value: string) => value.replaceAll(/^# >>> edge-serve (\w+):[^]*?^# <<< edge-serve \1\r?\n/gm, "");
        expect(foreign(twice).trimEnd()).toBe(text.trimEnd());
      }),
      { numRuns: 300 },
    );
  });
});
