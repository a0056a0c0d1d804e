import { describe, expect, it } from "vitest";
import { decodeError, encodeError } from "../../../src/protocol/error-codec.ts";
import { toSendable } from "../../../src/protocol/sendable.ts";
import { decodeText, encodeText } from "../../../src/protocol/text-codec.ts";
import { CARRIED, LARGE, REFUSED, THROWN } from "../../support/crossings.ts";

const MAX_MS = 5000;

/** Across three hops, and once as text. */
function across(thrown: unknown): unknown {
  let each = thrown;
  for (let hop = 0; hop < 3; hop++) each = decodeError(structuredClone(encodeError(each)));
  return decodeError(decodeText(encodeText(encodeError(each))) as ReturnType<typeof encodeError>);
}

describe("whatever is thrown", () => {
  it.each(Object.entries(THROWN))("[E1][E4] arrives after several hops, without what cannot cross: %s", (_, { make, arrives, keys }) => {
    const arrived = across(make());
    if (typeof arrives === "object" && arrives !== null) expect(arrived).toMatchObject(arrives);
    else expect(arrived).toBe(arrives);
    if (keys !== undefined) expect(Object.keys(arrived as object)).toEqual(keys);
  });

  it.each(Object.entries(LARGE))("[E5] is small when it is sent, and takes a moment: %s", (_, make) => {
    const thrown = make();
    const startedAt = performance.now();
    const wire = encodeError(thrown);
    expect(performance.now() - startedAt).toBeLessThan(MAX_MS);
    if (wire.kind !== "error") throw new Error("It is no error.");
    expect(Buffer.byteLength(wire.message)).toBeLessThanOrEqual(65_536);
    expect(Buffer.byteLength(wire.stack!)).toBeLessThanOrEqual(65_536);
    expect(encodeText(wire).length).toBeLessThan(4_000_000);
    expect(across(thrown)).toBeInstanceOf(Error);
  });

  it("keeps its frames when its message is too long", () => {
    const error = across(LARGE["a message of 40 MB"]!()) as Error;
    expect(error.stack).toMatch(/\n {4}at .*crossings/);
  });

  it("keeps its properties beside a cause that takes all the room, and its cause beside such properties", () => {
    const much = () => Array.from({ length: 100_000 }, () => ({}));
    const own = Object.assign(new Error("declined", { cause: much() }), { status: 418, detail: "kept" });
    expect(across(own)).toMatchObject({ message: "declined", status: 418, detail: "kept" });
    const caused = Object.assign(new Error("declined", { cause: new TypeError("why") }), { list: much(), status: 418 });
    expect(across(caused)).toMatchObject({ message: "declined", status: 418, cause: { name: "TypeError", message: "why" } });
    expect(Object.keys(across(caused) as object)).toEqual(["list", "status"]);
  });

  it("keeps what is small beside what is too large", () => {
    expect(across(LARGE["a property of 2 MB"]!())).toMatchObject({ message: "declined", kept: 1 });
    expect(across(LARGE["bytes of 2 MB"]!())).toMatchObject({ message: "declined", kept: 1 });
  });
});

describe("a value", () => {
  it.each(Object.entries(REFUSED))("[V2] that cannot cross is refused, and named: %s", (_, { make, named }) => {
    expect(() => toSendable(make(), "A value")).toThrow(
      expect.objectContaining({ code: "SERIALIZATION", message: expect.stringContaining(named) }),
    );
  });

  it.each(Object.entries(CARRIED))("[V1] that can cross is looked through in a moment: %s", (_, make) => {
    const value = make();
    const startedAt = performance.now();
    expect(toSendable(value, "A value")).toBe(value);
    expect(performance.now() - startedAt).toBeLessThan(MAX_MS);
  });
});
