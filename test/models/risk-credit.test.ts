import { describe, expect, it } from 'vitest';
import { creditFile, deriveCredit, featuresOf, readCredit, rowsOf, splitCredit, type Matrix } from '../../bench/risk-credit.js';
import { balanced, linear } from '../../models/linear/logistic.js';
import { fitLogistic } from '../../models/linear/newton.js';
import { scaleRows, scalerOf } from '../../models/linear/scaler.js';
import { auc } from '../../models/metrics/ranking.js';
import { decision, trainSvm } from '../../models/svm/svm.js';
import { readGolden } from '../support/risk-golden.js';

const plain = readCredit();
if (plain === undefined) console.log(`skipped: ${creditFile} is not here (the data sets are not a part of this repository)`);
const { credit } = readGolden();

describe('derived columns', () => {
  it('stand for what they say', () => {
    const names = ['LIMIT_BAL', 'SEX', 'EDUCATION', 'MARRIAGE', 'AGE', ...[1, 2, 3, 4, 5, 6].map((k) => `PAY_${k}`), ...[1, 2, 3, 4, 5, 6].map((k) => `BILL_${k}`), ...[1, 2, 3, 4, 5, 6].map((k) => `AMT_${k}`)];
    const x = [20_000, 2, 2, 1, 24, 2, 2, -1, -1, -2, -2, 3913, 3102, 689, 0, 0, 0, 0, 689, 0, 0, 0, 0];
    const derived = deriveCredit({ names, X: Float64Array.from(x), y: Uint8Array.of(1) });
    const of = (name: string): number => derived.X[derived.names.indexOf(name)];
    expect(of('log limit')).toBeCloseTo(Math.log(20_000), 12);
    expect([of('sex 2'), of('education 2'), of('education 1'), of('marriage 1')]).toEqual([1, 1, 0, 1]);
    expect([of('state 2 this month'), of('state -1 this month'), of('state -2 5 months ago')]).toEqual([1, 0, 1]);
    expect(of('utilisation 1 months ago')).toBeCloseTo(3102 / 20_000, 12);
    expect(of('share paid of the bill 2 months ago')).toBeCloseTo(1, 12); // 689 of 689, paid a month later
    expect([of('months late at all'), of('worst lateness'), of('total lateness')]).toEqual([2, 2, 4]);
    expect([of('nothing paid this month'), of('nothing paid 1 months ago'), of('nothing owed 3 months ago')]).toEqual([1, 0, 1]);
    expect(new Set(derived.names).size).toBe(derived.X.length);
  });
});

/** The last fifth of the file held out, as in the golden file. */
function part(matrix: Matrix) {
  const { test } = splitCredit(matrix.y.length);
  const scaler = scalerOf(featuresOf(matrix), rowsOf(matrix, 0, test).X);
  return {
    D: matrix.names.length,
    A: scaleRows(scaler, rowsOf(matrix, 0, test).X), y: matrix.y.subarray(0, test),
    Z: scaleRows(scaler, rowsOf(matrix, test, matrix.y.length).X), truth: matrix.y.subarray(test),
  };
}

describe.skipIf(plain === undefined).each(['plain', 'derived'] as const)('uci-credit-default, %s features', (kind) => {
  const { features, logistic, svm } = credit[kind];
  const data = plain === undefined ? undefined : part(kind === 'plain' ? plain : deriveCredit(plain));

  it("logistic regression ranks as scikit-learn's does", () => {
    const { A, y, Z, truth, D } = data!;
    expect(D).toBe(features);
    const { w } = fitLogistic(A, y, D, { l2: 1 / logistic.C });
    const found = auc(Float64Array.from(truth, (_, i) => linear(w, Z, i * D, D)), truth);
    expect(found >= logistic.auc - 1e-4, `${found} against ${logistic.auc}`).toBe(true);
    expect(found >= (kind === 'derived' ? 0.75 : 0.708), `${found}`).toBe(true);
  });

  // Plain: all supports; derived: no more than a hundred of them.
  it("the RBF SVM ranks as scikit-learn's does", () => {
    const { A, y, Z, truth, D } = data!;
    const rows = 5000;
    const late = y.subarray(y.length - rows);
    const options = { kernel: { kind: 'rbf', gamma: svm.gamma }, C: svm.C, classWeights: balanced(late), folds: 0 } as const;
    const supportsMax = kind === 'plain' ? rows : 100;
    const { model } = trainSvm(A.subarray((y.length - rows) * D), late, D, { ...options, supportsMax });
    const found = auc(Float64Array.from(truth, (_, i) => decision(model, Z, i * D)), truth);
    expect(Math.abs(found - svm.auc) <= 0.005, `${found} against ${svm.auc}`).toBe(true);
    expect(model.coefficients.length <= supportsMax).toBe(true);
  });
});
