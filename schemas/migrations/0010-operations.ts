/** What operations did. */
export const operations: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS rebuilds (
  run String COMMENT 'The workflow' CODEC(ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it started' CODEC(Delta, ZSTD(1)),
  shard UInt16 COMMENT 'The shard',
  seq UInt64 COMMENT 'Sequence of EVENTS up to which both states had folded' CODEC(Delta, ZSTD(1)),
  outcome LowCardinality(String) COMMENT 'same or differs',
  differing Array(String) COMMENT 'Parts of the state that differ, such as recommend.sessions' CODEC(ZSTD(1)),
  gone Array(String) COMMENT 'Promotions on the way whose artefact is gone, as model and version: the rebuild went on with the one before' CODEC(ZSTD(1)),
  events UInt64 COMMENT 'Events that were folded' CODEC(ZSTD(1)),
  rejects UInt64 COMMENT 'Rejects that were passed over' CODEC(ZSTD(1)),
  bytes UInt64 COMMENT 'Size of the live state\\'s snapshot' CODEC(ZSTD(1)),
  seconds Float64 COMMENT 'How long it took' CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, shard)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every time a shard\\'s stream was folded again from nothing, and whether its state came out the same'`,
  `CREATE TABLE IF NOT EXISTS forget_receipts (
  run String COMMENT 'The run of the workflow' CODEC(ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it started' CODEC(Delta, ZSTD(1)),
  customer_sha256 String COMMENT 'sha256 of the customer, hexadecimal' CODEC(ZSTD(1)),
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Sequence of EVENTS up to which nothing of the customer is left' CODEC(Delta, ZSTD(1)),
  place LowCardinality(String) COMMENT 'Where: a table, a stream, the state',
  removed UInt64 COMMENT 'Rows, messages or states' CODEC(ZSTD(1)),
  note String COMMENT 'What was done, and what is left to do' CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (customer_sha256, at, place)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What was removed where when a customer was forgotten; the customer is a hash'`,
];
