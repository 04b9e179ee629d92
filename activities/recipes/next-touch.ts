/**
 * What customers did with recommendations, as the watch asks: of the answers after which the customer did something within the hour,
 * the share of which it was with an item that was recommended. The view recommendation_hits tells the same by day and version.
 *
 *   answer --> first click or purchase of the customer behind it --> one of the items: 1, another: 0, nothing within the hour: not counted
 *
 * The first alone counts, so that an answer says all that it has to say at once: young answers and old ones compare.
 */
import type { WatchPlan } from './recipe.js';

/**
 * The times of both are the system's own. `seq` of an answer is the last message that it had seen: what was stored later came after it.
 * An idle shard's is that of its own promotion, which may be before another's: the version alone says that it was live there.
 */
export const nextTouchWatch: WatchPlan = {
  query: `
WITH
  answers AS (
    SELECT any(customer) AS who, any(seq) AS seen_seq, any(at) AS answered_at, groupArray(item) AS items FROM recommendations
    WHERE seq * 1024 >= {since:UInt64} AND seq * 1024 < {to:UInt64} AND ({tag:String} = '' OR has(splitByChar('+', toString(model)), {tag:String}))
    GROUP BY shard, commit_seq, answer ORDER BY answered_at DESC, commit_seq DESC, answer DESC LIMIT {most:UInt32}
  ),
  touches AS (
    SELECT customer AS who, intDiv(seq, 1024) AS touched_seq, received_at, if(type = 'purchase', line_items, [item]) AS lines FROM events
    WHERE (type = 'purchase' OR (type = 'click' AND action IN ('view', 'favourite', 'cart'))) AND customer IN (SELECT who FROM answers)
  )
SELECT 'next_hit' AS metric, avg(hasAny(items, lines)) AS value, count() AS rows
FROM answers ASOF INNER JOIN touches ON answers.who = touches.who AND answers.seen_seq < touches.touched_seq
WHERE received_at <= answered_at + toIntervalHour(1)`,
  most: 20_000,
  rules: [
    // At a share of 0.1 three standard deviations of 500 answers; the looks are many, and a false alarm costs a good version.
    { metric: 'next_hit', worse: 'lower', factor: 1.25, by: 0.02, rowsMin: 500 },
  ],
};
