import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHandle } from "../../../src/handle/handle.ts";
import { RESPONSE_BRAND } from "../../../src/protocol/sendable.ts";
import { toJson } from "../../../src/replica/json-answer.ts";

const handle = createHandle<{ pub(): number }>({} as never, () => undefined);
const throwing = (): never => {
  throw new Error("no");
};
function loop(): unknown {
  const value: Record<string, unknown> = { n: 1 };
  value["self"] = value;
  return value;
}

function doubled(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { a: value, b: value };
  return value;
}

/** What JSON would lose, and how it is named. */
const LOST: readonly (readonly [string, () => unknown, string])[] = [
  ["a Map", () => new Map([["a", 1]]), "a Map"],
  ["a Set", () => new Set([1]), "a Set"],
  ["an Error", () => new Error("x"), "an Error"],
  ["a Blob", () => new Blob(["x"]), "a Blob"],
  ["FormData", () => new FormData(), "a FormData"],
  ["URLSearchParams", () => new URLSearchParams("a=1"), "a URLSearchParams"],
  ["Headers", () => new Headers(), "a Headers"],
  ["a Response", () => new Response("x"), "a Response"],
  ["a stream", () => new ReadableStream(), "a ReadableStream"],
  ["a typed array", () => new Float32Array(2), "a Float32Array"],
  ["an ArrayBuffer", () => new ArrayBuffer(2), "an ArrayBuffer"],
  ["a DataView", () => new DataView(new ArrayBuffer(2)), "a DataView"],
  ["a subclass of Map", () => new (class Counts extends Map {})(), "a Map"],
  ["an error of a class", () => new (class Problem extends Error {})("x"), "an Error"],
  ["a RegExp", () => /a/, "a RegExp"],
  ["a generator", () => (function* () {})(), "a Generator"],
  ["an iterator", () => new Map().values(), "a Map Iterator"],
  ["a WritableStream", () => new WritableStream(), "a WritableStream"],
  ["a signal", () => new AbortController().signal, "an AbortSignal"],
  ["a boxed bigint", () => Object(12n) as unknown, "a BigInt"],
  ["a bigint", () => 1n, "a bigint"],
  ["a promise", () => Promise.resolve(1), "a promise that was not awaited"],
  // oxlint-disable-next-line unicorn/no-thenable -- what this row is about
  ["a thenable", () => ({ then: () => {} }), "a promise that was not awaited"],
  ["a DeploymentResponse", () => Object.create({ get [RESPONSE_BRAND]() { return true; } }) as unknown, "a DeploymentResponse that was not awaited"],
  ["a handle", () => handle, "a handle"],
  ["a method of a handle", () => handle.pub, "a method of a handle"],
  ["a reference to itself", loop, "a reference to itself"],
  ["a symbol in an array", () => [Symbol("s")], "a symbol"],
  ["a getter that throws", () => ({ get a(): never { return throwing(); } }), "a getter that throws"],
  ["a toJSON that throws", () => ({ toJSON: throwing }), "threw"],
  ["a toJSON that gives a Map", () => ({ toJSON: () => ({ m: new Map() }) }), "a Map"],
  ["a revoked proxy", () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; }, "a Proxy"],
  ["a value 5,000 levels deep", () => { let deep: unknown = 1; for (let n = 0; n < 5000; n++) deep = { deep }; return deep; }, "levels deep"],
]; // prettier-ignore

describe("a value as JSON", () => {
  it.each(LOST)("[J1] is refused where JSON would lose it, by its path: %s", (_, make, named) => {
    for (const [value, path] of [
      [{ a: [1, { "b c": make() }] }, '.a[1]["b c"]'],
      [[make()], "[0]"],
    ] as const) {
      const refusal = refusalOf(value);
      expect(refusal).toMatchObject({ code: "SERIALIZATION", status: 500 });
      expect(refusal.message).toContain(named);
      expect(refusal.message).toContain(path);
    }
  });

  // As an item of a generator: a handler that returns it has answered with an empty body.
  it.each([
    ["undefined", undefined],
    ["what a toJSON() gives that is undefined", { toJSON: () => undefined }],
  ])("[J1] is refused where it is nothing: %s", (_, value) => {
    expect(refusalOf(value).message).toContain("returned undefined, or a value whose toJSON() gives it, which JSON cannot carry");
  });

  it("keeps what JSON leaves out, and what converts itself, as JSON has it", () => {
    class Point {
      readonly x = 1;
      readonly fn = () => 1;
    }
    const value = {
      u: undefined,
      f: () => 1,
      s: Symbol("s"),
      list: [undefined, NaN],
      date: new Date(0),
      url: new URL("http://host/"),
      point: new Point(),
      o: Object.create(null) as unknown,
    };
    expect(toJson(value)).toBe(JSON.stringify(value));
    expect(toJson(null)).toBe("null");
  });

  it("keeps what the author's own code threw as the cause", () => {
    const refusal = refusalOf({ a: { toJSON: throwing } });
    expect(refusal).toMatchObject({ cause: { message: "no" } });
    expect(refusal.message).toContain("toJSON() threw Error: no at .a,");
    expect(refusalOf({ get a() { return throwing(); } })).toMatchObject({ cause: { message: "no" } }); // prettier-ignore
  });

  it("asks an object once what is written of it", () => {
    let asked = 0;
    expect(toJson({ a: { toJSON: () => ++asked } })).toBe('{"a":1}');
    expect(asked).toBe(1);
  });

  it.each([
    ["shared objects that double forty times", () => doubled(40), "more than 2000000 objects"],
    ["an array of length 2^32-1", () => ({ a: Object.assign([], { length: 2 ** 32 - 1 }) }), "more than 2000000 objects"],
    ["a text of 1 MB that is shared a thousand times", () => Array.from({ length: 1000 }, () => "x".repeat(1_000_000)), "67108864 characters"],
    ["a text in a shared graph", () => { let value: unknown = "x".repeat(100_000); for (let level = 0; level < 20; level++) value = [value, value]; return value; }, "67108864 characters"],
    ["a long key in a shared object", () => { const one = { ["k".repeat(1_000_000)]: 1 }; return Array.from({ length: 1000 }, () => one); }, "67108864 characters"],
    ["a shared text that an object says of itself", () => { const one = { toJSON: () => "x".repeat(1_000_000) }; return Array.from({ length: 1000 }, () => one); }, "67108864 characters"],
    ["itself, after much else", () => { const all: unknown[] = Array.from({ length: 10_000 }, (_, id) => ({ id })); all.push({ all }); return all; }, "a reference to itself at [10000].all"],
  ] as const)("[J3] ends whatever the value holds: %s", (_, make, named) => {
    const startedAt = performance.now();
    expect(refusalOf(make()).message).toContain(named);
    expect(performance.now() - startedAt).toBeLessThan(3000);
  }); // prettier-ignore

  it.each<readonly [string, () => unknown]>([
    ["an error that converts itself", () => Object.assign(new Error("x"), { toJSON: () => ({ m: "x" }) })],
    ["a Map that converts itself", () => Object.assign(new Map(), { toJSON: () => [1] })],
    ["a toJSON that gives itself", () => ({ n: 1, toJSON() { return this; } })],
    ["a toJSON that is given the key", () => ({ a: { toJSON: (key: string) => key }, list: [{ toJSON: (key: string) => key }] })],
    ["a toJSON that gives nothing", () => ({ a: { toJSON: () => undefined }, list: [{ toJSON: () => undefined }] })],
    ["a Date that is none", () => [new Date(NaN)]],
    ["boxed values", () => [Object("x"), Object(1), Object(false)]],
    ["a key called __proto__", () => JSON.parse('{"__proto__": {"a": 1}, "x": {"toJSON": 1}}') as unknown],
    ["functions and symbols beside what converts itself", () => ({ f: () => 1, s: Symbol("s"), u: undefined, d: { toJSON: () => 1 } })],
    ["instances with private parts", () => new (class { #hidden = 1; shown = 2; get all() { return this.#hidden; } })()],
    ["objects that are shared, beside what converts itself", () => ((one) => [one, one, { toJSON: () => one }])({ a: [1] })],
    ["keys that have to be escaped", () => ({ 'a"\\b\n': { toJSON: () => "\u2028\ud800" } })],
    ["a value 900 levels deep", () => { let deep: unknown = 1; for (let n = 0; n < 900; n++) deep = { deep }; return deep; }],
  ])("[J1] is what JSON.stringify gives: %s", (_, make) => {
    expect(toJson(make())).toBe(JSON.stringify(make()));
  }); // prettier-ignore

  it("[J1] asks bigints, if the program has taught them", () => {
    const taught = BigInt.prototype as { toJSON?: () => string };
    taught.toJSON = function (this: bigint) {
      return this.toString();
    };
    try {
      expect(toJson({ id: 12n })).toBe('{"id":"12"}');
    } finally {
      delete taught.toJSON;
    }
  });

  it("[J1][J2] says the same of a value by either way", () => {
    const value = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withTypedArray: true,
    });
    const outcome = (of: unknown) => {
      try {
        return toJson(of);
      } catch (error) {
        // One level down.
        return (error as Error).message.replace(/(with |returned )(.*?)( at [^ ]*)?, which/, "$2");
      }
    };
    fc.assert(
      fc.property(value, (one) => {
        const ordinary = outcome({ v: one });
        const careful = outcome({ v: one, last: { toJSON: () => 1 } });
        expect(careful).toBe(ordinary.startsWith("{") ? `${ordinary.slice(0, -1)}${ordinary === "{}" ? "" : ","}"last":1}` : ordinary);
      }),
    );
  });

  it("[J2] takes no longer than its size, shared objects included", () => {
    let value: unknown = { n: 1 };
    for (let level = 0; level < 12; level++) value = { a: value, b: value };
    expect(toJson(value)).toBe(JSON.stringify(value));
    const root = { children: Array.from({ length: 50_000 }, (_, n) => ({ n, list: [n] })) };
    const startedAt = performance.now();
    expect(toJson(root)).toBe(JSON.stringify(root));
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it("is what JSON.stringify gives for anything that JSON can carry", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(toJson(value)).toBe(JSON.stringify(value));
      }),
    );
  });
});

function refusalOf(value: unknown): Error {
  try {
    toJson(value);
  } catch (error) {
    return error as Error;
  }
  throw new Error("It was written.");
}
