import * as serve from "edge-serve";

class Hello {
  call() {
    return "Hello";
  }
}

class World {
  call() {
    return " world!";
  }
}

class Ingress {
  constructor(
    private hello: serve.DeploymentHandle<Hello>,
    private world: serve.DeploymentHandle<World>,
  ) {}

  async call() {
    const hello = this.hello.remote();
    const world = this.world.remote(); // both calls are in flight
    return (await hello) + (await world);
  }
}

const hello = serve.deployment(Hello).bind();
const world = serve.deployment(World, { numReplicas: 2 }).bind();
export const app = serve.deployment(Ingress).bind(hello, world);
