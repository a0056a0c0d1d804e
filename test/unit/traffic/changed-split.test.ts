import { describe, expect, it } from "vitest";
import type { Share } from "../../../src/protocol/traffic.ts";
import { changedSplit } from "../../../src/traffic/changed-split.ts";

const split = (shares: Readonly<Record<string, number>>): Share[] =>
  Object.entries(shares).map(([application, percent]) => ({ application, percent }));
const changed = (before: Readonly<Record<string, number>>, changes: Readonly<Record<string, number>>) =>
  changedSplit(split(before), new Map(Object.entries(changes)));

describe("a split that is changed from the command line", () => {
  it.each([
    ["gives the rest to the other one", { a: 95, b: 5 }, { b: 25 }, { a: 75, b: 25 }],
    ["takes all from the other one", { a: 95, b: 5 }, { b: 100 }, { a: 0, b: 100 }],
    ["comes out exact", { a: 99.99, b: 0.01 }, { b: 33.34 }, { a: 66.66, b: 33.34 }],
    ["takes all that is said", { a: 95, b: 5 }, { a: 50, b: 50 }, { a: 50, b: 50 }],
    ["gives the rest to the one that is not named", { a: 50, b: 30, c: 20 }, { a: 10, b: 10 }, { a: 10, b: 10, c: 80 }],
    ["leaves several that are not named as they are", { a: 50, b: 30, c: 10, d: 10 }, { a: 60, b: 20 }, { a: 60, b: 20, c: 10, d: 10 }],
  ])("%s", (_, before, changes, after) => {
    expect(changed(before, changes)).toEqual(split(after));
  });

  it.each([
    ["an application without a share", { a: 95, b: 5 }, { c: 5 }, ['"c"', "a, b"]],
    ["more than 100", { a: 95, b: 5 }, { b: 101 }, ["196"]],
    ["what does not add up", { a: 50, b: 30, c: 20 }, { a: 60 }, ["110", "a, b, c"]],
  ])("is refused with %s", (_, before, changes, named) => {
    for (const part of named) expect(() => changed(before, changes)).toThrow(part);
  });
});
