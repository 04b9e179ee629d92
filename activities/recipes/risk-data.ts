/**
 * Decisions about money whose verdict is final, with their features as they were.  N = rows, D = features.
 *
 *   chargeback, abuse -> 1      genuine, or no verdict within the maturity -> 0      younger than the maturity -> not in it
 *
 * A younger row has its verdict early or not at all, and early verdicts are mostly frauds: with them every probability would be
 * too high.
 */
import { expectedCalibrationError, logLoss } from '../../models/metrics/calibration.js';
import { auc, averagePrecision } from '../../models/metrics/ranking.js';
import { sigmoid } from '../../models/linear/logistic.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import type { Scorer } from '../../pipelines/risk/promoted.js';
import type { Cut } from '../arrow-cut.js';
import { latencyMsP99 } from './latency.js';
import { atColumn, type CutPlan, type Judged, type Range, type Slice, type WatchPlan } from './recipe.js';

export const D = riskFeatures.length;
const names = riskFeatures.map(({ name }) => name);

export interface RiskData {
  /** N, 1 fraud */
  y: Uint8Array;
  /** N * D, NaN where missing */
  X: Float64Array;
  /** N: the probability by which it was decided then */
  recorded: Float64Array;
  refund: Uint8Array;
  amountMinor: Float64Array;
}

export const riskPlan: CutPlan = {
  query: `
WITH verdicts AS (
  SELECT customer, order_id, type, argMax(verdict, seq) AS verdict FROM risk_labels
  WHERE seq <= {seq:UInt64} AND outcome != 'ignored' GROUP BY customer, order_id, type
)
SELECT toUnixTimestamp64Milli(d.at) AS ${atColumn}, toInt64(d.seq) AS seq, toInt64(v.verdict IN ('chargeback', 'abuse')) AS fraud,
  toInt64(d.type = 'refund') AS refund, d.amount_minor AS amount_minor, d.probability AS probability, d.features AS features
FROM (
  SELECT at, seq, customer, order_id, type, amount_minor, probability, features FROM risk_decisions
  WHERE seq <= {seq:UInt64} AND feature_names = {names:Array(String)}
    AND at <= fromUnixTimestamp64Milli(toInt64({asOf:Int64} - {maturityDays:Float64} * 86400000))
    AND at > fromUnixTimestamp64Milli(toInt64({asOf:Int64} - {days:Float64} * 86400000))
  ORDER BY at DESC, seq DESC LIMIT {most:UInt32}
) AS d
LEFT JOIN verdicts AS v ON d.customer = v.customer AND d.order_id = v.order_id AND d.type = v.type
ORDER BY d.at, d.seq
SETTINGS join_use_nulls = 0`,
  columns: { [atColumn]: 'i64', seq: 'i64', fraud: 'i64', refund: 'i64', amount_minor: 'i64', probability: 'f64', features: 'f64s' },
  parameters: { names },
  // 146 features make a row 1.2 KB, and training holds it twice: 100 MB.
  rowsMax: 40_000,
  // Two years: a season twice. The maturity is that of the pipeline (AFTERCARE_RISK_MATURITY_DAYS).
  settings: { days: 730, maturityDays: 60 },
};

export function readRisk(cut: Cut): RiskData {
  const flag = (name: string): Uint8Array => Uint8Array.from(cut.numbers(name));
  return { y: flag('fraud'), X: cut.matrix('features', D), recorded: cut.numbers('probability'), refund: flag('refund'), amountMinor: cut.numbers('amount_minor') };
}

export const positivesOf = (y: Uint8Array): number => y.reduce((sum, label) => sum + label, 0);

/** Rows and frauds below which nothing can be chosen, let alone learnt. */
const rowsMin = 500;
const positivesMin = 20;

/** The earlier part of the training rows fits, the later one chooses. */
export const middleOf = ({ from, to }: Range): number => from + Math.floor(0.8 * (to - from));

export function tooFewRisk({ y }: RiskData, rows: Range): string | undefined {
  const middle = middleOf(rows);
  const [fitted, chosen] = [positivesOf(y.subarray(rows.from, middle)), positivesOf(y.subarray(middle, rows.to))];
  const count = rows.to - rows.from;
  if (count >= rowsMin && fitted + chosen >= positivesMin && fitted > 0 && chosen > 0 && fitted < middle - rows.from && chosen < rows.to - middle) return undefined;
  return `too few decisions with a final verdict: ${count} with ${fitted + chosen} frauds, ${chosen} of them in the last fifth; ${rowsMin} with ${positivesMin} are needed, and both kinds in either part`;
}

/** Scores are the log-likelihoods of the verdicts, in nats. */
export function judgeRisk({ y, X, recorded }: RiskData, { from, to }: Range, scorer: Scorer | undefined): Judged {
  const row = new Float64Array(D);
  const logOdds = (of: Scorer, i: number): number => {
    row.set(X.subarray((from + i) * D, (from + i + 1) * D));
    return of.logOdds(row);
  };
  const p = Float64Array.from({ length: to - from }, (_, i) => (scorer === undefined ? recorded[from + i] : sigmoid(logOdds(scorer, i))));
  const labels = y.subarray(from, to);
  const scores = Float64Array.from(p, (value, i) => (value >= 0 && value <= 1 ? -logLoss([value], [labels[i]]) : NaN));
  const whole = scores.every((score) => Number.isFinite(score));
  return {
    scores,
    metrics: whole && p.length > 0
      ? { log_loss: logLoss(p, labels), auc: auc(p, labels), average_precision: averagePrecision(p, labels) }
      : { log_loss: NaN, auc: NaN, average_precision: NaN },
    calibrationError: whole && p.length > 0 ? expectedCalibrationError(p, labels) : NaN,
    latencyMsP99: scorer === undefined ? NaN : latencyMsP99(to - from, (i) => { logOdds(scorer, i); }),
  };
}

export function riskSlices({ refund, amountMinor }: RiskData, { from, to }: Range): Slice[] {
  const sorted = amountMinor.slice(from, to).sort();
  const high = sorted.length === 0 ? Infinity : sorted[Math.floor(0.75 * sorted.length)];
  const where = (name: string, holds: (i: number) => boolean): Slice => ({ name, rows: Uint32Array.from({ length: to - from }, (_, i) => i).filter((i) => holds(from + i)) });
  return [
    where('purchases', (i) => refund[i] === 0),
    where('refunds', (i) => refund[i] === 1),
    where('the largest quarter of amounts', (i) => amountMinor[i] >= high),
    where('the other amounts', (i) => amountMinor[i] < high),
  ];
}

/**
 * raised: the share in review or blocked, which tells at once; auc, log_loss: of the verdicts that have come. Before and after a
 * promotion verdicts come as late and as one-sided, so that the two compare.
 */
export const riskWatch: WatchPlan = {
  query: `
WITH
  decided AS (SELECT decision, probability FROM risk_decisions WHERE seq > {from:UInt64} AND seq <= {to:UInt64} AND ({tag:String} = '' OR model = {tag:String}) ORDER BY seq DESC LIMIT {most:UInt32}),
  judged AS (
    SELECT probability AS p, toUInt8(verdict IN ('chargeback', 'abuse')) AS y FROM risk_labels
    WHERE seq > {from:UInt64} AND seq <= {to:UInt64} AND outcome IN ('learned', 'contradicted') AND ({tag:String} = '' OR model = {tag:String}) ORDER BY seq DESC LIMIT {most:UInt32}
  )
SELECT 'raised' AS metric, avg(decision != 'allow') AS value, count() AS rows FROM decided
UNION ALL
SELECT 'log_loss', avg(-log(greatest(1e-15, if(y = 1, p, 1 - p)))), count() FROM judged
UNION ALL
SELECT 'auc', arrayROCAUC(groupArray(p), groupArray(y)), if(sum(y) >= 10 AND sum(1 - y) >= 10, count(), 0) FROM judged`,
  most: 5000,
  rules: [
    { metric: 'raised', worse: 'higher', factor: 3, by: 0.02, rowsMin: 200 },
    { metric: 'log_loss', worse: 'higher', factor: 1.5, by: 0.05, rowsMin: 100 },
    { metric: 'auc', worse: 'lower', factor: 1, by: 0.1, rowsMin: 200 },
  ],
};
