import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const PAGE = "docs/ray-serve-cases.md";

/** A link to a test file, and the titles in quotes after it. */
const NAMED = /\]\(\.\.\/(test\/[^)\s]+\.test\.ts)\)((?:,? "[^"]+")+)/g;

const rows = readFileSync(PAGE, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (---|Ray's check) \|/.test(line));
const named = rows.flatMap((row) =>
  [...row.matchAll(NAMED)].flatMap(([, file = "", titles = ""]) =>
    [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({ file, title })),
  ),
);

/** Whether a test of `source` has this title. */
function hasTitle(source: string, title: string): boolean {
  return ['"', "`"].some((quote) => source.includes(`${quote}${title}${quote}`));
}

describe(PAGE, () => {
  it("names tests that exist", () => {
    const missing = named.filter(({ file, title }) => !existsSync(file) || !hasTitle(readFileSync(file, "utf8"), title));
    expect(missing).toEqual([]);
  });

  it("says of every check which test has it, or why none does", () => {
    expect(rows.length).toBeGreaterThan(90);
    expect(rows.filter((row) => !/^\| \S.* \| \S.* \|$/.test(row))).toEqual([]);
    // A row without a test is one that says "no" or "not yet", and more than that.
    expect(rows.filter((row) => !/\.test\.ts\) "/.test(row) && !/\| (no|not yet)\b.{10,} \|$/.test(row))).toEqual([]);
  });

  it("names every test file of Ray's cases", () => {
    const files = new Set(named.map(({ file }) => file).filter((file) => file.startsWith("test/e2e/ray/")));
    expect([...files].toSorted()).toEqual(raysFiles());
  });
});

function raysFiles(): string[] {
  return readdirSync("test/e2e/ray")
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join("test/e2e/ray", name))
    .toSorted();
}
