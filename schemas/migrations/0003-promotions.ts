/** Promotions: their columns in `events`, what became of them in each shard, and which version was live when. */
export const promotions: readonly string[] = [
  `ALTER TABLE events
  ADD COLUMN IF NOT EXISTS model LowCardinality(String) COMMENT 'control promote: The model: small letters, digits, _ and -, at most 24' AFTER command,
  ADD COLUMN IF NOT EXISTS version UInt64 COMMENT 'control promote: The version of the model' CODEC(ZSTD(1)) AFTER model,
  ADD COLUMN IF NOT EXISTS sha256 String COMMENT 'control promote: sha256 of the artefact, hexadecimal' CODEC(ZSTD(1)) AFTER version,
  ADD COLUMN IF NOT EXISTS bytes UInt64 COMMENT 'control promote: Size of the artefact' CODEC(ZSTD(1)) AFTER sha256,
  COMMENT COLUMN IF EXISTS command 'control: forget: subtract everything that this customer taught the models; promote: this version of the model decides from here on'`,
  `CREATE TABLE IF NOT EXISTS promotions (
  model LowCardinality(String) COMMENT 'The model: small letters, digits, _ and -, at most 24',
  version UInt64 COMMENT 'The version of the model',
  sha256 String COMMENT 'sha256 of the artefact, hexadecimal' CODEC(ZSTD(1)),
  bytes UInt64 COMMENT 'Size of the artefact' CODEC(ZSTD(1)),
  outcome LowCardinality(String) COMMENT 'live; or the version before stays: missing (the artefact is gone or damaged), unreadable (not of this model), unknown_model (not of this build)',
  detail String COMMENT 'Why it did not go live, as a sentence' CODEC(ZSTD(1)),
  shard UInt16 COMMENT 'The shard that switched',
  seq UInt64 COMMENT 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard' CODEC(Delta, ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When the broker stored the promotion' CODEC(Delta, ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (model, at, shard, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every promotion that reached a shard: from its seq on, the version decides where the outcome is live'`,
  `CREATE VIEW IF NOT EXISTS model_at AS
SELECT model, shard, argMax(version, seq) AS version, argMax(sha256, seq) AS sha256, max(seq) AS since_seq, max(at) AS since
FROM promotions WHERE outcome = 'live' AND at <= {time:DateTime64(3, 'UTC')} GROUP BY model, shard`,
];
