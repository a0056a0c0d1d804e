import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Schedule } from "../../../src/protocol/tasks.ts";
import { type ScheduleRow, Schedules, type ScheduleStore, scheduleName } from "../../../src/tasks/schedules.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00Z");
const hourly: Schedule = { deployment: "Mail", cron: "@hourly", method: "sweep" };
const daily: Schedule = { deployment: "Mail", cron: "0 9 * * *", timezone: "Europe/Berlin", args: [1] };

class Gone extends Error {}

/** The object of the schedules, which may be lost, and tasks that may not be stored. */
class World {
  nowMs = START;
  alarmAt: number | undefined;
  /** The tasks that were stored, each once: schedule and time. */
  readonly tasks = new Set<string>();
  enqueues = 0;
  /** The first of them; the shard knows a time that it has had. */
  readonly order: string[] = [];
  isDown: (schedule: Schedule) => boolean = () => false;
  readonly warnings: string[] = [];
  readonly #rows = new Map<string, ScheduleRow>();
  #revision: number | undefined;
  #core: Schedules | undefined;
  #life = 0;
  /** Dies at this many more writes. */
  writesLeft = Infinity;

  get core(): Schedules {
    if (this.#core !== undefined) return this.#core;
    const life = ++this.#life;
    const alive = () => {
      if (life !== this.#life) throw new Gone();
    };
    const write = (act: () => void) => {
      alive();
      if (this.writesLeft-- <= 0) {
        this.lose();
        throw new Gone();
      }
      act();
    };
    const store: ScheduleStore = {
      entries: () => [...this.#rows],
      put: (name, row) => write(() => this.#rows.set(name, row)),
      delete: (name) => write(() => this.#rows.delete(name)),
      revision: () => this.#revision,
      setRevision: (revision) => write(() => (this.#revision = revision)),
    };
    return (this.#core = new Schedules({
      store,
      enqueue: async (name, schedule, atMs) => {
        alive();
        await Promise.resolve();
        if (this.isDown(schedule)) throw new Error("no shard");
        this.enqueues++;
        this.tasks.add(`${name} ${atMs}`);
        this.order.push(`${schedule.cron} ${new Date(atMs).toISOString()}`);
        await Promise.resolve();
      },
      wakeAt: (timeMs) => {
        if (life === this.#life) this.alarmAt = timeMs;
      },
      warn: (_, message) => this.warnings.push(message),
      now: () => this.nowMs,
    }));
  }

  lose(): void {
    this.#core = undefined;
    this.#life++;
    this.writesLeft = Infinity;
  }

  async ask(what: (core: Schedules) => Promise<void>): Promise<boolean> {
    try {
      await what(this.core);
      return true;
    } catch (error) {
      if (error instanceof Gone) return false;
      throw error;
    }
  }

  async passTo(untilMs: number): Promise<void> {
    for (let n = 0; this.alarmAt !== undefined && this.alarmAt <= untilMs; n++) {
      if (n > 10_000) throw new Error("The alarm fires without end.");
      this.nowMs = Math.max(this.nowMs, this.alarmAt);
      this.alarmAt = this.nowMs + 1000;
      await this.ask((core) => core.alarm());
    }
    this.nowMs = untilMs;
  }
}

describe("schedules", () => {
  it("give a task at each time, and hold one alarm for the next", async () => {
    const world = new World();
    await world.core.adopt(1, [hourly, daily]);
    expect(world.alarmAt).toBe(START + HOUR);
    await world.passTo(START + 9 * HOUR);
    expect(world.order).toHaveLength(10);
    expect(world.order).toContain("0 9 * * * 2026-01-01T08:00:00.000Z");
    expect(await world.core.upcoming()).toEqual([
      { ...hourly, nextAt: START + 10 * HOUR },
      { ...daily, nextAt: START + 32 * HOUR },
    ]);
  });

  it("have no alarm when there are none", async () => {
    const world = new World();
    await world.core.adopt(1, [hourly]);
    await world.core.adopt(2, []);
    expect([world.alarmAt, await world.core.upcoming()]).toEqual([undefined, []]);
  });

  it("give one task for the times that passed while nothing ran", async () => {
    const world = new World();
    await world.core.adopt(1, [hourly]);
    world.nowMs = START + 5.5 * HOUR;
    await world.core.alarm();
    expect(world.order).toEqual(["@hourly 2026-01-01T01:00:00.000Z"]);
    expect(world.alarmAt).toBe(START + 6 * HOUR);
  });

  it("keep their next times when they stay, and fire no more when they are gone", async () => {
    const world = new World();
    await world.core.adopt(1, [hourly, daily]);
    world.nowMs = START + 1.5 * HOUR;
    await world.core.adopt(2, [{ method: "sweep", cron: "@hourly", deployment: "Mail" }]);
    expect(world.alarmAt).toBe(START + HOUR);
    await world.passTo(START + 48 * HOUR);
    expect(world.order.every((time) => time.startsWith("@hourly"))).toBe(true);
    expect(world.order[0]).toBe("@hourly 2026-01-01T01:00:00.000Z");
  });

  it("are not changed by a revision that is older than the one that they have", async () => {
    const world = new World();
    await world.core.adopt(5, [hourly]);
    world.lose();
    await world.core.adopt(4, []);
    expect(await world.core.upcoming()).toHaveLength(1);
  });

  it("go on when a task cannot be stored: that one is tried again, and the others fire in time", async () => {
    const world = new World();
    world.isDown = ({ cron }) => cron === "@hourly";
    await world.core.adopt(1, [hourly, { deployment: "Rank", cron: "*/10 * * * *" }]);
    await world.passTo(START + 1.9 * HOUR);
    expect(world.order).toEqual(Array.from({ length: 11 }, (_, n) => `*/10 * * * * ${new Date(START + (n + 1) * 600_000).toISOString()}`));
    expect(world.warnings.length).toBeGreaterThan(10);
    world.isDown = () => false;
    await world.passTo(START + 2 * HOUR);
    expect(world.order).toContain("@hourly 2026-01-01T01:00:00.000Z");
    await world.passTo(START + 3 * HOUR);
    expect(world.order).toContain("@hourly 2026-01-01T03:00:00.000Z");
  });

  it("that say the same are one", () => {
    expect(scheduleName({ ...hourly, timezone: "UTC", args: [] })).toBe(scheduleName(hourly));
    expect(scheduleName({ ...hourly, args: [1] })).not.toBe(scheduleName(hourly));
  });

  it("neither lose a time nor give it a second task, however often their object is lost between any two steps", async () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 600_000, HOUR, 3 * HOUR) }),
      fc.constant({ kind: "lose" as const }),
      fc.record({ kind: fc.constant("lose at" as const), writes: fc.nat(2) }),
      fc.record({ kind: fc.constant("down" as const), isDown: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
        const world = new World();
        await world.core.adopt(1, [hourly]);
        for (const event of events) {
          if (event.kind === "pass") await world.passTo(world.nowMs + event.ms);
          else if (event.kind === "lose") world.lose();
          else if (event.kind === "lose at") world.writesLeft = event.writes;
          else world.isDown = () => event.isDown;
          expect(world.alarmAt).toBeDefined();
        }
        world.isDown = () => false;
        world.writesLeft = Infinity;
        await world.passTo(world.nowMs + HOUR);
        const times = [...world.tasks].map((task) => Number(task.split(" ").at(-1))).toSorted((a, b) => a - b);
        // Each is a full hour; after the first, one is missing only where several passed while nothing could be stored.
        expect(times.every((time) => time % HOUR === 0)).toBe(true);
        expect(times[0]).toBe(START + HOUR);
        expect(times.at(-1)).toBeGreaterThan(world.nowMs - 2 * HOUR);
        if (!events.some(({ kind }) => kind === "down")) expect(times).toHaveLength(Math.floor((world.nowMs - START) / HOUR));
      }),
      { numRuns: 300 },
    );
  });
});
