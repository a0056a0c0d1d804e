/** A keyed deployment whose objects batch, load models and have metrics of their own. */
import * as serve from "edge-serve";

const signed = new serve.metrics.Counter("signed", { tagKeys: ["kind"] });
const height = new serve.metrics.Gauge("pile_height");
const pages = new serve.metrics.Histogram("pages", { boundaries: [1, 10] });

export class Desk {
  readonly #stamp = serve.batch(async (papers: readonly string[]) => papers.map((paper) => paper.toUpperCase()), {
    batchWaitTimeoutMs: 20,
  });
  readonly #form = serve.multiplexed(async (id: string) => ({ id }), { maxModelsPerReplica: 2 });

  /** Counts once by each metric. */
  async sign(paper: string) {
    signed.inc(1, { kind: "letter" });
    pages.observe(paper.length);
    return [await this.#stamp(paper), (await this.#form(serve.getMultiplexedModelId())).id];
  }

  pile(papers: number) {
    height.set(papers);
    return papers;
  }
}

export const desks = serve.deployment(Desk, { keyed: true }).bind();
