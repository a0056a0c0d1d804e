import { afterEach, describe, expect, it, vi } from "vitest";
import { serve } from "edge-serve/testing";

afterEach(() => {
  vi.restoreAllMocks();
});

const failures = () =>
  vi
    .mocked(console.error)
    .mock.calls.flat()
    .filter((text) => String(text).includes("the handler failed"));

describe("a served application that logs an error", () => {
  it.each<[{ quiet?: boolean }, number]>([
    [{}, 1],
    [{ quiet: true }, 0],
  ])("has it on standard error, unless it is served quietly: %o", async (options, count) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    await using server = await serve("test/e2e/apps/failing.ts:app", options);
    expect((await server.fetch("/")).status).toBe(500);
    expect(failures()).toHaveLength(count);
    expect(server.logs().filter(({ message }) => message === "the handler failed")).toHaveLength(1);
  });
});
