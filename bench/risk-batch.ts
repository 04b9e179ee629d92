/**
 * Batch logistic regression by Newton's method beside npm's `ml-logistic-regression` (gradient descent), on the training part
 * of uci-credit-default, judged on its own last fifth. Theirs has no intercept and gets a column of ones; its sum of
 * gradients over all rows needs a small step, so several are tried, as are several penalties here; of both the best log loss
 * on the held-out part counts. Processor time.
 */
import { createRequire } from 'node:module';
import { Matrix as Dense } from 'ml-matrix';
import { linear, sigmoid } from '../models/linear/logistic.js';
import { fitLogistic } from '../models/linear/newton.js';
import { scaleRows, scalerOf } from '../models/linear/scaler.js';
import { logLoss } from '../models/metrics/calibration.js';
import { auc } from '../models/metrics/ranking.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { creditFile, deriveCredit, featuresOf, readCredit, rowsOf, splitCredit, type Matrix } from './risk-credit.js';

interface Peer {
  train(X: Dense, Y: Dense): void;
  classifiers: { testScores(X: Dense): number[] }[];
}
const LogisticRegression = createRequire(import.meta.url)('ml-logistic-regression') as new (options: { numSteps: number; learningRate: number }) => Peer;

const steps = 300;
/** The package's own default is 5e-4. */
const rates = [1e-6, 1e-5, 3e-5, 5e-4];
const penalties = [1, 100, 1000];

function seconds(work: () => void): number {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

function compare(name: string, matrix: Matrix, say: SuiteOptions['say']): Row[] {
  const { validation, test } = splitCredit(matrix.y.length);
  const [train, held, D] = [rowsOf(matrix, 0, validation), rowsOf(matrix, validation, test), matrix.names.length];
  const scaler = scalerOf(featuresOf(matrix), train.X);
  const [A, Z] = [scaleRows(scaler, train.X), scaleRows(scaler, held.X)];
  const ours = penalties.map((l2) => {
    let w: Float64Array = new Float64Array(0);
    const took = Math.min(...[1, 2, 3].map(() => seconds(() => (w = fitLogistic(A, train.y, D, { l2 }).w))));
    const scores = Float64Array.from(held.y, (_, i) => linear(w, Z, i * D, D));
    const found = { l2, took, auc: auc(scores, held.y), loss: logLoss(scores.map(sigmoid), held.y) };
    say(`${name}: Newton, l2 ${l2}: ${took.toFixed(2)} s, AUC ${found.auc.toFixed(4)}, log loss ${found.loss.toFixed(4)}`);
    return found;
  });
  const mine = ours.reduce((a, b) => (b.loss < a.loss ? b : a));
  const dense = (X: Float64Array, rows: number): Dense => new Dense(Array.from({ length: rows }, (_, i) => [...X.subarray(i * D, (i + 1) * D), 1]));
  const [X, Y, H] = [dense(A, train.y.length), Dense.columnVector(Array.from(train.y)), dense(Z, held.y.length)];
  const peers = rates.map((learningRate) => {
    const peer = new LogisticRegression({ numSteps: steps, learningRate });
    const peerTook = seconds(() => peer.train(X, Y));
    const p = peer.classifiers[0].testScores(H); // its first classifier says "not class 0"
    const found = { learningRate, took: peerTook, auc: p.every(Number.isFinite) ? auc(p, held.y) : NaN, loss: p.every(Number.isFinite) ? logLoss(p, held.y) : NaN };
    say(`${name}: ml-logistic-regression, ${steps} steps of ${learningRate}: ${found.took.toFixed(1)} s, AUC ${found.auc.toFixed(4)}, log loss ${found.loss.toFixed(4)}`);
    return found;
  });
  const best = peers.reduce((a, b) => (b.loss < a.loss ? b : a));
  const note = `ml-logistic-regression, ${steps} steps of ${best.learningRate}, the best of ${rates.length}`;
  return [row(`${name}.train_s`, mine.took, 's', best.took, note), row(`${name}.auc`, mine.auc, 'AUC', best.auc, note), row(`${name}.log_loss`, mine.loss, 'nats', best.loss, note)];
}

export function batchRows(say: SuiteOptions['say']): Row[] {
  const plain = readCredit();
  if (plain === undefined) {
    say(`risk.batch is skipped: ${creditFile} is not here`);
    return [];
  }
  return [...compare('risk.batch.plain', plain, say), ...compare('risk.batch.derived', deriveCredit(plain), say)];
}
