/**
 * uci-credit-default, the last fifth of the file held out: how well the two batch models rank it, and how fast they are
 * trained, beside scikit-learn on the same rows and the same features in the same run.
 */
import { linear, balanced } from '../models/linear/logistic.js';
import { fitLogistic } from '../models/linear/newton.js';
import { scaleRows, scalerOf } from '../models/linear/scaler.js';
import { auc } from '../models/metrics/ranking.js';
import { decision, trainSvm, type Trained } from '../models/svm/svm.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { creditFile, deriveCredit, featuresOf, readCredit, rowsOf, splitCredit, type Matrix } from './risk-credit.js';
import { askSklearn } from './risk-peers.js';

/** Candidates, of which the validation part chooses. */
const penalties = [10, 100, 300, 1000, 3000, 10_000];
/** The rows before the test part: a kernel's training time grows with their square. */
const svmRows = 5000;
/** From C of .1, 1, 10, gamma of .001, .003, .01, balanced or not: the best on the validation part (AUC .776; the worst .712). */
const svmChoice = { C: 0.1, gamma: 0.001 };
const rounds = 3;

interface Scaled {
  A: Float64Array;
  Z: Float64Array;
  D: number;
}

/** Scaled by the rows before `cut`: those, and the ones from there to `end`. */
function scaled(matrix: Matrix, cut: number, end: number): Scaled {
  const scaler = scalerOf(featuresOf(matrix), rowsOf(matrix, 0, cut).X);
  return { A: scaleRows(scaler, rowsOf(matrix, 0, cut).X), Z: scaleRows(scaler, rowsOf(matrix, cut, end).X), D: matrix.names.length };
}

function logisticAuc({ A, Z, D }: Scaled, y: Uint8Array, truth: Uint8Array, l2: number): number {
  const { w } = fitLogistic(A, y, D, { l2 });
  return auc(Float64Array.from(truth, (_, i) => linear(w, Z, i * D, D)), truth);
}

/** The penalty that ranks the last fifth of the training part best. */
function chosenPenalty(matrix: Matrix): number {
  const { validation, test } = splitCredit(matrix.y.length);
  const part = scaled(matrix, validation, test);
  const [y, truth] = [matrix.y.subarray(0, validation), matrix.y.subarray(validation, test)];
  const found = penalties.map((l2) => logisticAuc(part, y, truth, l2));
  return penalties[found.indexOf(Math.max(...found))];
}

/** The best of the rounds, in seconds of processor time: other processes on the machine do not count. */
function timed<T>(work: () => T): { s: number; result: T } {
  let [s, result] = [Infinity, work()];
  for (let round = 0; round < rounds; round += 1) {
    const started = process.cpuUsage();
    result = work();
    const { user, system } = process.cpuUsage(started);
    s = Math.min(s, (user + system) / 1e6);
  }
  return { s, result };
}

async function rowsFor(name: string, matrix: Matrix, say: SuiteOptions['say']): Promise<Row[]> {
  const { test } = splitCredit(matrix.y.length);
  const l2 = chosenPenalty(matrix);
  const part = scaled(matrix, test, matrix.y.length);
  const { A, Z, D } = part;
  const [y, truth] = [matrix.y.subarray(0, test), matrix.y.subarray(test)];
  const logistic = timed(() => fitLogistic(A, y, D, { l2 }));
  const logisticTest = logisticAuc(part, y, truth, l2);
  const late = y.subarray(test - svmRows);
  const svm = timed((): Trained => trainSvm(A.subarray((test - svmRows) * D), late, D, { kernel: { kind: 'rbf', gamma: svmChoice.gamma }, C: svmChoice.C, classWeights: balanced(late), folds: 0 }));
  const svmTest = auc(Float64Array.from(truth, (_, i) => decision(svm.result.model, Z, i * D)), truth);
  say(`${name}: ${D} features, l2 ${l2}: logistic ${logisticTest.toFixed(4)} in ${logistic.s.toFixed(2)} s; svm ${svmTest.toFixed(4)} in ${svm.s.toFixed(2)} s, ${svm.result.supports} supports`);
  const peer = await askSklearn(matrix, { cut: test, svmRows, l2, ...svmChoice, rounds }, say);
  const note = 'scikit-learn, same rows and features';
  return [
    row(`${name}.logistic.auc`, logisticTest, 'AUC', peer?.logistic.auc ?? null, note),
    row(`${name}.logistic.train_s`, logistic.s, 's', peer?.logistic.s ?? null, note),
    row(`${name}.svm.auc`, svmTest, 'AUC', peer?.svm.auc ?? null, note),
    row(name === 'risk.credit' ? 'risk.svm.train_s' : `${name}.svm.train_s`, svm.s, 's', peer?.svm.s ?? null, `${note}, ${svmRows} rows of ${D}`),
  ];
}

export async function creditRows(say: SuiteOptions['say']): Promise<Row[]> {
  const plain = readCredit();
  if (plain === undefined) {
    say(`risk.credit is skipped: ${creditFile} is not here`);
    return [];
  }
  return [...(await rowsFor('risk.credit', deriveCredit(plain), say)), ...(await rowsFor('risk.credit.plain', plain, say))];
}
