/** What an application tells of itself, where there is nobody to tell. */
import { describe, expect, it } from "vitest";
import * as serve from "../../../src/index.ts";
import { runLocal } from "../../../src/local/run-local.ts";

const hits = new serve.metrics.Counter("local_hits", { tagKeys: ["kind"] });

class Leaf {
  call() {
    hits.inc();
    return serve.getRequestContext().traceparent;
  }
  wrong() {
    hits.inc(-1);
  }
}
class Front {
  readonly #leaf: serve.DeploymentHandle<Leaf>;
  constructor(leaf: serve.DeploymentHandle<Leaf>) {
    this.#leaf = leaf;
  }
  async call() {
    new serve.metrics.Gauge("local_depth").set(1);
    return serve.span("mine", async (span) => {
      span.setAttribute("kind", "x");
      return [serve.getRequestContext().traceparent, await this.#leaf.remote()];
    });
  }
  wrong() {
    return this.#leaf.wrong.remote();
  }
}
const app = serve.deployment(Front).bind(serve.deployment(Leaf).bind());

describe("in runLocal", () => {
  it("metrics do nothing, spans just run, and a trace goes on", async () => {
    const front = runLocal(app);
    const [first, second] = [await front.remote(), await front.remote()];
    const parts = [...first, ...second].map((traceparent) => traceparent.split("-"));
    expect(new Set(parts.map(([, traceId]) => traceId)).size).toBe(2);
    expect(parts[0]![1]).toBe(parts[1]![1]);
    expect(new Set(parts.map(([, , spanId]) => spanId)).size).toBe(4);
  });

  it("a metric's misuse is an error all the same", async () => {
    await expect(Promise.resolve(runLocal(app).wrong.remote())).rejects.toBeInstanceOf(serve.ConfigError);
  });
});
