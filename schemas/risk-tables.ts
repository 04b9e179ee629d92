/** The tables of risk: what was decided and why, what became of the verdicts, and how good the scores were. */
import { column, type Table } from './columns.js';
import { Click, Label, Purchase, Refund } from './events.js';
import { said, seqComment, sorted, streamSeq, zstd } from './table-texts.js';

export const riskDecisions = ['allow', 'review', 'block'] as const;

export interface RiskDecisionRow {
  shard: number;
  seq: number;
  atMs: number;
  kind: 'purchase' | 'refund';
  customer: string;
  order: string;
  amountMinor: number;
  currency: string;
  decision: (typeof riskDecisions)[number];
  decidedBy: 'costs' | 'rule' | 'hysteresis' | 'currency' | 'anomaly';
  probability: number;
  logOdds: number;
  /** expected, of allow, review and block */
  costs: readonly [number, number, number];
  model: string;
  rules: string;
  fired: readonly string[];
  topReason: string;
  reasonFeatures: readonly string[];
  reasonValues: readonly (number | null)[];
  reasonUsual: readonly (number | null)[];
  reasonTerms: readonly number[];
  reasonRest: number;
  usualOf: 'customer' | 'shop';
  because: readonly string[];
  featureNames: readonly string[];
  features: readonly (number | null)[];
  shadow: readonly string[];
  shadowProbabilities: readonly number[];
  anomaly: number;
  anomalyFeatures: readonly string[];
}

/** What became of a verdict; the comment of the column explains each. */
export const labelOutcomes = ['learned', 'repeated', 'contradicted', 'recalled', 'unknown', 'ignored'] as const;

export interface RiskLabelRow {
  shard: number;
  seq: number;
  atMs: number;
  customer: string;
  kind: 'purchase' | 'refund';
  order: string;
  verdict: string;
  outcome: (typeof labelOutcomes)[number];
  decisions: number;
  /** of the latest decision that it reached */
  decided?: { atMs: number; probability: number; decision: (typeof riskDecisions)[number]; model: string } | undefined;
}

export interface ModelMetricRow {
  shard: number;
  seq: number;
  pipeline: string;
  dayMs: number;
  over: 'verdicts' | 'decisions';
  model: string;
  role: 'champion' | 'shadow';
  metric: string;
  value: number;
  rows: number;
  positives: number;
}

export const riskDecisionsTable: Table<RiskDecisionRow> = {
  name: 'risk_decisions',
  comment: 'The decision about every purchase and refund, its reasons and what it was made from',
  columns: [
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', seqComment, (r) => r.seq, sorted),
    column('at', 'time', 'When it happened, no later than it was received', (r) => r.atMs, sorted),
    column('type', 'label', 'purchase or refund', (r) => r.kind),
    column('customer', 'text', said(Click, 'customer'), (r) => r.customer, zstd),
    column('order_id', 'text', said(Purchase, 'order'), (r) => r.order, zstd),
    column('amount_minor', 'i64', said(Refund, 'amountMinor'), (r) => r.amountMinor, zstd),
    column('currency', 'label', said(Purchase, 'currency'), (r) => r.currency),
    column('decision', 'label', 'allow, review or block', (r) => r.decision),
    column('decided_by', 'label', 'costs: the cheapest by expected cost; rule: a rule asks for more; hysteresis: the customer stood there a moment ago; currency: nobody knows what the amount is worth; anomaly: nothing like it has been seen', (r) => r.decidedBy),
    column('probability', 'f64', 'Of fraud, by the model that decides', (r) => r.probability, zstd),
    column('log_odds', 'f64', 'ln(probability / (1 - probability)): reason_rest + the sum of reason_terms', (r) => r.logOdds, zstd),
    column('cost_allow', 'f64', 'Expected cost of letting it through, minor units of the shop\'s currency', (r) => r.costs[0], zstd),
    column('cost_review', 'f64', 'Expected cost of a review', (r) => r.costs[1], zstd),
    column('cost_block', 'f64', 'Expected cost of blocking it', (r) => r.costs[2], zstd),
    column('model', 'label', 'Model and version that gave the probability', (r) => r.model),
    column('rules', 'label', 'Version of the shop\'s rules', (r) => r.rules),
    column('rules_fired', 'texts', 'Names of the rules that held', (r) => r.fired, zstd),
    column('top_reason', 'label', 'rule:<name>, currency or anomaly where that decided; else the feature that speaks most for fraud, empty where none does', (r) => r.topReason),
    column('reason_features', 'texts', 'The features that moved the score most, largest first', (r) => r.reasonFeatures, zstd),
    column('reason_values', 'f64s', 'Value of each; NaN: missing', (r) => r.reasonValues, zstd),
    column('reason_usual', 'f64s', 'Usual value of each', (r) => r.reasonUsual, zstd),
    column('reason_terms', 'f64s', 'What each adds to the log-odds beside its usual value; of a kernel, how far they move when it alone is put there', (r) => r.reasonTerms, zstd),
    column('reason_rest', 'f64', 'Log-odds less the terms above', (r) => r.reasonRest, zstd),
    column('usual_of', 'label', 'Whose usual values: the customer\'s own last decisions of that type, or the shop\'s for a new customer', (r) => r.usualOf),
    column('because', 'texts', 'The decision and its reasons, as sentences', (r) => r.because, zstd),
    column('feature_names', 'texts', 'Names of the features', (r) => r.featureNames, zstd),
    column('features', 'f64s', 'All features, as they were; NaN: missing', (r) => r.features, zstd),
    column('shadow', 'texts', 'Models that scored and did not decide', (r) => r.shadow, zstd),
    column('shadow_probabilities', 'f64s', 'Their probabilities', (r) => r.shadowProbabilities, zstd),
    column('anomaly', 'f64', 'How unusual it is, by no verdict: towards 1 where nobody was; 0 while that is not known', (r) => r.anomaly, zstd),
    column('anomaly_features', 'texts', 'Of the most unusual: the features that make it so, the strongest first', (r) => r.anomalyFeatures, zstd),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['decision', 'at', 'seq'],
  indexes: ['by_customer customer TYPE bloom_filter(0.01) GRANULARITY 4', 'by_order order_id TYPE bloom_filter(0.01) GRANULARITY 4'],
};

export const riskLabelsTable: Table<RiskLabelRow> = {
  name: 'risk_labels',
  comment: 'What became of every verdict about money',
  columns: [
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', seqComment, (r) => r.seq, sorted),
    column('at', 'time', 'When it was given, no later than it was received', (r) => r.atMs, sorted),
    column('type', 'label', 'purchase or refund', (r) => r.kind),
    column('customer', 'text', said(Click, 'customer'), (r) => r.customer, zstd),
    column('order_id', 'text', said(Label, 'ref'), (r) => r.order, zstd),
    column('verdict', 'label', said(Label, 'verdict'), (r) => r.verdict),
    column('outcome', 'label', 'learned; repeated: the same was known, nothing is learned; contradicted: another one was known, this one is learned twice and counts from here on; recalled: the shard had dropped the decision, ClickHouse had it, and it is learned from that row; unknown: no decision about that order is held, a row recalled may follow; ignored: the verdict is none of genuine, chargeback, abuse', (r) => r.outcome),
    column('decisions', 'u32', 'Decisions that it reached', (r) => r.decisions),
    column('decided_at', 'time', 'Of the latest of them: when; 1970 where there is none', (r) => r.decided?.atMs ?? 0, sorted),
    column('probability', 'f64', 'Of the latest of them: the probability then', (r) => r.decided?.probability ?? 0, zstd),
    column('decision', 'label', 'Of the latest of them: allow, review or block; empty where there is none', (r) => r.decided?.decision ?? ''),
    column('model', 'label', 'Of the latest of them: model and version', (r) => r.decided?.model ?? ''),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['outcome', 'at', 'seq'],
};

export const modelMetricsTable: Table<ModelMetricRow> = {
  name: 'model_metrics',
  comment: 'How good the scores were, by day and model version; each score was given before its verdict',
  columns: [
    column('shard', 'u16', 'The shard whose scores they were', (r) => r.shard),
    column('seq', 'u64', 'Position of the event with which the next day began', (r) => r.seq, sorted),
    column('day', 'time', 'Start of the day, UTC', (r) => r.dayMs, sorted),
    column('pipeline', 'label', 'risk or support', (r) => r.pipeline),
    column('model', 'label', 'Model and version', (r) => r.model),
    column('role', 'label', 'champion: it decided; shadow: it only scored', (r) => r.role),
    column('over', 'label', 'verdicts: those that arrived on that day; decisions: those made on that day, for risk once the maturity was over', (r) => r.over),
    column('metric', 'label', 'auc, average_precision, precision_at_capacity, brier, log_loss, calibration_error; of a champion\'s decisions also raised_fraud and raised_genuine, the shares in review or blocked; of support accuracy, precision (of what it did not abstain from), coverage (the share of that), macro_f1, brier, calibration_error, of the entities of a ticket entity_precision, entity_recall, entity_f1 (exact spans), and of its decisions abstention_rate, reply_rate, out_of_scope_rate', (r) => r.metric),
    column('value', 'f64', 'Value; a metric that the rows cannot tell (one class is absent) has no row', (r) => r.value, zstd),
    column('rows', 'u32', 'Scores that it is made of', (r) => r.rows),
    column('positives', 'u32', 'Frauds among them; of support the right ones (of entities the right spans), and of decisions those that the rate counts', (r) => r.positives),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(day)',
  orderBy: ['pipeline', 'metric', 'day', 'model', 'shard', 'role', 'over'],
};
