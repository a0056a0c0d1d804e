import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import { Admission, type AdmissionLimits, Slot } from "../../../src/replica/admission.ts";
import { Clock } from "../../support/clock.ts";

const settle = async () => {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
};

const limits: fc.Arbitrary<AdmissionLimits> = fc.record({
  maxOngoingRequests: fc.integer({ min: 1, max: 3 }),
  maxQueuedRequests: fc.integer({ min: -1, max: 5 }),
});
const verbs = ["claim", "queue", "reserve", "reserve at once", "arrive", "withdraw", "release", "release", "advance"] as const;
const step = fc.record({ verb: fc.constantFrom(...verbs), which: fc.nat(12), ms: fc.integer({ min: 1, max: 900 }) });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Requests in all the ways in which they can come, and what became of each. */
class Story {
  readonly clock = new Clock();
  readonly admission: Admission;
  /** In the order in which they began to run. */
  readonly ran: string[] = [];
  /** May be sent. */
  readonly granted = new Set<string>();
  readonly slots = new Map<string, Slot>();
  readonly refused = new Set<string>();
  #count = 0;

  constructor(limits: AdmissionLimits) {
    this.admission = new Admission(limits, this.clock);
  }

  async act({ verb, which, ms }: Step): Promise<void> {
    const id = String(this.#count++);
    if (verb === "claim") this.#take(id, this.admission.claim());
    else if (verb === "queue") this.#take(id, this.admission.queue(id, undefined));
    else if (verb === "reserve" || verb === "reserve at once") this.#grant(id, this.admission.reserve(id, undefined, verb === "reserve"));
    else if (verb === "arrive") this.arrive([...this.granted][which % Math.max(1, this.granted.size)]);
    else if (verb === "withdraw") this.admission.withdraw(String(which), new RequestCancelledError("gone"));
    else if (verb === "release") this.release([...this.slots.keys()][which % Math.max(1, this.slots.size)]);
    else this.clock.advance(ms);
    await settle();
  }

  arrive(id: string | undefined): void {
    if (id === undefined) return;
    this.granted.delete(id);
    this.#take(id, this.admission.arrive(id));
  }

  release(id: string | undefined): void {
    if (id === undefined) return;
    this.slots.get(id)!.release();
    this.slots.delete(id);
  }

  #grant(id: string, answer: boolean | Promise<true>): void {
    if (answer === false) this.refused.add(id);
    else if (answer === true) this.granted.add(id);
    else
      answer.then(
        () => this.granted.add(id),
        () => {},
      );
  }

  #take(id: string, answer: Slot | Promise<Slot> | undefined): void {
    const run = (slot: Slot) => {
      this.ran.push(id);
      this.slots.set(id, slot);
    };
    if (answer === undefined) this.refused.add(id);
    else if (answer instanceof Slot) run(answer);
    else answer.then(run, () => {});
  }
}

describe("slots that are kept for requests on their way", () => {
  it("[A1][A3] never make more requests run, or wait, than the limits say", async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 80 }), async (given, steps) => {
        const story = new Story(given);
        for (const next of steps) {
          await story.act(next);
          const { ongoing, queued } = story.admission.load;
          expect(story.slots.size).toBeLessThanOrEqual(ongoing);
          expect(ongoing).toBeLessThanOrEqual(given.maxOngoingRequests);
          if (given.maxQueuedRequests !== -1) expect(queued).toBeLessThanOrEqual(given.maxQueuedRequests);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("[A6][A7] are all free again, and no timer is left, when what runs has ended and what was granted has not come", async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 80 }), async (given, steps) => {
        const story = new Story(given);
        for (const next of steps) await story.act(next);
        for (let turn = 0; turn < 200 && story.admission.load.ongoing + story.admission.load.queued > 0; turn++) {
          for (const id of story.slots.keys()) story.release(id);
          story.clock.advance(2000);
          await settle();
        }
        expect(story.admission.load).toEqual({ ongoing: 0, queued: 0 });
        story.clock.advance(2000);
        expect(story.clock.timers).toBe(0);
        for (let slot = 0; slot < given.maxOngoingRequests; slot++) expect(story.admission.claim()).toBeInstanceOf(Slot);
      }),
      { numRuns: 300 },
    );
  });

  it("[A2] go to requests in the order in which they came, if all that are granted come", async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 80 }), async (given, steps) => {
        const story = new Story({ ...given, maxQueuedRequests: -1 });
        for (const next of steps) {
          if (next.verb === "withdraw" || next.verb === "claim" || next.verb === "arrive") continue;
          await story.act(next.verb === "advance" ? { ...next, ms: 1 } : next);
          for (const id of story.granted) story.arrive(id);
          await settle();
        }
        const began = story.ran.map(Number);
        expect(began).toEqual(began.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});

describe("a request that is sent ahead of its slot", () => {
  /** One slot whose runs take as long as a request is on its way, so that one is expected to end meanwhile. */
  async function shortRuns(): Promise<Story> {
    const story = new Story({ maxOngoingRequests: 1, maxQueuedRequests: -1 });
    for (let id = 0; id < 40; id++) {
      await story.act({ verb: "reserve at once", which: 0, ms: 1 });
      story.clock.advance(10);
      story.arrive(String(id));
      story.clock.advance(10);
      if (id < 39) story.release(String(id));
    }
    return story;
  }

  it("waits for the slot in the replica when it comes early", async () => {
    const story = await shortRuns();
    await story.act({ verb: "reserve", which: 0, ms: 1 });
    expect([...story.granted]).toEqual(["40"]);
    expect(story.admission.load).toEqual({ ongoing: 1, queued: 1 });
    story.arrive("40");
    await settle();
    expect(story.ran.at(-1)).toBe("39");
    story.release("39");
    await settle();
    expect(story.ran.at(-1)).toBe("40");
  });

  it("is not sent before the replica has seen some that waited", async () => {
    const story = new Story({ maxOngoingRequests: 1, maxQueuedRequests: -1 });
    await story.act({ verb: "claim", which: 0, ms: 1 });
    await story.act({ verb: "reserve", which: 0, ms: 1 });
    expect([...story.granted]).toEqual([]);
  });

  it("loses its place after two seconds in which it does not come", async () => {
    const story = await shortRuns();
    await story.act({ verb: "reserve", which: 0, ms: 1 });
    story.clock.advance(1999);
    expect(story.admission.load.queued).toBe(1);
    story.clock.advance(1);
    expect(story.admission.load.queued).toBe(0);
    story.arrive("40");
    expect(story.refused).toEqual(new Set(["40"]));
  });

  it("is not sent while runs take much longer than the way: until it is sent it has not begun, and can go elsewhere", async () => {
    const story = await shortRuns();
    story.clock.advance(10_000);
    story.release("39");
    await story.act({ verb: "claim", which: 0, ms: 1 });
    await story.act({ verb: "reserve", which: 0, ms: 1 });
    expect([...story.granted]).toEqual([]);
    expect(story.admission.load).toEqual({ ongoing: 1, queued: 1 });
  });
});
