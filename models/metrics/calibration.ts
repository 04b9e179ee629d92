/**
 * How far probabilities can be taken at their word.  N = rows, B = bins.
 *
 *   probabilities  Float64Array(N)  of the positive class, 0 to 1
 *   labels         Uint8Array(N)    1 positive, 0 negative
 */
import { checkBinary, type Labels, type Scores } from './ranking.js';

/** A probability of exactly 0 or 1 that is wrong would cost infinitely much; scikit-learn clips at the same place. */
const EPSILON = 2 ** -52;

/**
 * Mean negative log-likelihood, in nats.
 * Worked: probabilities .9, .2 with labels 1, 0 -> -(ln .9 + ln .8) / 2 = 0.16425
 */
export function logLoss(probabilities: Scores, labels: Labels): number {
  checkProbabilities('logLoss', probabilities, labels);
  let sum = 0;
  for (let i = 0; i < probabilities.length; i += 1) {
    const p = Math.min(1 - EPSILON, Math.max(EPSILON, probabilities[i]));
    sum -= Math.log(labels[i] === 1 ? p : 1 - p);
  }
  return sum / probabilities.length;
}

/**
 * Mean squared distance from the truth, 0 to 1.
 * Source: Brier 1950, Monthly Weather Review 78(1).  Worked: .9, .2 with labels 1, 0 -> (.01 + .04) / 2 = 0.025
 */
export function brier(probabilities: Scores, labels: Labels): number {
  checkProbabilities('brier', probabilities, labels);
  let sum = 0;
  for (let i = 0; i < probabilities.length; i += 1) sum += (probabilities[i] - labels[i]) ** 2;
  return sum / probabilities.length;
}

export interface Reliability {
  /** rows of each bin; bin b holds probabilities from b / B up to (b + 1) / B, and the last one 1 too */
  counts: Float64Array;
  /** mean probability of each bin; NaN where it is empty */
  predicted: Float64Array;
  /** share of positives of each bin; NaN where it is empty */
  observed: Float64Array;
}

/** @param bins  of equal width over 0 to 1 */
export function reliability(probabilities: Scores, labels: Labels, bins = 10): Reliability {
  checkProbabilities('reliability', probabilities, labels);
  if (!(Number.isInteger(bins) && bins >= 1)) throw new RangeError(`reliability: bins must be a whole number >= 1, got ${bins}`);
  const [counts, predicted, observed] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)];
  for (let i = 0; i < probabilities.length; i += 1) {
    const bin = Math.min(bins - 1, Math.floor(probabilities[i] * bins));
    counts[bin] += 1;
    predicted[bin] += probabilities[i];
    observed[bin] += labels[i];
  }
  for (let bin = 0; bin < bins; bin += 1) {
    predicted[bin] /= counts[bin];
    observed[bin] /= counts[bin];
  }
  return { counts, predicted, observed };
}

/**
 * Expected calibration error: the mean of |predicted - observed| over the bins, weighted by their rows.
 * Source: Naeini, Cooper and Hauskrecht 2015 (AAAI).  Worked: .1, .1, .9, .9 with labels 0, 1, 1, 1 -> .5 x .4 + .5 x .1 = 0.25
 */
export function expectedCalibrationError(probabilities: Scores, labels: Labels, bins = 10): number {
  const { counts, predicted, observed } = reliability(probabilities, labels, bins);
  let sum = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    if (counts[bin] > 0) sum += counts[bin] * Math.abs(predicted[bin] - observed[bin]);
  }
  return sum / probabilities.length;
}

function checkProbabilities(metric: string, probabilities: Scores, labels: Labels): void {
  checkBinary(metric, probabilities, labels);
  for (let i = 0; i < probabilities.length; i += 1) {
    if (!(probabilities[i] >= 0 && probabilities[i] <= 1)) throw new RangeError(`${metric}: probabilities[${i}] must lie in 0 to 1, got ${probabilities[i]}`);
  }
}
