import { describe, expect, it } from "vitest";
import { SerializationError } from "../../../src/protocol/errors.ts";
import { RESPONSE_BRAND, toSendable } from "../../../src/protocol/sendable.ts";

class Document {
  readonly title = "a";
}

class Measure extends Map<string, number> {}

/** Three items, of which the middle one is missing. */
function sparseOf(last: unknown): unknown[] {
  const items: unknown[] = [1];
  items[2] = last;
  return items;
}

const sparse = sparseOf(2);

const circular: Record<string, unknown> = { list: [] };
(circular["list"] as unknown[]).push(circular);

function nested(depth: number, innermost: unknown): unknown {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}

const record = (fields: object): object => Object.assign(Object.create(null) as object, fields);

const crossing: readonly (readonly [string, unknown])[] = [
  ["a record with an iterator of its own", Object.assign({ a: 1 }, { [Symbol.iterator]: () => [][Symbol.iterator]() })],
  ["undefined", undefined],
  ["null", null],
  ["a number", 1],
  ["NaN", NaN],
  ["a string", "a"],
  ["a boolean", true],
  ["a bigint", 1n],
  ["a plain object", { a: { b: [1] } }],
  ["an array with holes", sparse],
  ["a Date", new Date()],
  ["a RegExp", /a/g],
  ["a Map", new Map([[{ a: 1 }, new Set([1])]])],
  ["a Set", new Set(["a"])],
  ["a subclass of Map", new Measure()],
  ["an ArrayBuffer", new ArrayBuffer(1)],
  ["a typed array", new Float64Array(1)],
  ["a DataView", new DataView(new ArrayBuffer(1))],
  ["an Error", new TypeError("a")],
  ["an error of a class", new SerializationError("a")],
  ["Headers", new Headers()],
  ["a Request", new Request("http://host/")],
  ["a Response", new Response()],
  ["a ReadableStream", new ReadableStream()],
  ["a Blob", new Blob(["a"])],
  ["an object that holds itself", circular],
  ["a boxed number", Object(1)],
  ["something deep", nested(500, 1)],
];

const refused: readonly (readonly [string, unknown, string])[] = [
  ["a function", () => 1, 'Argument 1 of "Rank.score" is a function'],
  ["a named function", Math.max, 'Argument 1 of "Rank.score" is the function max'],
  ["a class", Document, 'Argument 1 of "Rank.score" is the function Document'],
  ["a symbol", Symbol("a"), 'Argument 1 of "Rank.score" is a symbol'],
  ["an instance", new Document(), 'Argument 1 of "Rank.score" is an instance of Document'],
  ["a URL", new URL("http://host/"), 'Argument 1 of "Rank.score" is a URL, which cannot cross to another replica. Send its href.'],
  ["a promise", Promise.resolve(), 'Argument 1 of "Rank.score" is an instance of Promise'],
  ["a WeakMap", new WeakMap(), 'Argument 1 of "Rank.score" is an instance of WeakMap'],
  [
    "an instance of a class without a name",
    new (class {
      readonly a = 1;
    })(),
    'Argument 1 of "Rank.score" is an object of a class',
  ],
  ["a property", { user: { profile: [0, 1, () => 1] } }, 'Argument 1 of "Rank.score" holds a function at .user.profile[2]'],
  ["a property with a name of its own kind", { "a b": Symbol("a") }, 'Argument 1 of "Rank.score" holds a symbol at ["a b"]'],
  ["a value of a Map", new Map([["k", new Document()]]), 'Argument 1 of "Rank.score" holds an instance of Document at .get("k")'],
  ["a key of a Map", { m: new Map([[() => 1, 1]]) }, 'Argument 1 of "Rank.score" holds a function at .m.keys()'],
  ["a member of a Set", [new Set([new Document()])], 'Argument 1 of "Rank.score" holds an instance of Document at [0].values()'],
  ["something deep", nested(40, new Document()), 'Argument 1 of "Rank.score" holds an instance of Document at .in[0].in[0]'],
  [
    "a response",
    {
      answer: {
        get [RESPONSE_BRAND]() {
          return true;
        },
        __proto__: { constructor: { name: "CallResponse" } },
      },
    },
    'Argument 1 of "Rank.score" holds a DeploymentResponse at .answer, which cannot cross to another replica. Pass it as an argument of its own, or await it first.',
  ],
];

describe("toSendable", () => {
  it.each(crossing)("lets %s cross as it is", (_, value) => {
    expect(toSendable(value, "A value")).toBe(value);
  });

  it.each(refused)("refuses %s and says where it is", (_, value, message) => {
    const refusal = catchError(() => toSendable(value, 'Argument 1 of "Rank.score"'));
    expect(refusal).toBeInstanceOf(SerializationError);
    expect(refusal.message).toContain(message);
  });

  it("finds what cannot cross in an object that holds itself", () => {
    const value: Record<string, unknown> = {};
    value["self"] = value;
    value["bad"] = () => 1;
    expect(() => toSendable(value, "A value")).toThrow(/^A value holds (a function|the function \S+) at .*\.bad,/);
  });

  it("gives records without a prototype one, at any depth, in a copy", () => {
    const kept = new Date();
    const value = {
      groups: record({ odd: [1, record({ deep: true })], sparse: sparseOf(record({})) }),
      map: new Map([["a", new Set([record({ b: 1 })])]]),
      kept,
    };
    const sent = toSendable(value, "A value") as typeof value;
    expect(sent).toEqual({ groups: { odd: [1, { deep: true }], sparse: sparseOf({}) }, map: new Map([["a", new Set([{ b: 1 }])]]), kept });
    expect(toSendable(sent, "A value")).toBe(sent);
    expect(Object.getPrototypeOf(sent.groups)).toBe(Object.prototype);
    expect(sent.kept).toBe(kept);
    expect(Object.getPrototypeOf(value.groups)).toBe(null);
    expect(toSendable(record({ a: 1 }), "A value")).toEqual({ a: 1 });
  });

  it("still refuses what is beside or inside such a record", () => {
    expect(() => toSendable({ groups: record({}), bad: () => 1 }, "A value")).toThrow("A value holds the function bad at .bad");
    expect(() => toSendable(record({ bad: new Document() }), "A value")).toThrow("A value holds an instance of Document at .bad");
    expect(() => toSendable(new Measure([["a", record({})]] as never), "A value")).toThrow("null prototype inside an instance of a class");
  });

  it("gives an object that holds itself and such a record back as one", () => {
    const value: Record<string, unknown> = { groups: record({ a: 1 }) };
    value["self"] = value;
    const sent = toSendable(value, "A value") as { groups: object; self: unknown };
    expect(Object.getPrototypeOf(sent.groups)).toBe(Object.prototype);
    expect(sent.self).toBe(sent);
  });

  it("sends a record that has a key __proto__ without giving it that prototype", () => {
    const query = record({});
    Object.defineProperty(query, "__proto__", { value: { admin: true }, enumerable: true });
    const sent = toSendable(query, "A value") as Record<string, unknown>;
    expect(Object.getPrototypeOf(sent)).toBe(Object.prototype);
    expect(sent["admin"]).toBeUndefined();
    expect(Object.keys(sent)).toEqual(["__proto__"]);
  });
});

function catchError(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown.");
}
