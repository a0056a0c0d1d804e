import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "edge-serve/client";
import { runLocal, serve, type Server } from "edge-serve/testing";
import { decodeError, encodeError } from "../../src/protocol/error-codec.ts";
import { CARRIED, REFUSED, shown, THROWN } from "../support/crossings.ts";
import { type frontApp, type leafApp, type outerApp, frontApp as localFront } from "./apps/crossings.ts";

const TOKEN = "t".repeat(32);
let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/crossings.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

/** What arrives of it, by the rules. */
const expected = (name: string) => shown(decodeError(structuredClone(encodeError(THROWN[name]!.make()))));

async function arrived(call: PromiseLike<unknown>): Promise<string> {
  try {
    return `no error, but ${shown(await call)}`;
  } catch (error) {
    return shown(error);
  }
}

describe.each(Object.keys(THROWN))("what arrives of what is thrown: %s", (name) => {
  it("is the same by handle, stream, broadcast and batch", async () => {
    const all = expected(name);
    expect(await server.handle<typeof frontApp>("front").ways.remote(name)).toEqual({
      handle: all,
      stream: all,
      broadcast: all,
      batch: all,
    });
  });

  it("is the same over two nested calls", async () => {
    expect(await server.handle<typeof outerApp>("outer").two.remote(name)).toBe(expected(name));
  });

  it("is the same from outside, by server.handle and by connect", async () => {
    expect(await arrived(server.handle<typeof leafApp>("leaf").fail.remote(name))).toBe(expected(name));
    expect(await arrived(connect<typeof leafApp>(server.url, { token: TOKEN, app: "leaf" }).fail.remote(name))).toBe(expected(name));
  });

  it("is the same in runLocal", async () => {
    const all = expected(name);
    expect(await runLocal(localFront).ways.remote(name)).toEqual({ handle: all, stream: all, broadcast: all, batch: all });
  });

  it("is an answer over HTTP, and leaves its slot free", async () => {
    for (let count = 0; count < 6; count++) {
      const response = await server.fetch(`/leaf?name=${encodeURIComponent(name)}`);
      expect([418, 500]).toContain(response.status);
      expect(response.headers.get("retry-after")).toBeNull();
      await response.text();
    }
  });
});

describe("a value", () => {
  it.each(Object.keys(CARRIED))("arrives there and back: %s", async (name) => {
    const { sent, came } = await server.handle<typeof frontApp>("front").carried.remote(name);
    expect(came).toBe(sent);
  });

  it.each(Object.keys(REFUSED))("that cannot cross is refused with its place, as an argument and as a result: %s", async (name) => {
    const { named } = REFUSED[name]!;
    const { argument, result } = await server.handle<typeof frontApp>("front").refused.remote(name);
    for (const said of [argument, result]) {
      expect(said).toMatch(/^SerializationError\(/);
      expect(said).toContain(JSON.stringify(named).slice(1, -1));
    }
    expect(argument).toContain("Argument 1 of");
    expect(result).toContain("The result of");
  });
});
