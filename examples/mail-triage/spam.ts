import type { Mail } from "./mail.ts";
import counts from "./spam-model/counts.json" with { type: "json" };
import { NaiveBayes } from "./spam-model/naive-bayes.ts";

/** Where a mail belongs. */
export type Folder = "inbox" | "review" | "junk";

/** What the filter thinks of a mail. */
export interface SpamVerdict {
  readonly folder: Folder;
  /** That it is spam, from 0 to 1. */
  readonly probability: number;
  /** The words that decided it, the weightiest first. */
  readonly because: readonly string[];
}

/** The operator's choice, in `user_config`: it changes while the filter runs. */
export interface SpamThresholds {
  readonly junkFrom: number;
  readonly reviewFrom: number;
}

/** Filters spam with naive Bayes, trained on the SpamAssassin corpus (see spam-model/train.mjs). */
export class Spam {
  #model: NaiveBayes | undefined;
  #thresholds: SpamThresholds = { junkFrom: 0.9, reviewFrom: 0.5 };

  setup() {
    this.#model = new NaiveBayes(counts);
  }

  reconfigure(userConfig: SpamThresholds) {
    const { junkFrom, reviewFrom } = userConfig;
    if (!(reviewFrom >= 0 && reviewFrom <= junkFrom && junkFrom <= 1)) {
      throw new Error(`Spam's user_config must have 0 <= reviewFrom <= junkFrom <= 1, got ${JSON.stringify(userConfig)}.`);
    }
    this.#thresholds = { junkFrom, reviewFrom };
  }

  call(mail: Mail): SpamVerdict {
    const { probability, because } = this.#model!.score(mail);
    return { folder: this.#folderFor(probability), probability: Math.round(probability * 1000) / 1000, because };
  }

  #folderFor(probability: number): Folder {
    if (probability >= this.#thresholds.junkFrom) return "junk";
    return probability >= this.#thresholds.reviewFrom ? "review" : "inbox";
  }
}
