/**
 * Temperature scaling: a number that makes the probabilities of a softmax mean what they say, and changes no label; and the same
 * for several models whose logits are added up.
 *
 *   p = softmax(b_1 z_1 + ... + b_K z_K),  K = 1: b = 1 / temperature      N = rows, C = classes, z_k (N x C) logits
 *
 * The mean of -ln p[y] is convex in b, with the slope E[z_k] - z_k[y] and the curvature Cov[z_j, z_k], both under p: Newton's steps,
 * halved until the loss falls, find the one minimum.
 * Source: Guo, Pleiss, Sun and Weinberger 2017 (ICML).
 */

/** Beyond these a model has not learned anything, or the rows are too few to tell. */
const [factorMin, factorMax] = [1e-2, 1e2];
const steps = 60;
const tolerance = 1e-10;
/** Pulls towards 0, by so little that it only decides where the rows do not: when all of them are right. */
const ridge = 1e-6;

function fitsShape(logits: ArrayLike<number>, labels: ArrayLike<number>, C: number): void {
  const N = labels.length;
  if (N === 0 || logits.length !== N * C) throw new RangeError(`temperature: needs N * C logits for at least one label, got ${logits.length} for ${N} x ${C}`);
  for (let i = 0; i < logits.length; i += 1) if (!Number.isFinite(logits[i])) throw new RangeError(`temperature: logits[${i}] must be finite, got ${logits[i]}`);
  for (let i = 0; i < N; i += 1) if (!(labels[i] >= 0 && labels[i] < C)) throw new RangeError(`temperature: labels[${i}] must lie in 0 to ${C - 1}, got ${labels[i]}`);
}

/** softmax(b z) of one row, into `out` (C). @returns the position of the largest */
export function softmax(logits: ArrayLike<number>, at: number, C: number, b: number, out: Float64Array): number {
  let best = 0;
  for (let c = 1; c < C; c += 1) if (logits[at + c] > logits[at + best]) best = c;
  const top = logits[at + best];
  let sum = 0;
  for (let c = 0; c < C; c += 1) {
    out[c] = Math.exp(b * (logits[at + c] - top));
    sum += out[c];
  }
  for (let c = 0; c < C; c += 1) out[c] /= sum;
  return best;
}

/**
 * A model that would count backwards counts nothing beside others, and next to nothing alone.
 * @param sources  K times N * C logits, of rows that trained nothing
 * @param labels  N, 0 to C - 1
 * @returns K factors b, each 0 or from 0.01 to 100
 * @throws RangeError when the shapes differ or a logit is not finite
 */
export function fitFactors(sources: readonly ArrayLike<number>[], labels: ArrayLike<number>, C: number): Float64Array {
  const K = sources.length;
  for (const source of sources) fitsShape(source, labels, C);
  let active = sources.map((_, k) => k);
  for (;;) {
    const factors = newton(active.map((k) => sources[k]), labels, C);
    const negative = active.filter((_, i) => factors[i] <= 0);
    if (negative.length === 0 || active.length === 1) {
      const all = new Float64Array(K);
      active.forEach((k, i) => { all[k] = Math.min(factorMax, Math.max(factorMin, factors[i])); });
      return all;
    }
    const rest = active.filter((k) => !negative.includes(k));
    active = rest.length > 0 ? rest : active.slice(0, 1);
  }
}

/** Of one model. */
export const fitInverseTemperature = (logits: ArrayLike<number>, labels: ArrayLike<number>, C: number): number => fitFactors([logits], labels, C)[0];

function newton(sources: readonly ArrayLike<number>[], labels: ArrayLike<number>, C: number): Float64Array {
  const K = sources.length;
  let factors = new Float64Array(K).fill(1 / K);
  let loss = lossOf(sources, labels, C, factors);
  for (let step = 0; step < steps; step += 1) {
    const { slope, curvature } = moments(sources, labels, C, factors);
    const move = solve(curvature, slope, K);
    let scale = 1;
    let next = factors;
    let less = loss;
    for (; scale > 1e-6; scale /= 2) {
      next = factors.map((factor, k) => factor - scale * move[k]);
      less = next.every((factor) => Math.abs(factor) <= factorMax) ? lossOf(sources, labels, C, next) : Infinity;
      if (less <= loss) break;
    }
    if (!(loss - less > tolerance)) return less <= loss ? next : factors;
    [factors, loss] = [next, less];
  }
  return factors;
}

function lossOf(sources: readonly ArrayLike<number>[], labels: ArrayLike<number>, C: number, factors: Float64Array): number {
  const z = new Float64Array(C);
  let sum = 0;
  for (let i = 0; i < labels.length; i += 1) {
    const top = mix(sources, factors, i * C, C, z);
    let total = 0;
    for (let c = 0; c < C; c += 1) total += Math.exp(z[c] - top);
    sum += Math.log(total) + top - z[labels[i]];
  }
  return sum / labels.length + (ridge / 2) * factors.reduce((square, factor) => square + factor * factor, 0);
}

/** z = sum of b_k z_k of one row, into `z` (C). @returns the largest */
export function mix(sources: readonly ArrayLike<number>[], factors: ArrayLike<number>, at: number, C: number, z: Float64Array): number {
  let top = -Infinity;
  for (let c = 0; c < C; c += 1) {
    let sum = 0;
    for (let k = 0; k < sources.length; k += 1) sum += factors[k] * sources[k][at + c];
    z[c] = sum;
    if (sum > top) top = sum;
  }
  return top;
}

function moments(sources: readonly ArrayLike<number>[], labels: ArrayLike<number>, C: number, factors: Float64Array): { slope: Float64Array; curvature: Float64Array } {
  const K = sources.length;
  const [slope, curvature, z, p, mean] = [factors.map((factor) => ridge * factor), new Float64Array(K * K), new Float64Array(C), new Float64Array(C), new Float64Array(K)];
  const N = labels.length;
  for (let i = 0; i < N; i += 1) {
    mix(sources, factors, i * C, C, z);
    softmax(z, 0, C, 1, p);
    for (let k = 0; k < K; k += 1) {
      mean[k] = 0;
      for (let c = 0; c < C; c += 1) mean[k] += p[c] * sources[k][i * C + c];
      slope[k] += (mean[k] - sources[k][i * C + labels[i]]) / N;
    }
    for (let j = 0; j < K; j += 1) {
      for (let k = 0; k <= j; k += 1) {
        let sum = 0;
        for (let c = 0; c < C; c += 1) sum += p[c] * (sources[j][i * C + c] - mean[j]) * (sources[k][i * C + c] - mean[k]);
        curvature[j * K + k] += sum / N;
      }
    }
  }
  for (let j = 0; j < K; j += 1) {
    curvature[j * K + j] += ridge;
    for (let k = 0; k < j; k += 1) curvature[k * K + j] = curvature[j * K + k];
  }
  return { slope, curvature };
}

/** Gauss, with the largest pivot: a handful of unknowns. */
function solve(matrix: Float64Array, right: Float64Array, K: number): Float64Array {
  const [a, x] = [matrix.slice(), right.slice()];
  for (let i = 0; i < K; i += 1) {
    let pivot = i;
    for (let r = i + 1; r < K; r += 1) if (Math.abs(a[r * K + i]) > Math.abs(a[pivot * K + i])) pivot = r;
    for (let c = 0; c < K; c += 1) [a[i * K + c], a[pivot * K + c]] = [a[pivot * K + c], a[i * K + c]];
    [x[i], x[pivot]] = [x[pivot], x[i]];
    for (let r = i + 1; r < K; r += 1) {
      const share = a[r * K + i] / a[i * K + i];
      for (let c = i; c < K; c += 1) a[r * K + c] -= share * a[i * K + c];
      x[r] -= share * x[i];
    }
  }
  for (let i = K - 1; i >= 0; i -= 1) {
    for (let c = i + 1; c < K; c += 1) x[i] -= a[i * K + c] * x[c];
    x[i] /= a[i * K + i];
  }
  return x;
}
