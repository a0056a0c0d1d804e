import * as serve from "edge-serve";

class Failing {
  call(): never {
    throw new Error("the handler failed");
  }
}

export const app = serve.deployment(Failing).bind();
