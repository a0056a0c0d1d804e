import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Knowledge } from "../../../src/router/knowledge.ts";
import { Clock } from "../../support/clock.ts";

function knowledgeOf() {
  const clock = new Clock();
  return { clock, knowledge: new Knowledge(clock.now) };
}

function claims(knowledge: Knowledge, isRefused: boolean, count: number): void {
  for (let claim = 0; claim < count; claim++) knowledge.claimed(isRefused);
}

describe("what a caller knows of a replica's load", () => {
  it("is nothing at first", () => {
    const { knowledge } = knowledgeOf();
    expect([knowledge.loadOf("a"), knowledge.isAvoided("a"), knowledge.isSaturated]).toEqual([0, false, false]);
  });

  it("is what it has sent there and has no answer to", () => {
    const { knowledge } = knowledgeOf();
    knowledge.sent("a");
    knowledge.sent("a");
    knowledge.sent("b");
    knowledge.answered("a", 0);
    expect([knowledge.loadOf("a"), knowledge.loadOf("b"), knowledge.loadOf("c")]).toEqual([1, 1, 0]);
  });

  it("is what the replica said when it refused, until it takes a request", () => {
    const { knowledge } = knowledgeOf();
    knowledge.sent("a");
    knowledge.refused("a", { ongoing: 5, queued: 2 });
    expect(knowledge.loadOf("a")).toBe(7);
    knowledge.sent("a");
    knowledge.answered("a", 0);
    expect(knowledge.loadOf("a")).toBe(0);
  });

  it("is less at the one that answers faster, of equally loaded replicas, by less than one request", () => {
    const { knowledge } = knowledgeOf();
    for (const [name, tookMs] of [
      ["fast", 10],
      ["slow", 60_000],
    ] as const) {
      knowledge.sent(name);
      knowledge.answered(name, tookMs);
      knowledge.sent(name);
    }
    expect(knowledge.loadOf("fast")).toBeLessThan(knowledge.loadOf("slow"));
    knowledge.sent("fast");
    expect(knowledge.loadOf("fast")).toBeGreaterThan(knowledge.loadOf("slow"));
  });

  it("follows how fast a replica answers: one answer moves it, and does not settle it", () => {
    const { knowledge } = knowledgeOf();
    knowledge.answered("a", 1000);
    expect(knowledge.loadOf("a")).toBe(0.5);
    knowledge.answered("a", 2000);
    expect(knowledge.loadOf("a")).toBeCloseTo(1200 / 2200);
    for (let answer = 0; answer < 50; answer++) knowledge.answered("a", 10);
    expect(knowledge.loadOf("a")).toBeCloseTo(10 / 1010);
  });

  it("[K1] counts as none when it is older than a second", () => {
    const { clock, knowledge } = knowledgeOf();
    knowledge.sent("a");
    knowledge.refused("a", { ongoing: 5, queued: 0 });
    clock.advance(1000);
    expect(knowledge.loadOf("a")).toBe(5);
    clock.advance(1);
    expect(knowledge.loadOf("a")).toBe(0);
  });

  it("[K1] keeps how fast a replica answers when its load is too old", () => {
    const { clock, knowledge } = knowledgeOf();
    knowledge.answered("a", 1000);
    knowledge.refused("a", { ongoing: 5, queued: 0 });
    expect(knowledge.loadOf("a")).toBe(5.5);
    clock.advance(1001);
    expect(knowledge.loadOf("a")).toBe(0.5);
  });

  it("[K1] forgets requests that ended without a trace", () => {
    const { clock, knowledge } = knowledgeOf();
    for (let request = 0; request < 9; request++) knowledge.sent("a");
    clock.advance(1001);
    knowledge.sent("a");
    expect(knowledge.loadOf("a")).toBe(1);
  });

  it("[K1] is only how fast the replica answers a second after whatever was seen, and never less", () => {
    const event = fc.record({
      kind: fc.constantFrom("sent" as const, "answered" as const, "refused" as const, "lost" as const),
      waitMs: fc.nat(600),
      tookMs: fc.nat(60_000),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const { clock, knowledge } = knowledgeOf();
        for (const { kind, waitMs, tookMs } of events) {
          if (kind === "refused") knowledge.refused("a", { ongoing: 3, queued: 1 });
          else if (kind === "answered") for (const name of ["a", "idle"]) knowledge.answered(name, tookMs);
          else knowledge[kind]("a");
          expect(knowledge.loadOf("a")).toBeGreaterThanOrEqual(knowledge.loadOf("idle"));
          clock.advance(waitMs);
        }
        clock.advance(1001);
        expect(knowledge.loadOf("a")).toBe(knowledge.loadOf("idle"));
        expect(knowledge.loadOf("a")).toBeGreaterThanOrEqual(0);
        expect(knowledge.loadOf("a")).toBeLessThan(1);
      }),
    );
  });
});

describe("a lost replica", () => {
  it("[K2] is avoided for a quarter of a second, then tried again", () => {
    const { clock, knowledge } = knowledgeOf();
    knowledge.lost("a");
    expect([knowledge.isAvoided("a"), knowledge.isAvoided("b")]).toEqual([true, false]);
    clock.advance(249);
    expect(knowledge.isAvoided("a")).toBe(true);
    clock.advance(1);
    expect(knowledge.isAvoided("a")).toBe(false);
  });

  it("[K2] is avoided twice as long each time, at most ten seconds", () => {
    const { clock, knowledge } = knowledgeOf();
    const avoidedMs = Array.from({ length: 8 }, () => {
      knowledge.lost("a");
      let ms = 0;
      for (; knowledge.isAvoided("a"); ms += 250) clock.advance(250);
      return ms;
    });
    expect(avoidedMs).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("[K2] is as good as any once it has answered", () => {
    const { clock, knowledge } = knowledgeOf();
    knowledge.lost("a");
    knowledge.lost("a");
    knowledge.answered("a", 0);
    expect(knowledge.isAvoided("a")).toBe(false);
    knowledge.lost("a");
    clock.advance(250);
    expect(knowledge.isAvoided("a")).toBe(false);
  });
});

describe("saturation", () => {
  it("is when claims are refused as a rule, not when one is", () => {
    const { knowledge } = knowledgeOf();
    claims(knowledge, true, 13);
    expect(knowledge.isSaturated).toBe(false);
    claims(knowledge, true, 1);
    expect(knowledge.isSaturated).toBe(true);
  });

  it("ends when claims are taken again", () => {
    const { knowledge } = knowledgeOf();
    claims(knowledge, true, 100);
    claims(knowledge, false, 3);
    expect(knowledge.isSaturated).toBe(false);
  });

  it("is not reached while every second claim is taken", () => {
    const { knowledge } = knowledgeOf();
    for (let claim = 0; claim < 1000; claim++) {
      knowledge.claimed(claim % 2 === 0);
      expect(knowledge.isSaturated).toBe(false);
    }
  });

  it("is forgotten within a fifth of a second in which nothing is asked", () => {
    const { clock, knowledge } = knowledgeOf();
    claims(knowledge, true, 100);
    clock.advance(50);
    expect(knowledge.isSaturated).toBe(true);
    clock.advance(50);
    expect(knowledge.isSaturated).toBe(false);
  });
});
