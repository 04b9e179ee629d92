/**
 * The kernel's functions without any cleverness: the oracle of the tests, which the kernel equals to the bit, and what the
 * benchmark compares it with.
 *
 *   m customers, n items, w columns of a block of vectors, d components of a factor; all row by row
 */
import type { SparseMatrix } from './matrix.js';

/** Z = R^T (R Q).  q [n, w] -> [n, w] */
export function naiveGram({ rows, columns, starts, items, values }: SparseMatrix, q: Float64Array, w: number): Float64Array {
  const z = new Float64Array(columns * w);
  const y = new Float64Array(w);
  for (let u = 0; u < rows; u += 1) {
    y.fill(0);
    for (let e = starts[u]; e < starts[u + 1]; e += 1) for (let j = 0; j < w; j += 1) y[j] += values[e] * q[items[e] * w + j];
    for (let e = starts[u]; e < starts[u + 1]; e += 1) for (let j = 0; j < w; j += 1) z[items[e] * w + j] += values[e] * y[j];
  }
  return z;
}

/** a [n, w], w <= n, becomes the Q of its QR decomposition by Householder reflections (Golub and Van Loan, 4th edition, 5.2). */
export function naiveOrthonormalise(a: Float64Array, n: number, w: number): void {
  const taus = new Float64Array(w);
  for (let k = 0; k < w; k += 1) {
    const alpha = a[k * w + k];
    let rest = 0;
    for (let i = k + 1; i < n; i += 1) rest += a[i * w + k] * a[i * w + k];
    if (rest === 0) continue; // nothing to reflect: tau stays 0
    const norm = Math.sqrt(alpha * alpha + rest);
    const beta = alpha > 0 ? -norm : norm;
    const by = 1 / (alpha - beta);
    for (let i = k + 1; i < n; i += 1) a[i * w + k] *= by;
    a[k * w + k] = 1;
    taus[k] = (beta - alpha) / beta;
    reflect(a, n, w, k, taus[k]);
  }
  for (let k = w - 1; k >= 0; k -= 1) {
    const tau = taus[k];
    if (tau !== 0) reflect(a, n, w, k, tau);
    for (let i = 0; i < k; i += 1) a[i * w + k] = 0;
    for (let i = k + 1; i < n; i += 1) a[i * w + k] = tau === 0 ? 0 : a[i * w + k] * -tau;
    a[k * w + k] = 1 - tau;
  }
}

/** (1 - tau v v^T) on the columns behind k, v being column k from row k on. */
function reflect(a: Float64Array, n: number, w: number, k: number, tau: number): void {
  for (let j = k + 1; j < w; j += 1) {
    let product = 0;
    for (let i = k; i < n; i += 1) product += a[i * w + k] * a[i * w + j];
    product *= -tau;
    for (let i = k; i < n; i += 1) a[i * w + j] += a[i * w + k] * product;
  }
}

/** taste [d] += weights . factors, in single precision. */
export function naiveFold(rows: Uint32Array, weights: Float32Array, factors: Float32Array, taste: Float32Array): void {
  const d = taste.length;
  for (let h = 0; h < rows.length; h += 1) {
    for (let j = 0; j < d; j += 1) taste[j] = Math.fround(taste[j] + Math.fround(weights[h] * factors[rows[h] * d + j]));
  }
}

/** The inner product of an item's factor with a vector: four sums side by side, as a register of four holds them. */
export function naiveDot(factors: Float32Array, item: number, taste: Float32Array): number {
  const d = taste.length;
  const sums = new Float32Array(4);
  for (let j = 0; j < d; j += 1) sums[j & 3] += Math.fround(taste[j] * factors[item * d + j]);
  return Math.fround(Math.fround(sums[0] + sums[1]) + Math.fround(sums[2] + sums[3]));
}
