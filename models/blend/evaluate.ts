/**
 * Two blends on the same decisions: what was shown is put in either one's order, and the one that puts higher what was taken
 * is the better.
 *
 *   nDCG of a decision = sum over taken of 1 / log2(1 + rank) / the largest that sum could be
 *
 * What the live blend put higher was looked at more, which speaks for it. So a decision weighs position^b of what was taken in
 * it, one over the chance that it was looked at (Joachims, Swaminathan, Schnabel, WSDM 2017), at most 10.
 */
import { createUniform } from '../random.js';
import { channels, worth, type Blend } from '../recommend/fuse.js';
import { C, telling, type Impressions } from './impressions.js';

export interface Comparison {
  /** decisions that could tell the two apart: something was taken, and something was not */
  decisions: number;
  /** mean nDCG */
  live: number;
  challenger: number;
  /** challenger - live, and the middle 95% of its bootstrap distribution */
  difference: number;
  low: number;
  high: number;
}

const propensityMost = 10;
const rounds = 1000;

/**
 * @param positionBias  b, from the fit
 * @param seed  of the bootstrap: the same one gives the same interval
 * @returns NaN for the means when nothing tells them apart
 */
export function compareBlends(log: Impressions, live: Blend, challenger: Blend, positionBias: number, seed = 1): Comparison {
  const found = telling(log);
  const weights = Float64Array.from(found, (d) => propensity(log, d, positionBias));
  const [a, b] = [live, challenger].map((blend) => Float64Array.from(found, (d) => ndcg(log, d, blend)));
  const mean = (of: (n: number) => number): number => {
    let [sum, total] = [0, 0];
    for (let n = 0; n < found.length; n += 1) {
      sum += weights[n] * of(n);
      total += weights[n];
    }
    return sum / total;
  };
  const [low, high] = interval(weights, found.map((_, n) => b[n] - a[n]), seed);
  const [before, after] = [mean((n) => a[n]), mean((n) => b[n])];
  return { decisions: found.length, live: before, challenger: after, difference: after - before, low, high };
}

/** What the decision d weighs: one over the chance that what was taken in it was looked at. */
export function propensity({ starts, positions, taken }: Impressions, d: number, positionBias: number): number {
  let [sum, count] = [0, 0];
  for (let i = starts[d]; i < starts[d + 1]; i += 1) {
    if (taken[i] === 0) continue;
    sum += Math.min(propensityMost, positions[i] ** positionBias);
    count += 1;
  }
  return sum / count;
}

/** Of the decision d in the blend's order; equal scores stay as they were shown. */
export function ndcg({ starts, ranks, positions, taken }: Impressions, d: number, { weights, constant }: Blend): number {
  const items = Array.from({ length: starts[d + 1] - starts[d] }, (_, n) => {
    const i = starts[d] + n;
    let score = 0;
    for (const [j, channel] of channels.entries()) {
      const rank = ranks[i * C + j];
      if (rank > 0) score += weights[channel] * worth(channel, constant, rank);
    }
    return { score, position: positions[i], taken: taken[i] === 1 };
  });
  items.sort((x, y) => y.score - x.score || x.position - y.position);
  let [gain, most, count] = [0, 0, 0];
  for (const [at, item] of items.entries()) {
    if (!item.taken) continue;
    gain += 1 / Math.log2(at + 2);
    most += 1 / Math.log2(count + 2);
    count += 1;
  }
  return gain / most;
}

/** Decisions drawn with replacement (Efron 1979). @returns the 2.5% and the 97.5% quantile of the weighted mean */
function interval(weights: Float64Array, differences: number[], seed: number): [number, number] {
  const n = differences.length;
  if (n === 0) return [Number.NaN, Number.NaN];
  const draw = createUniform(seed);
  const means = Float64Array.from({ length: rounds }, () => {
    let [sum, total] = [0, 0];
    for (let i = 0; i < n; i += 1) {
      const d = Math.floor(draw() * n);
      sum += weights[d] * differences[d];
      total += weights[d];
    }
    return sum / total;
  }).sort();
  return [means[Math.floor(0.025 * rounds)], means[Math.ceil(0.975 * rounds) - 1]];
}
