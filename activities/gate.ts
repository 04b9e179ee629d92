/**
 * Whether a challenger may take the champion's place. Each question is a check with its value and its limit; what cannot be
 * told (NaN) has not passed.
 */
import type { Difference } from '../models/metrics/bootstrap.js';

export interface GateLimits {
  /** examples that judge, and of the rare class, at least */
  rowsMin: number;
  positivesMin: number;
  /** the lower end of the interval of the mean gain must lie above it */
  margin: number;
  /** the mean score of no slice of at least `sliceRows` rows may fall by more */
  sliceFall: number;
  sliceRows: number;
  /** at 1, the largest that it can be, nothing is asked: a model may give no probabilities */
  calibrationMax: number;
  /** of one row, the 99th percentile */
  latencyMsMax: number;
  bytesMax: number;
}

/** What was measured. NaN: could not be told. */
export interface Measured {
  rows: number;
  positives: number;
  /** absent: there is nothing to compare with, and the absolute checks decide */
  gain?: Difference;
  slices: readonly ({ name: string } & Difference)[];
  /** what must not be less */
  least?: readonly { name: string; value: number; limit: number }[];
  calibrationError: number;
  latencyMsP99: number;
  bytes: number;
}

export interface Check {
  name: string;
  slice: string;
  /** null: could not be told (NaN is no JSON) */
  value: number | null;
  low: number | null;
  high: number | null;
  relation: '>' | '>=' | '<=';
  limit: number;
  passed: boolean;
  rows: number;
}

/** JSON has no NaN, and makes null of it without a word. */
export const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

const holds = { '>': (a: number, b: number) => a > b, '>=': (a: number, b: number) => a >= b, '<=': (a: number, b: number) => a <= b } as const;

/** Pure. The order is that of the questions. */
export function gate(measured: Measured, limits: GateLimits): Check[] {
  const { rows, positives, gain, slices, least = [], calibrationError, latencyMsP99, bytes } = measured;
  const check = (name: string, relation: Check['relation'], value: number, limit: number, more: { slice?: string; of?: Difference; judged?: number } = {}): Check => ({
    name, slice: more.slice ?? '', value: orNull(more.of?.mean ?? value), low: orNull(more.of?.low ?? NaN), high: orNull(more.of?.high ?? NaN),
    relation, limit, passed: holds[relation](value, limit), rows: more.judged ?? rows,
  });
  return [
    check('rows', '>=', rows, limits.rowsMin),
    // A model without a rare class has nothing to count there.
    ...(limits.positivesMin > 0 ? [check('positives', '>=', positives, limits.positivesMin)] : []),
    ...(gain === undefined ? [] : [check('gain', '>', gain.low, limits.margin, { of: gain })]),
    ...slices.filter(({ examples }) => examples >= limits.sliceRows).map((slice) => check('slice', '>=', slice.mean, -limits.sliceFall, { slice: slice.name, of: slice, judged: slice.examples })),
    ...least.map(({ name, value, limit }) => check(name, '>=', value, limit)),
    ...(limits.calibrationMax === 1 ? [] : [check('calibration_error', '<=', calibrationError, limits.calibrationMax)]),
    check('latency_ms_p99', '<=', latencyMsP99, limits.latencyMsMax),
    check('bytes', '<=', bytes, limits.bytesMax),
  ];
}

/** Every check that has not passed, as one sentence. */
export function refusalOf(checks: readonly Check[]): string | undefined {
  const failed = checks.filter(({ passed }) => !passed);
  if (failed.length === 0) return undefined;
  return failed.map(({ name, slice, value, low, relation, limit }) => {
    const told = value === null ? 'could not be told' : `is ${shown(value)}${relation === '>' && low !== null ? ` (95 % interval from ${shown(low)})` : ''}`;
    return `${name}${slice === '' ? '' : ` of ${slice}`} ${told} and must be ${relation} ${shown(limit)}`;
  }).join('; ');
}

const shown = (value: number): string => String(Number(value.toPrecision(4)));
