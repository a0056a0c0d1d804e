/** Ray Serve's test_handle_streaming.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { app } from "./apps/handle-streaming.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/handle-streaming.yaml", { quiet: true });
});
afterAll(() => server.stop());

const driver = () => server.handle<typeof app>();

it("streams 5 items of the default method, another, one through options, one that returns a generator, and a function", async () => {
  expect(await driver().streams.remote(5)).toEqual(Array.from({ length: 5 }, () => [0, 1, 2, 3, 4]));
});

it("gives the one value of a method of the same deployment that is no generator", async () => {
  expect(await driver().unary.remote(5)).toBe(5);
});

it("throws a TypeError at the first item when a single value is iterated", async () => {
  expect(await driver().unaryIterated.remote()).toBe(
    "true The method returned one value, not a generator: await the response instead of iterating it.",
  );
});

it("gives something to iterate when a generator's response is awaited", async () => {
  expect(await driver().generatorAwaited.remote(5)).toEqual([0, 1, 2, 3, 4]);
});

it("ends at once for a generator without items", async () => {
  expect(await driver().streams.remote(0)).toEqual([[], [], [], [], []]);
});

it("throws the generator's error at the first item when it failed before any", async () => {
  expect(await driver().errorAtOnce.remote()).toBe("true oopsies");
});

it("keeps two streams that are read in turns apart", async () => {
  expect(await driver().interleaved.remote()).toEqual([0, 0, 1, 1, 2, 2, undefined, undefined]);
});

it("throws a RequestTimeoutError in the middle of a stream that takes longer than timeoutMs", async () => {
  expect(await driver().late.remote()).toBe("RequestTimeoutError after its first item");
});
