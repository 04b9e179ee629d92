/**
 * Sequential minimal optimisation of the support vector classifier's dual.  N = rows, K = kernel matrix, y = +1 or -1.
 *
 *   min over a   1/2 sum_ij a_i a_j y_i y_j K_ij - sum_i a_i      with 0 <= a_i <= C_i and sum_i y_i a_i = 0
 *
 * In the signed form s_i = y_i a_i the gradient is -y_i v_i with v_i = y_i - sum_j s_j K_ij: what the decision function still
 * lacks at row i, but for its offset. s_i may rise (i in `up`) or fall (i in `low`) within its bounds. Optimal: no v of `up` is above a v of `low`.
 * One step takes the pair
 *
 *   i = argmax of v in up
 *   j = argmax of (v_i - v_j)^2 / (K_ii + K_jj - 2 K_ij) in low with v_j < v_i       the largest fall, to second order
 *   d = (v_i - v_j) / (K_ii + K_jj - 2 K_ij), cut where s_i or s_j meets its bound
 *   s_i += d, s_j -= d, v_t -= d (K_it - K_jt)
 *
 * until max of up - min of low <= tolerance.
 * Source: Fan, Chen and Lin 2005, JMLR 6 (WSS 2), as in LIBSVM; without shrinking.
 */
export interface Problem {
  /** +1 or -1 */
  y: Int8Array;
  /** the bound of each a_i */
  C: Float64Array;
  /** K_ii */
  diagonal: Float64Array;
  /** row i of K; two rows must stay valid at once */
  row(i: number): Float32Array;
  tolerance: number;
  iterationsMax: number;
}

export interface Solution {
  /** s_i = y_i a_i */
  signed: Float64Array;
  /** the offset: f(x) = sum_i s_i k(x_i, x) + b */
  b: number;
  iterations: number;
  /** value of the dual, as it is minimised */
  objective: number;
}

/** Where the curvature is not positive (equal rows), as in LIBSVM. */
const TAU = 1e-12;

/** @throws RangeError when `iterationsMax` steps were not enough */
export function solve({ y, C, diagonal, row, tolerance, iterationsMax }: Problem): Solution {
  const N = y.length;
  const signed = new Float64Array(N);
  const v = Float64Array.from(y);
  // From s = 0: y = +1 may rise, y = -1 may fall.
  const [up, low] = [Uint8Array.from(y, (label) => (label > 0 ? 1 : 0)), Uint8Array.from(y, (label) => (label < 0 ? 1 : 0))];
  let Ki: Float32Array = new Float32Array(N);
  let Kj = Ki;
  let d = 0;
  for (let iterations = 0; ; iterations += 1) {
    // The last step, and what it leaves to choose from, in one pass.
    let i = -1;
    let most = -Infinity;
    let least = Infinity;
    for (let t = 0; t < N; t += 1) {
      const vt = v[t] - d * (Ki[t] - Kj[t]);
      v[t] = vt;
      if (vt > most && up[t] === 1) {
        most = vt;
        i = t;
      }
      if (vt < least && low[t] === 1) least = vt;
    }
    if (!(most - least > tolerance)) return { signed, b: offset(v, signed, C, most, least), iterations, objective: objective(signed, y, v) };
    if (iterations === iterationsMax) throw new RangeError(`svm: ${iterations} steps left a gap of ${most - least}; scale the features, lower C or raise tolerance (${tolerance})`);
    Ki = row(i);
    const j = partner(i, v, low, Ki, diagonal);
    Kj = row(j);
    const curvature = Math.max(TAU, diagonal[i] + diagonal[j] - 2 * Ki[j]);
    const [riseMax, fallMax] = [room(signed[i], y[i], C[i], 1), room(signed[j], y[j], C[j], -1)];
    d = Math.min((most - v[j]) / curvature, riseMax, fallMax);
    // A bound that is met is met exactly, or rounding would leave a row that is neither free nor at its bound.
    signed[i] = d === riseMax ? limit(y[i], C[i], 1) : signed[i] + d;
    signed[j] = d === fallMax ? limit(y[j], C[j], -1) : signed[j] - d;
    for (const t of [i, j]) {
      up[t] = signed[t] < limit(y[t], C[t], 1) ? 1 : 0;
      low[t] = signed[t] > limit(y[t], C[t], -1) ? 1 : 0;
    }
  }
}

/** The largest (1) or smallest (-1) value of s: C and 0 for y = +1, 0 and -C for y = -1. */
const limit = (y: number, C: number, side: 1 | -1): number => (y === side ? side * C : 0);
/** How far s may go to that side. */
const room = (s: number, y: number, C: number, side: 1 | -1): number => side * (limit(y, C, side) - s);

/** j for i: where the dual falls most, to second order. */
export function partner(i: number, v: Float64Array, low: Uint8Array, Ki: Float32Array, diagonal: Float64Array): number {
  const vi = v[i];
  const kii = diagonal[i];
  let j = -1;
  let best = -Infinity;
  for (let t = 0; t < v.length; t += 1) {
    if (low[t] === 0) continue;
    const gap = vi - v[t];
    if (!(gap > 0)) continue;
    const curvature = kii + diagonal[t] - 2 * Ki[t];
    const fall = (gap * gap) / (curvature > TAU ? curvature : TAU);
    if (fall > best) {
      best = fall;
      j = t;
    }
  }
  return j;
}

/** v of the rows between their bounds is b; without any, the middle of what is left open. */
function offset(v: Float64Array, signed: Float64Array, C: Float64Array, most: number, least: number): number {
  let [sum, free] = [0, 0];
  for (let t = 0; t < v.length; t += 1) {
    const a = Math.abs(signed[t]);
    if (!(a > 0 && a < C[t])) continue;
    sum += v[t];
    free += 1;
  }
  return free > 0 ? sum / free : (most + least) / 2;
}

/** 1/2 s K s - sum a, with K s = y - v. */
function objective(signed: Float64Array, y: Int8Array, v: Float64Array): number {
  let sum = 0;
  for (let t = 0; t < v.length; t += 1) sum += (signed[t] * (y[t] - v[t])) / 2 - signed[t] * y[t];
  return sum;
}
