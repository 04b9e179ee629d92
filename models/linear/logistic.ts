/**
 * The logistic function, its loss and the loss's gradient.  N = rows, D = features.
 *
 *   X  Float64Array(N * D), row-major    y  Uint8Array(N), 0 or 1    c  Float64Array(N), the rows' weights
 *   w  Float64Array(D + 1), the intercept last
 *
 *   f(w) = sum_i c_i (softplus(z_i) - y_i z_i) + l2/2 |w_without_intercept|^2,   z_i = w . x_i + w_D
 *   df/dw = sum_i c_i (sigmoid(z_i) - y_i) x_i + l2 w
 *
 * scikit-learn's C is 1 / l2 for the same sum. The intercept is not penalised, there as here.
 */

/** 1 / (1 + e^-z), without overflow at either end.  Worked: 2 -> 0.880797; -800 -> 0 */
export function sigmoid(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const e = Math.exp(z);
  return e / (1 + e);
}

/** ln(1 + e^z), without overflow.  Worked: 0 -> 0.693147; 800 -> 800 */
export function softplus(z: number): number {
  return z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
}

/** w . x + intercept, for the row of X at `at`. */
export function linear(w: Float64Array, X: Float64Array, at: number, D: number): number {
  let z = w[D];
  for (let j = 0; j < D; j += 1) z += w[j] * X[at + j];
  return z;
}

/** A data set with the weight of each row. */
export interface Rows {
  X: Float64Array;
  y: Uint8Array;
  c: Float64Array;
  D: number;
}

/** f(w). */
export function loss({ X, y, c, D }: Rows, w: Float64Array, l2: number): number {
  let sum = 0;
  for (let i = 0; i < y.length; i += 1) {
    const z = linear(w, X, i * D, D);
    sum += c[i] * (softplus(z) - y[i] * z);
  }
  for (let j = 0; j < D; j += 1) sum += (l2 / 2) * w[j] * w[j];
  return sum;
}

/** df/dw into `dW` (D + 1); the probabilities of the rows into `p` (N). */
export function gradient({ X, y, c, D }: Rows, w: Float64Array, l2: number, dW: Float64Array, p: Float64Array): void {
  for (let j = 0; j < D; j += 1) dW[j] = l2 * w[j];
  dW[D] = 0;
  for (let i = 0; i < y.length; i += 1) {
    const at = i * D;
    p[i] = sigmoid(linear(w, X, at, D));
    const dz = c[i] * (p[i] - y[i]);
    for (let j = 0; j < D; j += 1) dW[j] += dz * X[at + j];
    dW[D] += dz;
  }
}

/** The weight of a row of each class: `genuine` for label 0, `fraud` for label 1. */
export interface ClassWeights {
  genuine: number;
  fraud: number;
}

/**
 * Weights that make both classes count the same: N / (2 N_class).
 * Source: King and Zeng 2001; scikit-learn's `class_weight='balanced'`.  Worked: labels 0, 0, 0, 1 -> genuine 0.6667, fraud 2
 */
export function balanced(y: Uint8Array): ClassWeights {
  const positives = y.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === y.length) throw new RangeError(`balanced: needs both labels, got ${positives} of ${y.length} positive`);
  return { genuine: y.length / (2 * (y.length - positives)), fraud: y.length / (2 * positives) };
}

/** @throws RangeError when X, y or a weight cannot be trained on; the message names the row and the column */
export function checkRows(what: string, X: Float64Array, y: Uint8Array, D: number, weights: ClassWeights): void {
  if (!(Number.isInteger(D) && D >= 1)) throw new RangeError(`${what}: features must be a whole number >= 1, got ${D}`);
  if (X.length !== y.length * D) throw new RangeError(`${what}: X must hold ${y.length} x ${D} numbers, got ${X.length}`);
  let positives = 0;
  for (let i = 0; i < y.length; i += 1) {
    if (y[i] > 1) throw new RangeError(`${what}: label ${i} must be 0 or 1, got ${y[i]}`);
    positives += y[i];
  }
  if (positives === 0 || positives === y.length) throw new RangeError(`${what}: needs rows of both labels, got ${positives} of ${y.length} positive; widen the period that is trained on`);
  for (let k = 0; k < X.length; k += 1) {
    if (!Number.isFinite(X[k])) throw new RangeError(`${what}: X[${Math.floor(k / D)}, ${k % D}] must be finite, got ${X[k]}; impute it first (scaler.ts)`);
  }
  for (const [key, value] of Object.entries(weights) as [string, number][]) {
    if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`${what}: weight of ${key} must be a number > 0, got ${value}`);
  }
}
