/** The first tables, as `createTable` wrote them. */
export const start: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS events (
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard' CODEC(Delta, ZSTD(1)),
  type LowCardinality(String) COMMENT 'Type of the event',
  id String COMMENT 'The producer\\'s own id of the event; send it as Nats-Msg-Id too, so that a repeated publish is dropped' CODEC(ZSTD(1)),
  customer String COMMENT 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address' CODEC(ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it happened, milliseconds since 1970 (UTC); at most one day after it was received' CODEC(Delta, ZSTD(1)),
  received_at DateTime64(3, 'UTC') COMMENT 'When the broker stored it' CODEC(Delta, ZSTD(1)),
  session String COMMENT 'The browsing session, where the shop knows one' CODEC(ZSTD(1)),
  action LowCardinality(String) COMMENT 'click: What the customer did with the item',
  item String COMMENT 'click, ticket: the item' CODEC(ZSTD(1)),
  order_id String COMMENT 'purchase, refund, ticket: The order' CODEC(ZSTD(1)),
  line_items Array(String) COMMENT 'purchase, refund: item of each line' CODEC(ZSTD(1)),
  line_quantities Array(UInt32) COMMENT 'purchase, refund: units of each line' CODEC(ZSTD(1)),
  line_units_minor Array(Int64) COMMENT 'purchase, refund: price of one unit of each line, in minor units' CODEC(ZSTD(1)),
  amount_minor Int64 COMMENT 'purchase, refund: amount in all, in minor units (cents); positive in both' CODEC(ZSTD(1)),
  currency LowCardinality(String) COMMENT 'ISO 4217 code of the amounts',
  payment LowCardinality(String) COMMENT 'purchase: How it was paid',
  card String COMMENT 'purchase: A fingerprint of the card, never its number' CODEC(ZSTD(1)),
  device String COMMENT 'purchase, refund: A fingerprint of the device' CODEC(ZSTD(1)),
  address String COMMENT 'purchase: A fingerprint of the shipping address' CODEC(ZSTD(1)),
  shipping_country LowCardinality(String) COMMENT 'purchase: ISO 3166 code of the country it is sent to',
  billing_country LowCardinality(String) COMMENT 'purchase: ISO 3166 code of the country that pays',
  coupon String COMMENT 'purchase: The coupon that was redeemed' CODEC(ZSTD(1)),
  reason String COMMENT 'refund: Why, in the shop\\'s own words' CODEC(ZSTD(1)),
  ticket String COMMENT 'ticket: The ticket' CODEC(ZSTD(1)),
  text String COMMENT 'ticket: What the customer wrote' CODEC(ZSTD(1)),
  language LowCardinality(String) COMMENT 'ticket: Language, where the shop knows it',
  label_of LowCardinality(String) COMMENT 'label: What it is the truth about',
  label_ref String COMMENT 'label: The order or ticket that it is about' CODEC(ZSTD(1)),
  verdict LowCardinality(String) COMMENT 'label: The truth: genuine, chargeback or abuse for money; the true intent for a ticket',
  answer String COMMENT 'label: The answer that the ticket got in the end' CODEC(ZSTD(1)),
  command LowCardinality(String) COMMENT 'control: forget: subtract everything that this customer taught the models',
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS',
  INDEX by_customer customer TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (type, at, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every event that was taken, once'`,
  `CREATE TABLE IF NOT EXISTS rejects (
  seq UInt64 COMMENT 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard' CODEC(Delta, ZSTD(1)),
  received_at DateTime64(3, 'UTC') COMMENT 'When the broker stored it' CODEC(Delta, ZSTD(1)),
  subject String COMMENT 'Subject as the stream stored it: ev.<shard>.<type>, or the published one where that has no such form' CODEC(ZSTD(1)),
  reason LowCardinality(String) COMMENT 'Why, as a word to group by',
  detail String COMMENT 'Why, as a sentence: the field, its value, the remedy' CODEC(ZSTD(1)),
  bytes UInt32 COMMENT 'Size of the body, bytes',
  body String COMMENT 'The original bytes' CODEC(ZSTD(3)),
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (reason, received_at, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every message or line that was not taken, with its original bytes and the reason'`,
  `CREATE TABLE IF NOT EXISTS recommendations (
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Sequence of the last message of EVENTS that the answer had seen' CODEC(Delta, ZSTD(1)),
  commit_seq UInt64 COMMENT 'Sequence in OUT of the commit that recorded it' CODEC(Delta, ZSTD(1)),
  answer UInt16 COMMENT 'Place of the answer in its commit',
  rank UInt16 COMMENT 'Place of the item in the answer, from 1',
  at DateTime64(3, 'UTC') COMMENT 'When it was given' CODEC(Delta, ZSTD(1)),
  customer String COMMENT 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address' CODEC(ZSTD(1)),
  item String COMMENT 'The item that was recommended' CODEC(ZSTD(1)),
  score Float64 COMMENT 'Score that ranked it; comparable within one answer' CODEC(ZSTD(1)),
  channel LowCardinality(String) COMMENT 'Which part of the model proposed it: item-item, user-user or popular',
  because Array(String) COMMENT 'The items of the customer that speak for it, strongest first' CODEC(ZSTD(1)),
  model LowCardinality(String) COMMENT 'Model and version that decided'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (customer, at, rank, commit_seq, answer)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every item of every recommendation that was given'`,
  `CREATE TABLE IF NOT EXISTS item_neighbours (
  version UInt64 COMMENT 'The export: its start, milliseconds since 1970',
  exported_at DateTime64(3, 'UTC') COMMENT 'When the export started' CODEC(Delta, ZSTD(1)),
  item String COMMENT 'The item' CODEC(ZSTD(1)),
  rank UInt16 COMMENT 'Place of the neighbour, from 1',
  neighbour String COMMENT 'The similar item' CODEC(ZSTD(1)),
  similarity Float64 COMMENT 'Cosine of the two items over all customers: dot / (norm * norm)' CODEC(ZSTD(1)),
  dot Float64 COMMENT 'Sum over customers of the product of their strengths, in units of the newest event' CODEC(ZSTD(1)),
  norm2 Float64 COMMENT 'Squared norm of the item, in the same unit' CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toYYYYMM(exported_at)
ORDER BY (version, item, rank)
TTL toDateTime(exported_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'The most similar items of each item, one version for each export'`,
  `CREATE VIEW IF NOT EXISTS item_neighbours_latest AS
SELECT * FROM item_neighbours WHERE version = (SELECT max(version) FROM item_neighbours)`,
];
