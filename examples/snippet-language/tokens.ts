/**
 * From a text to the inputs of a model.
 *
 * Owns:          what a token is for each model. Each is what its model was trained on, to the byte.
 * Does not own:  the weights and the arithmetic (`models/`), and how long a text may be (`snippets.ts`).
 *
 * Invariants:
 *   T1. Indices are ascending and without repetition; none is beyond the model's inputs.
 *   T2. The time grows with the length of the text at most, whatever is in it.
 */
import type { SparseRow } from "./models/layers.ts";
import vocabulary from "./models/prose-ngrams.json" with { type: "json" };

const { ngrams } = vocabulary;
const BUCKETS = 5000;
// guesslang looks at this many pairs, and no more.
const MAX_PAIRS = 10_000;

/** guesslang's: how often each pair of neighbouring bytes occurs, in 5000 buckets. */
export function bytePairs(text: string): SparseRow {
  const bytes = new TextEncoder().encode(text.replaceAll("\r\n", "\n"));
  const counts = new Float32Array(BUCKETS);
  for (let at = 0; at + 1 < bytes.length && at < MAX_PAIRS; at++) counts[bucketOf(bytes[at]!, bytes[at + 1]!)]! += 1;
  return sparseRow(counts);
}

/** lande's: the share that each of 620 n-grams has among the n-grams of its length. */
export function letterNgrams(text: string): SparseRow {
  const letters = ` ${lettersOf(text)} `;
  const frequencies = new Float32Array(ngrams.length);
  for (let length = 1; length <= MAX_NGRAM; length++) {
    const share = 1 / (letters.length - length + 1);
    for (let at = 0; at + length <= letters.length; at++) {
      const input = INPUT_OF_NGRAM.get(letters.slice(at, at + length));
      if (input !== undefined) frequencies[input]! += share;
    }
  }
  return sparseRow(frequencies);
}

const MAX_NGRAM = 4;
const INPUT_OF_NGRAM: ReadonlyMap<string, number> = new Map(ngrams.map((ngram, input) => [ngram, input]));

function lettersOf(text: string): string {
  return text
    .replaceAll(/-+/g, " ")
    .replaceAll(/[^\p{L}\p{M}\s]/gu, "")
    .replaceAll(/\s{2,}/g, " ")
    .toLowerCase()
    .trim();
}

function sparseRow(inputs: Float32Array): SparseRow {
  const indices: number[] = [];
  for (let input = 0; input < inputs.length; input++) if (inputs[input] !== 0) indices.push(input);
  return { indices: Uint16Array.from(indices), values: Float32Array.from(indices, (input) => inputs[input]!) };
}

// Hashing a pair takes longer than looking it up, and texts repeat their pairs. 0 is "not yet known", so buckets count from 1.
const knownBuckets = new Uint16Array(65_536);

function bucketOf(first: number, second: number): number {
  const pair = first * 256 + second;
  if (knownBuckets[pair] === 0) knownBuckets[pair] = fingerprint(first, second) + 1;
  return knownBuckets[pair]! - 1;
}

// FarmHash's Fingerprint64 of the three bytes "<first> <second>", as TensorFlow's StringToHashBucketFast takes it.
function fingerprint(first: number, second: number): number {
  const y = BigInt(first + 256 * 0x20);
  const z = BigInt(3 + 4 * second);
  const mixed = BigInt.asUintN(64, y * 0x9ae16a3b2f90404fn) ^ BigInt.asUintN(64, z * 0xc3a5c85c97cb3127n);
  return Number(BigInt.asUintN(64, (mixed ^ (mixed >> 47n)) * 0x9ae16a3b2f90404fn) % BigInt(BUCKETS));
}
