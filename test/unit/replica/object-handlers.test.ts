import { expect, it } from "vitest";
import { handlerFields, objectHandlersOf } from "../../../src/replica/object-handlers.ts";

class Own {
  alarm(): void {}
  webSocketMessage(): void {}
}
class Inherited extends Own {
  webSocketClose(): void {}
}
class Field {
  alarm = (): void => {};
  webSocketMessage = "no function";
}
class Bound extends Field {}
Object.defineProperty(Bound.prototype, "alarm", {
  get() {
    if (this === Bound.prototype) throw new TypeError("there is no instance");
    return () => {};
  },
});
class Hidden extends Own {}
Object.defineProperty(Hidden.prototype, "alarm", { value: undefined });
class Static extends Field {
  static webSocketMessage(): void {}
}

it.each([
  ["its own methods", Own, true, ["alarm", "webSocketMessage"]],
  ["inherited ones too", Inherited, true, ["alarm", "webSocketMessage", "webSocketClose"]],
  ["a getter, as a decorator leaves it, which is not asked without an instance", Bound, true, ["alarm"]],
  ["no fields", Field, true, []],
  ["nothing that a subclass takes away", Hidden, true, ["webSocketMessage"]],
  ["no static methods", Static, true, []],
  ["nothing of a function", function call() {}, false, []],
  ["nothing of a function without a prototype", () => {}, false, []],
] as [string, Function, boolean, string[]][])("the handlers of a class are %s", (_, target, isClass, expected) => {
  expect([...objectHandlersOf(target, isClass)]).toEqual(expected);
});

it("finds handlers that are fields, which the platform does not", () => {
  expect(handlerFields(new Field(), objectHandlersOf(Field, true))).toEqual(["alarm"]);
  // One that a method is behind is found there: a decorator binds it for instances.
  expect(handlerFields(Object.assign(new Own(), { alarm: () => {} }), objectHandlersOf(Own, true))).toEqual([]);
});
