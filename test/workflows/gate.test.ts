/** The gate's questions, one by one; the split of a data set; the rules of the watch. All pure. */
import { describe, expect, it } from 'vitest';
import { gate, refusalOf, type GateLimits, type Measured } from '../../activities/gate.js';
import { firstAfter, trainingRows } from '../../activities/judge.js';
import { figure } from '../../activities/live-metrics.js';
import { pairedBootstrap, pairedRatioBootstrap } from '../../models/metrics/bootstrap.js';
import { createUniform } from '../../models/random.js';
import { challengedRecord, endedRecord, promotedRecord, rolledBackRecord, nobody, type LiveRecord } from '../../pipelines/runtime/live-versions.js';

const limits: GateLimits = { rowsMin: 100, positivesMin: 5, margin: 0, sliceFall: 0.02, sliceRows: 50, calibrationMax: 0.1, latencyMsMax: 5, bytesMax: 1000 };
const good: Measured = {
  rows: 200, positives: 10, gain: { examples: 200, mean: 0.05, low: 0.01, high: 0.09 }, slices: [{ name: 'refunds', examples: 60, mean: -0.01, low: -0.05, high: 0.02 }],
  calibrationError: 0.05, latencyMsP99: 1, bytes: 1000,
};
const failedOf = (more: Partial<Measured>, moreLimits: Partial<GateLimits> = {}): string[] => gate({ ...good, ...more }, { ...limits, ...moreLimits }).filter(({ passed }) => !passed).map(({ name, slice }) => `${name}${slice}`);

describe('the gate', () => {
  it('lets pass what is better, and tells every check with its limit', () => {
    const checks = gate(good, limits);
    expect(refusalOf(checks)).toBeUndefined();
    expect(checks.map(({ name, relation, limit }) => `${name} ${relation} ${limit}`)).toEqual([
      'rows >= 100', 'positives >= 5', 'gain > 0', 'slice >= -0.02', 'calibration_error <= 0.1', 'latency_ms_p99 <= 5', 'bytes <= 1000',
    ]);
  });

  it.each<[string, Partial<Measured>, string]>([
    ['too few rows', { rows: 99 }, 'rows'],
    ['too few of the rare class', { positives: 4 }, 'positives'],
    ['a gain that may be chance', { gain: { examples: 200, mean: 0.05, low: 0, high: 0.1 } }, 'gain'],
    ['a slice that falls', { slices: [{ name: ' of refunds', examples: 60, mean: -0.021, low: -1, high: 1 }] }, 'slice of refunds'],
    ['bad calibration', { calibrationError: 0.11 }, 'calibration_error'],
    ['slowness', { latencyMsP99: 5.1 }, 'latency_ms_p99'],
    ['size', { bytes: 1001 }, 'bytes'],
  ])('refuses %s', (_name, more, check) => {
    expect(failedOf(more)).toEqual([check]);
  });

  it('refuses what cannot be told', () => {
    const nan = { examples: 200, mean: NaN, low: NaN, high: NaN };
    expect(failedOf({ rows: NaN, positives: NaN, gain: nan, slices: [{ name: '', ...nan }], calibrationError: NaN, latencyMsP99: NaN, bytes: NaN })).toEqual(['rows', 'positives', 'gain', 'slice', 'calibration_error', 'latency_ms_p99', 'bytes']);
    expect(failedOf({}, { margin: NaN })).toEqual(['gain']);
    const [check] = gate({ ...good, rows: NaN }, limits);
    expect(JSON.parse(JSON.stringify(check))).toMatchObject({ value: null, passed: false });
    expect(refusalOf([check])).toBe('rows could not be told and must be >= 100');
  });

  it('passes over a slice that is too small to tell, and a rare class that a model has not', () => {
    expect(failedOf({ slices: [{ name: 'small', examples: 49, mean: -1, low: -1, high: -1 }] })).toEqual([]);
    expect(failedOf({ positives: NaN }, { positivesMin: 0 })).toEqual([]);
    expect(failedOf({ calibrationError: NaN }, { calibrationMax: 1 }), 'a model that tells no probability').toEqual([]);
  });

  it('says why as a sentence', () => {
    expect(refusalOf(gate({ ...good, bytes: 2000, gain: { examples: 200, mean: 0.05, low: -0.01, high: 0.1 } }, limits))).toBe('gain is 0.05 (95 % interval from -0.01) and must be > 0; bytes is 2000 and must be <= 1000');
  });
});

describe('the paired bootstrap', () => {
  it('finds the interval of the mean: that of the normal approximation where there are many examples', () => {
    const uniform = createUniform(3);
    const d = Float64Array.from({ length: 2000 }, () => uniform() - 0.4); // mean 0.1, variance 1/12
    const { mean, low, high, examples } = pairedBootstrap(d);
    const half = 1.96 * Math.sqrt(1 / 12 / 2000);
    expect(examples).toBe(2000);
    expect(Math.abs(low - (mean - half))).toBeLessThan(0.1 * half);
    expect(Math.abs(high - (mean + half))).toBeLessThan(0.1 * half);
    expect(pairedBootstrap(d)).toEqual(pairedBootstrap(d));
  });
  it('of two ratios draws rows, and takes both ratios anew', () => {
    const ratios = (scores: number[], wholes: number[]) => ({ scores: Float64Array.from(scores), wholes: Float64Array.from(wholes) });
    const worked = pairedRatioBootstrap(ratios([2, 0], [2, 2]), ratios([0, 0], [2, 2]));
    expect(worked).toEqual({ examples: 2, mean: 0.5, low: 0, high: 1 });
    // Wholes of 1 each: the difference of means.
    const uniform = createUniform(5);
    const [a, b] = [0, 1].map(() => Float64Array.from({ length: 300 }, () => uniform()));
    const ones = new Float64Array(300).fill(1);
    const [plain, ratio] = [pairedBootstrap(a.map((value, i) => value - b[i])), pairedRatioBootstrap({ scores: a, wholes: ones }, { scores: b, wholes: ones })];
    for (const key of ['mean', 'low', 'high'] as const) expect(ratio[key]).toBeCloseTo(plain[key], 12);
    // A ticket that names nothing, and of which nothing was read, does not move the figure.
    expect(pairedRatioBootstrap(ratios([2, 0], [2, 0]), ratios([1, 0], [2, 0])).mean).toBe(0.5);
    expect(pairedRatioBootstrap(ratios([0], [0]), ratios([0], [3]))).toMatchObject({ mean: 1 });
    expect(pairedRatioBootstrap(ratios([NaN], [1]), ratios([1], [1]))).toMatchObject({ mean: NaN, low: NaN });
    expect(() => pairedRatioBootstrap(ratios([1], [1, 1]), ratios([1], [1]))).toThrow('needs as many of each, got 1, 2, 1, 1');
  });
  it('is NaN without examples, and where one is not finite', () => {
    for (const d of [[], [1, NaN], [1, Infinity]]) expect(pairedBootstrap(Float64Array.from(d))).toMatchObject({ mean: NaN, low: NaN, high: NaN });
  });
});

describe('the split of a data set', () => {
  const times = Float64Array.of(1, 2, 2, 2, 3, 4, 5, 5, 6, 7);
  it('keeps rows of one moment together', () => {
    expect(trainingRows(times, 0.2)).toEqual({ from: 0, to: 8 });
    expect(trainingRows(times, 0.3)).toEqual({ from: 0, to: 8 }); // the seventh row is of the same moment as the eighth
    expect(trainingRows(times, 0.8)).toEqual({ from: 0, to: 4 });
    expect(trainingRows(new Float64Array(), 0.2)).toEqual({ from: 0, to: 0 });
  });
  it('judges by rows that are newer', () => {
    expect([0, 1, 2, 4.5, 7].map((ms) => firstAfter(times, ms))).toEqual([0, 1, 4, 6, 10]);
  });
});

describe('the watch', () => {
  const higher = { metric: 'raised', worse: 'higher', factor: 3, by: 0.02, rowsMin: 100 } as const;
  const lower = { metric: 'auc', worse: 'lower', factor: 1, by: 0.1, rowsMin: 100 } as const;
  const of = (metric: string, value: number, rows: number) => new Map([[metric, { value, rows }]]);
  it.each<[string, number, number, number, boolean]>([
    ['within its limit', 0.169, 100, 200, true], ['beyond it', 0.171, 100, 200, false], ['unknown', NaN, 100, 200, false],
    ['beyond it, but of few rows', 1, 99, 200, true], ['beyond what few rows before had', 1, 100, 99, true],
  ])('of a metric that shall not rise: %s', (_name, value, rows, before, passed) => {
    expect(figure(higher, of('raised', value, rows), of('raised', 0.05, before))).toMatchObject({ passed, limit: expect.closeTo(0.17, 12) as unknown });
  });
  it('of a metric that shall not fall', () => {
    expect(figure(lower, of('auc', 0.71, 100), of('auc', 0.8, 100)).passed).toBe(true);
    expect(figure(lower, of('auc', 0.69, 100), of('auc', 0.8, 100)).passed).toBe(false);
    expect(figure(lower, new Map(), of('auc', 0.8, 100))).toMatchObject({ passed: true, value: null, rows: 0 });
  });
});

describe('the record of what is live', () => {
  const ref = (version: number) => ({ version, sha256: String(version).repeat(64), bytes: 1 });
  const why = { atMs: 1, by: 'test', reason: '' };
  const promoted = (...versions: number[]): LiveRecord => versions.reduce((record, version) => promotedRecord(record, ref(version), why), nobody);
  it('knows two versions to roll back to, the latest first', () => {
    expect(promoted(1, 2, 3, 4)).toEqual({ live: ref(4), instead: ref(3), before: [ref(3), ref(2)], ...why });
    expect(promoted(1, 2, 1)).toEqual({ live: ref(1), instead: ref(2), before: [ref(2)], ...why });
  });
  it('rolls back step by step, and in the end to nothing', () => {
    const once = rolledBackRecord(promoted(1, 2), why);
    expect(once).toEqual({ live: ref(1), instead: ref(2), before: [], ...why });
    expect(rolledBackRecord(once, why)).toEqual({ instead: ref(1), before: [], ...why });
  });
  it('a challenger stands beside what is live, and changes neither that nor since when', () => {
    const later = { atMs: 5, by: 'ann', reason: 'try' };
    const challenged = challengedRecord(promoted(1, 2), ref(3), 30, later);
    expect(challenged).toEqual({ ...promoted(1, 2), challenger: { ...ref(3), percent: 30, ...later } });
    expect(promotedRecord(challenged, ref(4), why).challenger, 'another version goes live').toEqual(challenged.challenger);
    expect(rolledBackRecord(challenged, why)).toMatchObject({ live: ref(1), challenger: challenged.challenger });
    const ended = endedRecord(challenged, { ...later, atMs: 6 });
    expect(ended).toEqual({ ...promoted(1, 2), ended: { ...ref(3), ...later, atMs: 6 } });
    expect(endedRecord(ended, why), 'there is none to end').toEqual(ended);
  });
  it('a challenger that goes live is none any more, also where a roll-back makes it live', () => {
    const later = { atMs: 5, by: 'ann', reason: 'better' };
    const promotedOne = promotedRecord(challengedRecord(promoted(1, 2), ref(3), 30, why), ref(3), later);
    expect(promotedOne).toEqual({ live: ref(3), instead: ref(2), before: [ref(2), ref(1)], ended: { ...ref(3), ...later }, ...later });
    expect(rolledBackRecord(challengedRecord(promoted(1, 2), ref(1), 0, why), later)).toEqual({ live: ref(1), instead: ref(2), before: [], ended: { ...ref(1), ...later }, ...later });
  });
});
