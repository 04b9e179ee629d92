/**
 * Batch logistic regression by Newton's method (iteratively reweighted least squares), L2 on all but the intercept.
 * N = rows, D = features, E = D + 1 with the intercept last; f and its gradient stand in logistic.ts.
 *
 *   H = sum_i c_i p_i (1 - p_i) x_i x_i^T + l2 I (0 for the intercept),   w <- w - t H^-1 df/dw
 *
 * t is halved until f falls enough (Armijo), so it converges from zero whatever the data; near the minimum t = 1 and the
 * number of correct digits doubles each time. With l2 > 0 the minimum exists even when the classes can be separated.
 * Source: Bishop 2006, section 4.3.3; Nocedal and Wright 2006, algorithm 3.1.
 */
import { factor, solve } from './cholesky.js';
import { checkRows, gradient, loss, type ClassWeights, type Rows } from './logistic.js';

export interface BatchOptions {
  /** > 0; scikit-learn's 1 / C. Without any the weights of separable data grow for ever. */
  l2: number;
  classWeights?: ClassWeights;
  /** Stop when f is above its minimum by no more than this share of itself (Newton's decrement says by how much). Default 1e-10: the last step then squares it away. */
  tolerance?: number;
  /** Default 100; 5 to 9 are usual. */
  iterationsMax?: number;
}

export interface BatchFit {
  /** D + 1, the intercept last */
  w: Float64Array;
  iterations: number;
  /** largest component of the gradient at `w` */
  gradientMax: number;
  loss: number;
}

/** H has D^2 numbers and costs N D^2 / 2: beyond this a method without H is the right one. */
export const FEATURES_MAX = 2000;

/**
 * @param X  N * D, finite, scaled (the penalty treats all columns alike)
 * @throws RangeError for bad input, or when it has not converged
 */
export function fitLogistic(X: Float64Array, y: Uint8Array, D: number, options: BatchOptions): BatchFit {
  const { l2, classWeights = { genuine: 1, fraud: 1 }, tolerance = 1e-10, iterationsMax = 100 } = options;
  checkRows('logistic', X, y, D, classWeights);
  if (D > FEATURES_MAX) throw new RangeError(`logistic: at most ${FEATURES_MAX} features, got ${D}`);
  if (!(l2 > 0 && Number.isFinite(l2))) throw new RangeError(`logistic: l2 must be a number > 0, got ${l2}`);
  const rows: Rows = { X, y, c: Float64Array.from(y, (label) => (label === 1 ? classWeights.fraud : classWeights.genuine)), D };
  const E = D + 1;
  const [w, dW, step, p, H] = [new Float64Array(E), new Float64Array(E), new Float64Array(E), new Float64Array(y.length), new Float64Array(E * E)];
  let f = loss(rows, w, l2);
  for (let iterations = 1; iterations <= iterationsMax; iterations += 1) {
    gradient(rows, w, l2, dW, p);
    hessian(rows, p, l2, H);
    step.set(dW);
    if (!factor(H, E)) throw new RangeError(`logistic: the Hessian is not positive definite; raise l2 (${l2})`);
    solve(H, E, step);
    const slope = dW.reduce((sum, value, j) => sum + value * step[j], 0); // twice what f is above its minimum
    if (slope / 2 <= tolerance * (1 + f)) {
      // f itself can no longer tell such steps apart in double precision: this one is taken whole.
      for (let j = 0; j < E; j += 1) w[j] -= step[j];
      gradient(rows, w, l2, dW, p);
      return { w, iterations, gradientMax: dW.reduce((most, value) => Math.max(most, Math.abs(value)), 0), loss: loss(rows, w, l2) };
    }
    f = search(rows, w, l2, f, slope, step);
  }
  throw new RangeError(`logistic: not converged after ${iterationsMax} iterations; scale the features or raise l2 (${l2})`);
}

/** The lower triangle of H. Four rows at a time: the sums in H are then loaded and stored a quarter as often. */
export function hessian({ X, c, D }: Rows, p: Float64Array, l2: number, H: Float64Array): void {
  const [N, E] = [p.length, D + 1];
  const whole = N - (N % 4);
  H.fill(0);
  for (let i = 0; i < whole; i += 4) {
    const [r, s, t, u] = [i * D, (i + 1) * D, (i + 2) * D, (i + 3) * D];
    const [hr, hs, ht, hu] = [curvature(c, p, i), curvature(c, p, i + 1), curvature(c, p, i + 2), curvature(c, p, i + 3)];
    for (let j = 0; j <= D; j += 1) {
      const inside = j < D;
      const [a, b, d, e] = inside ? [hr * X[r + j], hs * X[s + j], ht * X[t + j], hu * X[u + j]] : [hr, hs, ht, hu];
      const [row, last] = [j * E, inside ? j : D - 1];
      for (let k = 0; k <= last; k += 1) H[row + k] += a * X[r + k] + b * X[s + k] + d * X[t + k] + e * X[u + k];
    }
    H[D * E + D] += hr + hs + ht + hu;
  }
  for (let i = whole; i < N; i += 1) {
    const [at, h] = [i * D, curvature(c, p, i)];
    for (let j = 0; j <= D; j += 1) {
      const hx = j < D ? h * X[at + j] : h;
      for (let k = 0; k <= j; k += 1) H[j * E + k] += k < D ? hx * X[at + k] : hx;
    }
  }
  for (let j = 0; j < D; j += 1) H[j * E + j] += l2;
}

const curvature = (c: Float64Array, p: Float64Array, i: number): number => c[i] * p[i] * (1 - p[i]);

/** Moves `w` along -step to where f has fallen by a ten-thousandth of what its slope promised. @returns the new f */
function search(rows: Rows, w: Float64Array, l2: number, f: number, slope: number, step: Float64Array): number {
  const start = w.slice();
  for (let t = 1; t >= 2 ** -30; t /= 2) {
    for (let j = 0; j < w.length; j += 1) w[j] = start[j] - t * step[j];
    const next = loss(rows, w, l2);
    if (next <= f - 1e-4 * t * slope) return next;
  }
  throw new RangeError(`logistic: no step lowers the loss ${f}; scale the features or raise l2 (${l2})`);
}
