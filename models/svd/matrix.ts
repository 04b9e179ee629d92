/**
 * A sparse matrix R of customers by items, row by row (CSR): what row u holds stands at starts[u] .. starts[u + 1] - 1.
 *
 *   m = rows, n = columns, nnz = entries
 */
export interface SparseMatrix {
  rows: number;
  columns: number;
  /** [m + 1], ascending from 0 to nnz */
  starts: Uint32Array;
  /** [nnz], each below n */
  items: Uint32Array;
  /** [nnz], finite */
  values: Float32Array;
}

/** @throws RangeError that names the entry: the kernel reads without asking */
export function checkMatrix({ rows, columns, starts, items, values }: SparseMatrix): void {
  if (!(Number.isInteger(rows) && rows >= 0 && Number.isInteger(columns) && columns >= 0)) throw new RangeError(`svd: ${rows} rows by ${columns} columns are no matrix`);
  if (starts.length !== rows + 1 || starts[0] !== 0) throw new RangeError(`svd: starts must be ${rows + 1} numbers from 0, got ${starts.length} from ${starts[0]}`);
  for (let u = 0; u < rows; u += 1) if (starts[u] > starts[u + 1]) throw new RangeError(`svd: starts must ascend, row ${u} begins at ${starts[u]} and ends at ${starts[u + 1]}`);
  if (items.length !== starts[rows] || values.length !== starts[rows]) throw new RangeError(`svd: ${starts[rows]} entries expected, got ${items.length} items and ${values.length} values`);
  for (let e = 0; e < items.length; e += 1) {
    if (items[e] >= columns) throw new RangeError(`svd: entry ${e} is of item ${items[e]}, there are ${columns}`);
    if (!Number.isFinite(values[e])) throw new RangeError(`svd: entry ${e} must be finite, got ${values[e]}`);
  }
}

/** Entries in any order, at most one for a row and a column; within a row they keep the order in which they come. */
export function matrixOf(rows: number, columns: number, entries: readonly { row: number; column: number; value: number }[]): SparseMatrix {
  const starts = new Uint32Array(rows + 1);
  for (const { row } of entries) {
    if (!(Number.isInteger(row) && row >= 0 && row < rows)) throw new RangeError(`svd: row ${row} is not one of ${rows}`);
    starts[row + 1] += 1;
  }
  for (let u = 0; u < rows; u += 1) starts[u + 1] += starts[u];
  const next = starts.slice(0, rows);
  const [items, values] = [new Uint32Array(entries.length), new Float32Array(entries.length)];
  for (const { row, column, value } of entries) {
    items[next[row]] = column;
    values[next[row]] = value;
    next[row] += 1;
  }
  const matrix = { rows, columns, starts, items, values };
  checkMatrix(matrix);
  return matrix;
}
