import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeError, encodeError } from "../../../src/protocol/error-codec.ts";
import { BackPressureError, SerializationError } from "../../../src/protocol/errors.ts";
import { decodeText, encodeText, encodeWhole } from "../../../src/protocol/text-codec.ts";
import { CARRIED } from "../../support/crossings.ts";

const across = (value: unknown): unknown => decodeText(encodeText(value));

describe("values as text", () => {
  it("come back as they were, on one line", () => {
    const value = fc.anything({
      key: fc.string().filter((key) => key !== "__proto__"),
      withMap: true,
      withSet: true,
      withDate: true,
      withBigInt: true,
      withTypedArray: true,
      withSparseArray: true,
    });
    fc.assert(
      fc.property(value, (original) => {
        const text = encodeText(original);
        expect(text).not.toMatch(/[\n\r]/);
        expect(decodeText(text)).toEqual(original);
      }),
    );
  });

  it("refuse a property named __proto__, which would become the reader's prototype", () => {
    const value = Object.defineProperty({}, "__proto__", { value: {}, enumerable: true });
    expect(() => encodeText({ nested: value })).toThrow("__proto__");
  });

  it("keep what JSON loses", () => {
    expect(across([undefined, NaN, -0, Infinity, 1n, /a/gi])).toEqual([undefined, NaN, -0, Infinity, 1n, /a/gi]);
    expect(across(new Uint8Array([1, 2]))).toEqual(new Uint8Array([1, 2]));
  });

  it("keep identity and circles", () => {
    const shared = { a: 1 };
    const value: Record<string, unknown> = { one: shared, two: shared };
    value["self"] = value;
    const back = across(value) as Record<string, unknown>;
    expect(back["one"]).toBe(back["two"]);
    expect(back["self"]).toBe(back);
  });

  it("keep errors with their class", () => {
    const { error } = across({ error: new TypeError("a", { cause: new BackPressureError("full") }) }) as { error: TypeError };
    expect(error).toBeInstanceOf(TypeError);
    expect(error.cause).toBeInstanceOf(BackPressureError);
  });

  it("keep headers, repeated ones too", () => {
    const headers = new Headers([
      ["x-a", "1"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    expect([...(across(headers) as Headers)]).toEqual([...headers]);
  });
});

/** As text and back, with what has to be read for it. */
const whole = async (value: unknown): Promise<unknown> => decodeText(await encodeWhole(value));

describe("what has a body", () => {
  it("is a Request again", async () => {
    const request = new Request("http://host/a?b=1", { method: "POST", body: "text", headers: { "x-a": "1" } });
    const back = (await whole(request)) as Request;
    expect(back).toBeInstanceOf(Request);
    expect([back.url, back.method, back.headers.get("x-a"), await back.text()]).toEqual(["http://host/a?b=1", "POST", "1", "text"]);
  });

  it("is a Request without a body again", async () => {
    const back = (await whole(new Request("http://host/"))) as Request;
    expect([back.method, back.body]).toEqual(["GET", null]);
  });

  it("is a Response again, whatever its status", async () => {
    const init = { status: 404, statusText: "Gone fishing", headers: { "x-a": "1" } };
    const back = (await whole(new Response(new Uint8Array([1, 255]), init))) as Response;
    expect([back.status, back.statusText, back.headers.get("x-a"), [...(await back.bytes())]]).toEqual([
      404,
      "Gone fishing",
      "1",
      [1, 255],
    ]);
    const empty = (await whole(new Response(null, { status: 204 }))) as Response;
    expect([empty.status, empty.body]).toEqual([204, null]);
  });

  it("is a stream again", async () => {
    const stream = (await whole(new Blob(["chunk"]).stream())) as ReadableStream;
    expect(await new Response(stream).text()).toBe("chunk");
  });

  it("is a Blob again, empty or not", async () => {
    const blob = (await whole(new Blob(["abc"], { type: "text/plain" }))) as Blob;
    expect([blob instanceof Blob, blob.type, await blob.text()]).toEqual([true, "text/plain", "abc"]);
    expect(((await whole(new Blob([]))) as Blob).size).toBe(0);
  });

  it("[W1] is all that again inside other values, and the same twice if it was", async () => {
    const blob = new Blob(["shared"]);
    const value = { list: [new Response("a"), new Map([["k", blob]])], blob, stream: new Blob(["s"]).stream() };
    const back = (await whole(value)) as { list: [Response, Map<string, Blob>]; blob: Blob; stream: ReadableStream };
    expect(await back.list[0].text()).toBe("a");
    expect(back.list[1].get("k")).toBe(back.blob);
    expect(await back.blob.text()).toBe("shared");
    expect(await new Response(back.stream).text()).toBe("s");
  });
});

describe("what crosses between replicas", () => {
  it.each(Object.entries(CARRIED))("[W1] crosses as text: %s", async (_, make) => {
    const value = make();
    const text = await encodeWhole(value);
    // As text, because comparing would go every way through what is shared.
    expect(await encodeWhole(decodeText(text))).toBe(text);
  });

  it("[W1] loses members with symbols for names, as structured clone does, also where it holds itself", async () => {
    const value: Record<PropertyKey, unknown> = { a: 1, [Symbol("s")]: () => 1 };
    expect(await whole([value])).toEqual([{ a: 1 }]);
    value["self"] = value;
    const back = (await whole(value)) as Record<string, unknown>;
    expect(Object.keys(back)).toEqual(["a", "self"]);
  });
});

describe("[W2] what cannot be written", () => {
  const bad: readonly (readonly [string, () => unknown, string])[] = [
    ["a WritableStream", () => ({ a: [new WritableStream()] }), ".a[0]"],
    ["a member named __proto__", () => [Object.defineProperty({}, "__proto__", { value: 1, enumerable: true })], "[0]"],
    ["a body that has been read", () => usedResponse(), "A value"],
    [
      "a body that breaks off",
      () =>
        new ReadableStream({
          start: (controller) => controller.error(new Error("broken off")),
        }),
      "broken off",
    ],
    ["a stream of objects", () => new ReadableStream({ start: (controller) => controller.enqueue({ a: 1 }) }), "A value"],
  ];

  it.each(bad)("is an error that names it, and can be written itself: %s", async (_, make, named) => {
    const error: unknown = await encodeWhole(make()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "SERIALIZATION", message: expect.stringContaining(named) });
    expect(Object.keys(error as object)).not.toContain("value");
    expect(decodeError(decodeText(encodeText(encodeError(error))) as ReturnType<typeof encodeError>)).toBeInstanceOf(SerializationError);
  });
});

function usedResponse(): Response {
  const response = new Response("x");
  void response.text();
  return response;
}
