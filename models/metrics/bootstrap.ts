/**
 * How sure a difference between two models is, judged on the same examples.  n = examples, R = rounds.
 *
 *   d_i = score of the challenger on example i - that of the champion        (paired: what makes an example hard falls out)
 *   mean_r = mean of n of them drawn with replacement, r = 1 ... R
 *
 * Source: Efron and Tibshirani 1993, chapter 13 (percentile interval); Berg-Kirkpatrick, Burkett and Klein 2012 for the pairing.
 */
import { createUniform } from '../random.js';

export interface Difference {
  examples: number;
  mean: number;
  /** the middle 95 % of the means */
  low: number;
  high: number;
}

const rounds = 1000;

/**
 * @param differences  n, finite
 * @param seed  the same one gives the same interval
 * @returns NaN in all three where there are no examples, or one of them is not finite: a comparison with it must fail
 * Worked: 1, 1, 1 -> mean 1, low 1, high 1
 */
export function pairedBootstrap(differences: Float64Array, seed = 1): Difference {
  const n = differences.length;
  if (n === 0 || !differences.every((d) => Number.isFinite(d))) return { examples: n, mean: NaN, low: NaN, high: NaN };
  const draw = createUniform(seed);
  const means = new Float64Array(rounds);
  for (let r = 0; r < rounds; r += 1) {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += differences[Math.floor(draw() * n)];
    means[r] = sum / n;
  }
  means.sort();
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  return { examples: n, mean, low: means[Math.floor(0.025 * rounds)], high: means[Math.ceil(0.975 * rounds) - 1] };
}
