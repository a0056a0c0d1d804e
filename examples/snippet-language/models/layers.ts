/**
 * The arithmetic of the models: products of matrices, over a whole batch.
 *
 * Owns:          how weights are stored, and the two products.
 * Does not own:  which layers a model has (`networks.ts`), and where its inputs come from (`../tokens.ts`).
 *
 * Invariants:
 *   L1. What a row of a batch gives does not depend on the other rows, but for the order of additions.
 *   L2. Weights are only read, so any number of batches may share them.
 */

/** The inputs of a model that are not zero. */
export interface SparseRow {
  /** Which inputs, ascending. */
  readonly indices: Uint16Array;
  /** The value of each. */
  readonly values: Float32Array;
}

/** Weights as a model file has them: a byte each, `value = byte * scale + min`, the units of an input beside each other. */
export interface PackedMatrix {
  readonly inputs: number;
  readonly units: number;
  /** For all units, or one for each. */
  readonly min: number | readonly number[];
  readonly scale: number | readonly number[];
  readonly bytes: string;
}

/** A matrix of `inputs` rows, one value for each unit. */
export interface Matrix {
  readonly inputs: number;
  readonly units: number;
  readonly values: Float32Array;
}

/** A batch between two layers: a row for each of its members. */
export interface Batch {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** The weights of a model file as numbers. */
export function unpack({ inputs, units, min, scale, bytes }: PackedMatrix): Matrix {
  const packed = atob(bytes);
  const mins = typeof min === "number" ? Array.from({ length: units }, () => min) : min;
  const scales = typeof scale === "number" ? Array.from({ length: units }, () => scale) : scale;
  const values = new Float32Array(inputs * units);
  for (let input = 0, at = 0; input < inputs; input++) {
    for (let unit = 0; unit < units; unit++, at++) values[at] = packed.charCodeAt(at) * scales[unit]! + mins[unit]!;
  }
  return { inputs, units, values };
}

/** The same matrix with the inputs of a unit beside each other, as `dense` reads them. */
export function transposed({ inputs, units, values }: Matrix): Matrix {
  const turned = new Float32Array(values.length);
  for (let input = 0; input < inputs; input++) {
    for (let unit = 0; unit < units; unit++) turned[unit * inputs + input] = values[input * units + unit]!;
  }
  return { inputs, units, values: turned };
}

/** The product of sparse inputs and a matrix: for each row of the batch, the sum of what its inputs stand for. */
export function sparse(rows: readonly SparseRow[], { units, values: weights }: Matrix): Batch {
  const sums = new Float64Array(rows.length * units);
  for (const [row, { indices, values }] of rows.entries()) {
    const sum = sums.subarray(row * units, (row + 1) * units);
    let at = 0;
    // Four inputs at a time: a sum is read and written once for all of them.
    for (; at + 4 <= indices.length; at += 4) {
      const a = indices[at]! * units;
      const b = indices[at + 1]! * units;
      const c = indices[at + 2]! * units;
      const d = indices[at + 3]! * units;
      const valueA = values[at]!;
      const valueB = values[at + 1]!;
      const valueC = values[at + 2]!;
      const valueD = values[at + 3]!;
      for (let unit = 0; unit < units; unit++) {
        sum[unit]! += valueA * weights[a + unit]! + valueB * weights[b + unit]! + valueC * weights[c + unit]! + valueD * weights[d + unit]!;
      }
    }
    for (; at < indices.length; at++) {
      const from = indices[at]! * units;
      for (let unit = 0; unit < units; unit++) sum[unit]! += values[at]! * weights[from + unit]!;
    }
  }
  return { rows: rows.length, columns: units, values: sums };
}

/** The product of a batch and a transposed matrix. */
export function dense(batch: Batch, { units, values: weights }: Matrix): Batch {
  const out: Batch = { rows: batch.rows, columns: units, values: new Float64Array(batch.rows * units) };
  let row = 0;
  for (; row + 4 <= batch.rows; row += 4) fourRows(batch, weights, row, out);
  for (; row < batch.rows; row++) oneRow(batch, weights, row, out);
  return out;
}

// Four rows by two units at a time: what has been read from memory is used in eight products instead of one. This is where a
// batch gains over one by one. Widths are even in all models. (Variables, not arrays: arrays here take four times as long.)
function fourRows({ columns, values: inputs }: Batch, weights: Float32Array, row: number, { columns: units, values: out }: Batch): void {
  const a = row * columns;
  const b = a + columns;
  const c = b + columns;
  const d = c + columns;
  for (let unit = 0; unit < units; unit += 2) {
    const first = unit * columns;
    const second = first + columns;
    let a1 = 0,
      b1 = 0,
      c1 = 0,
      d1 = 0,
      a2 = 0,
      b2 = 0,
      c2 = 0,
      d2 = 0;
    for (let i = 0; i < columns; i++) {
      const weight1 = weights[first + i]!;
      const weight2 = weights[second + i]!;
      const inA = inputs[a + i]!;
      const inB = inputs[b + i]!;
      const inC = inputs[c + i]!;
      const inD = inputs[d + i]!;
      a1 += weight1 * inA;
      b1 += weight1 * inB;
      c1 += weight1 * inC;
      d1 += weight1 * inD;
      a2 += weight2 * inA;
      b2 += weight2 * inB;
      c2 += weight2 * inC;
      d2 += weight2 * inD;
    }
    const to = row * units + unit;
    out[to] = a1;
    out[to + 1] = a2;
    out[to + units] = b1;
    out[to + units + 1] = b2;
    out[to + 2 * units] = c1;
    out[to + 2 * units + 1] = c2;
    out[to + 3 * units] = d1;
    out[to + 3 * units + 1] = d2;
  }
}

function oneRow({ columns, values: inputs }: Batch, weights: Float32Array, row: number, { columns: units, values: out }: Batch): void {
  for (let unit = 0; unit < units; unit++) {
    const from = unit * columns;
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += weights[from + i]! * inputs[row * columns + i]!;
    out[row * units + unit] = sum;
  }
}
