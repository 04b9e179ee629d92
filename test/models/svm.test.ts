import { describe, expect, it } from 'vitest';
import { balanced } from '../../models/linear/logistic.js';
import { fitPlatt, plattProbability } from '../../models/linear/platt.js';
import { scaleRows, scalerOf } from '../../models/linear/scaler.js';
import { brier } from '../../models/metrics/calibration.js';
import { auc } from '../../models/metrics/ranking.js';
import { createRowCache } from '../../models/svm/cache.js';
import { kernelNaive, kernelRow, scaleGamma, squares, type Kernel } from '../../models/svm/kernel.js';
import { loadSvm, saveSvm } from '../../models/svm/model-file.js';
import { reduce } from '../../models/svm/reduce.js';
import { partner, solve } from '../../models/svm/smo.js';
import { changes, decision, probability, trainSvm, type SvmOptions } from '../../models/svm/svm.js';
import { goldenRows, readGolden, seeded, worst } from '../support/risk-golden.js';

const golden = readGolden();
const { D, train, test } = goldenRows(golden);
const scaler = scalerOf(Array.from({ length: D }, (_, j) => ({ name: `f${j}`, scale: 'z' as const, missing: 'refuse' as const })), train.X);
const [A, Z] = [scaleRows(scaler, train.X), scaleRows(scaler, test.X)];
const rbf: Kernel = { kind: 'rbf', gamma: 0.25 };

describe('kernels', () => {
  it.each<Kernel>([{ kind: 'linear' }, { kind: 'rbf', gamma: 0.7 }])('$kind: a row equals the formula', (kernel) => {
    for (const N of [1, 3, 4, 7, 300]) {
      const [X, out] = [A.subarray(0, N * D), new Float64Array(N)];
      kernelRow(kernel, Z, 2 * D, squares(Z, D)[2], X, squares(X, D), D, out);
      expect(worst(out, Array.from(out, (_, i) => kernelNaive(kernel, Z, 2, X, i, D))) <= 1e-12).toBe(true);
    }
  });

  it('keeps small distances between rows far from the origin, in single precision too', () => {
    const [X, out] = [Float64Array.of(1e4, 1e4 + 0.1, 1e4 - 0.2, 1e4 + 0.3, 1e4 - 0.1), new Float32Array(5)];
    kernelRow({ kind: 'rbf', gamma: 1 }, X, 0, 1e8, X, squares(X, 1), 1, out);
    expect(worst(out, [0, 0.1, 0.2, 0.3, 0.1].map((distance) => Math.exp(-distance * distance))) <= 1e-6).toBe(true);
  });

  it("finds scikit-learn's width", () => {
    expect(scaleGamma(Float64Array.of(0, 2), 1)).toBe(1);
    expect(scaleGamma(A, D)).toBeCloseTo(golden.svc[1].gamma ?? NaN, 12);
    expect(() => scaleGamma(Float64Array.of(3, 3), 1)).toThrow('gamma cannot be found');
  });
});

describe('the cache of kernel rows', () => {
  it('keeps the rows used last, and no more than fit', () => {
    const cache = createRowCache(5, 3 * 20, (row, out) => out.fill(row));
    const asked: number[] = [];
    for (const row of [0, 1, 2, 0, 3, 0, 1, 3]) {
      const before = cache.misses();
      expect(Array.from(cache.get(row))).toEqual([row, row, row, row, row]);
      if (cache.misses() > before) asked.push(row);
    }
    expect(asked).toEqual([0, 1, 2, 3, 1]); // 3 pushes 1 out, 1 pushes 2 out
    const [one, two] = [cache.get(4), cache.get(2)];
    expect([one[0], two[0]]).toEqual([4, 2]);
    expect(() => createRowCache(100, 799, () => undefined)).toThrow('must hold two rows of 100 kernel values (800 bytes), got 799');
  });
});

describe('SMO', () => {
  const y = Int8Array.from(train.y, (label) => (label === 1 ? 1 : -1));
  const K = Array.from(y, (_, i) => Float32Array.from(y, (_label, j) => kernelNaive(rbf, A, i, A, j, D)));
  const problem = { y, C: Float64Array.from(y, (label) => (label > 0 ? 2 : 0.5)), diagonal: new Float64Array(y.length).fill(1), row: (i: number) => K[i], tolerance: 1e-6, iterationsMax: 1e6 };

  it('ends where the optimality conditions hold', () => {
    const { signed, b } = solve(problem);
    let [sum, free] = [0, 0];
    for (let i = 0; i < y.length; i += 1) {
      const a = y[i] * signed[i];
      expect(a >= 0 && a <= problem.C[i]).toBe(true);
      sum += signed[i];
      const margin = y[i] * (b + signed.reduce((f, s, j) => f + s * K[i][j], 0));
      if (a > 0 && a < problem.C[i]) {
        free += 1;
        expect(Math.abs(margin - 1) <= 2e-6).toBe(true);
      } else expect(a === 0 ? margin >= 1 - 2e-6 : margin <= 1 + 2e-6).toBe(true);
    }
    expect(Math.abs(sum) <= 1e-12).toBe(true);
    expect(free).toBeGreaterThan(10);
  });

  it('finds a lower dual than any other point tried', () => {
    const { signed, objective } = solve(problem);
    const dual = (s: Float64Array): number => s.reduce((total, si, i) => total + (si * s.reduce((f, sj, j) => f + sj * K[i][j], 0)) / 2 - si * y[i], 0);
    expect(Math.abs(dual(signed) - objective) <= 1e-5).toBe(true);
    const next = seeded(4);
    for (let round = 0; round < 200; round += 1) {
      const [i, j] = [Math.floor(next() * y.length), Math.floor(next() * y.length)];
      const [moved, d] = [signed.slice(), (next() - 0.5) * 0.2];
      moved[i] += d;
      moved[j] -= d;
      const inside = [i, j].every((t) => y[t] * moved[t] >= 0 && y[t] * moved[t] <= problem.C[t]);
      if (inside) expect(dual(moved) >= objective - 1e-6).toBe(true);
    }
  });

  it('pairs a row with the one that makes the dual fall most', () => {
    const next = seeded(8);
    for (let round = 0; round < 20; round += 1) {
      const i = Math.floor(next() * 50);
      const v = Float64Array.from({ length: 50 }, () => next() - 0.5);
      const low = Uint8Array.from(v, () => (next() < 0.6 ? 1 : 0));
      // Along s_i + d, s_j - d the dual is d^2/2 (K_ii + K_jj - 2 K_ij) - d (v_i - v_j): its lowest value.
      const lowest = Array.from(v, (vj, j) => (low[j] === 1 && vj < v[i] ? -((v[i] - vj) ** 2) / (2 * (2 - 2 * K[i][j])) : Infinity));
      const expected = Math.min(...lowest);
      expect(partner(i, v, low, K[i], problem.diagonal)).toBe(expected === Infinity ? -1 : lowest.indexOf(expected));
    }
  });

  it('handles equal rows of both labels, and says when the steps were not enough', () => {
    const ones = new Float32Array(2).fill(1);
    const twins = { ...problem, y: Int8Array.of(1, -1), C: Float64Array.of(1, 1), diagonal: Float64Array.of(1, 1), row: () => ones };
    expect(Array.from(solve(twins).signed)).toEqual([1, -1]);
    expect(() => solve({ ...problem, iterationsMax: 3 })).toThrow('svm: 3 steps left a gap of');
  });
});

describe('against scikit-learn', () => {
  it.each(golden.svc)('$kernel, C $C, balanced $balanced', ({ kernel, C, gamma, balanced: even, decision: expected, supports, iterations, platt, probability: p }) => {
    const options: SvmOptions = {
      kernel: kernel === 'linear' ? { kind: 'linear' } : { kind: 'rbf', gamma: gamma ?? NaN },
      C, tolerance: 1e-6, folds: 0, ...(even ? { classWeights: balanced(train.y) } : {}),
    };
    const trained = trainSvm(A, train.y, D, options);
    const values = Float64Array.from(test.y, (_, i) => decision(trained.model, Z, i * D));
    expect(worst(values, expected) <= 2e-5, `off by ${worst(values, expected)}`).toBe(true);
    expect(trained.supports).toBe(supports);
    // The same working sets, but for what shrinking and rounding make of ties, of which a linear kernel of four features is full.
    if (kernel === 'rbf') expect(Math.abs(trained.iterations / iterations - 1), `${trained.iterations} against ${iterations}`).toBeLessThan(0.25);
    expect(worst(values.map((value) => plattProbability(platt, value)), p) <= 1e-5).toBe(true);
    // Fewer rows in the cache than are asked for: slower, and the same.
    const tight = trainSvm(A, train.y, D, { ...options, cacheBytes: 4 * 300 * 5 });
    expect(tight.model).toEqual(trained.model);
  });
});

describe('probabilities', () => {
  it('come from folds that were held out: the training rows themselves would be too sure', () => {
    const options: SvmOptions = { kernel: { kind: 'rbf', gamma: 4 }, C: 50 };
    const { model } = trainSvm(A, train.y, D, options);
    const of = (platt: typeof model.platt): number => brier(Array.from(test.y, (_, i) => probability({ ...model, platt }, Z, i * D)), test.y);
    const sure = fitPlatt(Float64Array.from(train.y, (_, i) => decision(model, A, i * D)), train.y);
    expect(of(model.platt)).toBeLessThan(of(sure) - 0.01);
  });

  it('are the same each time, and follow the order of the decision values', () => {
    const [one, two] = [1, 2].map(() => trainSvm(A, train.y, D, { kernel: rbf, C: 1 }).model);
    expect(one).toEqual(two);
    const p = Float64Array.from(test.y, (_, i) => probability(one, Z, i * D));
    const f = Float64Array.from(test.y, (_, i) => decision(one, Z, i * D));
    expect(auc(p, test.y)).toBe(auc(f, test.y));
  });
});

describe('fewer support vectors', () => {
  const { model, supports } = trainSvm(A, train.y, D, { kernel: rbf, C: 1, folds: 0 });
  const row = (i: number): Float64Array => {
    const out = new Float64Array(supports);
    kernelRow(rbf, model.supports, i * D, model.squares[i], model.supports, model.squares, D, out);
    return out;
  };

  it('loses what the formula says: |f - g|^2 / |f|^2 by the kernel matrix', () => {
    const { kept, coefficients, lost } = reduce(model.coefficients, row, 20);
    expect([kept.length, new Set(kept).size]).toEqual([20, 20]);
    const difference = model.coefficients.slice();
    kept.forEach((i, k) => (difference[i] -= coefficients[k]));
    const norm2 = (s: Float64Array): number => s.reduce((sum, si, i) => sum + si * row(i).reduce((f, k, j) => f + k * s[j], 0), 0);
    expect(lost).toBeCloseTo(norm2(difference) / norm2(model.coefficients), 8);
    // The nearest one: no kept coefficient can be moved for the better.
    for (let k = 0; k < 20; k += 1) {
      for (const step of [1e-3, -1e-3]) {
        const moved = difference.slice();
        moved[kept[k]] += step;
        expect(norm2(moved) > norm2(difference)).toBe(true);
      }
    }
  });

  it('loses less with more of them, and nothing with all', () => {
    const losses = [5, 10, 20, 40, 80, supports].map((R) => reduce(model.coefficients, row, R).lost);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(losses[losses.length - 1] <= 1e-9).toBe(true);
    expect(() => reduce(model.coefficients, row, supports + 1)).toThrow(`a whole number from 1 to ${supports}`);
  });

  it('is a setting', () => {
    const small = trainSvm(A, train.y, D, { kernel: rbf, C: 1, folds: 0, supportsMax: 40 });
    expect([small.model.coefficients.length, small.supports]).toEqual([40, supports]);
    const values = [small.model, model].map((m) => Float64Array.from(test.y, (_, i) => decision(m, Z, i * D)));
    expect(Math.abs(auc(values[0], test.y) - auc(values[1], test.y)) <= 0.02).toBe(true);
    expect(small.lost).toBeGreaterThan(0);
  });
});

it.each<Kernel>([{ kind: 'linear' }, rbf])('$kind: the change of each feature is that of replacing it', (kernel) => {
  const { model } = trainSvm(A, train.y, D, { kernel, C: 1, folds: 0 });
  const [x, usual, out] = [Z.slice(0, D), Float64Array.of(0.1, -0.2, 0, 0.4), new Float64Array(D)];
  const f = decision(model, x);
  expect(changes(model, x, usual, out)).toBeCloseTo(f, 10);
  for (let j = 0; j < D; j += 1) {
    const replaced = x.slice();
    replaced[j] = usual[j];
    expect(out[j]).toBeCloseTo(f - decision(model, replaced), 10);
  }
});

describe('the model file', () => {
  it.each<SvmOptions>([{ kernel: { kind: 'linear' }, C: 1 }, { kernel: rbf, C: 1, supportsMax: 50 }, { kernel: rbf, C: 1, folds: 0 }])('comes back the same: %o', (options) => {
    const { model } = trainSvm(A, train.y, D, options);
    const bytes = Buffer.concat(saveSvm(model));
    expect(loadSvm([bytes.subarray(0, 77), bytes.subarray(77)])).toEqual(model);
    expect(Buffer.concat(saveSvm(loadSvm([bytes]))).equals(bytes)).toBe(true);
  });

  it('is refused by name when it is cut short, damaged, of another kind or of another version', () => {
    const bytes = Buffer.concat(saveSvm(trainSvm(A, train.y, D, { kernel: rbf, C: 1 }).model));
    const changed = (edit: (copy: Buffer) => void): Buffer[] => {
      const copy = Buffer.from(bytes);
      edit(copy);
      return [copy];
    };
    expect(() => loadSvm([bytes.subarray(0, 15)])).toThrow('svm snapshot: truncated, 15 bytes');
    expect(() => loadSvm([bytes.subarray(0, bytes.length - 1)])).toThrow('svm snapshot: checksum differs');
    expect(() => loadSvm(changed((copy) => (copy[300] ^= 1)))).toThrow('svm snapshot: checksum differs');
    expect(() => loadSvm(changed((copy) => copy.write('ALRB', 0, 'latin1')))).toThrow('svm snapshot: starts with "ALRB"');
    expect(() => loadSvm(changed((copy) => copy.writeUInt32LE(2, 4)))).toThrow('svm snapshot: version 2, this build reads 1');
  });
});

it('says what it cannot train on', () => {
  const bad = (change: Partial<SvmOptions>): (() => unknown) => () => trainSvm(A, train.y, D, { kernel: rbf, C: 1, ...change });
  expect(bad({ C: 0 })).toThrow('svm: C must be a number > 0, got 0');
  expect(bad({ kernel: { kind: 'rbf', gamma: NaN } })).toThrow('svm: gamma must be a number > 0, got NaN');
  expect(bad({ folds: 1 })).toThrow('svm: folds must be 0 or a whole number >= 2, got 1');
  expect(bad({ supportsMax: 0 })).toThrow('svm: supportsMax must be a whole number >= 1, got 0');
  expect(bad({ folds: 500 })).toThrow('500 folds need as many rows of each label');
  const { model } = trainSvm(A, train.y, D, { kernel: rbf, C: 1, folds: 0 });
  expect(() => probability(model, Z)).toThrow('trained with folds 0');
  expect(() => decision(model, Float64Array.of(1, NaN, 2, 3))).toThrow('a row must be 4 finite numbers');
  expect(() => decision(model, Float64Array.of(1))).toThrow('a row must be 4 finite numbers');
});
