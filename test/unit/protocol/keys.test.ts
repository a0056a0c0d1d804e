import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyError } from "../../../src/protocol/errors.ts";
import { checkKey, keyOfObject, objectNameOf } from "../../../src/protocol/keys.ts";
import { parseReplicaId } from "../../../src/protocol/names.ts";

const CART = { app: "shop", deployment: "Cart" };
const anyText = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ unit: "grapheme", maxLength: 100 }));

describe("a key", () => {
  it("is any well-formed text of 1 to 256 bytes, and nothing else", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.anything()), (key) => {
        const isKey = typeof key === "string" && key.isWellFormed() && key !== "" && new TextEncoder().encode(key).length <= 256;
        if (isKey) checkKey(key, CART);
        else expect(() => checkKey(key, CART)).toThrow(KeyError);
      }),
    );
  });

  it("names an object of its own, which is no replica's, and can be read from the name", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        fc.pre(one.isWellFormed() && other.isWellFormed());
        const name = objectNameOf("shop", "Cart", one);
        expect(keyOfObject(name)).toBe(one);
        expect(parseReplicaId(name)).toBeUndefined();
        expect(name === objectNameOf("shop", "Cart", other)).toBe(one === other);
      }),
    );
  });

  it.each(["shop/Cart/-/0.0", "shop/Cart/@%", "shop/Cart/@a b", ""])("is in no other name, such as %j", (name) => {
    expect(keyOfObject(name)).toBeUndefined();
  });
});
