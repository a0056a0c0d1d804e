import { describe, expectTypeOf, it } from "vitest";
import * as serve from "../../src/index.ts";

class Hello {
  call(): string {
    return "Hello";
  }
}

class Counter {
  constructor(readonly start: number) {}
  count(by: number): number {
    return this.start + by;
  }
}

const shout = async (text: string): Promise<string> => text.toUpperCase();

class Pair {
  constructor(
    readonly hello: serve.DeploymentHandle<Hello>,
    readonly counter: serve.DeploymentHandle<Counter>,
    readonly label: string,
  ) {}
  call(): string {
    return this.label;
  }
}

const hello = serve.deployment(Hello).bind();
const counter = serve.deployment(Counter).bind(1);
declare const helloHandle: serve.DeploymentHandle<Hello>;

describe("deployment", () => {
  it("of a class stands for its instances and takes its constructor's parameters", () => {
    expectTypeOf(serve.deployment(Pair)).toEqualTypeOf<
      serve.Deployment<Pair, [hello: serve.DeploymentHandle<Hello>, counter: serve.DeploymentHandle<Counter>, label: string]>
    >();
    expectTypeOf(hello).toEqualTypeOf<serve.Application<Hello>>();
  });

  it("of a function stands for the function and binds nothing", () => {
    expectTypeOf(serve.deployment(shout).bind()).toEqualTypeOf<serve.Application<typeof shout>>();
    const sync = (n: number) => n;
    expectTypeOf(serve.deployment(sync).bind()).toEqualTypeOf<serve.Application<(n: number) => number>>();
    async function* count(to: number) {
      yield to;
    }
    expectTypeOf(serve.deployment(count).bind()).toEqualTypeOf<serve.Application<(to: number) => AsyncGenerator<number, void, unknown>>>();
    function* letters(text: string) {
      yield* text;
    }
    expectTypeOf(serve.deployment(letters).bind()).toExtend<serve.Application<(text: string) => Generator<string>>>();
    // @ts-expect-error a function has no constructor that could take it
    serve.deployment(shout).bind("text");
  });

  it("takes a class or a function, and options of the right types", () => {
    // @ts-expect-error an instance is not a class
    serve.deployment(new Hello());
    // @ts-expect-error a name is not a class
    serve.deployment("Hello");
    // @ts-expect-error there is no option of this name
    serve.deployment(Hello, { replicas: 2 });
    // @ts-expect-error a number of replicas is a number
    serve.deployment(Hello, { numReplicas: "2" });
    // @ts-expect-error 500 is no answer to a full queue
    serve.deployment(Hello, { backpressure: { statusCode: 500 } });
    serve.deployment(Hello, { numReplicas: "auto", autoscaling: { maxReplicas: 3, policy: ({ currentReplicas }) => currentReplicas + 1 } });
  });

  it("keeps its type through options()", () => {
    expectTypeOf(serve.deployment(Pair).options({ numReplicas: 2 })).toEqualTypeOf<
      serve.Deployment<Pair, [hello: serve.DeploymentHandle<Hello>, counter: serve.DeploymentHandle<Counter>, label: string]>
    >();
    // @ts-expect-error there is no option of this name
    serve.deployment(Hello).options({ replicas: 2 });
  });
});

describe("bind", () => {
  it("takes an application where the constructor takes a handle", () => {
    expectTypeOf(serve.deployment(Pair).bind(hello, counter, "both")).toEqualTypeOf<serve.Application<Pair>>();
  });

  it("takes a handle as well", () => {
    serve.deployment(Pair).bind(helloHandle, counter, "both");
  });

  it("refuses an application of another class", () => {
    // @ts-expect-error the first parameter is a handle of Hello
    serve.deployment(Pair).bind(counter, counter, "both");
    // @ts-expect-error the order is the constructor's
    serve.deployment(Pair).bind(counter, hello, "both");
    // @ts-expect-error an application of a function does not answer to count()
    serve.deployment(Pair).bind(hello, serve.deployment(shout).bind(), "both");
  });

  it("refuses what is not bound", () => {
    // @ts-expect-error a deployment has to be bound first
    serve.deployment(Pair).bind(serve.deployment(Hello), counter, "both");
    // @ts-expect-error a class has to be deployed and bound first
    serve.deployment(Pair).bind(Hello, counter, "both");
    // @ts-expect-error an instance runs here, not in a replica
    serve.deployment(Pair).bind(new Hello(), counter, "both");
  });

  it("refuses a scalar of another type, a missing argument and one too many", () => {
    // @ts-expect-error the label is a string
    serve.deployment(Pair).bind(hello, counter, 1);
    // @ts-expect-error the label is missing
    serve.deployment(Pair).bind(hello, counter);
    // @ts-expect-error everything is missing
    serve.deployment(Pair).bind();
    // @ts-expect-error there is no fourth parameter
    serve.deployment(Pair).bind(hello, counter, "both", true);
    // @ts-expect-error Hello's constructor takes nothing
    serve.deployment(Hello).bind("text");
    // @ts-expect-error an application stands for a handle only
    serve.deployment(Counter).bind(counter);
  });

  it("looks into arrays, tuples and objects", () => {
    class Router {
      constructor(
        readonly list: serve.DeploymentHandle<Hello>[],
        readonly tuple: readonly [serve.DeploymentHandle<Hello>, number],
        readonly record: Record<string, serve.DeploymentHandle<Counter>>,
        readonly nested: { readonly a: { b: (serve.DeploymentHandle<Hello> | null)[] }; limit?: number },
      ) {}
    }
    const router = serve.deployment(Router);
    router.bind([hello, hello], [hello, 1], { x: counter }, { a: { b: [hello, null, helloHandle] } });
    router.bind([], [helloHandle, 1], {}, { a: { b: [] }, limit: 3 });
    // @ts-expect-error the list is of handles of Hello
    router.bind([hello, counter], [hello, 1], { x: counter }, { a: { b: [] } });
    // @ts-expect-error the record is of handles of Counter
    router.bind([hello], [hello, 1], { x: hello }, { a: { b: [] } });
    // @ts-expect-error the tuple has two members
    router.bind([hello], [hello], { x: counter }, { a: { b: [] } });
    // @ts-expect-error the nested list is of handles of Hello
    router.bind([hello], [hello, 1], {}, { a: { b: [counter] } });
    // @ts-expect-error limit is a number
    router.bind([hello], [hello, 1], {}, { a: { b: [] }, limit: "3" });
    // @ts-expect-error there is no property of this name
    router.bind([hello], [hello, 1], {}, { a: { b: [] }, limits: 3 });
  });

  it("looks into interfaces", () => {
    interface Models {
      readonly small: serve.DeploymentHandle<Hello>;
      readonly large?: serve.DeploymentHandle<Counter>;
      readonly threshold: number;
    }
    class Chooser {
      constructor(readonly models: Models) {}
    }
    const chooser = serve.deployment(Chooser);
    chooser.bind({ small: hello, threshold: 1 });
    chooser.bind({ small: hello, large: counter, threshold: 1 });
    // @ts-expect-error large is a handle of Counter
    chooser.bind({ small: hello, large: hello, threshold: 1 });
    // @ts-expect-error small is missing
    chooser.bind({ threshold: 1 });
  });

  it("keeps parameters optional, and rest parameters", () => {
    class Flexible {
      constructor(
        readonly first?: serve.DeploymentHandle<Hello>,
        readonly second = 1,
        ...rest: serve.DeploymentHandle<Counter>[]
      ) {
        void rest;
      }
    }
    const flexible = serve.deployment(Flexible);
    flexible.bind();
    flexible.bind(undefined, 2);
    flexible.bind(hello, undefined, counter, counter);
    // @ts-expect-error the rest is of handles of Counter
    flexible.bind(hello, 1, counter, hello);
  });

  it("takes values of classes and functions as they are", () => {
    class Settings {
      constructor(
        readonly since: Date,
        readonly names: Map<string, number>,
        readonly pattern: RegExp,
        readonly score: (text: string) => number,
      ) {}
    }
    serve.deployment(Settings).bind(new Date(), new Map([["a", 1]]), /x/, (text) => text.length);
    // @ts-expect-error a string is no date
    serve.deployment(Settings).bind("2026", new Map(), /x/, () => 1);
    // @ts-expect-error score returns a number
    serve.deployment(Settings).bind(new Date(), new Map(), /x/, (text: string) => text);
  });

  it("takes bytes, and anything for unknown", () => {
    class Store {
      constructor(
        readonly bytes: Uint8Array,
        readonly anything: unknown,
      ) {}
    }
    serve.deployment(Store).bind(new Uint8Array(1), { any: ["thing", hello] });
    // @ts-expect-error an ArrayBuffer is no Uint8Array
    serve.deployment(Store).bind(new ArrayBuffer(1), null);
  });

  it("takes either of a union of handles", () => {
    class Either {
      constructor(readonly one: serve.DeploymentHandle<Hello> | serve.DeploymentHandle<Counter> | string) {}
    }
    serve.deployment(Either).bind(hello);
    serve.deployment(Either).bind(counter);
    serve.deployment(Either).bind("none");
    // @ts-expect-error neither a handle nor a string
    serve.deployment(Either).bind(1);
  });

  it("takes an application of a subclass, and not one of a base class", () => {
    class Base {
      read(): string {
        return "";
      }
    }
    class Derived extends Base {
      write(text: string): string {
        return text;
      }
    }
    class NeedsBase {
      constructor(readonly base: serve.DeploymentHandle<Base>) {}
    }
    class NeedsDerived {
      constructor(readonly derived: serve.DeploymentHandle<Derived>) {}
    }
    const base = serve.deployment(Base).bind();
    const derived = serve.deployment(Derived).bind();
    serve.deployment(NeedsBase).bind(derived);
    // @ts-expect-error a Base has no method write
    serve.deployment(NeedsDerived).bind(base);
    expectTypeOf(derived).toExtend<serve.Application<Base>>();
    expectTypeOf(base).not.toExtend<serve.Application<Derived>>();
    expectTypeOf(derived).toExtend<serve.Application>();
  });

  it("takes an application where the constructor takes a handle of an interface that the class has", () => {
    interface Greets {
      call(): string | Promise<string>;
    }
    class Polite {
      constructor(readonly greets: serve.DeploymentHandle<Greets>) {}
    }
    serve.deployment(Polite).bind(hello);
    // @ts-expect-error a Counter has no method call
    serve.deployment(Polite).bind(counter);
  });

  it("takes applications of functions", () => {
    class Loud {
      constructor(readonly speaker: serve.DeploymentHandle<typeof shout>) {}
    }
    serve.deployment(Loud).bind(serve.deployment(shout).bind());
    // @ts-expect-error this function takes a number
    serve.deployment(Loud).bind(serve.deployment((n: number) => n, { name: "n" }).bind());
  });

  it("takes the same application twice", () => {
    class Left {
      constructor(readonly base: serve.DeploymentHandle<Counter>) {}
      call(): number {
        return 1;
      }
    }
    class Top {
      constructor(
        readonly left: serve.DeploymentHandle<Left>,
        readonly base: serve.DeploymentHandle<Counter>,
      ) {}
    }
    expectTypeOf(serve.deployment(Top).bind(serve.deployment(Left).bind(counter), counter)).toEqualTypeOf<serve.Application<Top>>();
  });

  it("knows the type parameters of a generic class", () => {
    class Cache<V> {
      constructor(
        readonly source: serve.DeploymentHandle<Hello>,
        readonly fallback: V,
      ) {}
      get(): V {
        return this.fallback;
      }
    }
    const cache = serve.deployment(Cache<Date>).bind(hello, new Date());
    expectTypeOf(cache).toEqualTypeOf<serve.Application<Cache<Date>>>();
    // @ts-expect-error the fallback is a Date
    serve.deployment(Cache<Date>).bind(hello, "now");
  });
});
