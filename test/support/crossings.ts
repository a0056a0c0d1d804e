/**
 * What is thrown, and what is passed, in the tests of every way to cross: add a row, and every way is tried.
 */
import { chain } from "./carried.ts";

export { CARRIED } from "./carried.ts";

/** Something to throw, and what arrives of it. */
export interface Thrown {
  readonly make: () => unknown;
  /** By `toMatchObject`, unless it is a primitive. */
  readonly arrives: unknown;
  /** Own properties that arrive, in their order; not looked at when left out. */
  readonly keys?: readonly string[];
}

/** Something to pass that cannot cross, and what its error names. */
export interface Refused {
  readonly make: () => unknown;
  readonly named: string;
}

const withProperty = (name: string, value: (error: Error) => unknown) => () => {
  const error = new Error("declined");
  Object.defineProperty(error, name, { value: value(error), enumerable: true, configurable: true, writable: true });
  return error;
};
const withGetter = (name: string) => () =>
  Object.defineProperty(new Error("declined"), name, {
    enumerable: true,
    configurable: true,
    get() {
      throw new Error("no");
    },
  });
const declined = { name: "Error", message: "declined" };

class Z {
  readonly z = 1;
}

function usedResponse(): Response {
  const response = new Response("x");
  void response.text();
  return response;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

export const THROWN: Readonly<Record<string, Thrown>> = {
  "an error": { make: () => new RangeError("declined"), arrives: { name: "RangeError", message: "declined" } },
  "an error that holds itself": { make: withProperty("self", (error) => error), arrives: declined, keys: [] },
  "its own cause": { make: withProperty("cause", (error) => error), arrives: declined },
  "a cycle through plain data": {
    make: () => {
      const loop: Record<string, unknown> = { n: 1 };
      loop["self"] = loop;
      return Object.assign(new Error("declined"), { loop });
    },
    arrives: { ...declined, loop: { n: 1 } },
    keys: ["loop"],
  },
  "an error in an error, with what cannot cross": {
    make: () => Object.assign(new Error("declined"), { inner: Object.assign(new TypeError("in"), { z: new Z(), a: 1 }) }),
    arrives: { ...declined, inner: { name: "TypeError", message: "in", a: 1 } },
    keys: ["inner"],
  },
  "errors inside plain data": {
    make: () => Object.assign(new Error("declined"), { list: [{ e: new SyntaxError("deep") }], map: new Map([["k", new URIError("m")]]) }),
    arrives: { ...declined, list: [{ e: { name: "SyntaxError", message: "deep" } }] },
    keys: ["list", "map"],
  },
  "what cannot cross beside what can": {
    make: () =>
      Object.assign(new Error("declined"), {
        fn: () => 1, url: new URL("http://host/"), z: new Z(), symbol: Symbol("s"), proxy: new Proxy({}, {}), gone: revoked(),
        promise: Promise.resolve(1), weak: new WeakMap(), kept: { a: [1, undefined, 2n], fn: () => 1 },
      }), // prettier-ignore
    arrives: { ...declined, kept: { a: [1, undefined, 2n] } },
    keys: ["kept"],
  },
  "a response that has been read": { make: withProperty("response", usedResponse), arrives: declined, keys: [] },
  "a getter that throws": { make: withGetter("broken"), arrives: declined, keys: [] },
  "a message whose getter throws": { make: withGetter("message"), arrives: { name: "Error", message: "" } },
  "a name that is an object without prototype": {
    make: withProperty("name", () => Object.create(null) as unknown),
    arrives: { name: "Error", message: "declined" },
  },
  "a stack that is none": { make: withProperty("stack", () => ({ a: 1 })), arrives: declined },
  "an AggregateError": {
    make: () => new AggregateError([new TypeError("one"), "two"], "all"),
    arrives: { name: "AggregateError", message: "all", errors: [{ name: "TypeError", message: "one" }, "two"] },
  },
  "an AggregateError whose errors cannot be asked": {
    make: () => Object.assign(new AggregateError([], "all"), { errors: revoked() }),
    arrives: { name: "AggregateError", message: "all", errors: [] },
  },
  "an AggregateError without errors": {
    make: () => Object.assign(new AggregateError([], "all"), { errors: undefined }),
    arrives: { name: "AggregateError", message: "all", errors: [] },
  },
  "an AggregateError of itself, twelve times": {
    make: () => {
      const error = new AggregateError([], "all");
      error.errors = Array.from({ length: 12 }, () => error);
      return error;
    },
    arrives: { name: "AggregateError", message: "all", errors: [] },
  },
  "errors with one cause": {
    make: () => {
      const cause = new TypeError("why");
      return new AggregateError([new Error("one", { cause }), new Error("two", { cause })], "all", { cause });
    },
    arrives: {
      message: "all",
      cause: { message: "why" },
      errors: [{ cause: { message: "why" } }, { message: "two", cause: { message: "why" } }],
    },
  },
  "forty errors, each with that below it twice": {
    make: () => {
      let error = new Error("0");
      for (let level = 1; level < 40; level++) error = new AggregateError([error, error], String(level), { cause: error });
      return error;
    },
    arrives: { message: "39", cause: { message: "38", errors: [{ message: "37" }, { message: "37" }] } },
  },
  "a member called __proto__": { make: withProperty("__proto__", () => 1), arrives: declined, keys: [] },
  "a chain of twenty causes": { make: () => chain(20), arrives: { message: "19", cause: { message: "18", cause: { message: "17" } } } },
  "a chain of 5,000 causes": { make: () => chain(5000), arrives: { message: "4999", cause: { message: "4998" } } },
  "a property nested 5,000 deep": {
    make: withProperty("deep", () => {
      let deep: unknown = 1;
      for (let level = 0; level < 5000; level++) deep = [deep];
      return deep;
    }),
    arrives: declined,
  },
  "a class of its own": {
    make: () =>
      new (class Problem extends TypeError {
        override readonly name = "Problem";
        readonly field = "since";
      })("declined"),
    arrives: { name: "Problem", message: "declined", field: "since" },
  },
  "a DOMException": { make: () => new DOMException("too slow", "TimeoutError"), arrives: { name: "TimeoutError", message: "too slow" } },
  "a string": { make: () => "declined", arrives: "declined" },
  "a number": { make: () => 7, arrives: 7 },
  null: { make: () => null, arrives: null },
  undefined: { make: () => undefined, arrives: undefined },
  "a plain object": { make: () => ({ code: 1, fn: () => 1 }), arrives: { code: 1 } },
  "an object without prototype": { make: () => Object.assign(Object.create(null) as object, { code: 1 }), arrives: { code: 1 } },
  "an object whose toString is null": { make: () => ({ toString: null }), arrives: { toString: null } },
  "a function": {
    make: () => () => 1,
    arrives: {
      name: "Error",
      message: "What was thrown is no Error. A thrown value is a function, which cannot cross to another replica.",
    },
  },
  "a symbol": { make: () => Symbol("s"), arrives: { name: "Error" } },
  "an instance of a class": { make: () => Object.assign(new Z(), { status: 418 }), arrives: { name: "Error", z: 1, status: 418 } },
  "a revoked proxy": { make: revoked, arrives: { name: "Error" } },
  "a proxy of an error": { make: () => new Proxy(new Error("declined"), {}), arrives: { message: "declined" } },
};

/** What takes a row of its own, because it is large. */
export const LARGE: Readonly<Record<string, () => unknown>> = {
  "a message of 40 MB": () => new Error("x".repeat(40_000_000)),
  "a property of 2 MB": () => Object.assign(new Error("declined"), { text: "x".repeat(2_000_000), kept: 1 }),
  "bytes of 2 MB": () => Object.assign(new Error("declined"), { bytes: new Uint8Array(2_000_000), kept: 1 }),
  "100,000 properties": () =>
    Object.assign(new Error("declined"), Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n]))),
  "100,000 members": () =>
    new AggregateError(
      Array.from({ length: 100_000 }, (_, n) => new Error(String(n))),
      "all",
    ),
};

export const REFUSED: Readonly<Record<string, Refused>> = {
  "a function": { make: () => ({ a: [() => 1] }), named: ".a[0]" },
  "an instance": { make: () => ({ z: new Z() }), named: "an instance of Z at .z" },
  "a URL": { make: () => [new URL("http://host/")], named: "a URL at [0]" },
  "a symbol": { make: () => new Map([["k", Symbol("s")]]), named: '.get("k")' },
  arguments: { make: () => argumentsOf(1, 2), named: "is an arguments object" },
  "arguments inside": { make: () => ({ a: [argumentsOf({ b: 1 })] }), named: "an arguments object at .a[0]" },
  "a promise": { make: () => ({ p: Promise.resolve(1) }), named: "an instance of Promise at .p" },
  "a proxy": { make: () => new Proxy({ a: 1 }, {}), named: "a Proxy" },
  "a proxy inside": { make: () => ({ p: new Proxy({ a: 1 }, {}) }), named: "a Proxy at .p" },
  "a revoked proxy": { make: () => ({ p: revoked() }), named: "a Proxy at .p" },
  "a getter that throws": {
    make: () => ({
      a: {
        get b(): never {
          throw new Error("no");
        },
      },
    }),
    named: ".a.b",
  },
  "a response that has been read": {
    make: () => ({ r: usedResponse() }),
    named: "a Response whose body has been read, or is being read at .r",
  },
  "a locked stream": {
    make: () => {
      const stream = new Blob(["x"]).stream();
      stream.getReader();
      return stream;
    },
    named: "a ReadableStream whose body",
  },
  "a locked writable stream": {
    make: () => {
      const { writable } = new TransformStream();
      writable.getWriter();
      return { w: writable };
    },
    named: "WritableStream",
  },
  "an object that only inherits from Map": { make: () => ({ m: Object.create(Map.prototype) as unknown }), named: "at .m" },
  "an error whose message cannot be read": { make: () => ({ e: withGetter("message")() }), named: ".e" },
  "a stream that has been read from": { make: () => ({ s: disturbed() }), named: "a ReadableStream whose body" },
  "a Response.error()": { make: () => [Response.error()], named: "a Response.error() at [0]" },
  "an ArrayBuffer that is gone": { make: () => ({ b: transferred() }), named: "an ArrayBuffer that has been transferred at .b" },
  "bytes of an ArrayBuffer that is gone": {
    make: () => {
      const bytes = new Uint8Array(8);
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      return [bytes];
    },
    named: "an ArrayBuffer that has been transferred at [0]",
  },
  "memory that is shared": { make: () => ({ b: new SharedArrayBuffer(8) }), named: "memory that is shared at .b" },
  "bytes in memory that is shared": { make: () => [new Uint8Array(new SharedArrayBuffer(8))], named: "memory that is shared at [0]" },
  "a function beside an array's items": { make: () => Object.assign([1], { fn: () => 1 }), named: "the function fn at .fn" },
  "a function under a name that reads as a number": { make: () => [[Object.assign([1, 2], { "": () => 1 })]], named: "a function" },
  "a function in place of an array's hole": { make: () => ({ a: Object.assign([], { length: 1, fn: () => 1 }) }), named: ".a.fn" },
  "a function below an array's items": { make: () => Object.assign([1], { "-1": () => 1 }), named: "-1" },
  "a record without prototype that gives something else each time": {
    make: () => {
      let count = 0;
      const endless = (): object => Object.defineProperty({}, "a", { get: endless, enumerable: true });
      return Object.defineProperty(Object.create(null) as object, "a", { get: () => (count++ === 0 ? 1 : endless()), enumerable: true });
    },
    named: "each time it is looked into",
  },
  "a function in a sparse array": { make: () => Object.assign([], { 5000: () => 1 }), named: "at [5000]" },
  "a chain of 800 causes": { make: () => ({ e: chain(800) }), named: "levels deep" },
  "an error that holds itself": { make: () => ({ e: Object.assign(new Error("x"), { self: undefined }), f: selfish() }), named: ".f.self" },
  "what an error holds": { make: () => Object.assign(new Error("x"), { fn: () => 1 }), named: "the function fn at .fn" },
  "a value 5,000 levels deep": {
    make: () => {
      let deep: unknown = 1;
      for (let level = 0; level < 5000; level++) deep = { deep };
      return deep;
    },
    named: "levels deep",
  },
};

const argumentsOf: (...given: readonly unknown[]) => unknown = function () {
  // oxlint-disable-next-line prefer-rest-params
  return arguments;
};

function transferred(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

// Its reader has let go of it, so that it is not locked.
function disturbed(): ReadableStream {
  const stream = new ReadableStream({ start: (controller) => controller.close() });
  const reader = stream.getReader();
  void reader.read();
  reader.releaseLock();
  return stream;
}

function selfish(): Error {
  const error = new Error("x");
  return Object.assign(error, { self: error });
}
