import { describe, expect, it } from "vitest";
import { MethodNotFoundError } from "../../../src/protocol/errors.ts";
import { methodOf, publicMethods } from "../../../src/replica/http-handler.ts";

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

  const isPrivate = "is private: a name that begins with _ or # can't be called through a handle.";
  const isRuntimes = "is called by the runtime only.";
  it.each([
    ["sumarize", ""],
    ["name", ""],
    ["create", ""],
    ["toString", ""],
    ["hasOwnProperty", ""],
    ["valueOf", ""],
    ["isPrototypeOf", ""],
    ["", ""],
    ["x".repeat(100_000), ""],
    ["feild", 'Did you mean "field"?'],
    ["Call", 'Did you mean "call"?'],
    ["tuoch", 'Did you mean "touch"?'],
    ["_hidden", isPrivate],
    ["#private", isPrivate],
    ["__proto__", isPrivate],
    ["__defineGetter__", isPrivate],
    ["constructor", isRuntimes],
    ["setup", isRuntimes],
    ["reconfigure", isRuntimes],
    ["checkHealth", isRuntimes],
    ["recordAutoscalingStats", isRuntimes],
    ["alarm", isRuntimes],
    ["webSocketMessage", isRuntimes],
    ["webSocketClose", isRuntimes],
    ["webSocketError", isRuntimes],
  ])("refuses %.20j, says why, and lists what there is", (name, why) => {
    let refusal: unknown;
    try {
      run(name);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(MethodNotFoundError);
    const { message } = refusal as Error;
    const subject = JSON.stringify(name.slice(0, 50)).slice(0, -1);
    expect(message).toContain(subject);
    expect(message).toContain('on deployment "Model"');
    expect(message).toContain(why === "" ? '"Model". It has: ' : why);
    expect(message).toMatch(/ It has: field, call, fetch, touch, inherited\.$/);
    expect(message.length).toBeLessThan(300);
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
