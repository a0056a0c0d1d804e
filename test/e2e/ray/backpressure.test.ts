/** Ray Serve's test_backpressure.py, translated. */
import { BackPressureError } from "edge-serve";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { byHandle } from "./apps/backpressure.ts";
import type { app } from "./apps/signals.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/backpressure.yaml", { quiet: true });
});
afterAll(() => server.stop());

const signals = () => server.handle<typeof app>("signals");

/** What the first `count` of these end with. The others go on. */
function firstOf<T>(all: readonly PromiseLike<T>[], count: number): Promise<unknown[]> {
  const ended: unknown[] = [];
  return new Promise((resolve) => {
    const end = (outcome: unknown) => {
      if (ended.push(outcome) === count) resolve([...ended]);
    };
    for (const one of all) one.then(end, end);
  });
}

/** The text of each request from "hi-1" to "hi-12": the first runs, one of the others waits, the other ten are refused. */
const texts = Array.from({ length: 12 }, (_, n) => `hi-${n + 1}`);

describe("with one request running and one waiting", () => {
  it("refuses the next 10 calls with a BackPressureError, and answers the two afterwards", async () => {
    const hold = (text: string) => server.handle<typeof byHandle>("handle").hold.remote("calls", text);
    const first = hold(texts[0]!);
    await signals().whenWaiting.remote("calls", 1);
    const others = texts.slice(1).map(hold);
    for (const error of await firstOf(others, 10)) {
      expect(error).toBeInstanceOf(BackPressureError);
      expect((error as Error).message).toMatch(/^Request dropped due to backpressure/);
    }
    await signals().send.remote("calls");
    const answers = (await Promise.allSettled(others)).filter(({ status }) => status === "fulfilled");
    expect([await first, answers]).toEqual(["hi-1", [{ status: "fulfilled", value: expect.stringMatching(/^hi-\d+$/) }]]);
  });

  it("answers 503 to the next 10 requests, and 200 to the two afterwards", async () => {
    const hold = async (text: string) => {
      const response = await server.fetch(`/direct/requests/${text}`);
      return `${response.status} ${response.headers.get("retry-after")} ${await response.text()}`;
    };
    const first = hold(texts[0]!);
    await signals().whenWaiting.remote("requests", 1);
    const others = texts.slice(1).map(hold);
    for (const answer of await firstOf(others, 10)) expect(answer).toMatch(/^503 1 Request dropped due to backpressure/);
    await signals().send.remote("requests");
    const answers = (await Promise.all(others)).filter((answer) => !answer.startsWith("503"));
    expect([await first, answers]).toEqual(["200 null hi-1", [expect.stringMatching(/^200 null hi-\d+$/)]]);
  });
});

describe("a parent whose child refuses", () => {
  it.each([
    ["plain", "/plain", "plain"],
    ["itty", "/itty/async", "itty, awaiting"],
    ["itty", "/itty/sync", "itty, returning the response of the call"],
    ["hono", "/hono/async", "Hono, whose own error handler answers"],
  ])("%s answers 503 at %s", async (appName, path) => {
    const parent = server.handle<typeof byHandle>(appName);
    const place = `parent ${path}`;
    const running = parent.hold.remote(place, "running");
    await signals().whenWaiting.remote(place, 1);
    const others = [parent.hold.remote(place, "a"), parent.hold.remote(place, "b")];
    await firstOf(others, 1);
    const response = await server.fetch(path);
    const text = await response.text();
    await signals().send.remote(place);
    expect([response.status, text]).toEqual([503, expect.stringMatching(/^Request dropped due to backpressure/)]);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await running).toBe("running");
  });
});
