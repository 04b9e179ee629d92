/** Challengers that decide for a share of the customers, and how they and the champion did on the same events. */
export const canary: readonly string[] = [
  `ALTER TABLE promotions
  ADD COLUMN IF NOT EXISTS percent UInt16 COMMENT 'Of a challenger: share of the customers for whom it decides, the same ones always; without it or at 0 it only scores in the shadow' AFTER bytes`,
  // Every model scored the same events, whoever decided: champion and challenger are compared on the challenger's customers and on all others.
  `CREATE VIEW IF NOT EXISTS canary_comparison AS
WITH known AS (
  SELECT shard, type, customer, order_id, argMax(verdict, seq) AS truth FROM risk_labels
  WHERE verdict IN ('genuine', 'chargeback', 'abuse') GROUP BY shard, type, customer, order_id
), scored AS (
  SELECT shard, type, customer, order_id, at, decision, amount_minor, model AS decided_by, arrayJoin(arrayConcat([(model, probability)], arrayZip(shadow, shadow_probabilities))) AS score FROM risk_decisions
)
SELECT toDate(at) AS day, 'risk' AS pipeline, decided_by, score.1 AS model, if(decided_by = score.1, 'decides', 'shadow') AS role,
  count() AS decisions, uniqExact(customer) AS customers, countIf(decision != 'allow') AS raised, avg(score.2) AS probability,
  countIf(truth != '') AS verdicts, countIf(truth IN ('chargeback', 'abuse')) AS positives,
  avgIf(pow(score.2 - (truth IN ('chargeback', 'abuse')), 2), truth != '') AS brier
FROM scored LEFT JOIN known USING (shard, type, customer, order_id)
GROUP BY day, decided_by, model
UNION ALL
SELECT toDate(at) AS day, 'support' AS pipeline, model AS decided_by, model, 'decides' AS role,
  count() AS decisions, uniqExact(customer) AS customers, countIf(decision = 'hand_over') AS raised, avg(confidence) AS probability,
  countIf(became != '') AS verdicts, countIf(became = 'right') AS positives,
  avgIf(pow(confidence - (became = 'right'), 2), became != '') AS brier
FROM tickets LEFT JOIN (SELECT shard, ticket_seq, argMax(outcome, seq) AS became FROM ticket_labels WHERE outcome IN ('right', 'wrong') GROUP BY shard, ticket_seq) AS labels ON labels.shard = tickets.shard AND labels.ticket_seq = tickets.seq
WHERE decision != 'none'
GROUP BY day, model`,
];
