/**
 * The models: which layers each has, and what comes out.
 *
 * Owns:          the forward pass from the inputs of a batch to the probabilities of its labels.
 * Does not own:  the weights (`code.json`, `prose.json`), and what the inputs mean (`../tokens.ts`).
 *
 * Invariants:
 *   N1. A model gives what the package that its weights come from gives, to three digits (`expected.json`).
 *   N2. The probabilities of a row are in the order of the labels and add up to 1.
 */
import { type Batch, dense, type Matrix, type PackedMatrix, sparse, type SparseRow, transposed, unpack } from "./layers.ts";

/** A model that is ready to be used. */
export interface Model {
  readonly labels: readonly string[];
  /** One list of probabilities for each row, one for each label. */
  classify(rows: readonly SparseRow[]): Float64Array[];
}

/** A layer as a model file has it. */
export interface PackedLayer extends PackedMatrix {
  readonly bias: readonly number[];
}

/** `code.json`. */
export interface PackedGuesslang {
  readonly labels: readonly string[];
  readonly deep: PackedMatrix;
  readonly wide: PackedLayer;
  readonly layers: readonly PackedLayer[];
}

/** `prose.json`. */
export interface PackedLande {
  readonly labels: readonly string[];
  readonly hidden: PackedLayer;
  readonly output: PackedLayer;
}

/**
 * The model of guesslang: the scores of a linear model and of a network of three layers, added. The inputs are how often
 * each pair of bytes occurs; the network takes their mean, the linear model their sum.
 */
export function guesslang({ labels, deep, wide, layers }: PackedGuesslang): Model {
  const embedding = unpack(deep);
  const linear = unpack(wide);
  const network = layers.map(unpackLayer);
  return {
    labels,
    classify: (rows) => {
      let batch = sparse(rows, embedding);
      scaleRows(batch, (row) => 1 / Math.max(1, total(rows[row]!)));
      for (const [index, { matrix, bias }] of network.entries()) {
        batch = dense(batch, matrix);
        add(batch, bias, index < network.length - 1);
      }
      const scores = sparse(rows, linear);
      add(scores, wide.bias, false);
      return probabilities(scores, batch);
    },
  };
}

/** The model of lande: a network of two layers. The inputs are the frequencies of n-grams. */
export function lande({ labels, hidden, output }: PackedLande): Model {
  const first = unpack(hidden);
  const second = unpackLayer(output);
  return {
    labels,
    classify: (rows) => {
      const batch = sparse(rows, first);
      add(batch, hidden.bias, true);
      const scores = dense(batch, second.matrix);
      add(scores, second.bias, false);
      return probabilities(scores);
    },
  };
}

interface Layer {
  readonly matrix: Matrix;
  readonly bias: readonly number[];
}

function unpackLayer(layer: PackedLayer): Layer {
  return { matrix: transposed(unpack(layer)), bias: layer.bias };
}

function total({ values }: SparseRow): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function scaleRows({ rows, columns, values }: Batch, factorOf: (row: number) => number): void {
  for (let row = 0; row < rows; row++) {
    const factor = factorOf(row);
    for (let column = 0; column < columns; column++) values[row * columns + column]! *= factor;
  }
}

// A rectified unit gives nothing below zero.
function add({ columns, values }: Batch, bias: readonly number[], isRectified: boolean): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]! + bias[index % columns]!;
    values[index] = isRectified && value < 0 ? 0 : value;
  }
}

// Softmax of the sum of all scores. The largest is taken off first, so that nothing overflows.
function probabilities(first: Batch, second?: Batch): Float64Array[] {
  return Array.from({ length: first.rows }, (_, row) => {
    const scores = first.values.subarray(row * first.columns, (row + 1) * first.columns);
    if (second !== undefined)
      for (let label = 0; label < scores.length; label++) scores[label]! += second.values[row * second.columns + label]!;
    const largest = scores.reduce((max, score) => Math.max(max, score));
    const powers = scores.map((score) => Math.exp(score - largest));
    const sum = powers.reduce((partial, power) => partial + power, 0);
    return powers.map((power) => power / sum);
  });
}
