import { Hono } from "hono";
import { AutoRouter, type IRequest, IttyRouter, Router } from "itty-router";
import { describe, expectTypeOf, it } from "vitest";
import * as serve from "../../src/index.ts";
import { runLocal } from "../../src/local/run-local.ts";

class Greeter {
  constructor(readonly greeting: string) {}
  greet(name: string): string {
    return `${this.greeting} ${name}`;
  }
}

describe("ingress", () => {
  it("keeps the type of the class", () => {
    expectTypeOf(serve.ingress(AutoRouter())(Greeter)).toEqualTypeOf<typeof Greeter>();
    expectTypeOf(serve.deployment(serve.ingress(AutoRouter())(Greeter)).bind("Hello")).toEqualTypeOf<serve.Application<Greeter>>();
    // @ts-expect-error the greeting is a string
    serve.deployment(serve.ingress(AutoRouter())(Greeter)).bind(1);
  });

  it("takes routers of itty-router and Hono, and anything with fetch", () => {
    serve.ingress(Router());
    serve.ingress(IttyRouter());
    serve.ingress(IttyRouter<IRequest, [Greeter]>().get("/:name", ({ params }, greeter) => greeter.greet(String(params["name"]))));
    // AutoRouter of itty-router 6.0.0 has the type any under nodenext, so its handlers have to name the request's type.
    serve.ingress(AutoRouter().get("/:name", ({ params }: IRequest, greeter: Greeter) => greeter.greet(String(params["name"]))));
    serve.ingress(new Hono());
    serve.ingress(new Hono<{ Bindings: { replica: Greeter } }>().get("/:name", (c) => c.text(c.env.replica.greet(c.req.param("name")))));
    serve.ingress({ fetch: (request: Request) => new Response(request.url) });
    serve.ingress({ fetch: async (request: Request, greeter: Greeter) => greeter.greet(request.url) });
    // @ts-expect-error it cannot route
    serve.ingress({ get: () => new Response() });
  });

  it("is a decorator", () => {
    @serve.ingress(AutoRouter())
    class Decorated {
      constructor(readonly size: number) {}
      grow(): number {
        return this.size + 1;
      }
    }
    expectTypeOf(serve.deployment(Decorated).bind(1)).toEqualTypeOf<serve.Application<Decorated>>();
  });

  it("applies to classes only", () => {
    // @ts-expect-error a function has nothing to mount a router on
    serve.ingress(AutoRouter())(() => "text");
  });
});

describe("runLocal", () => {
  it("gives a handle of the application's class or function", () => {
    const app = serve.deployment(Greeter).bind("Hello");
    expectTypeOf(runLocal(app)).toEqualTypeOf<serve.DeploymentHandle<Greeter>>();
    expectTypeOf(runLocal(app, { name: "news", env: { KEY: "v" } }).greet.remote("you")).toEqualTypeOf<serve.DeploymentResponse<string>>();
    const double = async (n: number) => n * 2;
    expectTypeOf(runLocal(serve.deployment(double).bind()).remote(1)).toEqualTypeOf<serve.DeploymentResponse<number>>();
    // @ts-expect-error a deployment has to be bound first
    runLocal(serve.deployment(Greeter));
  });
});

describe("the context", () => {
  it("types handles by what they are asked for", () => {
    expectTypeOf(serve.getDeploymentHandle<Greeter>).returns.toEqualTypeOf<serve.DeploymentHandle<Greeter>>();
    expectTypeOf(serve.getAppHandle<Greeter>).returns.toEqualTypeOf<serve.DeploymentHandle<Greeter>>();
    expectTypeOf(serve.getAppHandle<serve.Application<Greeter>>).returns.toEqualTypeOf<serve.DeploymentHandle<Greeter>>();
    // @ts-expect-error without a type nothing is known of its methods
    void serve.getAppHandle("news").remote;
  });

  it("has the fields of the contract", () => {
    expectTypeOf<keyof serve.ReplicaContext>().toEqualTypeOf<
      "appName" | "deployment" | "replicaId" | "ordinal" | "key" | "version" | "env" | "state"
    >();
    expectTypeOf<keyof serve.RequestContext>().toEqualTypeOf<
      "requestId" | "routePrefix" | "multiplexedModelId" | "deadline" | "signal" | "traceparent" | "tracestate" | "key" | "task" | "shadow"
    >();
    expectTypeOf<serve.RequestContext["signal"]>().toEqualTypeOf<AbortSignal>();
  });
});

describe("errors", () => {
  it("have their code as a literal type", () => {
    expectTypeOf<serve.BackPressureError["code"]>().toEqualTypeOf<"BACK_PRESSURE">();
    expectTypeOf<serve.ConfigError>().toExtend<serve.ServeError>();
    expectTypeOf<serve.ServeError["code"]>().toEqualTypeOf<serve.ServeErrorCode>();
  });
});
