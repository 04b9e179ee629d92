/**
 * How unusual a text is for the intents: from how far the best one stands above the mean of all (a text of another world leaves the
 * network undecided), turned into the share of known texts that look less unusual. That needs no example of another world.
 *
 *   raw -> share of validation texts below it, 0 to 1      0.95: only one known text in twenty looks as strange
 *
 * Source: the largest logit, Hendrycks et al. 2022 (ICML); the share is one minus a conformal p-value, Bates et al. 2023 (Ann. Stat.).
 */

/** Places of the sorted validation texts that are kept, evenly spaced. */
const kept = 1001;

/** @param scores  of texts that are in scope and trained nothing  @returns ascending */
export function scopeQuantiles(scores: Float64Array): Float64Array {
  if (scores.length === 0) throw new RangeError('scope: needs the scores of at least one text');
  const sorted = scores.slice().sort();
  if (sorted.length <= kept) return sorted;
  return Float64Array.from({ length: kept }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (kept - 1))]);
}

/**
 * Share of the texts in scope that are less unusual. Between two of them in a straight line; beyond the last it goes on towards 1,
 * so that the most unusual ones are still told apart.
 */
export function unusualness(quantiles: Float64Array, score: number): number {
  const N = quantiles.length;
  let [low, high] = [0, N];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (quantiles[middle] < score) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 0;
  if (low < N) {
    const width = quantiles[low] - quantiles[low - 1];
    return (low - 1 + (width > 0 ? (score - quantiles[low - 1]) / width : 1)) / N;
  }
  const spread = Math.max(1e-9, quantiles[N - 1] - quantiles[N >>> 1]);
  const beyond = (score - quantiles[N - 1]) / spread;
  return (N - 1 + beyond / (1 + beyond)) / N;
}

/** -(largest - mean) of the logits of the classes that are in scope. @param outside  the class that is not; -1: none */
export function undecided(z: ArrayLike<number>, C: number, outside: number): number {
  let [top, sum] = [-Infinity, 0];
  for (let c = 0; c < C; c += 1) {
    if (c === outside) continue;
    sum += z[c];
    if (z[c] > top) top = z[c];
  }
  return sum / (outside >= 0 ? C - 1 : C) - top;
}

/**
 * The raw score: `undecided`, and where there are examples of what is outside, also how likely the text is one of them, in nats. Both,
 * as few examples cannot show all that is outside (AUROC on the validation part of clinc150: .967 without, .978 their class alone, .980 both).
 */
export function strangeness(z: ArrayLike<number>, C: number, outside: number): number {
  const score = undecided(z, C, outside);
  if (outside < 0) return score;
  let top = -Infinity;
  for (let c = 0; c < C; c += 1) if (z[c] > top) top = z[c];
  let sum = 0;
  for (let c = 0; c < C; c += 1) sum += Math.exp(z[c] - top);
  return score + z[outside] - top - Math.log(sum);
}
