import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { currentScope, runInScope } from "../../../src/context/scope.ts";
import { SharedTimers, sharedTimers } from "../../../src/context/timers.ts";
import { requestScope } from "../../support/scope.ts";

const LOOK_MS = 1000;

/** The platform's timers, whose clock is turned by hand and which cannot be cleared. */
class Platform {
  nowMs = 5000;
  /** How many have been set. */
  count = 0;
  readonly pending: { readonly atMs: number; readonly fire: () => void }[] = [];
  readonly now = (): number => this.nowMs;
  readonly set = (ms: number, fire: () => void): void => {
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(ms).toBeLessThanOrEqual(LOOK_MS);
    this.count++;
    this.pending.push({ atMs: this.nowMs + ms, fire });
  };

  /** @param lateMs How late each timer is; if it is negative, the clock shows that much less than its time when it fires. */
  advance(ms: number, lateMs = 0): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const [next] = this.pending.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs + lateMs > untilMs) break;
      this.pending.splice(this.pending.indexOf(next), 1);
      this.nowMs = Math.max(this.nowMs, next.atMs + lateMs);
      next.fire();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }
}

/** What a test does: waits for something, no longer waits for one of those, lets time pass. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), ms: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 90_000 })) }),
    fc.record({ kind: fc.constant("stop" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 30_000 })) }),
  ),
  { maxLength: 80 },
);

describe("shared timers", () => {
  it("[W1] let everything happen once, in order, at its time, unless it was stopped before", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const platform = new Platform();
        const { after } = new SharedTimers(platform);
        const waits: { readonly atMs: number; readonly stop: () => void; state: "waits" | "happened" | "stopped" }[] = [];
        const order: number[] = [];
        for (const step of all) {
          if (step.kind === "pass") platform.advance(step.ms);
          else if (step.kind === "wait") {
            const atMs = platform.nowMs + step.ms;
            const happen = () => {
              expect(wait.state).toBe("waits");
              expect(platform.nowMs).toBe(atMs);
              wait.state = "happened";
              order.push(atMs);
            };
            const wait = { atMs, stop: after(step.ms, happen), state: "waits" as "waits" | "happened" | "stopped" };
            waits.push(wait);
          } else if (waits.length > 0) {
            const wait = waits[step.which % waits.length]!;
            wait.stop();
            if (wait.state === "waits") wait.state = "stopped";
          }
          for (const { atMs, state } of waits) if (state === "waits") expect(atMs).toBeGreaterThanOrEqual(platform.nowMs);
        }
        platform.advance(100_000);
        expect(waits.filter(({ state }) => state === "waits")).toEqual([]);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
    );
  });

  it("[W2] [W3] set each timer of the platform for a time when there is none, and none while nothing waits", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const platform = new Platform();
        const { after } = new SharedTimers(platform);
        const stops: (() => void)[] = [];
        for (const step of all) {
          if (step.kind === "pass") platform.advance(step.ms);
          else if (step.kind === "wait") stops.push(after(step.ms, () => {}));
          else if (stops.length > 0) stops[step.which % stops.length]!();
          const times = platform.pending.map(({ atMs }) => atMs);
          expect(new Set(times).size).toBe(times.length);
        }
        for (const stop of stops) stop();
        const { count } = platform;
        platform.advance(LOOK_MS);
        expect([platform.pending.length, platform.count]).toEqual([0, count]);
      }),
    );
  });

  it("[W2] are set for no request that ends in time: once a second, however many there are", () => {
    const platform = new Platform();
    const { after } = new SharedTimers(platform);
    for (let request = 0; request < 10_000; request++) {
      const stop = after(60_000, () => expect.unreachable());
      platform.advance(1);
      stop();
    }
    expect(platform.count).toBeLessThanOrEqual(11);
  });

  it.each([-1, 25])("[W1] take no harm from a platform whose timers are %d ms late", (lateMs) => {
    const platform = new Platform();
    const { after } = new SharedTimers(platform);
    const happened: number[] = [];
    for (const ms of [10, 1000, 1500, 2000]) after(ms, () => happened.push(ms));
    platform.advance(2500, lateMs);
    expect(happened).toEqual([10, 1000, 1500, 2000]);
  });

  it("let what is set meanwhile wait for another turn, also when it is due at once", () => {
    const platform = new Platform();
    const { after } = new SharedTimers(platform);
    let turns = 0;
    const again = () => {
      if (++turns < 3) after(0, again);
    };
    after(0, again);
    const [first] = platform.pending;
    platform.pending.length = 0;
    first!.fire();
    expect(turns).toBe(1);
    platform.advance(0);
    expect(turns).toBe(3);
  });

  it("go on when something that happens throws", () => {
    const platform = new Platform();
    const { after } = new SharedTimers(platform);
    let happened = 0;
    after(5, () => {
      throw new RangeError("no");
    });
    after(5, () => happened++);
    after(7, () => happened++);
    expect(() => platform.advance(5)).toThrow(RangeError);
    platform.advance(2);
    expect(happened).toBe(2);
  });

  it("[W4] let nothing happen in the scope of whichever request set the platform's timer", async () => {
    const { after } = sharedTimers();
    const [first, second] = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()];
    runInScope(requestScope(), () => after(5, () => first.resolve(currentScope())));
    after(5, () => second.resolve(currentScope()));
    expect(await Promise.all([first.promise, second.promise])).toEqual([undefined, undefined]);
  });

  it("stop what is due in the same turn", () => {
    const platform = new Platform();
    const { after } = new SharedTimers(platform);
    after(5, () => stop());
    const stop = after(5, () => expect.unreachable());
    platform.advance(10);
  });
});
