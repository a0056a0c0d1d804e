import { describe, expect, it } from "vitest";
import { bytesOf } from "../../soak/memory.ts";
import { wholeHead } from "../../soak/load.ts";
import { DIFFERENT, mixOf } from "../../soak/mix.ts";
import { faultsOf, type Soaked } from "../../soak/verdict.ts";

const slope = (low: number, high: number) => ({ estimate: (low + high) / 2, low, high, blocks: 20 });
const well: Soaked = {
  requests: 1_000_000,
  heap: slope(-2, 3),
  anonymous: slope(15, 25),
  bare: slope(15, 25),
  objects: 11,
  expectedObjects: 11,
  wrong: [],
};

describe("a soak", () => {
  it.each<[string, Partial<Soaked>]>([
    ["whose interval holds 0, and whose process grows as any does", {}],
    ["whose memory shrinks", { heap: slope(-9, -1), anonymous: slope(-9, -1) }],
    ["that is too short to judge the slopes", { requests: 20_000, heap: slope(20, 90) }],
  ])("passes %s", (_, change) => {
    expect(faultsOf({ ...well, ...change })).toEqual([]);
  });

  it.each<[string, Partial<Soaked>, string]>([
    ["grows", { heap: slope(0.1, 0.2) }, "The heap grows: 0.15 bytes a request"],
    ["may grow", { heap: slope(-1, 8) }, "not known well enough"],
    ["grows more as a process", { anonymous: slope(35, 45) }, "more than one without edge-serve: by 20.00 bytes a request"],
    ["has more objects", { objects: 12 }, "12 Durable Objects"],
    ["asks the controller for each key", { askedEachSecond: 2.1 }, "asked 2.10 times a second"],
    ["was answered wrongly, however short", { requests: 1, wrong: ["http /: 500 for 200"] }, "http /: 500 for 200"],
  ])("fails when it %s", (_, change, fault) => {
    expect(faultsOf({ ...well, ...change })).toEqual([expect.stringContaining(fault)]);
  });
});

describe("the mix", () => {
  const askedAt = mixOf();
  const asked = Array.from({ length: 250_000 }, (_, number) => askedAt(number));

  it("is a million requests with 100,000 different session ids, keys and model ids", () => {
    expect(asked.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(1_000_000);
    const sessions = new Set(asked.filter(({ kind }) => kind === "session").map(({ headers }) => headers));
    expect(sessions.size).toBe(DIFFERENT);
    for (const kind of ["keyed", "models"]) {
      const firsts = new Set(asked.filter((one) => one.kind === kind).map(({ path }) => path));
      // Each asks for as many in a row as it makes calls.
      expect([kind, firsts.size * 20]).toEqual([kind, DIFFERENT]);
    }
  });

  it("may be of some kinds only", () => {
    expect(new Set([0, 1, 2, 3].map(mixOf(["error", "missing"])).map(({ kind }) => kind))).toEqual(new Set(["error", "missing"]));
    expect(() => mixOf(["constructor"])).toThrow('no kind "constructor"');
  });

  it("has each kind all over", () => {
    const early = new Set(asked.slice(0, 201).map(({ kind }) => kind));
    expect(early).toEqual(new Set(asked.map(({ kind }) => kind)));
  });
});

it("a response is whole when all of its body is there", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 2";
  expect([wholeHead(`${head}\r\n\r\no`), wholeHead(`${head}\r\n\r\nok`)]).toEqual([undefined, head]);
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked";
  expect([wholeHead(`${chunked}\r\n\r\n2\r\nok\r\n`), wholeHead(`${chunked}\r\n\r\n2\r\nok\r\n0\r\n\r\n`)]).toEqual([undefined, chunked]);
});

it("memory is read from smaps_rollup", () => {
  expect(bytesOf("Rss:              200 kB\nAnonymous:         12 kB\n", "Anonymous")).toBe(12 * 1024);
  expect(() => bytesOf("", "Rss")).toThrow("no line Rss");
});
