/**
 * A Durable Object whose surroundings fail where a test says: storage, its alarm, and whatever it calls. The real alarm around
 * the real core; what is fake is what the platform would give them. For tests with fake timers.
 */
import { vi } from "vitest";
import { Alarm } from "../../durable-objects/alarm.ts";
import { Core } from "../../durable-objects/core.ts";

/** What becomes of a step that fails: it throws, it never answers, or the whole object is lost with it. */
export type Fault = "throws" | "hangs" | "is lost";

/** Which steps fail, counted from the beginning. */
export interface FaultPlan {
  readonly fault: Fault;
  readonly from: number;
  readonly count: number;
}

/** Surroundings that a core can be made from. */
export interface Surroundings {
  /** A step that is done at once, such as a write. */
  step<R>(name: string, act: () => R): R;
  /** A step that takes a message to another object. */
  ask<R>(name: string, act: () => Promise<R>): Promise<R>;
  readonly alarm: Alarm;
}

class Lost extends Error {}

/** How long the platform waits until it tries an alarm again whose object was lost. */
const PLATFORM_RETRY_MS = 2000;

export class FaultyObject<T extends { alarm(): void | Promise<void> }> {
  readonly #make: (surroundings: Surroundings) => T;
  readonly #plan: FaultPlan | undefined;
  /** The steps so far. */
  readonly steps: string[] = [];
  alarmAtMs: number | undefined;
  #life = 0;
  #alarm!: Alarm;
  #core!: Core<T>;

  constructor(make: (surroundings: Surroundings) => T, plan?: FaultPlan) {
    this.#make = make;
    this.#plan = plan;
    this.#begin();
  }

  /** Calls it from outside, again and again until it has answered, as whoever needs the answer would. */
  async call<R>(act: (core: T) => Promise<R>): Promise<R> {
    for (let tries = 0; tries < 30; tries++) {
      let answer: R | undefined;
      let hasAnswered = false;
      const life = this.#life;
      void (async () => act(this.#core.get()))().then(
        (given) => {
          answer = given;
          hasAnswered = life === this.#life;
        },
        () => {},
      );
      await this.run(500);
      if (hasAnswered) return answer as R;
      await this.run(500);
    }
    throw new Error("It has not answered.");
  }

  /** Lets time pass, and every alarm fire that is due. */
  async run(ms: number): Promise<void> {
    const untilMs = Date.now() + ms;
    for (let steps = 0; steps < 50_000; steps++) {
      // A timer may ask for an alarm.
      const nextMs = vi.getTimerCount() > 0 ? Date.now() + 100 : Infinity;
      const atMs = Math.max(Date.now(), Math.min(this.alarmAtMs ?? Infinity, nextMs, untilMs));
      await vi.advanceTimersByTimeAsync(atMs - Date.now());
      if (this.alarmAtMs === undefined || this.alarmAtMs > Date.now()) {
        if (Date.now() >= untilMs) return;
        continue;
      }
      this.alarmAtMs = undefined;
      const life = this.#life;
      // Not awaited: the handler may be waiting for what hangs. The platform fires no other alarm meanwhile, but a new object does.
      void this.#alarm.fire(() => this.#core.get().alarm());
      await vi.advanceTimersByTimeAsync(0);
      if (life !== this.#life) this.alarmAtMs ??= Date.now() + PLATFORM_RETRY_MS;
    }
    throw new Error("The alarm goes on without end.");
  }

  #begin(): void {
    const life = ++this.#life;
    const step = <R>(name: string, act: () => R): R => {
      this.#check(life, name);
      return act();
    };
    const ask = async <R>(name: string, act: () => Promise<R>): Promise<R> => {
      if (this.#isFaulty(life, name) === "hangs") return new Promise<R>(() => {});
      return act();
    };
    this.#alarm = new Alarm({
      setAlarm: async (timeMs) => step("setAlarm", () => void (this.alarmAtMs = timeMs)),
      deleteAlarm: async () => step("deleteAlarm", () => void (this.alarmAtMs = undefined)),
    });
    const alarm = this.#alarm;
    this.#core = new Core(() => this.#make({ step, ask, alarm }));
  }

  // Only what is sent to others can hang; storage that does not answer is an object that is lost.
  #check(life: number, name: string): void {
    if (this.#isFaulty(life, name) === "hangs") throw new Error(`${name} fails`);
  }

  #isFaulty(life: number, name: string): Fault | undefined {
    if (life !== this.#life) throw new Lost(name);
    const number = this.steps.push(name) - 1;
    if (this.#plan === undefined || number < this.#plan.from || number >= this.#plan.from + this.#plan.count) return undefined;
    if (this.#plan.fault === "is lost") {
      this.#begin();
      throw new Lost(name);
    }
    if (this.#plan.fault === "throws") throw new Error(`${name} fails`);
    return "hangs";
  }
}
