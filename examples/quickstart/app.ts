import * as serve from "edge-serve";

export class Hello {
  call() {
    return "Hello";
  }
}

export class World {
  call() {
    return " world!";
  }
}

export class Ingress {
  constructor(
    private hello: serve.DeploymentHandle<Hello>,
    private world: serve.DeploymentHandle<World>,
  ) {}

  async call() {
    const hello = this.hello.remote(); // both calls are in flight
    const world = this.world.remote();
    return (await hello) + (await world);
  }
}

const hello = serve.deployment(Hello).bind();
const world = serve.deployment(World, { numReplicas: 2 }).bind();
export const app = serve.deployment(Ingress).bind(hello, world);
