/**
 * What an entry of `schedules` takes.
 *
 * Owns: the form of an expression, and whether the platform knows a time zone. Does not own: what an expression means, which
 * `src/tasks/cron.ts` reads with a library. No bundle without schedules has that, so a build and `PUT` ask it, and `deployment()` asks
 * what is here.
 */
import * as v from "valibot";
import { MAX_SCHEDULES } from "../protocol/limits.ts";
import type { ScheduleConfig } from "../protocol/manifest.ts";
import { asValibot } from "./as-valibot.ts";
import { option, schemaOf } from "./option-table.ts";
import { type Accepts, json, text } from "./option-values.ts";

const CRON =
  "a cron expression: five fields (minute, hour, day, month, weekday), six with seconds first, or one of @yearly, @monthly, @weekly, @daily, @hourly";
const TIMEZONE = 'an IANA time zone, such as "Europe/Berlin"';
const METHOD = "the name of a method";
const MAX_ARGS = 100;

/** The largest number in each field, seconds first. */
const MAXIMA = [59, 59, 23, 31, 12, 7];

function isCronShaped(value: unknown): boolean {
  if (typeof value !== "string") return false;
  const expression = value.trim();
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i.test(expression)) return true;
  const fields = expression.split(/\s+/);
  if (expression.length > 1000 || (fields.length !== 5 && fields.length !== 6)) return false;
  return fields.every((field, index) => isField(field, MAXIMA[index + 6 - fields.length]!));
}

function isField(field: string, maximum: number): boolean {
  if (!/^[\dA-Za-z*?,/#-]+$/.test(field)) return false;
  // A step may be anything.
  return [...field.replaceAll(/\/\d+|#\d+/g, "").matchAll(/\d+/g)].every(([number]) => Number(number) <= maximum);
}

function isTimezone(value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: value }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** @internal The options of an entry. */
export const SCHEDULES = {
  /** When: a cron expression of five fields, or six with seconds first, or `@hourly` and the like. */
  cron: option(v.custom<string>(isCronShaped, CRON), { required: true }),
  /**
   * By which clock. Each of its times fires once; one that it skips fires when the clock has passed it.
   *
   * @default UTC
   */
  timezone: option(v.custom<string>(isTimezone, TIMEZONE)),
  /**
   * Which method is enqueued.
   *
   * @default call
   */
  method: option(text(/^[A-Za-z$][\w$]{0,199}$/, METHOD)),
  /** What it is called with. JSON. */
  args: option<readonly unknown[]>(
    v.pipe(v.array(v.unknown(), "an array"), v.maxLength(MAX_ARGS, `an array of at most ${MAX_ARGS}`), v.array(asValibot(json()))),
  ),
};

const LIST = `an array of at most ${MAX_SCHEDULES} schedules`;
const ENTRY = `an object with cron, and no others than ${Object.keys(SCHEDULES).join(", ")}`;

/** @internal Several of them. */
export function scheduleList(): Accepts<readonly ScheduleConfig[]> {
  const isEntry = (value: unknown) =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).every((name) => Object.hasOwn(SCHEDULES, name)) &&
    (value as Partial<ScheduleConfig>).cron !== undefined;
  const entry = v.pipe(v.custom<unknown>(isEntry, ENTRY), asValibot(schemaOf<ScheduleConfig>(SCHEDULES, ENTRY)));
  // How many first: each one that is wrong is said.
  return v.pipe(v.array(v.unknown(), LIST), v.maxLength(MAX_SCHEDULES, LIST), v.array(entry));
}
