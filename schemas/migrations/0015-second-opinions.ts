/** What challengers say of tickets, and how they compare: agreement with what decided, and once labels came, who was right. */
export const secondOpinions: readonly string[] = [
  `ALTER TABLE tickets
  ADD COLUMN IF NOT EXISTS shadow Array(String) COMMENT 'Models and versions that read it in the shadow: each challenger, or for its own customers what it challenges. Nobody acted on what they said' CODEC(ZSTD(1)) AFTER model,
  ADD COLUMN IF NOT EXISTS shadow_intents Array(String) COMMENT 'The intent that each read' CODEC(ZSTD(1)) AFTER shadow,
  ADD COLUMN IF NOT EXISTS shadow_confidences Array(Float64) COMMENT 'The probability of each' CODEC(ZSTD(1)) AFTER shadow_intents,
  ADD COLUMN IF NOT EXISTS shadow_decisions Array(String) COMMENT 'What would have been decided by each' CODEC(ZSTD(1)) AFTER shadow_confidences,
  ADD COLUMN IF NOT EXISTS shadow_entities Array(String) COMMENT 'The entities that each found: kind and place, separated by spaces' CODEC(ZSTD(1)) AFTER shadow_decisions`,
  `ALTER TABLE ticket_labels
  ADD COLUMN IF NOT EXISTS truth LowCardinality(String) COMMENT 'The true intent under the name that the approved answers have for it: what is compared with the intents that were read' AFTER intent`,
  // Of labels from before the column: of a right one the truth is what was read, and of a wrong one the label's own word.
  `CREATE OR REPLACE VIEW canary_comparison AS
WITH known AS (
  SELECT shard, type, customer, order_id, argMax(verdict, seq) AS truth FROM risk_labels
  WHERE verdict IN ('genuine', 'chargeback', 'abuse') GROUP BY shard, type, customer, order_id
), scored AS (
  SELECT shard, type, customer, order_id, at, decision, amount_minor, model AS decided_by, arrayJoin(arrayConcat([(model, probability)], arrayZip(shadow, shadow_probabilities))) AS score FROM risk_decisions
), labelled AS (
  SELECT shard, ticket_seq, argMax(multiIf(truth != '', truth, outcome = 'right', predicted, intent), seq) AS true_intent FROM ticket_labels
  WHERE outcome IN ('right', 'wrong') GROUP BY shard, ticket_seq
), opinions AS (
  SELECT shard, seq, at, customer, toString(model) AS decided_by,
    (toString(intent), toString(decision), arrayStringConcat(arrayMap((kind, start, end) -> concat(kind, ' ', toString(start), '-', toString(end)), entity_kinds, entity_starts, entity_ends), ' ')) AS decided,
    arrayJoin(arrayConcat([(toString(model), toString(intent), toString(decision), decided.3, confidence)], arrayZip(shadow, shadow_intents, shadow_decisions, shadow_entities, shadow_confidences))) AS opinion
  FROM tickets WHERE decision != 'none'
)
SELECT toDate(at) AS day, 'risk' AS pipeline, decided_by, score.1 AS model, if(decided_by = score.1, 'decides', 'shadow') AS role,
  count() AS decisions, uniqExact(customer) AS customers, countIf(decision != 'allow') AS raised, avg(score.2) AS probability,
  countIf(truth != '') AS verdicts, countIf(truth IN ('chargeback', 'abuse')) AS positives,
  avgIf(pow(score.2 - (truth IN ('chargeback', 'abuse')), 2), truth != '') AS brier, CAST(NULL AS Nullable(Float64)) AS agreement
FROM scored LEFT JOIN known USING (shard, type, customer, order_id)
GROUP BY day, decided_by, model
UNION ALL
SELECT toDate(at) AS day, 'support' AS pipeline, decided_by, opinion.1 AS model, if(decided_by = opinion.1, 'decides', 'shadow') AS role,
  count() AS decisions, uniqExact(customer) AS customers, countIf(opinion.3 = 'hand_over') AS raised, avg(opinion.5) AS probability,
  countIf(true_intent != '') AS verdicts, countIf(true_intent != '' AND opinion.2 = true_intent) AS positives,
  avgIf(pow(opinion.5 - (opinion.2 = true_intent), 2), true_intent != '') AS brier, CAST(avg((opinion.2, opinion.3, opinion.4) = decided) AS Nullable(Float64)) AS agreement
FROM opinions LEFT JOIN labelled ON labelled.shard = opinions.shard AND labelled.ticket_seq = opinions.seq
GROUP BY day, decided_by, model`,
];
