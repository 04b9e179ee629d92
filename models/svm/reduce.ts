/**
 * Fewer support vectors.  M = supports, R = those that are kept.
 *
 *   f = sum_i s_i k(x_i, .)  is replaced by the nearest function, in the kernel's own norm, that R of the x_i can express.
 *
 * Orthogonal matching pursuit with a Cholesky factor that grows by one column l at a time; for each candidate c
 *   r_c = what is left of f at x_c,   d_c = squared distance of k(x_c, .) from the span of those taken,
 * the next p is the one with the largest r_p^2 / d_p: that much is taken off the squared distance. Then
 *   l_c = (K_cp - sum_m L_cm L_pm) / sqrt(d_p),  rho = r_p / sqrt(d_p),  r_c -= rho l_c,  d_c -= l_c^2
 * and in the end the coefficients solve L^T beta = rho over the rows that were taken. Costs M R^2 / 2 and M R numbers.
 * Source: Pati, Rezaiifar and Krishnaprasad 1993, in the kernel's space: Vincent and Bengio 2002 (kernel matching pursuit, "back-fitting").
 */
export interface Reduced {
  /** indices of the supports that are kept, in the order of their choice */
  kept: Uint32Array;
  coefficients: Float64Array;
  /** |f - reduced|^2 / |f|^2 */
  lost: number;
}

/** Below this a candidate lies in the span of the others, to rounding. */
const SPAN = 1e-10;

/**
 * @param signed  M coefficients of f
 * @param row  kernel values of support i with all M
 * @param R  1 <= R <= M
 */
export function reduce(signed: Float64Array, row: (i: number) => ArrayLike<number>, R: number): Reduced {
  const M = signed.length;
  if (!(Number.isInteger(R) && R >= 1 && R <= M)) throw new RangeError(`svm: supports kept must be a whole number from 1 to ${M}, got ${R}`);
  const { left, distance, total } = start(signed, row);
  const L = Array.from({ length: R }, () => new Float64Array(M)); // column by column
  const [rho, taken] = [new Float64Array(R), new Uint32Array(R)];
  let [count, explained] = [0, 0];
  for (; count < R; count += 1) {
    let [p, best] = [-1, 0];
    for (let c = 0; c < M; c += 1) {
      if (!(distance[c] > SPAN)) continue;
      const gain = (left[c] * left[c]) / distance[c];
      if (gain > best) [best, p] = [gain, c];
    }
    if (p < 0) break; // the rest adds nothing
    const [column, root, Kp] = [L[count], Math.sqrt(distance[p]), row(p)];
    for (let c = 0; c < M; c += 1) column[c] = Kp[c];
    for (let m = 0; m < count; m += 1) {
      const [lm, lpm] = [L[m], L[m][p]];
      for (let c = 0; c < M; c += 1) column[c] -= lm[c] * lpm;
    }
    rho[count] = left[p] / root;
    for (let c = 0; c < M; c += 1) {
      column[c] /= root;
      left[c] -= rho[count] * column[c];
      distance[c] -= column[c] * column[c];
    }
    distance[p] = 0;
    explained += best;
    taken[count] = p;
  }
  return { kept: taken.slice(0, count), coefficients: backSubstituted(L, rho, taken, count), lost: Math.max(0, 1 - explained / total) };
}

function start(signed: Float64Array, row: (i: number) => ArrayLike<number>) {
  const M = signed.length;
  const [left, distance] = [new Float64Array(M), new Float64Array(M)];
  let total = 0;
  for (let i = 0; i < M; i += 1) {
    const K = row(i);
    for (let c = 0; c < M; c += 1) left[i] += signed[c] * K[c];
    distance[i] = K[i];
    total += signed[i] * left[i];
  }
  return { left, distance, total };
}

/** L^T beta = rho, where L has the rows of those taken. */
function backSubstituted(L: Float64Array[], rho: Float64Array, taken: Uint32Array, count: number): Float64Array {
  const beta = rho.slice(0, count);
  for (let m = count - 1; m >= 0; m -= 1) {
    for (let k = m + 1; k < count; k += 1) beta[m] -= L[m][taken[k]] * beta[k];
    beta[m] /= L[m][taken[m]];
  }
  return beta;
}
