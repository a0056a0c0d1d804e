/** The compared batching on edge-serve. */
import * as serve from "edge-serve";

/** What is called with one text, and runs for up to 32 at once. */
export const upperInBatches = (): ((text: string) => Promise<string>) =>
  serve.batch(
    async (texts: string[]) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return texts.map((text) => text.toUpperCase());
    },
    { maxBatchSize: 32, batchWaitTimeoutMs: 10 },
  );

class Batch {
  readonly #upper = upperInBatches();

  async call(request: Request): Promise<string[]> {
    const { texts } = await request.json<{ texts: [string] }>();
    return [await this.#upper(texts[0])];
  }
}

export const batch = serve.deployment(Batch, { maxOngoingRequests: 512 }).bind();
