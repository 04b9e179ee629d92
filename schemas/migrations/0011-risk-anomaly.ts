/** Risk: how unusual a decision was, by no verdict; late verdicts, whose decision is recalled. */
export const riskAnomaly: readonly string[] = [
  `ALTER TABLE risk_decisions
  ADD COLUMN IF NOT EXISTS anomaly Float64 COMMENT 'How unusual it is, by no verdict: towards 1 where nobody was; 0 while that is not known' CODEC(ZSTD(1)) AFTER shadow_probabilities,
  ADD COLUMN IF NOT EXISTS anomaly_features Array(String) COMMENT 'Of the most unusual: the features that make it so, the strongest first' CODEC(ZSTD(1)) AFTER anomaly,
  COMMENT COLUMN IF EXISTS decided_by 'costs: the cheapest by expected cost; rule: a rule asks for more; hysteresis: the customer stood there a moment ago; currency: nobody knows what the amount is worth; anomaly: nothing like it has been seen',
  COMMENT COLUMN IF EXISTS top_reason 'rule:<name>, currency or anomaly where that decided; else the feature that speaks most for fraud, empty where none does'`,
  `ALTER TABLE risk_labels
  COMMENT COLUMN IF EXISTS outcome 'learned; repeated: the same was known, nothing is learned; contradicted: another one was known, this one is learned twice and counts from here on; recalled: the shard had dropped the decision, ClickHouse had it, and it is learned from that row; unknown: no decision about that order is held, a row recalled may follow; ignored: the verdict is none of genuine, chargeback, abuse'`,
  `ALTER TABLE events
  COMMENT COLUMN IF EXISTS command 'control: forget: subtract everything that this customer taught the models; promote: this version of the model decides from here on; retire: no version of this model decides from here on; recall: a verdict came after the shard had dropped its decision; here is the decision again, as ClickHouse kept it. Published by the sink, not by producers'`,
];
