/** Coupon decisions. */
export const coupons: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS coupons (
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Position of the event that led to it (stream sequence * 1024 + line): the ticket\\'s answer, or any one that moved the clock of the stream to where it was due' CODEC(Delta, ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it was decided, by the clock of the stream: the largest time of an event so far' CODEC(Delta, ZSTD(1)),
  customer String COMMENT 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address' CODEC(ZSTD(1)),
  reason LowCardinality(String) COMMENT 'Why there should be one: resolved_complaint, abandoned_cart or fading_customer',
  decision LowCardinality(String) COMMENT 'granted or withheld',
  withheld_because LowCardinality(String) COMMENT 'risk, cap or budget; empty when it was granted',
  code String COMMENT 'What the customer redeems; empty when it was withheld' CODEC(ZSTD(1)),
  percent Float64 COMMENT 'Percent of the order that it takes off; 0 for a fixed amount' CODEC(ZSTD(1)),
  amount_minor Int64 COMMENT 'What it takes off, or the most that it does, in minor units: what it costs the budget of the day' CODEC(ZSTD(1)),
  currency LowCardinality(String) COMMENT 'ISO 4217 code of the amount',
  valid_until DateTime64(3, 'UTC') COMMENT 'When it ends; of a withheld one, when it would have' CODEC(Delta, ZSTD(1)),
  because Array(String) COMMENT 'What happened, and what spoke against it' CODEC(ZSTD(1)),
  rules LowCardinality(String) COMMENT 'Version of the rules that decided',
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (customer, at, reason, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every reason for a coupon, and whether there was one'`,
];
