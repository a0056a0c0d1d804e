import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestCancelledError, RequestTimeoutError } from "../../../src/protocol/errors.ts";
import { Admission, type AdmissionLimits, Slot } from "../../../src/replica/admission.ts";
import { Clock } from "../../support/clock.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { rejectionOf } from "../../support/rejection.ts";

type Step =
  | { readonly kind: "claim" }
  | { readonly kind: "queue"; readonly timeoutMs: number | undefined }
  | { readonly kind: "withdraw" | "release"; readonly which: number }
  | { readonly kind: "advance"; readonly ms: number };

const which = fc.nat(30);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("claim" as const) }),
  fc.record({ kind: fc.constant("queue" as const), timeoutMs: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }) }),
  fc.record({ kind: fc.constantFrom("withdraw" as const, "release" as const), which }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 10 }) }),
);
const limits: fc.Arbitrary<AdmissionLimits> = fc.record({
  maxOngoingRequests: fc.integer({ min: 1, max: 4 }),
  maxQueuedRequests: fc.integer({ min: -1, max: 4 }),
});

/** What became of a request. */
type Fate = "running" | "waiting" | "refused" | "withdrawn" | "late" | "released";

/** The same rules, said in the plainest way: a list of requests in the order in which they came. */
class Model {
  readonly requests: { fate: Fate; readonly deadline: number | undefined }[] = [];
  readonly granted: number[] = [];
  readonly #limits: AdmissionLimits;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  count(fate: Fate): number {
    return this.requests.filter((request) => request.fate === fate).length;
  }

  arrive(mayWait: boolean, deadline: number | undefined): void {
    const { maxOngoingRequests, maxQueuedRequests } = this.#limits;
    const isFree = this.count("running") < maxOngoingRequests && this.count("waiting") === 0;
    const hasPlace = maxQueuedRequests === -1 || this.count("waiting") < maxQueuedRequests;
    const fate = isFree ? "running" : mayWait && hasPlace ? "waiting" : "refused";
    if (isFree) this.granted.push(this.requests.length);
    this.requests.push({ fate, deadline });
  }

  withdraw(id: number): void {
    const request = this.requests[id];
    if (request?.fate === "waiting") request.fate = "withdrawn";
  }

  release(id: number, nowMs: number): void {
    const request = this.requests[id];
    if (request?.fate !== "running") return;
    request.fate = "released";
    for (const [index, next] of this.requests.entries()) {
      if (next.fate !== "waiting") continue;
      if (next.deadline !== undefined && next.deadline <= nowMs) next.fate = "late";
      else {
        next.fate = "running";
        this.granted.push(index);
        return;
      }
    }
  }
}

/** The real thing, with a record of what each request was told. */
class Recorded {
  readonly admission: Admission;
  readonly fates: Fate[] = [];
  readonly granted: number[] = [];
  readonly #slots: (Slot | undefined)[] = [];

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.admission = new Admission(limits, clock);
  }

  arrive(mayWait: boolean, deadline: number | undefined): void {
    const id = this.fates.length;
    const answer = mayWait ? this.admission.queue(String(id), deadline) : this.admission.claim();
    this.fates.push(answer === undefined ? "refused" : "waiting");
    if (answer instanceof Slot) this.#take(id, answer);
    else
      answer?.then(
        (slot) => this.#take(id, slot),
        (reason: unknown) => (this.fates[id] = reason instanceof RequestTimeoutError ? "late" : "withdrawn"),
      );
  }

  release(id: number): void {
    // Whether it is held or not: a second release must change nothing.
    this.#slots[id]?.release();
    if (this.#slots[id] !== undefined) this.fates[id] = "released";
  }

  #take(id: number, slot: Slot): void {
    this.granted.push(id);
    this.fates[id] = "running";
    this.#slots[id] = slot;
  }
}

/** Does one step to both, and waits until everybody has been told. */
async function apply(step: Step, clock: Clock, model: Model, real: Recorded): Promise<void> {
  if (step.kind === "advance") clock.advance(step.ms);
  else if (step.kind === "release") {
    model.release(step.which, clock.now());
    real.release(step.which);
  } else if (step.kind === "withdraw") {
    const isWaiting = model.requests[step.which]?.fate === "waiting";
    model.withdraw(step.which);
    expect(real.admission.withdraw(String(step.which), new RequestCancelledError("gone"))).toBe(isWaiting);
  } else {
    const timeoutMs = step.kind === "queue" ? step.timeoutMs : undefined;
    const deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
    model.arrive(step.kind === "queue", deadline);
    real.arrive(step.kind === "queue", deadline);
  }
  await Promise.resolve();
  await Promise.resolve();
}

describe("admission", () => {
  it("[A1-A6] does what the model does, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async (given, steps) => {
        const clock = new Clock();
        const model = new Model(given);
        const real = new Recorded(given, clock);
        for (const next of steps) {
          await apply(next, clock, model, real);
          const load = real.admission.load;
          expect(load.ongoing).toBeLessThanOrEqual(given.maxOngoingRequests);
          if (given.maxQueuedRequests !== -1) expect(load.queued).toBeLessThanOrEqual(given.maxQueuedRequests);
          expect(load).toEqual({ ongoing: model.count("running"), queued: model.count("waiting") });
          expect(real.fates).toEqual(model.requests.map(({ fate }) => fate));
          expect(real.granted).toEqual(model.granted);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("[A6] has every slot free again once all that ran has ended", async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async (given, steps) => {
        const clock = new Clock();
        const model = new Model(given);
        const real = new Recorded(given, clock);
        for (const next of steps) await apply(next, clock, model, real);
        for (let id = 0; id < real.fates.length; id++) await apply({ kind: "release", which: id }, clock, model, real);
        expect(real.admission.load).toEqual({ ongoing: 0, queued: 0 });
        for (let slot = 0; slot < given.maxOngoingRequests; slot++) expect(real.admission.claim()).toBeInstanceOf(Slot);
        expect(real.admission.claim()).toBeUndefined();
      }),
    );
  });

  it("[A4] refuses a claim while one request waits, though a slot is about to be free", async () => {
    const admission = new Admission({ maxOngoingRequests: 1, maxQueuedRequests: 1 }, new Clock());
    const first = admission.claim()!;
    const second = admission.queue("second", undefined) as Promise<Slot>;
    expect(admission.claim()).toBeUndefined();
    first.release();
    expect(admission.claim()).toBeUndefined();
    (await second).release();
    expect(admission.claim()).toBeInstanceOf(Slot);
  });

  it("[A5] tells a request why it left the queue: what it was withdrawn for, or that its deadline has passed", async () => {
    const clock = new Clock();
    const admission = new Admission({ maxOngoingRequests: 1, maxQueuedRequests: -1 }, clock);
    const slot = admission.claim()!;
    const reason = new RequestCancelledError("gone");
    const withdrawn = rejectionOf(admission.queue("withdrawn", undefined) as Promise<Slot>);
    const late = rejectionOf(admission.queue("late", clock.now() + 5) as Promise<Slot>);
    admission.withdraw("withdrawn", reason);
    expect(await withdrawn).toBe(reason);
    clock.advance(5);
    slot.release();
    expect(await late).toBeInstanceOf(RequestTimeoutError);
    expect(admission.load).toEqual({ ongoing: 0, queued: 0 });
  });

  it("[A6] does not mistake a slot that is given back twice for two", async () => {
    const admission = new Admission({ maxOngoingRequests: 2, maxQueuedRequests: 0 }, new Clock());
    const first = admission.claim()!;
    admission.claim();
    first.release();
    first.release();
    await turnOfTheEventLoop();
    expect(admission.load).toEqual({ ongoing: 1, queued: 0 });
  });
});
