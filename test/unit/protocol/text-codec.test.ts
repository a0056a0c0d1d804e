import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BackPressureError } from "../../../src/protocol/errors.ts";
import { buffered, decodeText, encodeText } from "../../../src/protocol/text-codec.ts";

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

describe("what has a body, once it is buffered", () => {
  it("is a Request again", async () => {
    const request = new Request("http://host/a?b=1", { method: "POST", body: "text", headers: { "x-a": "1" } });
    const back = across(await buffered(request)) as Request;
    expect(back).toBeInstanceOf(Request);
    expect([back.url, back.method, back.headers.get("x-a"), await back.text()]).toEqual(["http://host/a?b=1", "POST", "1", "text"]);
  });

  it("is a Request without a body again", async () => {
    const back = across(await buffered(new Request("http://host/"))) as Request;
    expect([back.method, back.body]).toEqual(["GET", null]);
  });

  it("is a Response again, whatever its status", async () => {
    const back = across(await buffered(new Response(new Uint8Array([1, 255]), { status: 404, headers: { "x-a": "1" } }))) as Response;
    expect([back.status, back.headers.get("x-a"), [...(await back.bytes())]]).toEqual([404, "1", [1, 255]]);
    const empty = across(await buffered(new Response(null, { status: 204 }))) as Response;
    expect([empty.status, empty.body]).toEqual([204, null]);
  });

  it("is a stream again", async () => {
    const stream = across(await buffered(new Blob(["chunk"]).stream())) as ReadableStream;
    expect(await new Response(stream).text()).toBe("chunk");
  });

  it("passes everything else through", async () => {
    const value = { a: 1 };
    expect(await buffered(value)).toBe(value);
  });
});
