import { describe, expect, it } from "vitest";
import { decideShadow, SHADOW_BODY_BYTES, type ShadowedRequest, shadowOutcome, withAllOutcomes } from "../../../src/traffic/shadow.ts";

const SHADOW = { application: "v3", percent: 12.34 };
const REQUEST: ShadowedRequest = { application: "v1", isUpgrade: false, bodyBytes: 0 };

describe("a request's shadow", () => {
  it.each<[string, string, Partial<ShadowedRequest>, number]>([
    ["send", "that is drawn", {}, 0.1233],
    ["none", "that is not drawn", {}, 0.1234],
    ["send", "with a body of 64 KiB", { bodyBytes: SHADOW_BODY_BYTES }, 0],
    ["skip", "with a larger body", { bodyBytes: SHADOW_BODY_BYTES + 1 }, 0],
    ["none", "with a larger body, and not drawn", { bodyBytes: SHADOW_BODY_BYTES + 1 }, 0.5],
    ["send", "with a body of a length that is not known yet", { bodyBytes: undefined }, 0],
    ["skip", "that is an upgrade", { isUpgrade: true }, 0],
    ["none", "that the same application answers", { application: "v3" }, 0],
  ])("is: %s, for one %s", (decision, _, request, random) => {
    expect(decideShadow(SHADOW, { ...REQUEST, ...request }, random)).toBe(decision);
  });

  it.each([
    [0, 0],
    [0.01, 1],
    [50, 5000],
    [100, 10_000],
  ])("is sent for exactly its share: %d %%", (percent, cells) => {
    const draws = Array.from({ length: 10_000 }, (_, n) => decideShadow({ ...SHADOW, percent }, REQUEST, n / 10_000));
    expect(draws.filter((decision) => decision === "send").length).toBe(cells);
  });

  it("is none where there is no shadow", () => {
    expect(decideShadow(undefined, REQUEST, 0)).toBe("none");
  });

  it.each([
    ["same_status", 200, 200],
    ["same_status", 500, 500],
    ["other_status", 200, 500],
    ["other_status", 200, 201],
    ["failed", 200, undefined],
    ["failed", 503, undefined],
  ])("counts as %s if the client got %i and the shadow answered %s", (outcome, client, shadow) => {
    expect(shadowOutcome(client, shadow)).toBe(outcome);
  });

  it("is counted from 0 on, in each way that it may end, for every application that gets any", () => {
    const none = (application: string) => ["same_status", "other_status", "failed", "skipped"].map((outcome) => [application, outcome, 0]);
    expect(withAllOutcomes([], ["v3"])).toEqual(none("v3"));
    expect(withAllOutcomes([], ["v3", "v3"])).toEqual(none("v3"));
    const counted = withAllOutcomes(
      [
        ["v3", "failed", 2],
        ["gone", "skipped", 1],
      ],
      ["v3"],
    );
    expect(counted).toHaveLength(5);
    expect(counted).toEqual(
      expect.arrayContaining([
        ["v3", "failed", 2],
        ["v3", "same_status", 0],
        ["gone", "skipped", 1],
      ]),
    );
  });
});
