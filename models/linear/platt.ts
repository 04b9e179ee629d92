/**
 * Platt's calibration: probabilities from the scores of a classifier.  N = scores.
 *
 *   P(label 1 | s) = sigmoid(a s + b),   (a, b) minimise  -sum_i t_i ln p_i + (1 - t_i) ln(1 - p_i)
 *
 * with the targets t = (N1 + 1) / (N1 + 2) for label 1 and 1 / (N0 + 2) for label 0, which keep a and b finite where the
 * classes can be separated. (LIBSVM writes the same with A = -a, B = -b.)
 * Source: Lin, Lin and Weng 2007, Machine Learning 68(3), algorithm 1: Newton's method with backtracking.
 */
import { sigmoid, softplus } from './logistic.js';

export interface Platt {
  a: number;
  b: number;
}

/** Added to the Hessian's diagonal (sigma of the paper), so that equal scores do not make it singular. */
const RIDGE = 1e-12;
const GRADIENT = 1e-5;
const ITERATIONS = 100;
const STEP_MIN = 1e-10;

/**
 * @param scores  must come from a model that has not been trained on these rows, or the probabilities are too sure
 * @throws RangeError for scores that are not finite, or without rows
 * Worked: scores -1, 1 with labels 0, 1 -> targets 1/3, 2/3; a = ln 2 = 0.6931, b = 0
 */
export function fitPlatt(scores: Float64Array, labels: Uint8Array): Platt {
  if (scores.length === 0 || scores.length !== labels.length) throw new RangeError(`platt: needs as many scores as labels and at least one, got ${scores.length} and ${labels.length}`);
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0) throw new RangeError(`platt: scores[${bad}] must be finite, got ${scores[bad]}`);
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const negatives = labels.length - positives;
  const targets = Float64Array.from(labels, (label) => (label === 1 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2)));
  let fit: Platt = { a: 0, b: Math.log((positives + 1) / (negatives + 1)) };
  let f = plattLoss(scores, targets, fit);
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    const { da, db, haa, hab, hbb } = derivatives(scores, targets, fit);
    if (Math.abs(da) < GRADIENT && Math.abs(db) < GRADIENT) break;
    const det = haa * hbb - hab * hab;
    const [stepA, stepB] = [-(hbb * da - hab * db) / det, -(haa * db - hab * da) / det];
    const slope = da * stepA + db * stepB;
    let t = 1;
    for (; t >= STEP_MIN; t /= 2) {
      const next = { a: fit.a + t * stepA, b: fit.b + t * stepB };
      const lower = plattLoss(scores, targets, next);
      if (lower < f + 1e-4 * t * slope) {
        [fit, f] = [next, lower];
        break;
      }
    }
    if (t < STEP_MIN) break; // no lower point in double precision
  }
  return fit;
}

/** sigmoid(a s + b). */
export const plattProbability = ({ a, b }: Platt, score: number): number => sigmoid(a * score + b);

/** The objective; with t = target, -t ln p - (1 - t) ln(1 - p) = softplus(z) - t z. */
export function plattLoss(scores: Float64Array, targets: Float64Array, { a, b }: Platt): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i += 1) {
    const z = a * scores[i] + b;
    sum += softplus(z) - targets[i] * z;
  }
  return sum;
}

/** The gradient and the Hessian of `plattLoss` in a and b. */
export function derivatives(scores: Float64Array, targets: Float64Array, { a, b }: Platt) {
  let [da, db, haa, hab, hbb] = [0, 0, RIDGE, 0, RIDGE];
  for (let i = 0; i < scores.length; i += 1) {
    const s = scores[i];
    const p = sigmoid(a * s + b);
    const [g, h] = [p - targets[i], p * (1 - p)];
    da += g * s;
    db += g;
    haa += h * s * s;
    hab += h * s;
    hbb += h;
  }
  return { da, db, haa, hab, hbb };
}
