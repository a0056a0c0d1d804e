import { describe, expect, it } from "vitest";
import { Application } from "../../../src/api/application.ts";
import { deployment } from "../../../src/api/deployment.ts";
import { ingress } from "../../../src/api/ingress.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";

class Greeter {
  constructor(readonly greeting: string) {}
  call() {
    return this.greeting;
  }
}

function shout(text: string) {
  return text.toUpperCase();
}

describe("deployment", () => {
  it("is named after its class or function", () => {
    expect(deployment(Greeter).name).toBe("Greeter");
    expect(deployment(shout).name).toBe("shout");
    const arrow = async () => 1;
    expect(deployment(arrow).name).toBe("arrow");
    expect(deployment(Greeter, { name: "other" }).name).toBe("other");
  });

  it("tells classes from functions of every kind", () => {
    expect(deployment(Greeter).isClass).toBe(true);
    expect(deployment(class extends Greeter {}, { name: "sub" }).isClass).toBe(true);
    const method = { run() {} }.run;
    const bound = shout.bind(null);
    const targets = [shout, async () => 1, function* one() {}, async function* two() {}, method, bound];
    for (const target of targets) expect(deployment(target, { name: "f" }).isClass).toBe(false);
  });

  it("refuses a class or a function without a name, and says to give one", () => {
    expect(() =>
      deployment(
        class {
          call() {}
        },
      ),
    ).toThrow('The class given to deployment() has no name. Give it one: deployment(target, { name: "..." }).');
    expect(() => deployment(() => 1)).toThrow("The function given to deployment() has no name.");
    expect(deployment(() => 1, { name: "one" }).name).toBe("one");
  });

  it.each([
    [null, "got null."],
    [undefined, "got a value of type undefined."],
    ["Greeter", "got a value of type string."],
    [
      new Greeter("a"),
      "got a value of type object. deployment() is not a decorator: call it with the class, as in deployment(MyClass, { ... }).bind().",
    ],
  ])("refuses %s, which is neither", (target, what) => {
    expect(() => deployment(target as never)).toThrow(new ConfigError(`deployment() takes a class or a function, ${what}`));
  });

  it("refuses a name that the function has but a deployment may not have", () => {
    const $price = () => 1;
    expect(() => deployment($price)).toThrow('Deployment "$price": name must be a letter');
  });

  it("refuses userConfig for a function, which has no reconfigure", () => {
    expect(() => deployment(shout, { userConfig: {} })).toThrow('Deployment "shout": userConfig needs a class with a method reconfigure');
  });
});

describe("options()", () => {
  it("gives a changed copy and keeps the rest", () => {
    const first = deployment(Greeter, { numReplicas: 2, maxOngoingRequests: 5 });
    const second = first.options({ numReplicas: 3 });
    expect(first.resolve()).toMatchObject({ numReplicas: 2, maxOngoingRequests: 5 });
    expect(second.resolve()).toMatchObject({ numReplicas: 3, maxOngoingRequests: 5 });
  });

  it("keeps the name unless it gives another", () => {
    const named = deployment(() => 1, { name: "one" });
    expect(named.options({ numReplicas: 2 }).name).toBe("one");
    expect(named.options({ name: "two" }).name).toBe("two");
  });
});

describe("bind", () => {
  it("gives an application that holds the deployment and the arguments", () => {
    const greeter = deployment(Greeter);
    const app = greeter.bind("Hello");
    expect(app).toBeInstanceOf(Application);
    expect(app.deployment).toBe(greeter);
    expect(app.args).toEqual(["Hello"]);
    expect(app.name).toBe("Greeter");
  });

  it("gives a function no arguments", () => {
    expect(() => deployment(shout).bind(...(["a"] as unknown as []))).toThrow(
      'Deployment "shout" is a function, so bind() takes no arguments.',
    );
  });
});

describe("whether a deployment answers HTTP", () => {
  it("is told by fetch, call, a router or being a function", () => {
    class Fetches {
      fetch() {}
    }
    class Counts {
      count() {}
    }
    const router = { fetch: () => new Response() };
    expect(deployment(Greeter).handlesHttp).toBe(true);
    expect(deployment(Fetches).handlesHttp).toBe(true);
    expect(deployment(shout).handlesHttp).toBe(true);
    expect(deployment(Counts).handlesHttp).toBe(false);
    expect(deployment(ingress(router)(Counts)).handlesHttp).toBe(true);
  });
});

describe("ingress", () => {
  const router = { fetch: () => new Response() };

  it("gives back the class that it was applied to", () => {
    class Api {
      count() {}
    }
    expect(ingress(router)(Api)).toBe(Api);
  });

  it("refuses a router that cannot route", () => {
    expect(() => ingress({} as never)).toThrow("ingress() takes a router with a method fetch(request)");
    expect(() => ingress(undefined as never)).toThrow(ConfigError);
  });

  it("refuses what is no class, and a class whose fetch it would hide", () => {
    class Own {
      fetch() {}
    }
    expect(() => ingress(router)((() => 1) as never)).toThrow("ingress(router) must be applied to a class.");
    expect(() => ingress(router)(Own)).toThrow("Class Own has a method fetch, and ingress() would hide it.");
  });

  it("does not reach the base class of the one that it was applied to", () => {
    class Base {
      count() {}
    }
    class Derived extends Base {}
    ingress(router)(Derived);
    expect(deployment(Base).handlesHttp).toBe(false);
    expect(deployment(Derived).handlesHttp).toBe(true);
  });
});
