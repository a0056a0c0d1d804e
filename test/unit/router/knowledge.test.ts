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
    knowledge.answered("a");
    expect([knowledge.loadOf("a"), knowledge.loadOf("b"), knowledge.loadOf("c")]).toEqual([1, 1, 0]);
  });

  it("is what the replica said when it refused, until it takes a request", () => {
    const { knowledge } = knowledgeOf();
    knowledge.sent("a");
    knowledge.refused("a", { ongoing: 5, queued: 2 });
    expect(knowledge.loadOf("a")).toBe(7);
    knowledge.sent("a");
    knowledge.answered("a");
    expect(knowledge.loadOf("a")).toBe(0);
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

  it("[K1] forgets requests that ended without a trace", () => {
    const { clock, knowledge } = knowledgeOf();
    for (let request = 0; request < 9; request++) knowledge.sent("a");
    clock.advance(1001);
    knowledge.sent("a");
    expect(knowledge.loadOf("a")).toBe(1);
  });

  it("[K1] is none a second after whatever was seen, and never negative", () => {
    const event = fc.record({
      kind: fc.constantFrom("sent" as const, "answered" as const, "refused" as const, "lost" as const),
      waitMs: fc.nat(600),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const { clock, knowledge } = knowledgeOf();
        for (const { kind, waitMs } of events) {
          if (kind === "refused") knowledge.refused("a", { ongoing: 3, queued: 1 });
          else knowledge[kind]("a");
          expect(knowledge.loadOf("a")).toBeGreaterThanOrEqual(0);
          clock.advance(waitMs);
        }
        clock.advance(1001);
        expect(knowledge.loadOf("a")).toBe(0);
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
    knowledge.answered("a");
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
