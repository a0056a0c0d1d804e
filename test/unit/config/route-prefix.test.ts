import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prefixInUrls, ROUTE_PREFIX_PATTERN, routePrefixProblem } from "../../../src/config/application-config.ts";

describe("routePrefixProblem", () => {
  it.each(["/", "/a", "/a/b", "/a-b_c.d", "/-a", "/a/-", null])("accepts %j", (prefix) => {
    expect(routePrefixProblem(prefix)).toBeUndefined();
  });

  it.each([
    ["hello", 'must start with "/", got "hello".'],
    ["", 'must start with "/", got "".'],
    ["/hello/", 'must not end with "/", unless it is just "/", got "/hello/".'],
    ["//", 'must not end with "/", unless it is just "/", got "//".'],
    ["/{hello}", 'must not contain "{" or "}", because it is no pattern, got "/{hello}".'],
    ["/a?b", 'must not contain "?" or "#", because it is a path, got "/a?b".'],
    ["/a#b", 'must not contain "?" or "#", because it is a path, got "/a#b".'],
    ["/a\\b", 'must not contain "\\" or control characters, or end with a space, got "/a\\\\b".'],
    ["/a ", 'must not contain "\\" or control characters, or end with a space, got "/a ".'],
    ["/a/../b", 'must not have "." or ".." between slashes, got "/a/../b".'],
    ["/%2e", 'must not have "." or ".." between slashes, got "/%2e".'],
    ["/-/x", 'must not be "/-" or under it, which is edge-serve\'s own, got "/-/x".'],
    ["/-", 'must not be "/-" or under it, which is edge-serve\'s own, got "/-".'],
    [7, 'must be a path that starts with "/", or null for no HTTP, got 7.'],
    [undefined, 'must be a path that starts with "/", or null for no HTTP, got undefined.'],
  ])("says about %j: %s", (prefix, problem) => {
    expect(routePrefixProblem(prefix)).toBe(problem);
  });

  it.each([
    ["/ünï", "/%C3%BCn%C3%AF"],
    ["/s p", "/s%20p"],
    ["/%c3%bc", "/%c3%bc"],
    ["/a//b", "/a//b"],
    ["/a-b_c.d~(1)", "/a-b_c.d~(1)"],
    ["/", "/"],
    ["no prefix", "no prefix"],
  ])("finds %j in URLs as %j", (prefix, found) => {
    expect(prefixInUrls(prefix)).toBe(found);
    expect(prefixInUrls(found)).toBe(found);
  });

  it("is found in the URL of every request below it, whatever it is", () => {
    const prefix = fc.string({ unit: "binary" }).map((text) => `/${text}`);
    fc.assert(
      fc.property(prefix, (text) => {
        fc.pre(routePrefixProblem(text) === undefined);
        const below = (start: string) => (start === "/" ? "/below" : `${start}/below`);
        expect(new URL(`http://host${below(text)}`).pathname).toBe(below(prefixInUrls(text)));
      }),
      { numRuns: 2000 },
    );
  });

  it("accepts what the JSON Schema's pattern accepts", () => {
    const prefix = fc.string({ unit: fc.constantFrom("/", "-", "a", "{", "}", "?", "#", " ", "\n", ".", "%2e", "\\", "ü") });
    fc.assert(
      fc.property(prefix, (text) => {
        expect(ROUTE_PREFIX_PATTERN.test(text)).toBe(routePrefixProblem(text) === undefined);
      }),
      { numRuns: 2000 },
    );
  });
});
