/**
 * Kernels and their rows.  N = rows, D = features; X is Float64Array(N * D), row-major.
 *
 *   linear  k(a, b) = a . b
 *   rbf     k(a, b) = exp(-gamma |a - b|^2),   |a - b|^2 = |a|^2 + |b|^2 - 2 a . b
 *
 * Written by dot products, a row of kernel values costs D multiplications an element, and four elements share each load of a.
 */
export type Kernel = { kind: 'linear' } | { kind: 'rbf'; gamma: number };

/** @throws RangeError for a gamma that is not a number > 0 */
export function checkKernel(kernel: Kernel): void {
  if (kernel.kind === 'rbf' && !(kernel.gamma > 0 && Number.isFinite(kernel.gamma))) throw new RangeError(`svm: gamma must be a number > 0, got ${kernel.gamma}`);
}

/**
 * The width that suits the spread of the data: 1 / (D x variance of all numbers of X).
 * Source: scikit-learn's gamma='scale'.  Worked: X = 0, 2 (D = 1) has variance 1 -> 1
 */
export function scaleGamma(X: Float64Array, D: number): number {
  const mean = X.reduce((sum, value) => sum + value, 0) / X.length;
  const variance = X.reduce((sum, value) => sum + (value - mean) ** 2, 0) / X.length;
  if (!(variance > 0)) throw new RangeError(`svm: gamma cannot be found, as all ${X.length} numbers are the same`);
  return 1 / (D * variance);
}

/** k of two rows, as it is written above: what the fast rows are tested against. */
export function kernelNaive(kernel: Kernel, A: Float64Array, a: number, B: Float64Array, b: number, D: number): number {
  let sum = 0;
  if (kernel.kind === 'linear') {
    for (let j = 0; j < D; j += 1) sum += A[a * D + j] * B[b * D + j];
    return sum;
  }
  for (let j = 0; j < D; j += 1) sum += (A[a * D + j] - B[b * D + j]) ** 2;
  return Math.exp(-kernel.gamma * sum);
}

/** |x_i|^2 of each row. */
export function squares(X: Float64Array, D: number): Float64Array {
  const out = new Float64Array(X.length / D);
  for (let i = 0; i < out.length; i += 1) {
    for (let k = i * D; k < (i + 1) * D; k += 1) out[i] += X[k] * X[k];
  }
  return out;
}

/**
 * k(x, x_i) for all rows of X, into `out` (N).
 * @param x  the row at x[at], and x2 = |x|^2
 * @param X2  `squares` of X
 */
export function kernelRow(kernel: Kernel, x: Float64Array, at: number, x2: number, X: Float64Array, X2: Float64Array, D: number, out: Float32Array | Float64Array): void {
  const N = X2.length;
  const gamma = kernel.kind === 'rbf' ? kernel.gamma : 0;
  let i = 0;
  for (; i + 4 <= N; i += 4) {
    const [p, q, r, s] = [i * D, (i + 1) * D, (i + 2) * D, (i + 3) * D];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let j = 0; j < D; j += 1) {
      const v = x[at + j];
      a += v * X[p + j];
      b += v * X[q + j];
      c += v * X[r + j];
      d += v * X[s + j];
    }
    // Not by way of `out`: its single precision would lose small distances between rows far from the origin.
    out[i] = gamma === 0 ? a : fromDot(gamma, x2 + X2[i], a);
    out[i + 1] = gamma === 0 ? b : fromDot(gamma, x2 + X2[i + 1], b);
    out[i + 2] = gamma === 0 ? c : fromDot(gamma, x2 + X2[i + 2], c);
    out[i + 3] = gamma === 0 ? d : fromDot(gamma, x2 + X2[i + 3], d);
  }
  for (; i < N; i += 1) {
    let a = 0;
    for (let j = 0; j < D; j += 1) a += x[at + j] * X[i * D + j];
    out[i] = gamma === 0 ? a : fromDot(gamma, x2 + X2[i], a);
  }
}

/** Rounding may leave the distance of two equal rows a little below 0. */
const fromDot = (gamma: number, squares: number, dot: number): number => Math.exp(-gamma * Math.max(0, squares - 2 * dot));
