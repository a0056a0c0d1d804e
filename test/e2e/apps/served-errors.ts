/** An application whose errors are looked at from the test that serves it. */
import * as serve from "edge-serve";

class Sorter {
  sort(text: string): string {
    throw new TypeError(`cannot sort ${text}`);
  }
  *items(): Generator<number> {
    yield 1;
    throw new RangeError("no second item");
  }
}

class Front {
  constructor(private sorter: serve.DeploymentHandle<Sorter>) {}

  async fetch(request: Request): Promise<string> {
    if (new URL(request.url).pathname === "/logs") {
      serve.logger.error("charge failed", { order: "order-7" });
      serve.logger.warning("only a warning");
      return "ok";
    }
    return this.nested();
  }
  own(): never {
    throw new Error("thrown here");
  }
  async caused(): Promise<never> {
    throw new Error("outer", { cause: new RangeError("inner") });
  }
  async nested(): Promise<string> {
    return await this.sorter.sort.remote("mail");
  }
  async *items(): AsyncGenerator<number> {
    yield* this.sorter.items.remote();
  }
}

export const app = serve.deployment(Front).bind(serve.deployment(Sorter).bind());
