/** What customers did after a recommendation, by the versions that made it: what the watch looks at, and how a challenger compares. */
export const recommendationHits: readonly string[] = [
  // The first click or purchase behind an answer, within the hour, by the system's own clock.
  `CREATE VIEW IF NOT EXISTS recommendation_hits AS
WITH
  answers AS (
    SELECT any(customer) AS who, any(seq) AS seen_seq, any(at) AS answered_at, any(toString(model)) AS decided_by, groupArray(item) AS items FROM recommendations
    WHERE at > now64(3) - toIntervalDay({days:UInt32}) GROUP BY shard, commit_seq, answer
  ),
  touches AS (
    SELECT customer AS who, intDiv(seq, 1024) AS touched_seq, received_at, if(type = 'purchase', line_items, [item]) AS lines FROM events
    WHERE (type = 'purchase' OR (type = 'click' AND action IN ('view', 'favourite', 'cart'))) AND received_at > now64(3) - toIntervalDay({days:UInt32})
  )
SELECT toDate(answered_at) AS day, decided_by AS model, count() AS answers, uniqExact(answers.who) AS customers,
  countIf(touched_seq > 0 AND received_at <= answered_at + toIntervalHour(1)) AS followed,
  countIf(touched_seq > 0 AND received_at <= answered_at + toIntervalHour(1) AND hasAny(items, lines)) AS hits,
  hits / followed AS hit_share
FROM answers ASOF LEFT JOIN touches ON answers.who = touches.who AND answers.seen_seq < touches.touched_seq
GROUP BY day, model
SETTINGS join_use_nulls = 0`,
];
