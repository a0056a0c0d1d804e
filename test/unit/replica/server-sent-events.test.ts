import { describe, expect, it } from "vitest";
import { toResponse } from "../../../src/replica/http-response.ts";
import { acceptsEvents } from "../../../src/replica/server-sent-events.ts";
import { requestScope } from "../../support/scope.ts";

const scope = requestScope();

async function* several(...items: unknown[]) {
  yield* items;
}

function* severalNow(...items: unknown[]) {
  yield* items;
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe("server-sent events", () => {
  const asking = new Request("http://host/", { headers: { accept: "text/event-stream" } });
  const sent = async (...items: unknown[]) => (await toResponse(several(...items), scope, asking)).text();

  it("are what a generator gives to a client that asks for them, a handle's stream and an empty one as well", async () => {
    for (const result of [several("a"), severalNow("a"), { [Symbol.asyncIterator]: () => several("a") }, several()]) {
      const { headers } = await toResponse(result, scope, asking);
      expect([headers.get("content-type"), headers.get("cache-control")]).toEqual(["text/event-stream", "no-cache"]);
    }
    for (const result of [new ReadableStream({ start: (controller) => controller.close() }), "a", { a: 1 }, new Response("a")])
      expect((await toResponse(result, scope, asking)).headers.get("content-type")).not.toBe("text/event-stream");
  });

  it.each([
    ["text", ["a"], "data: a\n\n"],
    ["empty text", [""], "data: \n\n"],
    ["lines, however they end", ["a\nb\r\nc\rd\n"], "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"],
    ["several", ["a", "b"], "data: a\n\ndata: b\n\n"],
    ["bytes as their text", [bytes("a\nb")], "data: a\ndata: b\n\n"],
    ["plain values", [1, null, true, [1, "a"], { n: 1 }], 'data: 1\n\ndata: null\n\ndata: true\n\ndata: [1,"a"]\n\ndata: {"n":1}\n\n'],
    ["fields", [{ event: "e", id: "i", retry: 5, data: "a\nb" }], "event: e\nid: i\nretry: 5\ndata: a\ndata: b\n\n"],
    ["data that is no text", [{ data: { a: "x\ny" } }, { data: null }, { data: 0 }], 'data: {"a":"x\\ny"}\n\ndata: null\n\ndata: 0\n\n'],
    ["fields without data", [{ event: "e" }, { id: 0 }, { retry: 0 }], "event: e\n\nid: 0\n\nretry: 0\n\n"],
    ["fields that are not set", [{ event: undefined, id: null, data: "a" }], "data: a\n\n"],
    ["fields that would end the line", [{ event: "a\ndata: b", id: "1\r\n\r\n2\0", data: "c" }], "event: a data: b\nid: 1 2 \ndata: c\n\n"],
  ])("carry %s", async (_, items, text) => {
    expect(await sent(...items)).toBe(text);
  });

  it.each([{ retry: 1.5 }, { retry: -1 }, { retry: "5\ndata: x" }, { event: {} }, { id: Symbol("x") }])(
    "are refused where a field is wrong: %o",
    async (item) => {
      await expect(sent(item)).rejects.toBeInstanceOf(TypeError);
      await expect(sent("first", item)).rejects.toBeInstanceOf(TypeError);
    },
  );

  it.each([
    ["text/event-stream", true],
    ["application/json, text/event-stream", true],
    ["TEXT/Event-Stream;q=0.5", true],
    ["text/html;q=0.9,text/event-stream ; charset=utf-8; q=1.0", true],
    ["*/*", false],
    ["text/*", false],
    ["", false],
    ["text/event-stream;q=0", false],
    ["text/event-stream; q=0.000, */*", false],
    ["text/event-streams", false],
  ])("are accepted by %j: %s", (accept, isAccepted) => {
    expect(acceptsEvents(accept)).toBe(isAccepted);
  });
});
