/** The registry: versions, runs and evaluations; and models that step aside again. */
export const registry: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS models (
  model LowCardinality(String) COMMENT 'The model: small letters, digits, _ and -, at most 24',
  version UInt64 COMMENT 'The version of the model: the start of its run, milliseconds since 1970',
  at DateTime64(3, 'UTC') COMMENT 'When it was registered' CODEC(Delta, ZSTD(1)),
  sha256 String COMMENT 'sha256 of the artefact, hexadecimal' CODEC(ZSTD(1)),
  bytes UInt64 COMMENT 'Size of the artefact' CODEC(ZSTD(1)),
  run String COMMENT 'The run of the workflow that made it; empty where a person registered it' CODEC(ZSTD(1)),
  data_sha256 String COMMENT 'sha256 of the data set, hexadecimal; empty where it was not kept as an artefact' CODEC(ZSTD(1)),
  data_bytes UInt64 COMMENT 'Size of the data set' CODEC(ZSTD(1)),
  data_rows UInt64 COMMENT 'Rows of the data set' CODEC(ZSTD(1)),
  data_from DateTime64(3, 'UTC') COMMENT 'Time of its first row' CODEC(Delta, ZSTD(1)),
  data_to DateTime64(3, 'UTC') COMMENT 'Time of its last row' CODEC(Delta, ZSTD(1)),
  data_seq UInt64 COMMENT 'Position of the last event that it may know: the same cut again gives the same bytes' CODEC(Delta, ZSTD(1)),
  trained_rows UInt64 COMMENT 'Rows that it was trained on; the later ones judged it' CODEC(ZSTD(1)),
  trained_to DateTime64(3, 'UTC') COMMENT 'Time of the last row that it was trained on' CODEC(Delta, ZSTD(1)),
  epochs UInt32 COMMENT 'Epochs of its training',
  seconds Float64 COMMENT 'Seconds that its training took, from its last start on' CODEC(ZSTD(1)),
  card String COMMENT 'The model card, Markdown' CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (model, version)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every version of every model that was made, of what data, with its card'`,
  `CREATE TABLE IF NOT EXISTS training_runs (
  run String COMMENT 'The run of the workflow' CODEC(ZSTD(1)),
  workflow String COMMENT 'The workflow\\'s id' CODEC(ZSTD(1)),
  model LowCardinality(String) COMMENT 'The model: small letters, digits, _ and -, at most 24',
  version UInt64 COMMENT 'The version of the model',
  at DateTime64(3, 'UTC') COMMENT 'When, by the workflow\\'s clock' CODEC(Delta, ZSTD(1)),
  step LowCardinality(String) COMMENT 'What it did: started, cut, trained, evaluated, waiting, approved, rejected, refused, promoted, rolled_back, watched, cancelled, failed',
  detail String COMMENT 'As a sentence: what came of it, or why not' CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (model, at, run, step)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What every run of a model\\'s life did, step by step'`,
  `CREATE TABLE IF NOT EXISTS evaluations (
  model LowCardinality(String) COMMENT 'The model: small letters, digits, _ and -, at most 24',
  version UInt64 COMMENT 'The version of the model',
  at DateTime64(3, 'UTC') COMMENT 'When, by the workflow\\'s clock' CODEC(Delta, ZSTD(1)),
  run String COMMENT 'The run of the workflow that made it; empty where a person registered it' CODEC(ZSTD(1)),
  champion LowCardinality(String) COMMENT 'What it was compared with: model and version, recorded (what decided then), or nothing',
  kind LowCardinality(String) COMMENT 'metric: measured only; check: the gate asked for it',
  name LowCardinality(String) COMMENT 'Metric or check',
  slice LowCardinality(String) COMMENT 'Part of the rows; empty: all of them',
  value Float64 COMMENT 'Of the challenger; NaN: could not be told' CODEC(ZSTD(1)),
  champion_value Float64 COMMENT 'Of the champion; NaN: there is none' CODEC(ZSTD(1)),
  low Float64 COMMENT 'Lower end of the 95 % interval of value; NaN: none was made' CODEC(ZSTD(1)),
  high Float64 COMMENT 'Upper end of it' CODEC(ZSTD(1)),
  relation LowCardinality(String) COMMENT 'What the check asks of the value, or of the end of its interval: >, >= or <= the limit; empty for a metric',
  limit Float64 COMMENT 'The limit' CODEC(ZSTD(1)),
  passed UInt16 COMMENT '1: it did; a metric has 1',
  rows UInt32 COMMENT 'Rows that it is made of'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (model, version, kind, name, slice)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'How every challenger was judged beside the champion, and each check of the gate'`,
  `ALTER TABLE events
  COMMENT COLUMN IF EXISTS command 'control: forget: subtract everything that this customer taught the models; promote: this version of the model decides from here on; retire: no version of this model decides from here on',
  COMMENT COLUMN IF EXISTS model 'control promote, retire: The model: small letters, digits, _ and -, at most 24',
  COMMENT COLUMN IF EXISTS version 'control promote, retire: The version of the model'`,
  `ALTER TABLE promotions
  COMMENT COLUMN IF EXISTS outcome 'live; or the version before stays: missing (the artefact is gone or damaged), unreadable (not of this model), unknown_model (not of this build); retired: it stepped aside, and no version is live',
  MODIFY COMMENT 'Every promotion and retirement that reached a shard: from its seq on, the version decides where the outcome is live'`,
  `CREATE OR REPLACE VIEW model_at AS
SELECT model, shard, argMax(version, seq) AS version, argMax(sha256, seq) AS sha256, max(seq) AS since_seq, max(at) AS since
FROM promotions WHERE outcome IN ('live', 'retired') AND at <= {time:DateTime64(3, 'UTC')} GROUP BY model, shard
HAVING argMax(outcome, seq) = 'live'`,
];
