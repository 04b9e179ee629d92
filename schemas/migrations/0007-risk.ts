/** Decisions of risk, what became of verdicts, and how good the scores were. */
export const risk: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS risk_decisions (
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard' CODEC(Delta, ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it happened, no later than it was received' CODEC(Delta, ZSTD(1)),
  type LowCardinality(String) COMMENT 'purchase or refund',
  customer String COMMENT 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address' CODEC(ZSTD(1)),
  order_id String COMMENT 'The order' CODEC(ZSTD(1)),
  amount_minor Int64 COMMENT 'What was paid back in all, in minor units (cents)' CODEC(ZSTD(1)),
  currency LowCardinality(String) COMMENT 'ISO 4217 code of the amounts',
  decision LowCardinality(String) COMMENT 'allow, review or block',
  decided_by LowCardinality(String) COMMENT 'costs: the cheapest by expected cost; rule: a rule asks for more; hysteresis: the customer stood there a moment ago; currency: nobody knows what the amount is worth',
  probability Float64 COMMENT 'Of fraud, by the model that decides' CODEC(ZSTD(1)),
  log_odds Float64 COMMENT 'ln(probability / (1 - probability)): reason_rest + the sum of reason_terms' CODEC(ZSTD(1)),
  cost_allow Float64 COMMENT 'Expected cost of letting it through, minor units of the shop\\'s currency' CODEC(ZSTD(1)),
  cost_review Float64 COMMENT 'Expected cost of a review' CODEC(ZSTD(1)),
  cost_block Float64 COMMENT 'Expected cost of blocking it' CODEC(ZSTD(1)),
  model LowCardinality(String) COMMENT 'Model and version that gave the probability',
  rules LowCardinality(String) COMMENT 'Version of the shop\\'s rules',
  rules_fired Array(String) COMMENT 'Names of the rules that held' CODEC(ZSTD(1)),
  top_reason LowCardinality(String) COMMENT 'rule:<name> or currency where that decided; else the feature that speaks most for fraud, empty where none does',
  reason_features Array(String) COMMENT 'The features that moved the score most, largest first' CODEC(ZSTD(1)),
  reason_values Array(Float64) COMMENT 'Value of each; NaN: missing' CODEC(ZSTD(1)),
  reason_usual Array(Float64) COMMENT 'Usual value of each' CODEC(ZSTD(1)),
  reason_terms Array(Float64) COMMENT 'What each adds to the log-odds beside its usual value; of a kernel, how far they move when it alone is put there' CODEC(ZSTD(1)),
  reason_rest Float64 COMMENT 'Log-odds less the terms above' CODEC(ZSTD(1)),
  usual_of LowCardinality(String) COMMENT 'Whose usual values: the customer\\'s own last decisions of that type, or the shop\\'s for a new customer',
  because Array(String) COMMENT 'The decision and its reasons, as sentences' CODEC(ZSTD(1)),
  feature_names Array(String) COMMENT 'Names of the features' CODEC(ZSTD(1)),
  features Array(Float64) COMMENT 'All features, as they were; NaN: missing' CODEC(ZSTD(1)),
  shadow Array(String) COMMENT 'Models that scored and did not decide' CODEC(ZSTD(1)),
  shadow_probabilities Array(Float64) COMMENT 'Their probabilities' CODEC(ZSTD(1)),
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS',
  INDEX by_customer customer TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_order order_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (decision, at, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'The decision about every purchase and refund, its reasons and what it was made from'`,
  `CREATE TABLE IF NOT EXISTS risk_labels (
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard' CODEC(Delta, ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it was given, no later than it was received' CODEC(Delta, ZSTD(1)),
  type LowCardinality(String) COMMENT 'purchase or refund',
  customer String COMMENT 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address' CODEC(ZSTD(1)),
  order_id String COMMENT 'The order or ticket that it is about' CODEC(ZSTD(1)),
  verdict LowCardinality(String) COMMENT 'The truth: genuine, chargeback or abuse for money; the true intent for a ticket',
  outcome LowCardinality(String) COMMENT 'learned; repeated: the same was known, nothing is learned; contradicted: another one was known, this one is learned twice and counts from here on; unknown: no decision about that order is held; ignored: the verdict is none of genuine, chargeback, abuse',
  decisions UInt32 COMMENT 'Decisions that it reached',
  decided_at DateTime64(3, 'UTC') COMMENT 'Of the latest of them: when; 1970 where there is none' CODEC(Delta, ZSTD(1)),
  probability Float64 COMMENT 'Of the latest of them: the probability then' CODEC(ZSTD(1)),
  decision LowCardinality(String) COMMENT 'Of the latest of them: allow, review or block; empty where there is none',
  model LowCardinality(String) COMMENT 'Of the latest of them: model and version',
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (outcome, at, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What became of every verdict about money'`,
  `CREATE TABLE IF NOT EXISTS model_metrics (
  shard UInt16 COMMENT 'The shard whose scores they were',
  seq UInt64 COMMENT 'Position of the event with which the next day began' CODEC(Delta, ZSTD(1)),
  day DateTime64(3, 'UTC') COMMENT 'Start of the day, UTC' CODEC(Delta, ZSTD(1)),
  pipeline LowCardinality(String) COMMENT 'risk',
  model LowCardinality(String) COMMENT 'Model and version',
  role LowCardinality(String) COMMENT 'champion: it decided; shadow: it only scored',
  over LowCardinality(String) COMMENT 'verdicts: those that arrived on that day; decisions: those made on that day, once the maturity was over',
  metric LowCardinality(String) COMMENT 'auc, average_precision, precision_at_capacity, brier, log_loss, calibration_error; of a champion\\'s decisions also raised_fraud and raised_genuine, the shares in review or blocked',
  value Float64 COMMENT 'Value; a metric that the rows cannot tell (one class is absent) has no row' CODEC(ZSTD(1)),
  rows UInt32 COMMENT 'Scores that it is made of',
  positives UInt32 COMMENT 'Frauds among them',
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, metric, day, model, shard, role, over)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'How good the scores were, by day and model version; each score was given before its verdict'`,
];
