import { describe, expect, it } from "vitest";
import { outcomeOfError, outcomeOfFailure, outcomeOfStatus } from "../../chaos/outcome.ts";

describe("how a request ended", () => {
  it.each([
    [503, "1", "refused"],
    [429, "1", "refused"],
    [503, undefined, "lost"],
    [502, undefined, "lost"],
    [408, undefined, "late"],
    [499, undefined, "late"],
    [500, undefined, "failed"],
    [404, undefined, "failed"],
  ] as const)("by status %s with Retry-After %s: %s", (status, retryAfter, outcome) => {
    expect(outcomeOfStatus(status, retryAfter)).toBe(outcome);
  });

  it.each([
    ["BACK_PRESSURE", 1000, "refused"],
    ["DEPLOYMENT_UNAVAILABLE", 1000, "refused"],
    ["REPLICA_UNAVAILABLE", 1000, "refused"],
    ["REPLICA_UNAVAILABLE", undefined, "lost"],
    ["REQUEST_TIMEOUT", undefined, "late"],
    ["REQUEST_CANCELLED", undefined, "late"],
    ["SERIALIZATION", undefined, "failed"],
    [undefined, undefined, "failed"],
  ] as const)("by code %s with retryAfterMs %s: %s", (code, retryAfterMs, outcome) => {
    expect(
      outcomeOfError({ message: "", ...(code === undefined ? {} : { code }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }),
    ).toBe(outcome);
  });

  it("by a connection: refused is never sent, and what broke may have been", () => {
    expect(outcomeOfFailure(Object.assign(new Error("no"), { code: "ECONNREFUSED" }))).toBe("unreachable");
    expect(outcomeOfFailure(new TypeError("fetch failed", { cause: Object.assign(new Error("no"), { code: "ECONNREFUSED" }) }))).toBe(
      "unreachable",
    );
    expect(outcomeOfFailure(Object.assign(new Error("no"), { code: "ECONNRESET" }))).toBe("broken");
  });
});
