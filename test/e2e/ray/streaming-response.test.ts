/** Ray Serve's test_streaming_response.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { app } from "./apps/signals.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/streaming-response.yaml", { quiet: true });
});
afterAll(() => server.stop());

const signals = () => server.handle<typeof app>("signals");
const HI = Array.from({ length: 10 }, (_, n) => `hi_${n}`).join("");

async function read(path: string, init?: RequestInit) {
  const response = await server.fetch(path, { redirect: "manual", ...init });
  return response.body!.pipeThrough(new TextDecoderStream()).getReader();
}

describe.each(["/plain", "/routed"])("a stream of %s", (prefix) => {
  const nameOf = (text: string) => `${prefix} ${text}`.replaceAll(/\W/g, "-");

  it.each(["async", "sync"])("gives 10 chunks in order, from an %s generator", async (kind) => {
    expect(await (await server.fetch(`${prefix}/${kind}`)).text()).toBe(HI);
  });

  it.each([
    ["one replica", prefix],
    ["two replicas", `${prefix}-two`],
  ])("gives two clients their first chunk before either generator is finished, with %s", async (replicas, path) => {
    const name = nameOf(replicas);
    const readers = await Promise.all([read(`${path}/paused/${name}`), read(`${path}/paused/${name}`)]);
    for (const reader of readers) expect(await reader.read()).toEqual({ done: false, value: "first" });
    await signals().send.remote(name);
    for (const reader of readers) {
      expect(await reader.read()).toEqual({ done: false, value: " last" });
      expect((await reader.read()).done).toBe(true);
    }
  });

  it("keeps status, headers and content type", async () => {
    const response = await server.fetch(`${prefix}/metadata`, { redirect: "manual" });
    const { status, headers } = response;
    expect([status, headers.get("hello"), headers.get("content-type"), await response.text()]).toEqual([301, "world", "foo/bar", HI]);
  });

  it("breaks off for the client when the generator fails after its first chunk", async () => {
    const name = nameOf("fails");
    const reader = await read(`${prefix}/fails/${name}`);
    expect((await reader.read()).value).toBe("first chunk");
    await signals().send.remote(name);
    await expect(reader.read()).rejects.toThrow();
  });

  it("ends the generator within 5 s of the client's disconnect", async () => {
    const gone = new AbortController();
    const requestId = `left-${prefix.slice(1)}`;
    const reader = await read(`${prefix}/until-left`, { signal: gone.signal, headers: { "x-request-id": requestId } });
    expect((await reader.read()).value).toContain("hi_0");
    gone.abort();
    await server.waitForLog(({ message, fields }) => message === "generator ended" && fields["of"] === requestId, { timeoutMs: 5000 });
  });
});

it("passes the stream of another deployment through", async () => {
  expect(await (await server.fetch("/passed-on")).text()).toBe(HI);
});

it("stops the call that its generator waits for when the client disconnects", async () => {
  const gone = new AbortController();
  const name = "left";
  const reader = await read(`/plain/paused/${name}`, { signal: gone.signal });
  expect((await reader.read()).value).toBe("first");
  await signals().whenWaiting.remote(name, 1);
  gone.abort();
  await signals().whenWaiting.remote(name, 0);
});

it("runs a stream of the user's own in the scope of its request, to its end", async () => {
  const response = await server.fetch("/plain/own", { headers: { "x-request-id": "own" } });
  expect(await response.text()).toBe("own own own ");
});
