/** What the risk step emits; the rows of the tables, less what the sink adds. */
import type { RiskMessage } from '../../schemas/messages.js';
import type { ModelMetricRow, RiskDecisionRow, RiskLabelRow } from '../../schemas/risk-tables.js';
import { riskFeatures } from './features.js';

/** The names of the features are the same in every row of a build: they do not travel. */
export type RiskDecision = Omit<RiskDecisionRow, 'shard' | 'featureNames'>;
export type RiskLabel = Omit<RiskLabelRow, 'shard'>;
export type ModelMetric = Omit<ModelMetricRow, 'shard'>;
export type DecidedBy = RiskDecisionRow['decidedBy'];

const featureNames = riskFeatures.map(({ name }) => name);

/** Of a decision that another build made, with other features, the names are left out: none is better than a wrong one. */
export const riskDecisionRow = (shard: number, value: RiskDecision): RiskDecisionRow =>
  ({ shard, featureNames: value.features.length === featureNames.length ? featureNames : [], ...value });

/** What services of the shop hear; undefined where the decision is to allow it. */
export function riskMessage({ seq, atMs, kind, customer, order, amountMinor, currency, decision, probability, topReason, because, model, rules }: RiskDecision): RiskMessage | undefined {
  if (decision === 'allow') return undefined;
  return { v: 1, level: decision, customer, atMs, seq, event: kind, order, amountMinor, currency, probability, topReason, because: [...because], model, rules };
}
