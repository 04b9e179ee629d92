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

/** A figure that is no mean over the examples but one sum by another, such as F1: 2 right / (found + true). */
export interface Ratio {
  /** n */
  scores: Float64Array;
  /** n */
  wholes: Float64Array;
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
  return intervalOf(n, seed, (draw) => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += differences[draw(i)];
    return sum / n;
  });
}

/**
 * How sure the difference of two ratios is: the examples are drawn, and both ratios taken anew.
 * @returns NaN in all three where there are no examples, or a value is not finite. Of 0 by 0 there was nothing to miss: it counts as 1
 * Worked: 2, 0 by 2, 2 less 0, 0 by 2, 2 -> mean 1/2; each round is 0, 1/2 or 1
 */
export function pairedRatioBootstrap(mine: Ratio, theirs: Ratio, seed = 1): Difference {
  const columns = [mine.scores, mine.wholes, theirs.scores, theirs.wholes];
  const n = mine.scores.length;
  for (const { length } of columns) if (length !== n) throw new RangeError(`pairedRatioBootstrap: needs as many of each, got ${columns.map((column) => column.length).join(', ')}`);
  if (n === 0 || !columns.every((column) => column.every((value) => Number.isFinite(value)))) return { examples: n, mean: NaN, low: NaN, high: NaN };
  return intervalOf(n, seed, (draw) => {
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < n; i += 1) {
      const row = draw(i);
      for (let c = 0; c < 4; c += 1) sums[c] += columns[c][row];
    }
    return ratio(sums[0], sums[1]) - ratio(sums[2], sums[3]);
  });
}

const ratio = (score: number, whole: number): number => (whole === 0 ? 1 : score / whole);

/** @param figure  of the examples that `draw` names, i = 0 ... n - 1 */
function intervalOf(n: number, seed: number, figure: (draw: (i: number) => number) => number): Difference {
  const uniform = createUniform(seed);
  const drawn = (): number => Math.floor(uniform() * n);
  const figures = Float64Array.from({ length: rounds }, () => figure(drawn)).sort();
  return { examples: n, mean: figure((i) => i), low: figures[Math.floor(0.025 * rounds)], high: figures[Math.ceil(0.975 * rounds) - 1] };
}
