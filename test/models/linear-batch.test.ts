import { describe, expect, it } from 'vitest';
import { factor, solve } from '../../models/linear/cholesky.js';
import { balanced, gradient, linear, loss, sigmoid, softplus, type Rows } from '../../models/linear/logistic.js';
import { loadLogistic, logisticTerms, saveLogistic, trainLogistic, logisticLogOdds } from '../../models/linear/batch.js';
import { fitLogistic, hessian } from '../../models/linear/newton.js';
import { derivatives, fitPlatt, plattLoss } from '../../models/linear/platt.js';
import { scaleRows, scalerOf, type Feature } from '../../models/linear/scaler.js';
import { goldenRows, readGolden, seeded, worst } from '../support/risk-golden.js';

const features = (D: number): Feature[] => Array.from({ length: D }, (_, j) => ({ name: `f${j}`, scale: 'z', missing: 'refuse' }));

function madeUp(N: number, D: number): Rows {
  const next = seeded(7);
  return {
    X: Float64Array.from({ length: N * D }, () => next() * 4 - 2),
    y: Uint8Array.from({ length: N }, (_, i) => i % 3 === 0 || next() < 0.2 ? 1 : 0),
    c: Float64Array.from({ length: N }, () => 0.5 + next()),
    D,
  };
}

describe('logistic', () => {
  it('does not overflow', () => {
    expect(sigmoid(2)).toBeCloseTo(0.880797, 6);
    expect([sigmoid(-800), sigmoid(800), softplus(800), softplus(-800)]).toEqual([0, 1, 800, 0]);
    expect(softplus(0)).toBeCloseTo(Math.log(2), 12);
    expect(balanced(Uint8Array.of(0, 0, 0, 1))).toEqual({ genuine: 4 / 6, fraud: 2 });
  });

  it('has the gradient and the Hessian of its loss, by central differences', () => {
    const rows = madeUp(23, 3);
    const E = 4;
    const w = Float64Array.of(0.3, -0.7, 1.1, -0.2);
    const [dW, p, H] = [new Float64Array(E), new Float64Array(23), new Float64Array(E * E)];
    gradient(rows, w, 0.4, dW, p);
    hessian(rows, p, 0.4, H);
    const [above, below, h] = [new Float64Array(E), new Float64Array(E), 1e-5];
    for (let j = 0; j < E; j += 1) {
      const [up, down] = [w.slice(), w.slice()];
      up[j] += h;
      down[j] -= h;
      expect(Math.abs((loss(rows, up, 0.4) - loss(rows, down, 0.4)) / (2 * h) - dW[j]) <= 1e-8).toBe(true);
      gradient(rows, up, 0.4, above, p);
      gradient(rows, down, 0.4, below, p);
      for (let k = j; k < E; k += 1) expect(Math.abs((above[k] - below[k]) / (2 * h) - H[k * E + j]) <= 1e-8).toBe(true);
    }
  });

  it('solves by Cholesky', () => {
    const [A, b] = [Float64Array.of(4, 0, 2, 3), Float64Array.of(8, 7)];
    expect(factor(A, 2)).toBe(true);
    solve(A, 2, b);
    expect(worst(b, [1.25, 1.5]) <= 1e-12).toBe(true);
    expect(factor(Float64Array.of(1, 0, 2, 1), 2)).toBe(false);
  });
});

describe('batch logistic regression', () => {
  it('agrees with scikit-learn: weights, offsets, decision values', () => {
    const golden = readGolden();
    const { D, train, test } = goldenRows(golden);
    const scaler = scalerOf(features(D), train.X);
    expect(worst(scaler.moments.mean, golden.scaler.mean) <= 1e-9).toBe(true);
    expect(worst(scaler.factor, golden.scaler.sd.map((sd) => 1 / sd)) <= 1e-9).toBe(true);
    const [A, Z] = [scaleRows(scaler, train.X), scaleRows(scaler, test.X)];
    for (const { C, balanced: even, coef, intercept, decision } of golden.logistic) {
      const { w, gradientMax } = fitLogistic(A, train.y, D, { l2: 1 / C, ...(even ? { classWeights: balanced(train.y) } : {}) });
      expect(gradientMax <= 1e-8).toBe(true);
      expect(worst(w, [...coef, intercept]) <= 1e-6).toBe(true);
      expect(worst(Array.from(test.y, (_, i) => linear(w, Z, i * D, D)), decision) <= 1e-6).toBe(true);
    }
  });

  it('converges where the classes can be separated, and says what it cannot train on', () => {
    const [X, y] = [Float64Array.of(-2, -1, 1, 2), Uint8Array.of(0, 0, 1, 1)];
    expect(fitLogistic(X, y, 1, { l2: 1e-6 }).gradientMax <= 1e-9).toBe(true);
    expect(() => fitLogistic(X, y, 1, { l2: 0 })).toThrow('logistic: l2 must be a number > 0, got 0');
    expect(() => fitLogistic(X, Uint8Array.of(0, 0, 0, 0), 1, { l2: 1 })).toThrow('needs rows of both labels, got 0 of 4 positive');
    expect(() => fitLogistic(Float64Array.of(1, NaN, 2, 3), y, 1, { l2: 1 })).toThrow('X[1, 0] must be finite, got NaN');
    expect(() => fitLogistic(X, y, 2, { l2: 1 })).toThrow('X must hold 4 x 2 numbers, got 4');
  });

  it('is a file that comes back the same, and is refused when cut short or of another version', () => {
    const golden = readGolden();
    const { D, train, test } = goldenRows(golden);
    const model = trainLogistic(train.X, train.y, { features: features(D).map((feature) => ({ ...feature, missing: 'mean' })), clip: 6, l2: 1 });
    const bytes = Buffer.concat(saveLogistic(model));
    const again = loadLogistic([bytes]);
    const row = test.X.slice(0, D);
    row[2] = NaN;
    expect(logisticLogOdds(again, row)).toBe(logisticLogOdds(model, row));
    const out = new Float64Array(2 * D);
    expect(logisticTerms(again, row, 0, out) + out.reduce((sum, term) => sum + term, 0)).toBeCloseTo(logisticLogOdds(model, row), 10);
    expect(Buffer.concat(saveLogistic(again)).equals(bytes)).toBe(true);
    expect(() => loadLogistic([bytes.subarray(0, bytes.length - 9)])).toThrow('batch logistic regression');
    expect(() => loadLogistic([bytes.subarray(0, 10)])).toThrow('truncated');
    const other = Buffer.from(bytes);
    other.writeUInt32LE(9, 4);
    expect(() => loadLogistic([other])).toThrow('version 9, this build reads 1');
    other.write('ALXX', 0, 'latin1');
    expect(() => loadLogistic([other])).toThrow('starts with "ALXX"');
  });
});

describe("Platt's calibration", () => {
  it('gives the worked number, and stays finite where the classes can be separated', () => {
    const { a, b } = fitPlatt(Float64Array.of(-1, 1), Uint8Array.of(0, 1));
    expect(a).toBeCloseTo(Math.LN2, 6);
    expect(b).toBeCloseTo(0, 6);
    const one = fitPlatt(Float64Array.of(2, 2), Uint8Array.of(1, 1));
    expect(Number.isFinite(one.a) && Number.isFinite(one.b)).toBe(true);
    expect(() => fitPlatt(Float64Array.of(NaN), Uint8Array.of(1))).toThrow('platt: scores[0] must be finite, got NaN');
  });

  it('has the gradient of its loss, by central differences', () => {
    const [scores, targets] = [Float64Array.of(-2, -0.3, 0.4, 3), Float64Array.of(0.2, 0.2, 0.8, 0.8)];
    const fit = { a: 0.7, b: -0.4 };
    const { da, db, haa, hab, hbb } = derivatives(scores, targets, fit);
    const h = 1e-5;
    const slope = (left: number, right: number): number =>
      (plattLoss(scores, targets, { a: fit.a + left, b: fit.b + right }) - plattLoss(scores, targets, { a: fit.a - left, b: fit.b - right })) / (2 * h);
    expect(Math.abs(slope(h, 0) - da) <= 1e-9).toBe(true);
    expect(Math.abs(slope(0, h) - db) <= 1e-9).toBe(true);
    const [up, down] = [derivatives(scores, targets, { a: fit.a + h, b: fit.b }), derivatives(scores, targets, { a: fit.a - h, b: fit.b })];
    expect(Math.abs((up.da - down.da) / (2 * h) - haa) <= 1e-8).toBe(true);
    expect(Math.abs((up.db - down.db) / (2 * h) - hab) <= 1e-8).toBe(true);
    const [right, left] = [derivatives(scores, targets, { a: fit.a, b: fit.b + h }), derivatives(scores, targets, { a: fit.a, b: fit.b - h })];
    expect(Math.abs((right.db - left.db) / (2 * h) - hbb) <= 1e-8).toBe(true);
  });

  it('agrees with scikit-learn on its decision values', () => {
    const golden = readGolden();
    const { train } = goldenRows(golden);
    for (const { train: scores, platt } of golden.svc) {
      const { a, b } = fitPlatt(Float64Array.from(scores), train.y);
      expect(Math.abs(a - platt.a) <= 2e-4 * Math.abs(platt.a)).toBe(true);
      expect(Math.abs(b - platt.b) <= 2e-4 * (1 + Math.abs(platt.b))).toBe(true);
    }
  });
});
