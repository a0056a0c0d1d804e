import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ROUTE_PREFIX_PATTERN, routePrefixProblem } from "../../../src/config/application-config.ts";

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
    ["/-/x", 'must not be "/-" or under it, which is edge-serve\'s own, got "/-/x".'],
    ["/-", 'must not be "/-" or under it, which is edge-serve\'s own, got "/-".'],
    [7, 'must be a path that starts with "/", or null for no HTTP, got 7.'],
    [undefined, 'must be a path that starts with "/", or null for no HTTP, got undefined.'],
  ])("says about %j: %s", (prefix, problem) => {
    expect(routePrefixProblem(prefix)).toBe(problem);
  });

  it("accepts what the JSON Schema's pattern accepts", () => {
    const prefix = fc.string({ unit: fc.constantFrom("/", "-", "a", "{", "}", "?", "#", " ", "\n") });
    fc.assert(
      fc.property(prefix, (text) => {
        expect(ROUTE_PREFIX_PATTERN.test(text)).toBe(routePrefixProblem(text) === undefined);
      }),
      { numRuns: 2000 },
    );
  });
});
