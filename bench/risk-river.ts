/**
 * Scaling and logistic regression alone, predicting each row and then learning it, beside river's StandardScaler +
 * LogisticRegression on the same rows in the same order. The rows lie in a typed array here and in a dict there, made
 * beforehand in both cases. Twice: with river's own algorithm, and with the adaptive, calibrated model of this project.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { defaultCalibrationSettings } from '../models/linear/calibrate.js';
import { defaultFtrlSettings } from '../models/linear/ftrl.js';
import { linear, sigmoid } from '../models/linear/logistic.js';
import { createOnline, learn, observeRow, score } from '../models/linear/online.js';
import { createScaler, observe, scale, type Feature } from '../models/linear/scaler.js';
import { stepSgd } from '../models/linear/sgd.js';
import { auc } from '../models/metrics/ranking.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { creditFile, readCredit, type Matrix } from './risk-credit.js';
import { askRiver } from './risk-peers.js';

const cardFile = '../shared/data/creditcard-ulb/creditcard_492fraud_plus_9507.csv.gz';
const rate = 0.01; // river's default
const rounds = 15;

/** Time,V1..V28,Amount,Class; the file has the frauds in front, so the rows are put in order of time. undefined where it is not here. */
export function readCards(file = cardFile): Matrix | undefined {
  if (!existsSync(file)) return undefined;
  const [header, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split(/\r?\n/);
  const names = header.split(',').slice(0, -1);
  if (names.length !== 30 || names[0] !== 'Time' || names[29] !== 'Amount') throw new Error(`${file}: line 1 is "${header.slice(0, 100)}", expected Time,V1..V28,Amount,Class`);
  const rows = lines.map((line) => line.split(',').map(Number)).sort((a, b) => a[0] - b[0]);
  return { names, X: Float64Array.from(rows.flatMap((fields) => fields.slice(0, 30))), y: Uint8Array.from(rows, (fields) => fields[30]) };
}

const features = (names: readonly string[]): Feature[] => names.map((name) => ({ name, scale: 'z', missing: 'refuse' }));

type Pass = (matrix: Matrix) => Float64Array;

/** river's algorithm. */
const plain: Pass = ({ names, X, y }) => {
  const D = names.length;
  const scaler = createScaler(features(names));
  const [w, scaled, scores] = [new Float64Array(D + 1), new Float64Array(D), new Float64Array(y.length)];
  for (let i = 0; i < y.length; i += 1) {
    scale(scaler, X, i * D, scaled, 0);
    scores[i] = sigmoid(linear(w, scaled, 0, D));
    observe(scaler, X, i * D);
    scale(scaler, X, i * D, scaled, 0);
    stepSgd(w, scaled, 0, y[i], rate);
  }
  return scores;
};

/** This project's, as it scores purchases. */
const adaptive: Pass = ({ names, X, y }) => {
  const D = names.length;
  const model = createOnline({ features: features(names), clip: 10, ftrl: defaultFtrlSettings, calibration: defaultCalibrationSettings });
  const scores = new Float64Array(y.length);
  for (let i = 0; i < y.length; i += 1) {
    scores[i] = score(model, X, i * D);
    observeRow(model, X, i * D);
    learn(model, X, y[i], i * D);
  }
  return scores;
};

/**
 * The best of several passes by processor time, as river is timed: other processes on the machine do not count against
 * either. The first pass warms up; all of them give the same scores.
 */
function timed(pass: Pass, matrix: Matrix): { perS: number; scores: Float64Array } {
  const scores = pass(matrix);
  const took = Array.from({ length: rounds }, () => {
    const started = process.cpuUsage();
    const again = pass(matrix);
    const { user, system } = process.cpuUsage(started);
    if (!again.every((value, i) => value === scores[i])) throw new Error('bench: two passes over the same rows differ');
    return (user + system) / 1e6;
  });
  return { perS: matrix.y.length / Math.min(...took), scores };
}

async function against(name: string, matrix: Matrix, say: SuiteOptions['say']): Promise<Row[]> {
  const [ours, better] = [timed(plain, matrix), timed(adaptive, matrix)];
  const peer = await askRiver(matrix, { rate, names: matrix.names, rounds: 3 }, say);
  const [mine, theirs] = [auc(ours.scores, matrix.y), peer === undefined ? null : auc(peer.scores, matrix.y)];
  say(`${name}: plain ${ours.perS.toFixed(0)}/s, AUC ${mine.toFixed(4)}; adaptive ${better.perS.toFixed(0)}/s, AUC ${auc(better.scores, matrix.y).toFixed(4)}; river ${peer?.perS.toFixed(0) ?? '-'}/s, AUC ${theirs?.toFixed(4) ?? '-'}`);
  return [
    row(name, ours.perS, 'events/s', peer?.perS ?? null, "river's StandardScaler + LogisticRegression"),
    row(`${name}.auc`, mine, 'AUC', theirs, 'river'),
    ...(theirs === null ? [] : [row(`${name}.auc_difference`, Math.abs(mine - theirs), 'AUC')]),
    row(`${name}.adaptive`, better.perS, 'events/s', peer?.perS ?? null, 'river'),
    row(`${name}.adaptive.auc`, auc(better.scores, matrix.y), 'AUC', theirs, 'river'),
  ];
}

export async function riverRows(say: SuiteOptions['say']): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, file, matrix] of [['risk.vs_river', cardFile, readCards()], ['risk.vs_river.credit', creditFile, readCredit()]] as const) {
    if (matrix === undefined) say(`${name} is skipped: ${file} is not here`);
    else rows.push(...(await against(name, matrix, say)));
  }
  return rows;
}
