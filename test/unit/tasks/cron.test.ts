import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCron } from "../../../src/tasks/cron.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

/** The next times after one, as ISO texts without what is always the same. */
function times(expression: string, timezone: string | undefined, after: string, count: number): string[] {
  const cron = parseCron(expression, timezone, NOW);
  const found: string[] = [];
  for (let atMs = Date.parse(after); found.length < count;) {
    const next = cron.next(atMs);
    if (next === undefined) break;
    found.push(new Date(next).toISOString().replace(/(:00)?\.000Z$/, "Z"));
    atMs = next;
  }
  return found;
}

describe("a cron expression", () => {
  it.each<[what: string, expression: string, timezone: string | undefined, after: string, expected: string[]]>([
    ["five fields", "*/20 * * * *", undefined, "2026-01-01T00:00Z", ["2026-01-01T00:20Z", "2026-01-01T00:40Z", "2026-01-01T01:00Z"]],
    ["six fields have seconds first", "*/30 * * * * *", undefined, "2026-01-01T00:00Z", ["2026-01-01T00:00:30Z", "2026-01-01T00:01Z"]],
    ["fields may be apart by any blanks", "  0\t12 *  * * ", undefined, "2026-01-01T00:00Z", ["2026-01-01T12:00Z"]],
    ["a time is after the one asked from", "0 0 * * *", undefined, "2026-01-01T00:00Z", ["2026-01-02T00:00Z"]],
    ["a part of a second counts", "* * * * * *", undefined, "2026-01-01T00:00:00.500Z", ["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]],
    [
      "day and weekday: either",
      "0 0 13 * 5",
      undefined,
      "2026-01-02T00:00Z",
      ["2026-01-09T00:00Z", "2026-01-13T00:00Z", "2026-01-16T00:00Z"],
    ],
    ["day alone", "0 0 13 * *", undefined, "2026-01-02T00:00Z", ["2026-01-13T00:00Z", "2026-02-13T00:00Z"]],
    ["weekday alone, by name", "0 0 * * fri", undefined, "2026-01-02T00:00Z", ["2026-01-09T00:00Z", "2026-01-16T00:00Z"]],
    ["Sunday is 0 and 7", "0 0 * * 7", undefined, "2026-01-01T00:00Z", ["2026-01-04T00:00Z", "2026-01-11T00:00Z"]],
    ["an impossible day leaves the weekday", "0 0 31 4 1", undefined, "2026-01-01T00:00Z", ["2026-04-06T00:00Z", "2026-04-13T00:00Z"]],
    ["29 February", "0 0 29 2 *", undefined, "2026-01-01T00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
    ["29 February around 2100", "0 0 29 2 *", undefined, "2096-02-29T00:00Z", ["2104-02-29T00:00Z"]],
    ["@hourly", "@hourly", undefined, "2026-01-01T00:00Z", ["2026-01-01T01:00Z"]],
    ["@daily", "@daily", undefined, "2026-01-01T00:00Z", ["2026-01-02T00:00Z"]],
    ["@midnight", "@midnight", undefined, "2026-01-01T00:00Z", ["2026-01-02T00:00Z"]],
    ["@weekly", "@weekly", undefined, "2026-01-01T00:00Z", ["2026-01-04T00:00Z"]],
    ["@monthly", "@monthly", undefined, "2026-01-01T00:00Z", ["2026-02-01T00:00Z"]],
    ["@yearly", "@yearly", undefined, "2026-01-01T00:00Z", ["2027-01-01T00:00Z"]],
    ["@annually", "@annually", undefined, "2026-01-01T00:00Z", ["2027-01-01T00:00Z"]],
    ["a nickname in a time zone", "@daily", "Asia/Kolkata", "2026-01-01T00:00Z", ["2026-01-01T18:30Z"]],
    ["winter and summer time", "0 9 * * *", "Europe/Berlin", "2026-03-28T00:00Z", ["2026-03-28T08:00Z", "2026-03-29T07:00Z"]],
    ["a skipped time fires at the jump", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]],
    ["several skipped times fire once", "*/20 2 * * *", "Europe/Berlin", "2026-03-28T02:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:00Z"]],
    [
      "skipped, together with one that is not",
      "0 2,3 * * *",
      "Europe/Berlin",
      "2026-03-28T03:00Z",
      ["2026-03-29T01:00Z", "2026-03-30T00:00Z"],
    ],
    [
      "hourly over a skipped hour",
      "0 * * * *",
      "Europe/Berlin",
      "2026-03-28T23:00Z",
      ["2026-03-29T00:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z"],
    ],
    [
      "a time that comes twice fires the first time",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T01:00Z",
      ["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
    ],
    ["asked from its second time on", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:10Z", ["2026-10-26T01:30Z"]],
    [
      "every half an hour over an hour that comes twice",
      "*/30 * * * *",
      "Europe/Berlin",
      "2026-10-25T00:00Z",
      ["2026-10-25T00:30Z", "2026-10-25T02:00Z", "2026-10-25T02:30Z"],
    ],
    ["half an hour skipped", "15 2 * * *", "Australia/Lord_Howe", "2026-10-02T16:00Z", ["2026-10-03T15:30Z", "2026-10-04T15:15Z"]],
    ["half an hour twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-03T16:00Z", ["2026-04-04T14:45Z", "2026-04-05T15:15Z"]],
    ["midnight skipped", "0 0 * * *", "Asia/Beirut", "2026-03-28T00:00Z", ["2026-03-28T22:00Z", "2026-03-29T21:00Z"]],
    ["a day skipped", "0 12 30 * *", "Pacific/Apia", "2011-12-01T00:00Z", ["2011-12-30T10:00Z", "2012-01-29T22:00Z"]],
    ["years before 1970 have times, too", "0 0 1 1 *", undefined, "1960-06-01T00:00Z", ["1961-01-01T00:00Z"]],
  ])("fires: %s", (...[, expression, timezone, after, expected]) => {
    expect(times(expression, timezone, after, expected.length)).toEqual(expected);
  });

  it.each([
    "", " ", "* * * *", "* * * * * * *", "0 0 0 1 1 * 2027", "2027-01-01T00:00:00", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
    "* * * 13 *", "* * * * 8", "*/0 * * * *", "*/90 * * * *", "5-1 * * * *", "-1 * * * *", "1.5 * * * *", "1e1 * * * *", ", * * * *", "1, * * * *",
    "a b c d e", "0 0 13 * +5", "@reboot", "@noon", "@every 5m", "@", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 * * mon; rm", "* ".repeat(600),
  ])("is refused in words that show it, unless it is one: %j", (expression) => {
    expect(() => parseCron(expression, undefined, NOW)).toThrow(RangeError);
    expect(() => parseCron(expression, undefined, NOW)).toThrow(JSON.stringify(expression.slice(0, 100)).slice(1, -1));
  }); // prettier-ignore

  it.each(["Mars/Olympus", "", "Europe/ Berlin"])("is refused with a time zone that there is not: %j", (timezone) => {
    expect(() => parseCron("@daily", timezone, NOW)).toThrow(/is not a time zone/);
  });

  it("has times that rise, each of them the first at which the wall's clock has reached a time of it", () => {
    const zones = [
      "Europe/Berlin",
      "America/New_York",
      "Australia/Lord_Howe",
      "America/Sao_Paulo",
      "Asia/Kathmandu",
      "Africa/Casablanca",
      "Pacific/Apia",
    ];
    const field = (max: number) =>
      fc.oneof(
        fc.constant("*"),
        fc.nat(max).map(String),
        fc.integer({ min: 2, max }).map((step) => `*/${step}`),
      );
    fc.assert(
      fc.property(
        fc.tuple(field(59), field(23)),
        fc.constantFrom(...zones),
        fc.integer({ min: Date.parse("2010-01-01"), max: Date.parse("2030-01-01") }),
        ([minute, hour], zone, afterMs) => {
          const inZone = parseCron(`${minute} ${hour} * * *`, zone, NOW);
          const onWall = parseCron(`${minute} ${hour} * * *`, undefined, NOW);
          const shown = (atMs: number) => Date.parse(`${new Date(atMs).toLocaleString("sv-SE", { timeZone: zone })}Z`);
          for (let n = 0, atMs = afterMs; n < 5; n++) {
            const next = inZone.next(atMs)!;
            expect(next).toBeGreaterThan(atMs);
            // Somewhere between what was shown just before and what is shown then there is a time of the expression.
            expect(onWall.next(shown(next - 1000))).toBeLessThanOrEqual(shown(next));
            atMs = next;
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
