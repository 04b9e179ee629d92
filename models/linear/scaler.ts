/**
 * Rows of features to rows that a model can weigh alike: scaled online, missing values imputed and flagged.
 * D = features that come in, M = those of them that may be missing, W = D + M columns that go out.
 *
 *   in   D numbers, NaN where the value is missing
 *   out  D scaled values | M flags, 1 where the value was missing, else 0; and 0 until the feature has been there once: the flag of
 *        what a stream never has would be 1 in every row, and many such flags one intercept that learns many times too fast
 *
 *   z      (x - mean) / standard deviation (of the population), cut at +-clip; 0 while all values have been the same
 *   range  (x - low) / (high - low), cut to 0..1: a value beyond all that were seen moves a score no further than the largest did
 *
 * Observing writes, scaling never does.
 */
import { createMedians, median, pushMedian, type Medians } from './median.js';
import { createWelford, type Welford } from './welford.js';

export interface Feature {
  name: string;
  /** `range` for what is bounded by nature: shares, hours, flags. */
  scale: 'z' | 'range';
  /** What stands in for a missing value: the running mean, or the running median where a few large values pull the mean away; `refuse`: NaN is an error. */
  missing: 'mean' | 'median' | 'refuse';
  /** What its column and its flag are multiplied by; 1 where there is none. Columns that say nearly the same, such as the windows of one count, learn together as many times too fast as they are: n of them with 1 / sqrt(n) as fast as one. */
  share?: number;
}

export interface Scaler {
  features: readonly Feature[];
  /** names of the W columns; the flag of `amount` is `amount missing` */
  columns: readonly string[];
  clip: number;
  moments: Welford;
  medians: Medians;
  low: Float64Array;
  high: Float64Array;
  /** Of D: scaled = (x - offset) * factor, cut to least..most, and `fill` is x where it is missing. They follow from the rest. */
  offset: Float64Array;
  factor: Float64Array;
  fill: Float64Array;
  least: Float64Array;
  most: Float64Array;
  share: Float64Array;
  /** Of D: RANGED | BY_MEDIAN, as the loops do not read strings. */
  kinds: Uint8Array;
  /** Of D: the column of the feature's flag; -1 where it may not be missing. */
  flagAt: Int32Array;
  /** Of D: 1 where offset, factor and fill lag behind the statistics: whoever reads them calls `derive`. */
  stale: Uint8Array;
}

const RANGED = 1;
const BY_MEDIAN = 2;

/** @param clip  in standard deviations; Infinity: none. @throws RangeError for no features, a name twice, or clip not above 0 */
export function createScaler(features: readonly Feature[], clip = Infinity): Scaler {
  const D = features.length;
  if (D === 0) throw new RangeError('scaler: needs at least one feature');
  if (!(clip > 0)) throw new RangeError(`scaler: clip must be a number of standard deviations > 0, got ${clip}`);
  const names = new Set(features.map(({ name }) => name));
  if (names.size < D) throw new RangeError(`scaler: the names of the ${D} features must differ, but there are only ${names.size}`);
  let W = D;
  const flagAt = Int32Array.from(features, ({ missing }) => (missing === 'refuse' ? -1 : W++));
  const columns = [...features.map(({ name }) => name), ...features.filter(({ missing }) => missing !== 'refuse').map(({ name }) => `${name} missing`)];
  const share = Float64Array.from(features, (feature) => feature.share ?? 1);
  const ranged = (within: number, otherwise: number): Float64Array => Float64Array.from(features, ({ scale }, j) => share[j] * (scale === 'range' ? within : otherwise));
  return {
    features, columns, clip, flagAt,
    kinds: Uint8Array.from(features, ({ scale, missing }) => (scale === 'range' ? RANGED : 0) | (missing === 'median' ? BY_MEDIAN : 0)),
    share, least: ranged(0, -clip), most: ranged(1, clip),
    moments: createWelford(D), medians: createMedians(D),
    low: new Float64Array(D).fill(Infinity), high: new Float64Array(D).fill(-Infinity),
    offset: new Float64Array(D), factor: new Float64Array(D), fill: new Float64Array(D), stale: new Uint8Array(D),
  };
}

/**
 * Refuses what no feature may be, before anything has been written.
 * @throws RangeError that names the feature: an infinite value, or NaN where `missing` is `refuse`
 */
export function checkRow(scaler: Scaler, x: Float64Array, at: number): void {
  const { flagAt } = scaler;
  for (let j = 0; j < flagAt.length; j += 1) {
    const value = x[at + j];
    if (value - value !== 0 && (value === value || flagAt[j] < 0)) checkMissing(scaler, j, value);
  }
}

/** @param value  not finite */
function checkMissing({ features, flagAt }: Scaler, j: number, value: number): void {
  if (Number.isNaN(value) && flagAt[j] >= 0) return;
  throw new RangeError(`scaler: ${features[j].name} must be finite${flagAt[j] >= 0 ? ' or missing (NaN)' : ''}, got ${value}`);
}

/** Takes the row at x[at] into the statistics; a missing value teaches nothing. @throws RangeError as `checkRow`, and then nothing has changed */
export function observe(scaler: Scaler, x: Float64Array, at: number): void {
  checkRow(scaler, x, at);
  observeChecked(scaler, x, at);
}

/** As `observe`, of a row without infinite numbers and whose missing values may be missing. */
export function observeChecked(scaler: Scaler, x: Float64Array, at: number): void {
  const { kinds, moments: { count, mean, m2 }, stale } = scaler;
  for (let j = 0; j < kinds.length; j += 1) {
    const value = x[at + j];
    if (value !== value) continue;
    const n = (count[j] += 1);
    const before = mean[j];
    const after = before + (value - before) / n;
    mean[j] = after;
    m2[j] += (value - before) * (value - after); // Welford, as in welford.ts
    stale[j] = 1;
    if (kinds[j] !== 0) observeSpecial(scaler, j, value);
  }
}

function observeSpecial({ low, high, kinds, medians }: Scaler, j: number, value: number): void {
  if (value < low[j]) low[j] = value;
  if (value > high[j]) high[j] = value;
  if ((kinds[j] & BY_MEDIAN) !== 0) pushMedian(medians, j, value);
}

/** What scaling reads: half of the rows are observed and never scaled by all features, so it waits until then. */
function derive({ kinds, moments: { count, mean, m2 }, medians, low, high, offset, factor, fill, share, stale }: Scaler, j: number): void {
  stale[j] = 0;
  fill[j] = (kinds[j] & BY_MEDIAN) !== 0 ? (median(medians, j) ?? 0) : mean[j];
  if ((kinds[j] & RANGED) !== 0) {
    offset[j] = low[j];
    factor[j] = high[j] > low[j] ? share[j] / (high[j] - low[j]) : 0;
  } else {
    offset[j] = mean[j];
    factor[j] = m2[j] > 0 ? share[j] * Math.sqrt(count[j] / m2[j]) : 0;
  }
}

/** One feature, scaled; 0 before it was ever there. @param value  NaN where missing */
export function scaledOne(scaler: Scaler, j: number, value: number): number {
  if (scaler.stale[j] !== 0) derive(scaler, j);
  const known = value === value ? value : scaler.fill[j];
  const scaled = (known - scaler.offset[j]) * scaler.factor[j];
  return scaled < scaler.least[j] ? scaler.least[j] : scaled > scaler.most[j] ? scaler.most[j] : scaled;
}

/**
 * What some features of two rows become, each beside the other: `scaledOne` and `flagOf` in one loop, as the statistics are read once
 * for both.
 * @param features  the first `count` are it
 * @param a, b  D, NaN where missing
 * @param out  for each of the features: a scaled, b scaled, the flag of a, the flag of b
 */
export function scaledPairs(scaler: Scaler, features: Int32Array, count: number, a: Float64Array, b: Float64Array, out: Float64Array): void {
  const { stale, fill, offset, factor, least, most, share, moments: { count: seen } } = scaler;
  for (let i = 0; i < count; i += 1) {
    const j = features[i];
    if (stale[j] !== 0) derive(scaler, j);
    const x = a[j];
    const y = b[j];
    const mine = ((x === x ? x : fill[j]) - offset[j]) * factor[j];
    const theirs = ((y === y ? y : fill[j]) - offset[j]) * factor[j];
    out[4 * i] = mine < least[j] ? least[j] : mine > most[j] ? most[j] : mine;
    out[4 * i + 1] = theirs < least[j] ? least[j] : theirs > most[j] ? most[j] : theirs;
    const flag = seen[j] > 0 ? share[j] : 0;
    out[4 * i + 2] = x === x ? 0 : flag;
    out[4 * i + 3] = y === y ? 0 : flag;
  }
}

/** The flag of one feature. */
export const flagOf = ({ moments, share }: Scaler, j: number, value: number): number => (value !== value && moments.count[j] > 0 ? share[j] : 0);

/** Scales the row at x[at] into the W columns at out[outAt]. @throws RangeError as `checkRow`; `out` is then half written */
export function scale(scaler: Scaler, x: Float64Array, at: number, out: Float64Array, outAt: number): void {
  const { flagAt, offset, factor, fill, least, most, columns, stale, share, moments: { count } } = scaler;
  const D = flagAt.length;
  for (let k = D; k < columns.length; k += 1) out[outAt + k] = 0;
  for (let j = 0; j < D; j += 1) {
    if (stale[j] !== 0) derive(scaler, j);
    let value = x[at + j];
    if (!(value - value === 0)) {
      checkMissing(scaler, j, value);
      if (count[j] > 0) out[outAt + flagAt[j]] = share[j];
      value = fill[j];
    }
    const scaled = (value - offset[j]) * factor[j];
    out[outAt + j] = scaled < least[j] ? least[j] : scaled > most[j] ? most[j] : scaled;
  }
}

/** @param X  N * D  @returns N * W */
export function scaleRows(scaler: Scaler, X: Float64Array): Float64Array {
  const [D, W] = [scaler.features.length, scaler.columns.length];
  if (X.length % D !== 0) throw new RangeError(`scaler: ${X.length} numbers are no rows of ${D} features`);
  const N = X.length / D;
  const out = new Float64Array(N * W);
  for (let i = 0; i < N; i += 1) scale(scaler, X, i * D, out, i * W);
  return out;
}

/** A scaler that has seen all rows of X (N * D). */
export function scalerOf(features: readonly Feature[], X: Float64Array, clip = Infinity): Scaler {
  const scaler = createScaler(features, clip);
  const D = features.length;
  if (X.length % D !== 0) throw new RangeError(`scaler: ${X.length} numbers are no rows of ${D} features`);
  for (let at = 0; at < X.length; at += D) observe(scaler, X, at);
  for (let j = 0; j < D; j += 1) if (scaler.stale[j] !== 0) derive(scaler, j);
  return scaler;
}

/** The statistics, in one section: count | mean | m2 | low | high (D each) | medians: count (D) | heights | places (5 D each). */
export function saveScaler({ moments, medians, low, high }: Scaler): Uint8Array {
  const parts = [moments.count, moments.mean, moments.m2, low, high, medians.count, medians.heights, medians.places];
  return joined(parts);
}

/** @throws RangeError when the bytes are not of these features */
export function loadScaler(features: readonly Feature[], clip: number, bytes: Uint8Array): Scaler {
  const scaler = createScaler(features, clip);
  const { moments, medians, low, high } = scaler;
  split('scaler', bytes, [moments.count, moments.mean, moments.m2, low, high, medians.count, medians.heights, medians.places]);
  for (let j = 0; j < features.length; j += 1) if (moments.count[j] > 0) scaler.stale[j] = 1;
  return scaler;
}

/** Arrays of doubles behind one another, as a section of a snapshot. */
export function joined(parts: readonly Float64Array[]): Uint8Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(all.buffer);
}

/** The reverse of `joined`, into arrays whose lengths are known. @throws RangeError when the lengths do not add up */
export function split(what: string, bytes: Uint8Array, parts: readonly Float64Array[]): void {
  const expected = parts.reduce((sum, part) => sum + part.byteLength, 0);
  if (bytes.length !== expected) throw new RangeError(`${what}: a section holds ${bytes.length} bytes, expected ${expected}`);
  const all = new Float64Array(bytes.slice().buffer);
  let at = 0;
  for (const part of parts) {
    part.set(all.subarray(at, at + part.length));
    at += part.length;
  }
}
