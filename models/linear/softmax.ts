/**
 * Multinomial logistic regression on sparse rows, L2 on all but the intercepts.  N = rows, F = columns, C = classes.
 *
 *   X  SparseRows (N, F)    y  Int32Array(N), 0 .. C - 1    c  Float64Array(N), the rows' weights
 *   W  (F + 1) * C, row-major, the intercepts in the last row: a number of X touches C neighbours
 *
 *   z_i = W^T [x_i, 1]     p_i = softmax(z_i)
 *   f(W) = sum_i c_i (logsumexp(z_i) - z_i[y_i]) + l2/2 |W without intercepts|^2
 *   df/dW = sum_i c_i [x_i, 1] (p_i - onehot(y_i))^T + l2 W
 *
 * Convex, so L-BFGS ends at the one minimum whatever the seed. scikit-learn's C is 1 / l2 for the same sum.
 * Trained in doubles, kept in floats.
 *
 * File (models/snapshot.ts): header {F, C} | W, floats
 */
import { pack, unpack, type Format, type Header } from '../snapshot.js';
import { lbfgs, type LbfgsOptions, type LbfgsStep } from './lbfgs.js';
import { checkSparse, type SparseRow, type SparseRows } from './sparse.js';

export interface Softmax {
  F: number;
  C: number;
  /** (F + 1) * C */
  W: Float32Array;
}

export interface SoftmaxOptions extends LbfgsOptions {
  /** > 0: without any the weights of separable classes grow for ever */
  l2: number;
  /** a weight for each row. Default 1 */
  weights?: Float64Array;
}

export interface SoftmaxData {
  X: SparseRows;
  y: Int32Array;
  c: Float64Array;
  C: number;
}

/**
 * The fit, a step of L-BFGS at a time: what is yielded tells how far it is, what is returned is the model.
 * @throws RangeError for bad input; the message names the row
 */
export function* softmaxSteps(X: SparseRows, y: Int32Array, C: number, options: SoftmaxOptions): Generator<LbfgsStep, Softmax> {
  const { l2, weights, ...rest } = options;
  const N = X.starts.length - 1;
  checkSparse('softmax', X);
  if (!(Number.isInteger(C) && C >= 2)) throw new RangeError(`softmax: classes must be a whole number >= 2, got ${C}`);
  if (y.length !== N) throw new RangeError(`softmax: ${N} rows but ${y.length} labels`);
  y.forEach((label, i) => { if (!(label >= 0 && label < C)) throw new RangeError(`softmax: label of row ${i} must be 0 to ${C - 1}, got ${label}`); });
  if (!(l2 > 0 && Number.isFinite(l2))) throw new RangeError(`softmax: l2 must be a number > 0, got ${l2}`);
  if (weights !== undefined && weights.length !== N) throw new RangeError(`softmax: ${N} rows but ${weights.length} weights`);
  weights?.forEach((weight, i) => { if (!(weight >= 0 && Number.isFinite(weight))) throw new RangeError(`softmax: weight of row ${i} must be a number >= 0, got ${weight}`); });
  const data: SoftmaxData = { X, y, c: weights ?? new Float64Array(N).fill(1), C };
  const W = new Float64Array((X.F + 1) * C);
  yield* lbfgs((at, dW) => lossAndGradient(data, at, l2, dW), W, rest);
  return { F: X.F, C, W: Float32Array.from(W) };
}

/** The fit in one go. */
export function fitSoftmax(X: SparseRows, y: Int32Array, C: number, options: SoftmaxOptions): Softmax {
  const steps = softmaxSteps(X, y, C, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** f(W), and df/dW into `dW`. */
export function lossAndGradient({ X, y, c, C }: SoftmaxData, W: Float64Array, l2: number, dW: Float64Array): number {
  const { F, starts, indices, values } = X;
  const z = new Float64Array(C);
  let sum = 0;
  for (let k = 0; k < F * C; k += 1) {
    dW[k] = l2 * W[k];
    sum += W[k] * W[k];
  }
  sum *= l2 / 2;
  dW.fill(0, F * C);
  for (let i = 0; i < y.length; i += 1) {
    for (let j = 0; j < C; j += 1) z[j] = W[F * C + j];
    addRows(W, C, indices, values, starts[i], starts[i + 1], z);
    const target = z[y[i]];
    sum += c[i] * (normalise(z) - target);
    z[y[i]] -= 1;
    for (let j = 0; j < C; j += 1) z[j] *= c[i];
    spread(z, indices, values, starts[i], starts[i + 1], dW, C);
    for (let j = 0; j < C; j += 1) dW[F * C + j] += z[j];
  }
  return sum;
}

/** z += sum of values[k] W[indices[k]], four rows of W at a time: z is then loaded and stored a quarter as often. */
function addRows(W: Float64Array, C: number, indices: Int32Array, values: Float64Array, from: number, end: number, z: Float64Array): void {
  let k = from;
  for (; k + 4 <= end; k += 4) {
    const [p, q, r, s] = [indices[k] * C, indices[k + 1] * C, indices[k + 2] * C, indices[k + 3] * C];
    const [a, b, c, d] = [values[k], values[k + 1], values[k + 2], values[k + 3]];
    for (let j = 0; j < C; j += 1) z[j] += a * W[p + j] + b * W[q + j] + c * W[r + j] + d * W[s + j];
  }
  for (; k < end; k += 1) {
    const [p, a] = [indices[k] * C, values[k]];
    for (let j = 0; j < C; j += 1) z[j] += a * W[p + j];
  }
}

/** dW[indices[k]] += values[k] z, two rows of dW at a time. */
function spread(z: Float64Array, indices: Int32Array, values: Float64Array, from: number, end: number, dW: Float64Array, C: number): void {
  let k = from;
  for (; k + 2 <= end; k += 2) {
    const [p, q, a, b] = [indices[k] * C, indices[k + 1] * C, values[k], values[k + 1]];
    for (let j = 0; j < C; j += 1) {
      dW[p + j] += a * z[j];
      dW[q + j] += b * z[j];
    }
  }
  if (k < end) for (let j = 0; j < C; j += 1) dW[indices[k] * C + j] += values[k] * z[j];
}

/** Logits to probabilities, in place. @returns ln(sum of e^z), without overflow */
function normalise(z: Float64Array): number {
  let most = -Infinity;
  for (let j = 0; j < z.length; j += 1) if (z[j] > most) most = z[j];
  let total = 0;
  for (let j = 0; j < z.length; j += 1) {
    z[j] = Math.exp(z[j] - most);
    total += z[j];
  }
  for (let j = 0; j < z.length; j += 1) z[j] /= total;
  return most + Math.log(total);
}

/** Logits (C) of one row. Columns that the model does not have count nothing. */
export function softmaxLogits({ F, C, W }: Softmax, { indices, values }: SparseRow): Float64Array {
  const z = new Float64Array(C);
  for (let j = 0; j < C; j += 1) z[j] = W[F * C + j];
  for (let k = 0; k < indices.length; k += 1) {
    if (indices[k] >= F) continue;
    const [at, x] = [indices[k] * C, values[k]];
    for (let j = 0; j < C; j += 1) z[j] += x * W[at + j];
  }
  return z;
}

/** Probabilities (C) of one row; they add up to 1. */
export function softmaxProbabilities(model: Softmax, row: SparseRow): Float64Array {
  const z = softmaxLogits(model, row);
  normalise(z);
  return z;
}

const format: Format = { name: 'softmax', magic: 'ASMX', version: 1 };

interface FileHeader extends Header {
  F: number;
  C: number;
}

/** The same model gives the same bytes. */
export function saveSoftmax({ F, C, W }: Softmax): Uint8Array[] {
  const section = new Uint8Array(W.buffer, W.byteOffset, W.byteLength);
  const header: FileHeader = { settings: {}, sections: [section.length], F, C };
  return pack(header, [section], format);
}

/** @throws RangeError that names what is wrong: truncated, of another kind, of another version */
export function loadSoftmax(chunks: Uint8Array[]): Softmax {
  const { header, next } = unpack<FileHeader>(chunks, {}, format);
  const { F, C } = header;
  const bytes = next((length) => new Uint8Array(length));
  if (bytes.length !== 4 * (F + 1) * C) throw new RangeError(`softmax: ${F} columns and ${C} classes need ${4 * (F + 1) * C} bytes, got ${bytes.length}: corrupted`);
  return { F, C, W: new Float32Array(bytes.buffer) };
}
