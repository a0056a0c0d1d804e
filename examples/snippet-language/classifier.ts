import * as serve from "edge-serve";
import type { SparseRow } from "./models/layers.ts";
import { guesslang, lande, type Model } from "./models/networks.ts";

/** A language that a text may be written in. */
export interface Candidate {
  /** For code what editors call it, as in `py`; for prose as in `fi` or `pt`. */
  readonly language: string;
  /** What the model gives it, from 0 to 1. */
  readonly confidence: number;
}

/** How the operator wants batches, in `user_config`. */
export interface BatchSettings {
  readonly maxBatchSize: number;
  readonly batchWaitTimeoutMs: number;
}

const MAX_CANDIDATES = 3;

// Imported here and not above, so that a replica spends memory on the weights of the models that it is asked for.
const MODELS: Readonly<Record<string, () => Promise<Model>>> = {
  code: async () => guesslang((await import("./models/code.json", { with: { type: "json" } })).default),
  prose: async () => lande((await import("./models/prose.json", { with: { type: "json" } })).default),
};

/** Says which languages a text is likely written in. Which model does is the request's model id: `code` or `prose`. */
export class Classifier {
  #model = serve.multiplexed(loadModel, { maxModelsPerReplica: 2 });

  // A batch has one model id, so one forward pass serves everybody in it.
  #classify = serve.batch(
    async (rows: SparseRow[]) => {
      const model = await this.#model(serve.getMultiplexedModelId());
      return model.classify(rows).map((probabilities) => candidates(model.labels, probabilities));
    },
    { maxBatchSize: 32, batchWaitTimeoutMs: 2 },
  );

  reconfigure({ maxBatchSize, batchWaitTimeoutMs }: BatchSettings) {
    this.#classify.setMaxBatchSize(maxBatchSize);
    this.#classify.setBatchWaitTimeoutMs(batchWaitTimeoutMs);
  }

  call(features: SparseRow): Promise<Candidate[]> {
    return this.#classify(features);
  }

  /** What this replica has loaded, and how full its batches were. */
  statistics() {
    const { batches, items } = this.#classify.stats;
    return { models: [...this.#model.loaded], batches, items };
  }
}

async function loadModel(modelId: string): Promise<Model> {
  const load = MODELS[modelId];
  if (load === undefined)
    throw new RangeError(`There is no model ${JSON.stringify(modelId)}. There are: ${Object.keys(MODELS).join(", ")}.`);
  const startedAtMs = Date.now();
  const model = await load();
  serve.logger.info("Model loaded.", { model: modelId, labels: model.labels.length, tookMs: Date.now() - startedAtMs });
  return model;
}

function candidates(labels: readonly string[], probabilities: Float64Array): Candidate[] {
  const all = labels.map((language, label) => ({ language, confidence: Math.round(probabilities[label]! * 1000) / 1000 }));
  return all
    .toSorted((a, b) => b.confidence - a.confidence)
    .slice(0, MAX_CANDIDATES)
    .filter(({ confidence }, rank) => rank === 0 || confidence > 0);
}
