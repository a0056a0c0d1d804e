import type { SparseRow } from "./models/layers.ts";
import { bytePairs, letterNgrams } from "./tokens.ts";

/** What kind of text a model is for; also the model's id. */
export type Kind = "code" | "prose";

const TOKENIZERS: Readonly<Record<Kind, (text: string) => SparseRow>> = { code: bytePairs, prose: letterNgrams };

/** Turns texts into what the models take. Needs no weights, so its replicas are small and many. */
export class Features {
  call(text: string, kind: Kind): SparseRow {
    return TOKENIZERS[kind](text);
  }
}
