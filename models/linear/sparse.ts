/**
 * Rows of which most columns are zero, compressed (CSR).  N = rows, F = columns, Z = numbers that are not zero.
 *
 *   row i: columns indices[starts[i]] .. indices[starts[i + 1] - 1], ascending, with the values beside them
 */
export interface SparseRows {
  F: number;
  /** N + 1 */
  starts: Int32Array;
  /** Z */
  indices: Int32Array;
  /** Z */
  values: Float64Array;
}

export interface SparseRow {
  indices: Int32Array;
  values: Float64Array;
}

export function stack(F: number, rows: readonly SparseRow[]): SparseRows {
  const starts = new Int32Array(rows.length + 1);
  rows.forEach(({ indices }, i) => { starts[i + 1] = starts[i] + indices.length; });
  const [indices, values] = [new Int32Array(starts[rows.length]), new Float64Array(starts[rows.length])];
  rows.forEach((row, i) => {
    indices.set(row.indices, starts[i]);
    values.set(row.values, starts[i]);
  });
  return { F, starts, indices, values };
}

/** @throws RangeError when they are not what the picture above shows; the message names the row */
export function checkSparse(what: string, { F, starts, indices, values }: SparseRows): void {
  if (!(Number.isInteger(F) && F >= 1)) throw new RangeError(`${what}: columns must be a whole number >= 1, got ${F}`);
  if (starts.length < 2 || starts[0] !== 0 || starts[starts.length - 1] !== indices.length || indices.length !== values.length) {
    throw new RangeError(`${what}: ${starts.length - 1} rows end at ${starts[starts.length - 1]}, but there are ${indices.length} indices and ${values.length} values`);
  }
  for (let i = 0; i + 1 < starts.length; i += 1) {
    if (starts[i + 1] < starts[i]) throw new RangeError(`${what}: row ${i} ends at ${starts[i + 1]}, before it begins`);
    for (let k = starts[i]; k < starts[i + 1]; k += 1) {
      if (!(indices[k] >= 0 && indices[k] < F)) throw new RangeError(`${what}: row ${i} has column ${indices[k]} of ${F}`);
      if (!Number.isFinite(values[k])) throw new RangeError(`${what}: row ${i}, column ${indices[k]} must be finite, got ${values[k]}`);
    }
  }
}
