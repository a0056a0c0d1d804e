import { describe, expect, it } from "vitest";
import { MethodNotFoundError } from "../../../src/protocol/errors.ts";
import { methodOf, publicMethods } from "../../../src/replica/dispatch.ts";

class Base {
  inherited() {
    return "inherited";
  }
  setup() {}
}

class Model extends Base {
  readonly name = "model";
  field = () => "field";
  static create() {}
  call() {
    return "call";
  }
  fetch() {
    return "fetch";
  }
  get getter() {
    return () => "getter";
  }
  get loud(): never {
    throw new Error("A getter ran.");
  }
  reconfigure() {}
  checkHealth() {}
  recordAutoscalingStats() {}
  _hidden() {}
  #private() {}
  touch() {
    this.#private();
  }
}

const model = new Model();
const run = (name: string | undefined) => methodOf(model, "Model", name).call(model);

describe("methodOf", () => {
  it.each([
    [undefined, "call"],
    ["call", "call"],
    ["fetch", "fetch"],
    ["inherited", "inherited"],
    ["field", "field"],
    ["getter", "getter"],
  ])("finds %s", (name, result) => expect(run(name)).toBe(result));

  it.each([
    "sumarize",
    "name",
    "create",
    "_hidden",
    "#private",
    "setup",
    "reconfigure",
    "checkHealth",
    "recordAutoscalingStats",
    "constructor",
    "toString",
    "hasOwnProperty",
    "__proto__",
    "__defineGetter__",
    "",
  ])("refuses %j and lists what there is", (name) => {
    const refusal = new MethodNotFoundError(
      `No method ${JSON.stringify(name)} on deployment "Model". It has: field, call, fetch, touch, inherited.`,
    );
    expect(() => run(name)).toThrow(refusal);
  });

  it("says that there is no default method", () => {
    expect(() =>
      methodOf(
        new (class {
          count() {}
        })(),
        "Counter",
        undefined,
      ),
    ).toThrow('Deployment "Counter" has no default method: define call(), or call a method by its name. It has: count.');
    expect(() => methodOf({ field: 1 }, "Empty", "x")).toThrow('No method "x" on deployment "Empty". It has no public methods.');
  });

  it("gives a function for its default method only", () => {
    const shout = (text: string) => text.toUpperCase();
    expect(methodOf(shout, "shout", undefined)).toBe(shout);
    expect(methodOf(shout, "shout", "call")).toBe(shout);
    for (const name of ["apply", "bind", "name", "predict"]) {
      expect(() => methodOf(shout, "shout", name)).toThrow(
        `No method ${JSON.stringify(name)} on deployment "shout": it is a function, so only handle.remote() calls it.`,
      );
    }
  });
});

describe("publicMethods", () => {
  it("lists own fields first, then the class's methods, then inherited ones, and runs no getter", () => {
    expect(publicMethods(model)).toEqual(["field", "call", "fetch", "touch", "inherited"]);
  });

  it("names an overridden method once", () => {
    class Derived extends Base {
      override inherited() {
        return "derived";
      }
    }
    expect(publicMethods(new Derived())).toEqual(["inherited"]);
  });
});
