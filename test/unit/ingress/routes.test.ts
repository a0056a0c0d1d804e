import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RouteTable, stripPrefix } from "../../../src/ingress/application-routes.ts";

// Few and similar segments, so that prefixes of each other are common.
const segment = fc.constantFrom("a", "b", "ab", "-", "a.b");
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const prefixes = fc.uniqueArray(path, { maxLength: 8 });
const request = fc.oneof(
  path,
  path.map((text) => `${text}/`),
  path.map((text) => `/${text}`),
);

const tableOf = (list: readonly string[]) => new RouteTable(list.map((prefix) => ({ prefix, target: `app at ${prefix}` })));

/** The meaning, without any cleverness: compare segment by segment, keep the longest. */
function naiveMatch(list: readonly string[], requested: string): string | undefined {
  const wanted = requested.split("/").slice(1);
  const matching = list.filter(
    (prefix) =>
      prefix === "/" ||
      prefix
        .split("/")
        .slice(1)
        .every((part, index) => wanted[index] === part),
  );
  return matching.toSorted((a, b) => b.split("/").length - a.split("/").length || b.length - a.length)[0];
}

describe("RouteTable", () => {
  it("finds the longest prefix by whole segments", () => {
    fc.assert(
      fc.property(prefixes, request, (list, requested) => {
        expect(tableOf(list).match(requested)?.prefix).toBe(naiveMatch(list, requested));
      }),
      { numRuns: 3000 },
    );
  });

  it("does not depend on the order of the applications", () => {
    fc.assert(
      fc.property(prefixes, request, (list, requested) => {
        expect(tableOf(list).match(requested)).toEqual(tableOf(list.toReversed()).match(requested));
      }),
    );
  });

  it.each([
    ["/a", "/a"],
    ["/a/", "/a"],
    ["/a/b", "/a"],
    ["/ab", "/"],
    ["/a/b/c", "/a/b/c"],
    ["/a/b/cd", "/a"],
    ["/", "/"],
    ["/A", "/"],
    ["//a", "/"],
  ])("gives %s to the application at %s", (requested, prefix) => {
    expect(tableOf(["/", "/a", "/a/b/c"]).match(requested)).toEqual({ prefix, target: `app at ${prefix}` });
  });

  it("finds nothing when there is nothing", () => {
    expect(tableOf([]).match("/")).toBeUndefined();
    expect(tableOf(["/a"]).match("/")).toBeUndefined();
    expect(tableOf(["/a"]).match("/ab")).toBeUndefined();
  });
});

describe("stripPrefix", () => {
  it("leaves a path that the prefix makes whole again", () => {
    fc.assert(
      fc.property(prefixes, request, (list, requested) => {
        const prefix = tableOf(list).match(requested)?.prefix;
        if (prefix === undefined) return;
        const inner = stripPrefix(requested, prefix);
        expect(inner.startsWith("/")).toBe(true);
        expect(prefix === "/" ? inner : prefix + (requested === prefix ? "" : inner)).toBe(requested);
      }),
    );
  });

  it.each([
    ["/a/b", "/a", "/b"],
    ["/a", "/a", "/"],
    ["/a/", "/a", "/"],
    ["/a//b", "/a", "//b"],
    ["/a/b", "/", "/a/b"],
  ])("of %s by %s is %s", (requested, prefix, inner) => expect(stripPrefix(requested, prefix)).toBe(inner));
});
