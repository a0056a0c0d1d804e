import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeError, encodeError, isRemoteError } from "../../../src/protocol/error-codec.ts";
import * as errors from "../../../src/protocol/errors.ts";

/** Across a hop: encoded, cloned as on the way to another object, and rebuilt. */
function across(thrown: unknown): unknown {
  return decodeError(structuredClone(encodeError(thrown)));
}

function errorAcross(thrown: Error): Error & Record<string, unknown> {
  return across(thrown) as Error & Record<string, unknown>;
}

class ValidationError extends TypeError {
  override readonly name = "ValidationError";
  readonly field: string;
  constructor(message: string, field: string, options?: ErrorOptions) {
    super(message, options);
    this.field = field;
  }
}

describe("an error that crosses", () => {
  it("[E1] keeps name, message, cause and its own properties", () => {
    const cause = new RangeError("too long", { cause: new Error("root") });
    const error = errorAcross(new ValidationError("not a date", "since", { cause }));
    expect(error).toMatchObject({ name: "ValidationError", message: "not a date", field: "since" });
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause).toMatchObject({ message: "too long", cause: expect.objectContaining({ message: "root" }) });
  });

  it("[E1] keeps a code, a status and a list of errors that are the user's own", () => {
    const issues = [{ path: "a", message: "missing" }];
    const error = errorAcross(Object.assign(new Error("bad input"), { code: "CONFIG", status: 422, errors: issues }));
    expect(error).toMatchObject({ code: "CONFIG", status: 422, errors: issues });
    expect(error).not.toBeInstanceOf(errors.ServeError);
  });

  it("[E1] keeps a cause that is no error", () => {
    expect(errorAcross(new Error("a", { cause: { attempt: 3 } })).cause).toEqual({ attempt: 3 });
  });

  it("[E1] keeps what its class says of all its errors, that they are not to be retried", () => {
    class Fatal extends Error {
      get retryable(): boolean {
        return false;
      }
    }
    const error = errorAcross(errorAcross(new Fatal("a")));
    expect([error["retryable"], Object.keys(error)]).toEqual([false, ["retryable"]]);
    expect(errorAcross(new Error("a"))).not.toHaveProperty("retryable");
  });

  it("[E1] keeps own properties that are records without a prototype", () => {
    const error = errorAcross(Object.assign(new Error("a"), { groups: Object.assign(Object.create(null) as object, { a: 1 }) }));
    expect(error["groups"]).toEqual({ a: 1 });
  });

  it.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])("[E2] is a %o again", (Class) => {
    const error = errorAcross(new Class("a"));
    expect(error).toBeInstanceOf(Class);
    expect(error.constructor).toBe(Class);
    expect(error.name).toBe(Class.name);
  });

  it("[E2] is of the nearest built-in class if its own is the user's", () => {
    const error = errorAcross(new (class extends ValidationError {})("a", "b"));
    expect(error.constructor).toBe(TypeError);
    expect(error.name).toBe("ValidationError");
  });

  it("[E2] keeps the members of an AggregateError", () => {
    const error = errorAcross(new AggregateError([new TypeError("one"), "two"], "both")) as unknown as AggregateError;
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.message).toBe("both");
    expect(error.errors[0]).toBeInstanceOf(TypeError);
    expect(error.errors[1]).toBe("two");
  });

  it("[E2] is a DOMException again", () => {
    const error = errorAcross(new DOMException("too slow", "TimeoutError"));
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({ name: "TimeoutError", message: "too slow" });
  });

  it.each(Object.values(errors.ERROR_CLASSES))("[E3] is a %o again after several hops", (Class) => {
    const thrown = new Class("a", { retryAfterMs: 5, cause: new TypeError("why") });
    const error = [1, 2, 3].reduce<Error>((each) => errorAcross(each), thrown);
    expect(error).toBeInstanceOf(Class);
    expect(error).toBeInstanceOf(errors.ServeError);
    expect(error).toMatchObject({ name: Class.name, code: thrown.code, status: thrown.status, retryAfterMs: 5 });
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  it("[E3] keeps the status that the application chose", () => {
    expect(errorAcross(new errors.BackPressureError("full", { status: 429 }))).toMatchObject({ status: 429 });
  });

  it("[E4] loses own properties that cannot cross, and nothing else", () => {
    const thrown = Object.assign(new Error("a"), { retry: () => 1, where: new URL("http://host/"), attempt: 2 });
    const error = errorAcross(thrown);
    expect(error["attempt"]).toBe(2);
    expect(Object.keys(error)).toEqual(["attempt"]);
  });

  it("[E4] survives getters that throw, values nested too deep, and names that are no strings", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 20_000; level++) deep = [deep];
    const getter = Object.defineProperty(new Error("a"), "broken", {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    });
    expect(errorAcross(getter).message).toBe("a");
    expect(errorAcross(Object.assign(new Error("b"), { deep })).message).toBe("b");
    expect(errorAcross(Object.assign(new Error("c"), { name: 7, stack: 8 })).name).toBe("7");
  });

  it("[E4] ends at a cause or a member that leads back to itself", () => {
    const loop = new Error("loop");
    loop.cause = loop;
    const members: Error[] = [];
    const aggregate = new AggregateError(members, "all");
    aggregate.errors.push(aggregate);
    expect(errorAcross(loop).message).toBe("loop");
    expect(errorAcross(aggregate).message).toBe("all");
  });

  it("[E4] is encoded whatever was thrown", () => {
    const thrown = fc.oneof(
      fc.anything({ withNullPrototype: true, withMap: true, withSet: true, withBigInt: true }),
      fc.constant(() => 1),
      fc.constant(Symbol("a")),
    );
    fc.assert(
      fc.property(thrown, (value) => {
        expect(() => structuredClone(encodeError(value))).not.toThrow();
      }),
    );
  });

  it("is logged where it was thrown, which the caller can tell", () => {
    expect(isRemoteError(across(new Error("a")))).toBe(true);
    expect(isRemoteError(new Error("a"))).toBe(false);
    expect(isRemoteError("text")).toBe(false);
  });
});

describe("a value that is no error", () => {
  it.each([["text"], [7], [null], [undefined], [{ code: 1 }], [new Map([["a", 1]])]])("arrives as it was: %j", (value) => {
    expect(across(value)).toEqual(value);
  });

  it("that cannot cross is described by an error", () => {
    expect(across(() => 1)).toMatchObject({
      message: expect.stringContaining("What was thrown is no Error. A thrown value is a function"),
    });
  });
});

describe("the stack of an error that crossed", () => {
  it("has the caller's frames above the replica's", () => {
    const thrown = new Error("no such model");
    thrown.stack = "Error: no such model\n    at Model.load (model.ts:1:1)\n    at Model.call (model.ts:2:2)";
    const caller = "Error\n    at Ingress.call (ingress.ts:3:3)";
    const error = decodeError(encodeError(thrown), caller) as Error;
    expect(error.stack).toBe(
      [
        "Error: no such model",
        "    at Ingress.call (ingress.ts:3:3)",
        "  -- in the replica:",
        "    at Model.load (model.ts:1:1)",
        "    at Model.call (model.ts:2:2)",
      ].join("\n"),
    );
  });

  it("grows by one part with each hop", () => {
    const thrown = new Error("a");
    thrown.stack = "Error: a\n    at one";
    const once = decodeError(encodeError(thrown), "Error\n    at two");
    const twice = decodeError(encodeError(once), "Error\n    at three") as Error;
    expect(twice.stack).toBe("Error: a\n    at three\n  -- in the replica:\n    at two\n  -- in the replica:\n    at one");
  });

  it("does not take lines of the message for frames", () => {
    const thrown = new Error("first\nsecond");
    const error = decodeError(encodeError(thrown), "Error\n    at caller") as Error;
    expect(error.stack?.split("\n").slice(0, 4)).toEqual(["Error: first", "second", "    at caller", "  -- in the replica:"]);
  });
});
