/**
 * When a cron expression fires.
 *
 * Owns: what is accepted, and what a time zone's jumps mean. Does not own: the fields of an expression, which the library
 * croner reads and searches. It is only asked about clocks that never jump; what it would make of a time zone is not what is
 * promised here.
 *
 * Invariants:
 *   K1. Each time on the wall's clock fires once: the first time that the clock shows it.
 *   K2. A time that the clock skips fires at the moment of the jump. Several that fire at one moment are one.
 *   K3. The next time after a moment is later than that moment.
 */
import { Cron } from "croner";

/** A cron expression that has been checked. */
export interface CronTimes {
  /** The first time after `afterMs`, both in milliseconds since the epoch; `undefined` if none comes within eight years. */
  next(afterMs: number): number | undefined;
}

/** How far ahead is searched. Only 29 February is ever eight years away. */
const SEARCH_MS = 8 * 366 * 86_400_000;
/** What no expression needs. */
const MAX_LENGTH = 1000;
/** Further from the time in UTC no clock has been, with something to spare. */
const MAX_OFFSET_MS = 16 * 3_600_000;

/**
 * Reads a cron expression: five fields, or six with seconds first, or `@hourly` and the like.
 *
 * @param timezone IANA name; UTC without.
 * @param nowMs When it is checked that there is a time at all, in milliseconds since the epoch.
 * @throws RangeError that says what is wrong with the expression or the time zone.
 */
export function parseCron(expression: string, timezone: string | undefined, nowMs: number): CronTimes {
  const clock = timezone === undefined ? new WallClock(() => 0) : new WallClock(offsetsOf(timezone));
  const times = new CronInZone(patternOf(expression), clock);
  if (times.next(nowMs) === undefined)
    throw new RangeError(`The cron expression ${JSON.stringify(expression)} has no time within eight years.`);
  return times;
}

function patternOf(expression: string): Cron {
  const refuse = (why: string, cause?: unknown) => {
    const shown = JSON.stringify(expression.slice(0, 100));
    return new RangeError(
      `${shown} is not a cron expression: ${why}. Accepted are five fields (minute, hour, day, month, weekday), ` +
        "six with seconds first, or one of @yearly, @monthly, @weekly, @daily, @hourly.",
      { cause },
    );
  };
  const text = expression.trim();
  if (text.length > MAX_LENGTH) throw refuse(`it has more than ${MAX_LENGTH} characters`);
  const fields = text.split(/\s+/).length;
  if (!text.startsWith("@") && fields !== 5 && fields !== 6) throw refuse(`it has ${text === "" ? 0 : fields} fields`);
  // The library would read it as "and", where cron has "or".
  if (text.includes("+")) throw refuse("+ has no meaning in it");
  try {
    return new Cron(text, { utcOffset: 0, paused: true, mode: text.startsWith("@") ? "auto" : "5-or-6-parts" });
  } catch (error) {
    throw refuse((error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, "").replace(/\.$/, ""), error);
  }
}

class CronInZone implements CronTimes {
  readonly #pattern: Cron;
  readonly #clock: WallClock;

  constructor(pattern: Cron, clock: WallClock) {
    this.#pattern = pattern;
    this.#clock = clock;
  }

  next(afterMs: number): number | undefined {
    const wallMs = this.#pattern.nextRun(new Date(this.#clock.latestShown(afterMs)))?.getTime();
    if (wallMs === undefined) return undefined;
    const atMs = this.#clock.firstShown(wallMs);
    return atMs - afterMs > SEARCH_MS ? undefined : atMs;
  }
}

/** What the clock on a wall shows, as milliseconds since the epoch of a clock that shows the same in UTC. */
class WallClock {
  readonly #offsetMs: (atMs: number) => number;

  /** @param offsetMs By how much the clock is ahead of UTC at a time. */
  constructor(offsetMs: (atMs: number) => number) {
    this.#offsetMs = offsetMs;
  }

  /** The latest time that the clock has shown up to now: before it was put back it may have shown a later one than now. */
  latestShown(atMs: number): number {
    const shown = atMs + this.#offsetMs(atMs);
    const jump = this.#jumpBetween(atMs - MAX_OFFSET_MS, atMs);
    return jump === undefined ? shown : Math.max(shown, jump.atMs - 1 + jump.beforeMs);
  }

  /** When the clock first shows this time, or a later one because it skips it. */
  firstShown(wallMs: number): number {
    const jump = this.#jumpBetween(wallMs - MAX_OFFSET_MS, wallMs + MAX_OFFSET_MS);
    if (jump === undefined) return wallMs - this.#offsetMs(wallMs);
    const before = wallMs - jump.beforeMs;
    return before < jump.atMs ? before : Math.max(jump.atMs, wallMs - jump.afterMs);
  }

  /** The jump of the clock within a span too short for two. */
  #jumpBetween(fromMs: number, toMs: number): { readonly atMs: number; readonly beforeMs: number; readonly afterMs: number } | undefined {
    const beforeMs = this.#offsetMs(fromMs);
    const afterMs = this.#offsetMs(toMs);
    if (beforeMs === afterMs) return undefined;
    let [low, high] = [Math.floor(fromMs / 1000), Math.ceil(toMs / 1000)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offsetMs(middle * 1000) === beforeMs) low = middle;
      else high = middle;
    }
    return { atMs: high * 1000, beforeMs, afterMs };
  }
}

function offsetsOf(timezone: string): (atMs: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (error) {
    throw new RangeError(
      `${JSON.stringify(timezone.slice(0, 100))} is not a time zone. Accepted is an IANA name, such as "Europe/Berlin".`,
      {
        cause: error,
      },
    );
  }
  return (atMs) => {
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of format.formatToParts(atMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
  };
}
