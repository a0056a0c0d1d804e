/** The application of Ray's test_deploy_app.py: sums and products, and a router before them. */
import * as serve from "edge-serve";

class Adder {
  #increment = 0;
  reconfigure({ increment }: { increment: number }): void {
    this.#increment = increment;
  }
  add(input: number): string {
    return `${input + this.#increment} pizzas please!`;
  }
}

class Multiplier {
  #factor = 1;
  reconfigure({ factor }: { factor: number }): void {
    this.#factor = factor;
  }
  multiply(input: number): string {
    return `${input * this.#factor} pizzas please!`;
  }
}

class Router {
  constructor(
    private readonly adder: serve.DeploymentHandle<Adder>,
    private readonly multiplier: serve.DeploymentHandle<Multiplier>,
  ) {}

  async fetch(request: Request): Promise<string> {
    const [operation, input] = await request.json<["ADD" | "MUL", number]>();
    return operation === "ADD" ? this.adder.add.remote(input) : this.multiplier.multiply.remote(input);
  }
}

export const app = serve
  .deployment(Router)
  .bind(
    serve.deployment(Adder, { userConfig: { increment: 2 } }).bind(),
    serve.deployment(Multiplier, { userConfig: { factor: 3 } }).bind(),
  );
