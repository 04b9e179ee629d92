import { describe, expect, it } from 'vitest';
import { fitFactors, fitInverseTemperature, softmax } from '../../models/linear/temperature.js';
import { accuracy, thresholdForPrecision } from '../../models/metrics/classes.js';
import { spanScores } from '../../models/metrics/spans.js';
import { createUniform } from '../../models/random.js';

describe('accuracy', () => {
  it('is the share of equal labels, and refuses what cannot be compared', () => {
    expect(accuracy(['a', 'b', 'c'], ['a', 'x', 'c'])).toBeCloseTo(2 / 3, 12);
    expect(() => accuracy([], [])).toThrow(/at least one/);
    expect(() => accuracy([1], [1, 2])).toThrow(/got 1 and 2/);
  });
});

describe('a threshold for a precision', () => {
  const confidences = [0.9, 0.8, 0.7, 0.6];
  it('answers as much as the target allows', () => {
    expect(thresholdForPrecision(confidences, [1, 1, 0, 1], 0.75)).toEqual({ threshold: 0.6, precision: 0.75, coverage: 1 });
    expect(thresholdForPrecision(confidences, [1, 1, 0, 1], 0.9)).toEqual({ threshold: 0.8, precision: 1, coverage: 0.5 });
    expect(thresholdForPrecision(confidences, [0, 1, 0, 1], 0.9)).toBeUndefined();
  });
  it('never cuts through rows of one confidence', () => {
    expect(thresholdForPrecision([0.9, 0.9, 0.1], [1, 0, 0], 1)).toBeUndefined();
    expect(thresholdForPrecision([0.9, 0.9, 0.1], [0, 1, 0], 0.5)).toEqual({ threshold: 0.9, precision: 0.5, coverage: 2 / 3 });
  });
  it('refuses a target that is no share', () => expect(() => thresholdForPrecision([1], [1], Number.NaN)).toThrow(/target must lie in 0 to 1/));
});

describe('spans', () => {
  it('count only when kind, start and end are right', () => {
    const truth = [[{ kind: 'order_id', start: 6, end: 12 }], [], [{ kind: 'amount', start: 0, end: 3 }]];
    const found = [[{ kind: 'order_id', start: 6, end: 12 }, { kind: 'amount', start: 0, end: 2 }], [{ kind: 'order_id', start: 1, end: 2 }], [{ kind: 'order_id', start: 0, end: 3 }]];
    const scores = spanScores(found, truth);
    expect(scores).toMatchObject({ found: 4, true: 2, right: 1, precision: 0.25, recall: 0.5 });
    expect(scores.f1).toBeCloseTo(1 / 3, 12); // 2 * .25 * .5 / .75
    expect(scores.kinds.amount).toMatchObject({ found: 1, true: 1, right: 0, f1: 0 });
    expect(scores.kinds.order_id).toMatchObject({ found: 3, true: 1, right: 1, f1: 0.5 });
  });
  it('of one text in another order are the same spans', () => {
    const spans = [{ kind: 'a', start: 0, end: 1 }, { kind: 'b', start: 2, end: 3 }];
    expect(spanScores([[...spans].reverse()], [spans]).f1).toBe(1);
  });
});

describe('temperature', () => {
  /** Logits whose softmax at b = 1 is the law that the labels are drawn from. */
  function drawn(N: number, C: number): { logits: Float64Array; labels: Int32Array } {
    const uniform = createUniform(3);
    const logits = Float64Array.from({ length: N * C }, () => 6 * uniform() - 3);
    const p = new Float64Array(C);
    const labels = Int32Array.from({ length: N }, (_, i) => {
      softmax(logits, i * C, C, 1, p);
      let u = uniform();
      for (let c = 0; c < C; c += 1) if ((u -= p[c]) < 0) return c;
      return C - 1;
    });
    return { logits, labels };
  }
  const meanLoss = ({ logits, labels }: ReturnType<typeof drawn>, C: number, b: number): number => {
    const p = new Float64Array(C);
    let sum = 0;
    labels.forEach((label, i) => {
      softmax(logits, i * C, C, b, p);
      sum -= Math.log(p[label]);
    });
    return sum / labels.length;
  };

  it('finds the factor that the logits were multiplied with', () => {
    const { logits, labels } = drawn(20_000, 5);
    expect(fitInverseTemperature(logits, labels, 5)).toBeCloseTo(1, 1);
    const hot = logits.map((z) => 3 * z);
    expect(fitInverseTemperature(hot, labels, 5)).toBeCloseTo(fitInverseTemperature(logits, labels, 5) / 3, 6);
  });
  it('is the least of a fine grid', () => {
    const rows = drawn(300, 4);
    const b = fitInverseTemperature(rows.logits, rows.labels, 4);
    for (let other = 0.05; other < 5; other += 0.05) expect(meanLoss(rows, 4, other)).toBeGreaterThanOrEqual(meanLoss(rows, 4, b) - 1e-9);
  });
  it('stays within its bounds when all rows are right, and when nothing was learned', () => {
    expect(fitInverseTemperature([9, 0, 0, 9], [0, 1], 2)).toBeGreaterThan(1.5);
    expect(fitInverseTemperature([1, 1, 1, 1], [0, 1], 2)).toBeGreaterThan(0);
    expect(fitInverseTemperature([1, 0, 0, 1], [1, 0], 2)).toBeLessThan(0.05);
    expect(() => fitInverseTemperature([Number.NaN, 1], [0], 2)).toThrow(/logits\[0\] must be finite/);
    expect(() => fitInverseTemperature([0, 1], [2], 2)).toThrow(/labels\[0\] must lie in 0 to 1/);
  });
  it('of several models is that of one where there is one, and counts a model that says nothing for nothing', () => {
    const { logits, labels } = drawn(2000, 4);
    expect(fitFactors([logits], labels, 4)[0]).toBeCloseTo(fitInverseTemperature(logits, labels, 4), 4);
    const [good, backwards] = fitFactors([logits, logits.map((z) => -0.5 * z)], labels, 4);
    expect(backwards * -0.5 + good).toBeCloseTo(fitInverseTemperature(logits, labels, 4), 2);
    const uniform = createUniform(11);
    const [real, noise] = fitFactors([logits, logits.map(() => uniform())], labels, 4);
    expect(real).toBeGreaterThan(0.8);
    expect(noise).toBeLessThan(0.3);
  });
  it('of two halves of one law gives each its share', () => {
    const { logits, labels } = drawn(20_000, 3);
    const half = logits.map((z, i) => (i % 2 === 0 ? z : 0));
    const rest = logits.map((z, i) => (i % 2 === 0 ? 0 : 3 * z));
    const [a, b] = fitFactors([half, rest], labels, 3);
    expect(a).toBeCloseTo(1, 1);
    expect(3 * b).toBeCloseTo(1, 1);
  });
});
