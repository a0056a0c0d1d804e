import { afterEach, describe, expect, it, vi } from "vitest";
import { getRequestContext, runInScope } from "../../../src/context/scope.ts";
import { SerializationError } from "../../../src/protocol/errors.ts";
import { toResponse } from "../../../src/replica/http-response.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { requestScope } from "../../support/scope.ts";

const TEXT = "text/plain; charset=utf-8";
const BYTES = "application/octet-stream";
const JSON_TYPE = "application/json";
const JSON_LINES = "application/x-ndjson";

const scope = requestScope();

afterEach(() => {
  vi.restoreAllMocks();
});

async function convert(result: unknown): Promise<{ body: string; type: string | null; status: number }> {
  const response = await toResponse(result, scope);
  return { body: await response.text(), type: response.headers.get("content-type"), status: response.status };
}

async function* several(...chunks: unknown[]) {
  yield* chunks;
}

function* severalNow(...chunks: unknown[]) {
  yield* chunks;
}

function streamOf(...chunks: unknown[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe("what an HTTP handler returns", () => {
  it("is sent as it is when it is a Response", async () => {
    const response = new Response("a", { status: 418 });
    expect(await toResponse(response, scope)).toBe(response);
  });

  it.each([
    ["a string", "héllo", "héllo", TEXT],
    ["an empty string", "", "", TEXT],
    ["undefined", undefined, "", null],
    ["an ArrayBuffer", bytes("a").buffer, "a", BYTES],
    ["a typed array", bytes("abc").subarray(1), "bc", BYTES],
    ["a DataView", new DataView(bytes("ab").buffer, 1), "b", BYTES],
    ["null", null, "null", JSON_TYPE],
    ["a number", 7, "7", JSON_TYPE],
    ["false", false, "false", JSON_TYPE],
    ["an object", { a: [1, null], b: undefined }, '{"a":[1,null]}', JSON_TYPE],
    ["an array", [1, "a"], '[1,"a"]', JSON_TYPE],
    ["a Date", new Date(0), '"1970-01-01T00:00:00.000Z"', JSON_TYPE],
    ["an object with toJSON", { toJSON: () => ({ id: 1 }) }, '{"id":1}', JSON_TYPE],
    ["a generator of strings", several("a", "b"), "ab", TEXT],
    ["a sync generator of strings", severalNow("a", "b"), "ab", TEXT],
    ["a generator of bytes", several(bytes("a"), bytes("b").buffer, new DataView(bytes("c").buffer)), "abc", BYTES],
    ["a generator of objects", several({ a: 1 }, null, [2]), '{"a":1}\nnull\n[2]\n', JSON_LINES],
    ["a generator of a mixture", several("a", bytes("b"), { c: 1 }), 'ab{"c":1}\n', TEXT],
    ["a generator without items", several(), "", null],
    ["a stream of bytes", streamOf(bytes("a"), bytes("b")), "ab", BYTES],
    ["a stream of strings", streamOf("a", "b"), "ab", TEXT],
    ["an empty stream", streamOf(), "", null],
    ["a handle's stream", { [Symbol.asyncIterator]: () => several("a", "b") }, "ab", TEXT],
  ])("becomes a body when it is %s", async (_, result, body, type) => {
    expect(await convert(result)).toEqual({ body, type, status: 200 });
  });

  const circular: Record<string, unknown> = { list: [] };
  (circular["list"] as unknown[]).push({ up: circular });

  it.each([
    ["a bigint", 1n, "returned a bigint,"],
    ["a function", () => 1, "returned a function,"],
    ["a symbol", Symbol("a"), "returned a symbol,"],
    ["a Map", new Map(), "returned a Map,"],
    ["a Set", new Set(), "returned a Set,"],
    ["a bigint inside", { rows: [{ id: 1 }, { id: 2n }] }, "returned a value with a bigint at .rows[1].id,"],
    ["a circle", circular, "returned a value with a reference to itself at .list[0].up,"],
    [
      "a toJSON that throws",
      {
        toJSON() {
          throw new Error("no");
        },
      },
      "Error: no",
    ],
  ])("is refused with its place when it is or holds %s", (_, result, sentence) => {
    const convertNow = () => toResponse(result, scope);
    expect(convertNow).toThrow(SerializationError);
    expect(convertNow).toThrow(sentence);
  });
});

describe("the answer to a HEAD request", () => {
  const head = new Request("http://host/", { method: "HEAD" });

  it("has the headers of a stream, which is stopped after its first item", async () => {
    const stopped = vi.fn();
    async function* endless() {
      try {
        for (;;) yield "a";
      } finally {
        stopped();
      }
    }
    const response = await toResponse(endless(), scope, head);
    expect([response.body, response.headers.get("content-type")]).toEqual([null, TEXT]);
    expect(stopped).toHaveBeenCalledOnce();
  });

  it("cancels the body of the handler's own", async () => {
    const cancel = vi.fn();
    const response = await toResponse(new Response(new ReadableStream({ cancel }), { headers: { "x-a": "1" } }), scope, head);
    expect([response.body, response.headers.get("x-a")]).toEqual([null, "1"]);
    expect(cancel).toHaveBeenCalledOnce();
  });
});

describe("a streamed body", () => {
  it("sends each chunk when it is there", async () => {
    const second = Promise.withResolvers<string>();
    async function* slow() {
      yield "first";
      yield await second.promise;
    }
    const response = await toResponse(slow(), scope);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const text = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await text()).toBe("first");
    second.resolve("second");
    expect(await text()).toBe("second");
    expect((await reader.read()).done).toBe(true);
  });

  it("stops the generator when the client goes away", async () => {
    let isClosed = false;
    async function* endless() {
      try {
        for (;;) yield "x";
      } finally {
        isClosed = true;
      }
    }
    const response = await toResponse(endless(), scope);
    await response.body?.cancel();
    expect(isClosed).toBe(true);
  });

  it("stops the stream that it passes on when the client goes away", async () => {
    const cancelled = Promise.withResolvers<void>();
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue("x"), cancel: () => cancelled.resolve() });
    const response = await toResponse(endless, scope);
    await response.body?.cancel();
    await cancelled.promise;
  });

  it("runs in the scope of its request to the end", async () => {
    async function* ids() {
      yield getRequestContext().requestId;
      await Promise.resolve();
      yield getRequestContext().requestId;
    }
    const response = await runInScope(scope, () => toResponse(ids(), scope));
    expect(await response.text()).toBe("r1r1");
  });

  it("that fails before its first chunk is an ordinary error", async () => {
    async function* failing() {
      yield await Promise.reject(new RangeError("no"));
    }
    await expect(toResponse(failing(), scope)).rejects.toThrow(RangeError);
  });

  it("that fails later breaks off", async () => {
    async function* failing() {
      yield "a";
      throw new Error("disk on fire");
    }
    const response = await toResponse(failing(), scope);
    await expect(response.text()).rejects.toThrow("disk on fire");
  });

  it("joins the chunks that are ready, after the first, and pauses the generator while the client reads none", async () => {
    let made = 0;
    async function* many() {
      while (made < 1000) yield `${made++},`;
    }
    const response = await toResponse(many(), scope);
    await turnOfTheEventLoop();
    expect(made).toBeLessThan(600);
    const chunks: string[] = [];
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      chunks.push(new TextDecoder().decode(chunk));
      await turnOfTheEventLoop();
    }
    expect(chunks.join("")).toBe(Array.from({ length: 1000 }, (_, n) => `${n},`).join(""));
    expect(chunks[0]).toBe("0,");
    expect(chunks.length).toBeLessThan(20);
  });

  it("keeps at most 64 KiB and a chunk for a client that reads none", async () => {
    let made = 0;
    async function* large() {
      for (;;) {
        made++;
        yield new Uint8Array(32 * 1024);
      }
    }
    const response = await toResponse(large(), scope);
    await turnOfTheEventLoop();
    expect(made).toBeLessThanOrEqual(6);
    await response.body?.cancel();
  });

  it("gives the chunks before an error, and bytes as they were when they were yielded", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    async function* reusing() {
      const buffer = new Uint8Array(1);
      for (const code of [97, 98, 99]) {
        buffer[0] = code;
        yield buffer;
      }
      throw new Error("broken");
    }
    const reader = ((await toResponse(reusing(), scope)).body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    const readAll = async () => {
      for (;;) text += new TextDecoder().decode((await reader.read()).value);
    };
    await expect(readAll()).rejects.toThrow("broken");
    expect(text).toBe("abc");
  });
});
