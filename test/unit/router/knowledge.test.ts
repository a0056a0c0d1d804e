import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplicaEstimates } from "../../../src/router/replica-estimates.ts";
import { Clock } from "../../support/clock.ts";

function knowledgeOf() {
  const clock = new Clock();
  return { clock, knowledge: new ReplicaEstimates(clock.now) };
}

const LONG = "refused, with a long queue";

function claims(knowledge: ReplicaEstimates, outcome: Parameters<ReplicaEstimates["claimed"]>[1], count: number): void {
  for (let claim = 0; claim < count; claim++) knowledge.claimed("a", outcome);
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

describe("how often a replica refuses", () => {
  it("grows with each refusal, and shrinks with each claim that it takes", () => {
    const { knowledge } = knowledgeOf();
    const seen = (["refused", "refused", "taken", LONG] as const).map((outcome) => {
      knowledge.claimed("a", outcome);
      return knowledge.refusalsOf("a");
    });
    expect(seen.map((refusals) => Number(refusals.toFixed(3)))).toEqual([0.3, 0.51, 0.357, 0.55]);
    expect(knowledge.refusalsOf("b")).toBe(0);
  });

  it("is forgotten by half in ten seconds, and wholly in the end, while others refuse", () => {
    const { clock, knowledge } = knowledgeOf();
    claims(knowledge, "refused", 100);
    clock.advance(10_000);
    knowledge.claimed("b", "refused");
    expect(knowledge.refusalsOf("a")).toBeCloseTo(0.5);
    clock.advance(35_000);
    knowledge.claimed("b", "refused");
    expect(knowledge.refusalsOf("a")).toBe(0);
    expect(knowledge.refusalsOf("b")).toBeGreaterThan(0);
  });

  it("[K3] counts as never when nobody has refused for five seconds", () => {
    const { clock, knowledge } = knowledgeOf();
    claims(knowledge, "refused", 100);
    knowledge.claimed("b", "taken");
    clock.advance(5000);
    expect(knowledge.refusalsOf("a")).toBeGreaterThan(0.5);
    clock.advance(1);
    expect(knowledge.refusalsOf("a")).toBe(0);
  });

  it("is between never and always, whatever happens", () => {
    const event = fc.record({ outcome: fc.constantFrom("taken" as const, "refused" as const, LONG), waitMs: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const { clock, knowledge } = knowledgeOf();
        for (const { outcome, waitMs } of events) {
          knowledge.claimed("a", outcome);
          expect(knowledge.refusalsOf("a")).toBeGreaterThanOrEqual(0);
          expect(knowledge.refusalsOf("a")).toBeLessThanOrEqual(1);
          clock.advance(waitMs);
        }
      }),
    );
  });
});

describe("saturation", () => {
  it("is when three claims in a row meet long queues, not when two do", () => {
    const { knowledge } = knowledgeOf();
    claims(knowledge, LONG, 2);
    expect(knowledge.isSaturated).toBe(false);
    claims(knowledge, LONG, 1);
    expect(knowledge.isSaturated).toBe(true);
  });

  it.each(["taken", "refused"] as const)("ends when a claim is %s and the queue is not long", (outcome) => {
    const { knowledge } = knowledgeOf();
    claims(knowledge, LONG, 100);
    claims(knowledge, outcome, 1);
    expect(knowledge.isSaturated).toBe(false);
  });

  it("is not reached by refusals alone, nor while every second queue is short", () => {
    const { knowledge } = knowledgeOf();
    claims(knowledge, "refused", 1000);
    for (let claim = 0; claim < 1000; claim++) {
      claims(knowledge, claim % 2 === 0 ? LONG : "refused", 1);
      expect(knowledge.isSaturated).toBe(false);
    }
  });

  it("is forgotten within some seconds in which nothing is asked, and one long queue reminds of it", () => {
    const { clock, knowledge } = knowledgeOf();
    claims(knowledge, LONG, 100);
    clock.advance(4000);
    expect(knowledge.isSaturated).toBe(true);
    clock.advance(1000);
    expect(knowledge.isSaturated).toBe(false);
    claims(knowledge, LONG, 1);
    expect(knowledge.isSaturated).toBe(true);
  });
});
