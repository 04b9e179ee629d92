import { describe, expect, it } from 'vitest';
import { brier, expectedCalibrationError, logLoss, reliability } from '../../models/metrics/calibration.js';
import { auc, averagePrecision, precisionAtCapacity } from '../../models/metrics/ranking.js';
import { goldenRows, readGolden, seeded, worst } from '../support/risk-golden.js';

describe('ranking', () => {
  it('gives the worked numbers', () => {
    expect(auc([1, 2, 2, 3], [0, 0, 1, 1])).toBeCloseTo(0.875, 12);
    expect(averagePrecision([4, 3, 2], [1, 0, 1])).toBeCloseTo(5 / 6, 12);
    expect(precisionAtCapacity([3, 2, 2, 1], [1, 1, 0, 0], 2)).toBeCloseTo(0.75, 12);
    expect(precisionAtCapacity([3, 2], [1, 0], 10)).toBe(0.5);
  });

  it('equals the count of ordered pairs', () => {
    const next = seeded(3);
    const scores = Array.from({ length: 200 }, () => Math.floor(next() * 20));
    const labels = scores.map((score) => (next() < score / 25 ? 1 : 0));
    let [pairs, ordered] = [0, 0];
    for (const [i, a] of labels.entries()) {
      for (const [j, b] of labels.entries()) {
        if (a !== 1 || b !== 0) continue;
        pairs += 1;
        ordered += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
      }
    }
    expect(auc(scores, labels)).toBeCloseTo(ordered / pairs, 12);
    const backwards = <T>(values: T[]): T[] => [...values].reverse();
    expect(averagePrecision(backwards(scores), backwards(labels))).toBe(averagePrecision(scores, labels));
    expect(precisionAtCapacity(backwards(scores), backwards(labels), 37)).toBeCloseTo(precisionAtCapacity(scores, labels, 37), 12);
  });

  it('has no figure without both classes, and refuses what is no score', () => {
    expect(auc([1, 2], [1, 1])).toBeNaN();
    expect(averagePrecision([1, 2], [0, 0])).toBeNaN();
    expect(() => auc([1, NaN], [0, 1])).toThrow('auc: scores[1] must be finite, got NaN');
    expect(() => auc([1, 2], [0, 2])).toThrow('auc: labels[1] must be 0 or 1, got 2');
    expect(() => auc([], [])).toThrow('at least one');
    expect(() => precisionAtCapacity([1], [1], 0)).toThrow('capacity must be a whole number of rows >= 1, got 0');
  });
});

describe('calibration', () => {
  it('gives the worked numbers', () => {
    expect(logLoss([0.9, 0.2], [1, 0])).toBeCloseTo(0.16425, 5);
    expect(brier([0.9, 0.2], [1, 0])).toBeCloseTo(0.025, 12);
    expect(expectedCalibrationError([0.1, 0.1, 0.9, 0.9], [0, 1, 1, 1])).toBeCloseTo(0.25, 12);
    expect(logLoss([1, 0], [0, 1])).toBeCloseTo(36.0437, 3);
  });

  it('refuses what is no probability', () => {
    expect(() => brier([1.2], [1])).toThrow('probabilities[0] must lie in 0 to 1, got 1.2');
    expect(() => reliability([0.2], [1], 0)).toThrow('bins must be a whole number >= 1');
  });
});

it('agrees with scikit-learn, ties included', () => {
  const golden = readGolden();
  const { scores, probabilities, ...expected } = golden.metrics;
  const { y } = goldenRows(golden).test;
  expect(new Set(scores).size).toBeLessThan(scores.length);
  expect(auc(scores, y)).toBeCloseTo(expected.auc, 12);
  expect(averagePrecision(scores, y)).toBeCloseTo(expected.averagePrecision, 12);
  expect(logLoss(probabilities, y)).toBeCloseTo(expected.logLoss, 12);
  expect(brier(probabilities, y)).toBeCloseTo(expected.brier, 12);
  const { counts, observed, predicted } = reliability(probabilities, y, 5);
  const filled = (values: Float64Array): Float64Array => values.filter((_, bin) => counts[bin] > 0);
  expect(worst(filled(observed), expected.observed) <= 1e-12).toBe(true);
  expect(worst(filled(predicted), expected.predicted) <= 1e-12).toBe(true);
});
