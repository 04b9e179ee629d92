/**
 * What the network is made of, and the numbers it starts with.
 *
 *   B batch   T time   V vocabulary   E embedding   H1, H2 hidden   C classes
 *
 *   embedding         [V, E]      token 0 is padding: its row is never read
 *   lstm1.kernel      [E, 4 H1]   gates in the order i, f, c, o, as Keras has them
 *   lstm1.recurrent   [H1, 4 H1]
 *   lstm1.bias        [4 H1]
 *   lstm2.kernel      [H1, 4 H2]
 *   lstm2.recurrent   [H2, 4 H2]
 *   lstm2.bias        [4 H2]
 *   dense.kernel      [H2, C]
 *   dense.bias        [C]
 *
 * All row-major, 32 bits.
 */
import { createUniform } from '../random.js';
import { fillNormal } from '../svd/random.js';

/** `last`: one label a row, from its last token (intent). `each`: one label a token (BIO tags, the next word). */
export type Head = 'last' | 'each';

export interface LstmShape {
  V: number;
  E: number;
  H1: number;
  H2: number;
  C: number;
  head: Head;
}

export const parameterNames = [
  'embedding', 'lstm1.kernel', 'lstm1.recurrent', 'lstm1.bias', 'lstm2.kernel', 'lstm2.recurrent', 'lstm2.bias', 'dense.kernel', 'dense.bias',
] as const;
export type ParameterName = (typeof parameterNames)[number];

/** [rows, columns]; a bias is one row. */
export function sizeOf({ V, E, H1, H2, C }: LstmShape, name: ParameterName): [rows: number, columns: number] {
  switch (name) {
    case 'embedding': return [V, E];
    case 'lstm1.kernel': return [E, 4 * H1];
    case 'lstm1.recurrent': return [H1, 4 * H1];
    case 'lstm1.bias': return [1, 4 * H1];
    case 'lstm2.kernel': return [H1, 4 * H2];
    case 'lstm2.recurrent': return [H2, 4 * H2];
    case 'lstm2.bias': return [1, 4 * H2];
    case 'dense.kernel': return [H2, C];
    case 'dense.bias': return [1, C];
  }
}

export const lengthOf = (shape: LstmShape, name: ParameterName): number => sizeOf(shape, name).reduce((rows, columns) => rows * columns);

/** Beyond these a model would not be one that answers in milliseconds, and its training state (four numbers a parameter) must fit WebAssembly's 4 GiB. */
const most = { V: 1_000_000, E: 1024, H1: 1024, H2: 1024, C: 1_000_000 } as const;
const mostParameters = 100_000_000;
const least = { V: 2, E: 1, H1: 1, H2: 1, C: 2 } as const;

/** @throws RangeError that names the field, its value and what it may be */
export function checkShape(shape: LstmShape): void {
  for (const key of ['V', 'E', 'H1', 'H2', 'C'] as const) {
    const value = shape[key];
    if (!(Number.isInteger(value) && value >= least[key] && value <= most[key])) {
      throw new RangeError(`lstm: ${key} must be a whole number from ${least[key]} to ${most[key]}, got ${value}`);
    }
  }
  if (!(shape.head === 'last' || shape.head === 'each')) throw new RangeError(`lstm: head must be "last" or "each", got ${JSON.stringify(shape.head)}`);
  const total = parameterNames.reduce((sum, name) => sum + lengthOf(shape, name), 0);
  if (total > mostParameters) throw new RangeError(`lstm: ${total} parameters are more than ${mostParameters}: lower V, C or the widths`);
}

/**
 * Initial numbers as Keras draws them, from a seeded generator: the embedding uniform in +-0.05 (the row of padding 0),
 * kernels uniform in +-sqrt(6 / (rows + columns)) (Glorot and Bengio 2010), recurrent kernels with orthonormal rows
 * (Saxe et al. 2014), biases 0 but for the forget gate's, which is 1 (Jozefowicz et al. 2015).
 * The same seed gives the same bits on every machine.
 */
export function initialise(shape: LstmShape, name: ParameterName, seed: number): Float32Array {
  const [rows, columns] = sizeOf(shape, name);
  const values = new Float32Array(rows * columns);
  // Each parameter draws from its own stream: a model with another vocabulary or label set starts with the same LSTM layers.
  const own = (Math.imul(seed | 0, 0x9e3779b9) + Math.imul(parameterNames.indexOf(name) + 1, 0x85ebca6b)) >>> 0;
  switch (name) {
    case 'embedding':
      fillUniform(values.subarray(columns), 0.05, own);
      return values;
    case 'lstm1.recurrent':
    case 'lstm2.recurrent':
      return orthonormalRows(rows, columns, own);
    case 'lstm1.bias':
    case 'lstm2.bias':
      return values.fill(1, columns / 4, columns / 2);
    case 'dense.bias':
      return values;
    case 'lstm1.kernel':
    case 'lstm2.kernel':
    case 'dense.kernel':
      fillUniform(values, Math.sqrt(6 / (rows + columns)), own);
      return values;
  }
}

function fillUniform(into: Float32Array, limit: number, seed: number): void {
  const uniform = createUniform(seed);
  for (let i = 0; i < into.length; i += 1) into[i] = (2 * uniform() - 1) * limit;
}

/** Gram and Schmidt, each row freed of the earlier ones twice (Giraud et al. 2005: twice is enough). */
function orthonormalRows(rows: number, columns: number, seed: number): Float32Array {
  const q = new Float64Array(rows * columns);
  fillNormal(q, seed);
  for (let i = 0; i < rows; i += 1) {
    const row = q.subarray(i * columns, (i + 1) * columns);
    for (let pass = 0; pass < 2; pass += 1) {
      for (let k = 0; k < i; k += 1) {
        let dot = 0;
        for (let j = 0; j < columns; j += 1) dot += row[j] * q[k * columns + j];
        for (let j = 0; j < columns; j += 1) row[j] -= dot * q[k * columns + j];
      }
    }
    let square = 0;
    for (let j = 0; j < columns; j += 1) square += row[j] * row[j];
    const norm = Math.sqrt(square);
    for (let j = 0; j < columns; j += 1) row[j] /= norm;
  }
  return Float32Array.from(q);
}
