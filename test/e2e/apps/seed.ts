/** The code examples of Ray Serve's "Key Concepts", translated. Names and structure are theirs. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { type IRequest, Router } from "itty-router";

class MyFirstDeployment {
  // Takes the message to return as an argument of the constructor.
  constructor(private msg: string) {}

  call(): string {
    return this.msg;
  }
}

export const myFirstDeployment = serve.deployment(MyFirstDeployment).bind("Hello world!");

class Hello {
  call(): string {
    return "Hello";
  }
}

class World {
  call(): string {
    return " world!";
  }
}

class Ingress {
  constructor(
    private helloHandle: serve.DeploymentHandle<Hello>,
    private worldHandle: serve.DeploymentHandle<World>,
  ) {}

  async call(): Promise<string> {
    const helloResponse = this.helloHandle.remote();
    const worldResponse = this.worldHandle.remote();
    return (await helloResponse) + (await worldResponse);
  }
}

const hello = serve.deployment(Hello).bind();
const world = serve.deployment(World).bind();

// The applications given to Ingress are replaced with handles.
export const composed = serve.deployment(Ingress).bind(hello, world);

class MostBasicIngress {
  async call(request: Request): Promise<string> {
    const { name } = (await request.json()) as { name: string };
    return `Hello ${name}!`;
  }
}

export const mostBasicIngress = serve.deployment(MostBasicIngress).bind();

class RouterIngress {
  sayHi(name: string): string {
    return `Hello ${name}!`;
  }
}

const router = Router<IRequest, [replica: RouterIngress]>();
router.get("/:name", ({ params }, replica) => replica.sayHi(params["name"] ?? ""));

export const routed = serve.deployment(serve.ingress(router)(RouterIngress)).bind();

class HonoIngress {
  sayHi(name: string): string {
    return `Hello ${name}!`;
  }
}

const hono = new Hono<{ Bindings: { replica: HonoIngress } }>();
hono.get("/:name", (c) => c.text(c.env.replica.sayHi(c.req.param("name"))));

export const honoRouted = serve.deployment(serve.ingress(hono)(HonoIngress)).bind();
