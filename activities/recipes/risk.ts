/** The batch models of risk: `risk-logistic` and `risk-svm`. Of the candidates the one with the smallest log loss on the last fifth of the training rows is taken; an epoch is one of them. */
import { saveLogistic, trainLogistic, logisticLogOdds } from '../../models/linear/batch.js';
import { balanced, sigmoid } from '../../models/linear/logistic.js';
import { fitPlatt } from '../../models/linear/platt.js';
import { scale, scaleRows, scalerOf } from '../../models/linear/scaler.js';
import { logLoss } from '../../models/metrics/calibration.js';
import { decision, trainSvm } from '../../models/svm/svm.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import { readRiskLogistic, readRiskSvm, saveRiskSvm, type Scorer } from '../../pipelines/risk/promoted.js';
import type { GateLimits } from '../gate.js';
import type { Epoch, Range, Recipe } from './recipe.js';
import { D, judgeRisk, middleOf, positivesOf, readRisk, riskPlan, riskSlices, riskWatch, tooFewRisk, type RiskData } from './risk-data.js';

/** Standard deviations, as the online champion has it. */
const clip = 16;

const part = ({ X, y }: RiskData, from: number, to: number): { X: Float64Array; y: Uint8Array } => ({ X: X.subarray(from * D, to * D), y: y.subarray(from, to) });

/** What is known after some candidates: their losses, and the bytes of the best where training ends with them. */
interface Tried {
  losses: number[];
  best: Uint8Array[];
}

const checkpointOf = ({ losses, best }: Tried): Uint8Array[] => [Buffer.from(JSON.stringify(losses)), ...best];
/** @throws RangeError when it is none */
function triedOf(checkpoint: readonly Uint8Array[] | undefined): Tried {
  if (checkpoint === undefined) return { losses: [], best: [] };
  const [head, ...best] = checkpoint;
  try {
    const losses: unknown = JSON.parse(Buffer.from(head).toString());
    if (Array.isArray(losses) && losses.every((loss) => typeof loss === 'number')) return { losses, best };
  } catch (cause) {
    throw new RangeError('risk: the checkpoint cannot be read', { cause });
  }
  throw new RangeError('risk: the checkpoint holds no losses');
}

const bestOf = (losses: readonly number[]): number => losses.indexOf(Math.min(...losses));

/** L2 on weights of scaled columns. */
const penalties = [1, 10, 100, 1000];

function* trainRiskLogistic(data: RiskData, rows: Range, checkpoint?: readonly Uint8Array[]): Generator<Epoch, Uint8Array[]> {
  const { losses } = triedOf(checkpoint);
  const middle = middleOf(rows);
  const [fitted, chosen] = [part(data, rows.from, middle), part(data, middle, rows.to)];
  const epochs = penalties.length + 1;
  while (losses.length < penalties.length) {
    const model = trainLogistic(fitted.X, fitted.y, { features: riskFeatures, clip, l2: penalties[losses.length] });
    losses.push(logLoss(Float64Array.from(chosen.y, (_, i) => sigmoid(logisticLogOdds(model, chosen.X, i * D))), chosen.y));
    yield { epoch: losses.length, epochs, loss: losses[losses.length - 1], checkpoint: checkpointOf({ losses, best: [] }) };
  }
  const all = part(data, rows.from, rows.to);
  return saveLogistic(trainLogistic(all.X, all.y, { features: riskFeatures, clip, l2: penalties[bestOf(losses)] }));
}

/** A kernel's training takes the square of its rows, and a prediction a pass over its supports. */
const svmRows = 3000;
const supportsMax = 500;
/** gamma in units of 1 / columns, which is scikit-learn's `scale` for columns of variance 1 */
const svmCandidates = [{ C: 1, gamma: 1 }, { C: 1, gamma: 0.25 }, { C: 10, gamma: 0.25 }, { C: 0.1, gamma: 1 }] as const;

/** Frauds first and the latest first, then genuine ones evenly over the time: rare cases teach a kernel most. */
function svmSample(y: Uint8Array): Uint32Array {
  const of = (label: number): Uint32Array => Uint32Array.from(y.keys()).filter((i) => y[i] === label);
  const [frauds, genuine] = [of(1).slice(-svmRows / 3), of(0)];
  const wanted = Math.min(genuine.length, svmRows - frauds.length);
  const thinned = Uint32Array.from({ length: wanted }, (_, k) => genuine[Math.floor((k * genuine.length) / wanted)]);
  return Uint32Array.from([...frauds, ...thinned]).sort();
}

function* trainRiskSvm(data: RiskData, rows: Range, checkpoint?: readonly Uint8Array[]): Generator<Epoch, Uint8Array[]> {
  const tried = triedOf(checkpoint);
  const middle = middleOf(rows);
  const [fitted, chosen] = [part(data, rows.from, middle), part(data, middle, rows.to)];
  const scaler = scalerOf(riskFeatures, fitted.X, clip);
  const W = scaler.columns.length;
  const sample = svmSample(fitted.y);
  const X = new Float64Array(sample.length * W);
  sample.forEach((i, k) => scale(scaler, fitted.X, i * D, X, k * W));
  const y = Uint8Array.from(sample, (i) => fitted.y[i]);
  const judged = scaleRows(scaler, chosen.X);
  while (tried.losses.length < svmCandidates.length) {
    const { C, gamma } = svmCandidates[tried.losses.length];
    const { model } = trainSvm(X, y, W, { kernel: { kind: 'rbf', gamma: gamma / W }, C, classWeights: balanced(y), supportsMax, folds: 0 });
    // The sample has more frauds than there are; the later rows have as many as there are, and were not trained on.
    const scores = Float64Array.from(chosen.y, (_, i) => decision(model, judged, i * W));
    const platt = fitPlatt(scores, chosen.y);
    const loss = logLoss(scores.map((score) => sigmoid(platt.a * score + platt.b)), chosen.y);
    if (!(loss >= Math.min(Infinity, ...tried.losses))) tried.best = saveRiskSvm(scaler, { ...model, platt });
    tried.losses.push(loss);
    yield { epoch: tried.losses.length, epochs: svmCandidates.length, loss, checkpoint: checkpointOf(tried) };
  }
  return tried.best;
}

const rivals = ['risk-logistic', 'risk-svm'] as const;
const readers: Readonly<Record<string, (parts: readonly Uint8Array[]) => Scorer>> = { 'risk-logistic': readRiskLogistic, 'risk-svm': readRiskSvm };

const gate: GateLimits = {
  rowsMin: 200, positivesMin: 5,
  // nats a row: any gain that is none of chance
  margin: 0,
  sliceFall: 0.02, sliceRows: 50,
  calibrationMax: 0.1,
  // A decision takes some 14 us in all; a kernel of 500 supports and 292 columns 0.2 ms.
  latencyMsMax: 5,
  bytesMax: 16 * 2 ** 20,
};

const recipe = (model: (typeof rivals)[number], train: Recipe<RiskData>['train'], purpose: string, limits: readonly string[]): Recipe<RiskData> => ({
  model, rivals, plan: riskPlan, gate, watch: riskWatch, read: readRisk, tooFew: tooFewRisk, train,
  judge: (data, rows, version) => judgeRisk(data, rows, version === undefined ? undefined : readers[version.model](version.parts)),
  slices: riskSlices,
  positives: ({ y }, { from, to }) => positivesOf(y.subarray(from, to)),
  card: {
    purpose, score: 'log-likelihood of the verdict, nats a decision',
    limits: [
      'An order without a verdict within the maturity counts as genuine.',
      'What was blocked was not shipped: its verdict is that of a person, where there is one.',
      ...limits,
    ],
  },
});

export const riskLogistic = recipe('risk-logistic', trainRiskLogistic, 'Probability that an order or a refund is fraud, by logistic regression over all features.', []);
export const riskSvm = recipe('risk-svm', trainRiskSvm, 'Probability that an order or a refund is fraud, by a kernel over all features.', [
  `Trained on ${svmRows} rows at most, frauds first; its probabilities are calibrated on the rows that chose it.`,
]);
