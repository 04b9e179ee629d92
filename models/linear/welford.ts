/**
 * Running mean and variance of D features, without keeping or squaring large sums.
 *
 *   count, mean, m2  Float64Array(D)    m2 = sum of squared distances from the mean;  variance = m2 / count
 */
export interface Welford {
  count: Float64Array;
  mean: Float64Array;
  m2: Float64Array;
}

export const createWelford = (D: number): Welford => ({ count: new Float64Array(D), mean: new Float64Array(D), m2: new Float64Array(D) });

/**
 * Adds one value of feature j, in place.
 * @param x  the value, in the caller's unit; must be finite
 * @throws RangeError when x is NaN or infinite
 * Source: Welford 1962, Technometrics 4(3).  Worked: 2, 4, 9 -> mean 5, m2 26, variance 8.6667
 */
export function push({ count, mean, m2 }: Welford, j: number, x: number): void {
  if (!Number.isFinite(x)) throw new RangeError(`welford: feature ${j} must be finite, got ${x}`);
  count[j] += 1;
  const delta = x - mean[j];
  mean[j] += delta / count[j];
  m2[j] += delta * (x - mean[j]); // the mean before, times the mean after
}

/** Population variance of feature j; 0 before the first value. */
export const variance = ({ count, m2 }: Welford, j: number): number => (count[j] > 0 ? m2[j] / count[j] : 0);

/**
 * Adds what `other` has seen to `into`, as if its values had been pushed one by one (equal to rounding).
 * @throws RangeError when the two have different numbers of features
 * Source: Chan, Golub and LeVeque 1979.  Worked: {2, 4} and {9} -> mean 3 + 6/3 = 5, m2 2 + 0 + 36 x 2/3 = 26
 */
export function merge(into: Welford, other: Welford): void {
  if (into.count.length !== other.count.length) throw new RangeError(`welford: ${into.count.length} features cannot take those of ${other.count.length}`);
  for (let j = 0; j < into.count.length; j += 1) {
    const count = into.count[j] + other.count[j];
    if (count === 0) continue;
    const delta = other.mean[j] - into.mean[j];
    into.mean[j] += (delta * other.count[j]) / count;
    into.m2[j] += other.m2[j] + (delta * delta * into.count[j] * other.count[j]) / count;
    into.count[j] = count;
  }
}
