import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "edge-serve/client";
import { runLocal, serve, type Server } from "edge-serve/testing";
import { decodeError, encodeError } from "../../src/protocol/error-codec.ts";
import { CARRIED, LARGE, REFUSED, THROWN } from "../support/crossings.ts";
import { shown } from "../support/shown.ts";
import { type frontApp, type leafApp, type outerApp, frontApp as localFront } from "./apps/crossings.ts";
import { suiteTarget } from "../support/suite-target.ts";

const TOKEN = "t".repeat(32);
let server: Server;

beforeAll(async () => {
  server = await serve(suiteTarget("crossings"), { token: TOKEN, quiet: true });
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

  it("is the same at the end of a stream that is read from outside, after its items", async () => {
    const items: number[] = [];
    const all = (async () => {
      for await (const item of connect<typeof leafApp>(server.url, { token: TOKEN, app: "leaf" }).items.remote(name)) items.push(item);
    })();
    expect(await arrived(all)).toBe(expected(name));
    expect(items).toEqual([1]);
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

describe.each(Object.keys(LARGE))("what is too much of what is thrown: %s", (name) => {
  it("is left out, and the error arrives by every way", async () => {
    const ways = Object.entries(await server.handle<typeof frontApp>("front").waysOfLarge.remote(name));
    for (const [way, code] of ways) expect([way, code]).toEqual([way, "no code"]);
    const outside = server.handle<typeof leafApp>("leaf").failLarge.remote(name);
    await expect(Promise.resolve(outside)).rejects.not.toHaveProperty("code");
  });

  it("is an answer over HTTP, and leaves its slot free", async () => {
    for (let count = 0; count < 6; count++) {
      const response = await server.fetch(`/leaf?large=${encodeURIComponent(name)}`);
      expect([response.status, await response.text()]).toEqual([500, "Internal Server Error"]);
    }
  });
});

describe("a value", () => {
  it.each(Object.keys(CARRIED))("arrives from outside, there and back, and as a result: %s", async (name) => {
    const value = CARRIED[name]!();
    const sent = shown(value);
    for (const handle of [server.handle<typeof leafApp>("leaf"), connect<typeof leafApp>(server.url, { token: TOKEN, app: "leaf" })]) {
      expect(shown(await handle.echo.remote(value))).toBe(sent);
      expect(shown(await handle.carried.remote(name))).toBe(sent);
    }
  });

  it("with bodies in it arrives from outside, blobs and streams too", async () => {
    const handle = server.handle<typeof leafApp>("leaf");
    const blob = new Blob(["abc"], { type: "text/plain" });
    const back = (await handle.echo.remote({ list: [blob, new Response("body")], blob })) as { list: [Blob, Response]; blob: Blob };
    expect([back.blob.type, await back.blob.text(), await back.list[1].text()]).toEqual(["text/plain", "abc", "body"]);
    expect(await ((await handle.blob.remote()) as Blob).text()).toBe("abc");
  });

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

describe("a stream among the arguments", () => {
  const ways = (chunks: readonly unknown[]) => server.handle<typeof frontApp>("front").streams.remote(chunks);

  it("crosses as bytes and as text", async () => {
    expect(await ways(["te", new Uint8Array([120, 116])])).toEqual({
      argument: 'no error, but "text"',
      body: 'no error, but "text"',
      generator: "no error, but 4",
    });
  });

  it.each([
    ["an object", { a: 1 }],
    ["a number", 7],
    ["an array", [1]],
  ])("that gives %s is the sender's mistake, and says which argument", async (_, chunk) => {
    const said = await ways(["text", chunk]);
    for (const [way, text] of Object.entries(said)) {
      expect([way, text]).toEqual([way, expect.stringMatching(/^SerializationError\("Argument 1 of \\"Leaf\.(text|lengths)\\" is a /)]);
    }
  });
});

describe("a stream as a result", () => {
  const handles = () => [server.handle<typeof frontApp>("front"), runLocal(localFront)];

  it("crosses as bytes and as text", async () => {
    for (const handle of handles())
      expect(await handle.resultStreams.remote(["te", new Uint8Array([120, 116])])).toEqual({
        result: 'no error, but "text"',
        body: 'no error, but "text"',
      });
  });

  it.each([
    ["an object", { a: 1 }],
    ["a number", 7],
    ["an array", [1]],
  ])("that gives %s is a SerializationError that names the method", async (_, chunk) => {
    for (const handle of handles())
      for (const [way, said] of Object.entries(await handle.resultStreams.remote(["text", chunk])))
        expect([way, said]).toEqual([way, expect.stringMatching(/^SerializationError\("The result of \\"Leaf\.stream\\" is a /)]);
  });

  it("that breaks off does so with the author's own error", async () => {
    for (const handle of handles()) expect(await handle.failingStream.remote()).toMatch(/^RangeError\("declined"/);
  });
});

it("a second loop over a stream of items has none, as over a generator", async () => {
  expect(await server.handle<typeof frontApp>("front").again.remote()).toBe(0);
  expect(await runLocal(localFront).again.remote()).toBe(0);
});
