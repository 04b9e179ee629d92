/** Challengers are on record as what is live is: `model_at` tells their share. */
export const challengers: readonly string[] = [
  `ALTER TABLE training_runs
  COMMENT COLUMN IF EXISTS step 'What it did: started, cut, trained, evaluated, waiting, approved, rejected, refused, promoted, challenged, rolled_back, watched, cancelled, failed'`,
  `CREATE OR REPLACE VIEW model_at AS
SELECT model, shard, argMax(version, seq) AS version, argMax(sha256, seq) AS sha256, argMax(percent, seq) AS percent, max(seq) AS since_seq, max(at) AS since
FROM promotions WHERE outcome IN ('live', 'retired') AND at <= {time:DateTime64(3, 'UTC')} GROUP BY model, shard
HAVING argMax(outcome, seq) = 'live'`,
];
