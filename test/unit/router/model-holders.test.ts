import { describe, expect, it } from "vitest";
import { ModelHolders } from "../../../src/router/model-holders.ts";
import { Clock } from "../../support/clock.ts";

describe("what a caller knows of models", () => {
  it("is what it saw, until it sees something else", () => {
    const holders = new ModelHolders(new Clock().now);
    holders.saw("a", "fr");
    holders.saw("b", "fr");
    holders.missed("a", "fr");
    holders.missed("c", "xx");
    expect([holders.has("a", "fr"), holders.has("b", "fr"), holders.has("b", "de")]).toEqual([false, true, false]);
    holders.lost("b");
    expect(holders.has("b", "fr")).toBe(false);
  });

  it("[H2] goes stale, unless it is seen again", () => {
    const clock = new Clock();
    const holders = new ModelHolders(clock.now);
    holders.saw("a", "fr");
    holders.saw("a", "de");
    clock.advance(20_000);
    holders.saw("a", "de");
    clock.advance(10_001);
    expect([holders.has("a", "fr"), holders.has("a", "de")]).toEqual([false, true]);
  });

  it("[H3] is nothing of replicas that have left", () => {
    const holders = new ModelHolders(new Clock().now);
    for (const replica of ["a", "b"]) for (const model of ["fr", "de"]) holders.saw(replica, model);
    holders.keep(new Set(["b"]));
    expect(["fr", "de"].map((model) => [holders.has("a", model), holders.has("b", model)])).toEqual([
      [false, true],
      [false, true],
    ]);
  });

  it("[H1] is of 1,000 models at most: the one heard of longest ago is forgotten", () => {
    const holders = new ModelHolders(new Clock().now);
    for (let n = 0; n < 1000; n++) holders.saw("a", `m${n}`);
    holders.saw("b", "m0");
    holders.saw("a", "one more");
    expect([holders.has("a", "m0"), holders.has("a", "m1"), holders.has("a", "m2")]).toEqual([true, false, true]);
  });
});
