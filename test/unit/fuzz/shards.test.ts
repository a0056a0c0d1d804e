import { expect, it } from "vitest";
import type { Failure } from "../../fuzz/failure.ts";
import { kindOf } from "../../fuzz/range.ts";
import { checkInputs } from "../../fuzz/shards.ts";
import { KINDS } from "./failing-kinds.ts";

it("finds what is broken, rejects, hangs and crashes, goes on after it, and says nothing of what is well", async () => {
  const failures: Failure[] = [];
  const kinds = new URL("failing-kinds.ts", import.meta.url);
  // Two of each kind. A small limit: what hangs does so for ever.
  const failed = (failure: Failure) => void failures.push(failure);
  await checkInputs({ seed: 1, first: 0, count: 10 }, { kinds, processes: 1, failed, hangMs: 100 });
  const numbers = (name: string) => new Set(failures.filter(({ kind }) => kind === name).map(({ index }) => index));
  const expected = (name: string) =>
    new Set(Array.from({ length: 10 }, (_, index) => index).filter((index) => kindOf(KINDS, index).name === name));
  for (const name of ["broken", "rejects", "hangs", "crashes"]) expect([name, numbers(name)]).toEqual([name, expected(name)]);
  expect(numbers("well").size).toBe(0);
  // The smallest input that is broken in the same way.
  expect(failures.filter(({ kind }) => kind === "broken").map(({ input }) => input)).toContain("5");
}, 120_000);
