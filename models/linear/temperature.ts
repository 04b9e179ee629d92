/**
 * Temperature scaling: one number that makes the probabilities of a softmax mean what they say, and changes no label.
 *
 *   p = softmax(b z),  b = 1 / temperature        N = rows, C = classes, z (N x C) logits
 *
 * The mean of -log p[y] is convex in b, with the slope E[z] - z[y] and the curvature Var[z], both under p: Newton's steps, kept inside
 * a bracket that shrinks with each, find the one minimum.
 * Source: Guo, Pleiss, Sun and Weinberger 2017 (ICML).
 */

/** Beyond these a network has not learned anything, or the rows are too few to tell. */
const [inverseMin, inverseMax] = [1e-2, 1e2];
const steps = 60;
const tolerance = 1e-7;

/**
 * @param logits  N * C, of rows that trained nothing
 * @param labels  N, 0 to C - 1
 * @returns the factor b for the logits, from 0.01 to 100
 * @throws RangeError when the shapes differ or a logit is not finite
 */
export function fitInverseTemperature(logits: ArrayLike<number>, labels: ArrayLike<number>, C: number): number {
  const N = labels.length;
  if (N === 0 || logits.length !== N * C) throw new RangeError(`temperature: needs N * C logits for at least one label, got ${logits.length} for ${N} x ${C}`);
  for (let i = 0; i < logits.length; i += 1) if (!Number.isFinite(logits[i])) throw new RangeError(`temperature: logits[${i}] must be finite, got ${logits[i]}`);
  for (let i = 0; i < N; i += 1) if (!(labels[i] >= 0 && labels[i] < C)) throw new RangeError(`temperature: labels[${i}] must lie in 0 to ${C - 1}, got ${labels[i]}`);
  let [low, high, b] = [inverseMin, inverseMax, 1];
  for (let i = 0; i < steps && high - low > tolerance * low; i += 1) {
    const { slope, curvature } = derivatives(logits, labels, C, b);
    if (slope > 0) high = b;
    else low = b;
    const newton = b - slope / curvature;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - b) <= tolerance * b) return next;
    b = next;
  }
  return b;
}

function derivatives(logits: ArrayLike<number>, labels: ArrayLike<number>, C: number, b: number): { slope: number; curvature: number } {
  let [slope, curvature] = [0, 0];
  for (let i = 0; i < labels.length; i += 1) {
    const at = i * C;
    let top = -Infinity;
    for (let c = 0; c < C; c += 1) top = Math.max(top, logits[at + c]);
    let [sum, first, second] = [0, 0, 0];
    for (let c = 0; c < C; c += 1) {
      const z = logits[at + c] - top; // moments about the largest one, so that they do not cancel
      const p = Math.exp(b * z);
      sum += p;
      first += p * z;
      second += p * z * z;
    }
    const mean = first / sum;
    slope += mean - (logits[at + labels[i]] - top);
    curvature += second / sum - mean * mean;
  }
  return { slope: slope / labels.length, curvature: curvature / labels.length };
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
