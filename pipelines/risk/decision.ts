/** What the risk step emits; the rows of the tables, less what the sink adds. */
import type { RiskMessage } from '../../schemas/messages.js';
import type { ModelMetricRow, RiskDecisionRow, RiskLabelRow } from '../../schemas/risk-tables.js';
import { riskFeatures } from './features.js';

/**
 * The names of the features are the same in every row of a build: they do not travel. Their values travel as 32-bit floats in
 * base64, as the ledger keeps them: 812 characters for 152 of them, and a fiftieth of the time that JSON takes for numbers.
 */
export type RiskDecision = Omit<RiskDecisionRow, 'shard' | 'featureNames' | 'features'> & { features: string };
/** `dropped`: the ledger no longer holds everything, so that ClickHouse may know the decision. */
export type RiskLabel = Omit<RiskLabelRow, 'shard'> & { dropped?: true };
export type ModelMetric = Omit<ModelMetricRow, 'shard'>;
export type DecidedBy = RiskDecisionRow['decidedBy'];

const featureNames = riskFeatures.map(({ name }) => name);

/** Little-endian, as every machine that Node 20 runs on but s390x. */
export const packFeatures = (x32: Buffer): string => x32.toString('base64');
/** The bytes of an array, where they lie. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** NaN where a feature is missing. */
export function featuresOf({ features }: RiskDecision): number[] {
  const packed = Buffer.from(features, 'base64');
  return Array.from({ length: packed.length / 4 }, (_, j) => packed.readFloatLE(j * 4));
}

/** Of a decision that another build made, with other features, the names are left out: none is better than a wrong one. */
export function riskDecisionRow(shard: number, value: RiskDecision): RiskDecisionRow {
  const features = featuresOf(value);
  return { ...value, shard, features, featureNames: features.length === featureNames.length ? featureNames : [] };
}

/** What services of the shop hear; undefined where the decision is to allow it. */
export function riskMessage({ seq, atMs, kind, customer, order, amountMinor, currency, decision, probability, topReason, because, model, rules }: RiskDecision): RiskMessage | undefined {
  if (decision === 'allow') return undefined;
  return { v: 1, level: decision, customer, atMs, seq, event: kind, order, amountMinor, currency, probability, topReason, because: [...because], model, rules };
}
