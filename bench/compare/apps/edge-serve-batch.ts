/** The compared batching on edge-serve. */
import * as serve from "edge-serve";

class Batch {
  readonly #upper = serve.batch(
    async (texts: string[]) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return texts.map((text) => text.toUpperCase());
    },
    { maxBatchSize: 32, batchWaitTimeoutMs: 10 },
  );

  async call(request: Request): Promise<string[]> {
    const { texts } = await request.json<{ texts: [string] }>();
    return [await this.#upper(texts[0])];
  }
}

export const batch = serve.deployment(Batch, { maxOngoingRequests: 512 }).bind();
