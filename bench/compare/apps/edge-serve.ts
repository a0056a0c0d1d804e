/** The compared applications on edge-serve. `../systems/workers.ts` writes the `serve.yaml` that names them. */
import * as serve from "edge-serve";
import { roundsFor, spin } from "./compute.ts";

// More than the clients that there are: a client then never waits for a slot.
const options = { maxOngoingRequests: 512 };

export class Noop {
  call(): string {
    return "ok";
  }
}

export class Hello {
  call(): string {
    return "Hello";
  }
}

export class World {
  call(): string {
    return " world!";
  }
}

export class Ingress {
  readonly #hello: serve.DeploymentHandle<Hello>;
  readonly #world: serve.DeploymentHandle<World>;

  constructor(hello: serve.DeploymentHandle<Hello>, world: serve.DeploymentHandle<World>) {
    this.#hello = hello;
    this.#world = world;
  }

  async call(): Promise<string> {
    const hello = this.#hello.remote();
    const world = this.#world.remote();
    return (await hello) + (await world);
  }
}

export class Wait {
  async call(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return "ok";
  }
}

export class Stream {
  *call(): Generator<string> {
    for (let item = 0; item < 1000; item++) yield `token ${item}\n`;
  }
}

export class Compute {
  readonly #rounds = roundsFor(5);

  call(): string {
    return spin(this.#rounds) > 0 ? "ok" : "none";
  }
}

export const noop = serve.deployment(Noop, options).bind();
export const compose = serve
  .deployment(Ingress, options)
  .bind(serve.deployment(Hello, options).bind(), serve.deployment(World, options).bind());
export const wait = serve.deployment(Wait, options).bind();
export const stream = serve.deployment(Stream, options).bind();
export const cpu = serve.deployment(Compute).bind();
