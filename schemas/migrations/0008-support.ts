/** What is read in tickets and decided about them, what became of it, and that personal data is masked wherever text is stored. */
export const support: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS tickets (
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard' CODEC(Delta, ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it happened, no later than it was received' CODEC(Delta, ZSTD(1)),
  customer String COMMENT 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address' CODEC(ZSTD(1)),
  ticket String COMMENT 'The ticket' CODEC(ZSTD(1)),
  order_id String COMMENT 'The order that it is about: the shop\\'s word, else the customer\\'s own that the text names, else, where the intent is sure, their latest; empty where none tells' CODEC(ZSTD(1)),
  item String COMMENT 'The item that it is about, where the shop says so' CODEC(ZSTD(1)),
  language LowCardinality(String) COMMENT 'Language of the text: en or zh; empty where it is neither',
  text String COMMENT 'The text, normalised, with <email>, <phone>, <card>, <national_id> and <address> in place of personal data' CODEC(ZSTD(3)),
  personal Array(String) COMMENT 'Kinds of personal data that were masked, each as often as it was found' CODEC(ZSTD(1)),
  tokens Array(String) COMMENT 'Words of the text in order, without stop words; the first of a long one' CODEC(ZSTD(1)),
  tags Array(String) COMMENT 'Part of speech of each token, a Universal POS tag' CODEC(ZSTD(1)),
  entity_kinds Array(String) COMMENT 'order, product, amount, date or tracking: what the text names' CODEC(ZSTD(1)),
  entity_values Array(String) COMMENT 'Each entity as it stands in the text' CODEC(ZSTD(1)),
  entity_starts Array(UInt32) COMMENT 'Where each begins in the text, UTF-16 units' CODEC(ZSTD(1)),
  entity_ends Array(UInt32) COMMENT 'One past where each ends' CODEC(ZSTD(1)),
  sentiment Float64 COMMENT 'From -1 (angry) over 0 (none) to 1 (delighted)' CODEC(ZSTD(1)),
  intent LowCardinality(String) COMMENT 'What the customer wants, as far as can be told; empty where the text has no words',
  confidence Float64 COMMENT 'Calibrated probability that this is the intent' CODEC(ZSTD(1)),
  alternatives Array(String) COMMENT 'The next most likely intents' CODEC(ZSTD(1)),
  alternative_confidences Array(Float64) COMMENT 'The probability of each' CODEC(ZSTD(1)),
  out_of_scope Float64 COMMENT 'How likely it is about none of the intents, by the model\\'s own measure' CODEC(ZSTD(1)),
  perplexity Float64 COMMENT 'How unexpected its words are to the language model, exp of the mean surprise; 0 where none is live' CODEC(ZSTD(1)),
  urgency LowCardinality(String) COMMENT 'low: thanks, or a question without haste; normal: as every ticket; high: haste, strong anger, or a deadline; urgent: danger to people, fraud, or the law',
  decision LowCardinality(String) COMMENT 'reply: the customer is answered; hand_over: a person gets it; none: nobody needs to do anything',
  reason LowCardinality(String) COMMENT 'Why nobody was answered; no_text: the text has no words; language: neither English nor Chinese; urgent: it says something that cannot wait, or must not be answered by a machine; out_of_scope: it seems to be about none of the intents; low_confidence: the intent is not sure enough; upset: the customer is too angry for a machine\\'s answer; again: the customer was answered about the same a short while ago, and writes again; not_automatic: a person answers this intent, by the settings or by the approved answers; no_answer: there is no approved answer to it in this language; open_slot: the answer needs something that neither the text nor the customer\\'s orders tell; history: it arrived long after it was written, as in an import; repeated: the same text came before under the same ticket; answered: its final answer had arrived before it did',
  because Array(String) COMMENT 'The decision and its reasons, as sentences' CODEC(ZSTD(1)),
  reply String COMMENT 'What the customer was answered; of a ticket that was handed over what could be answered, where there is something' CODEC(ZSTD(1)),
  answer String COMMENT 'Which approved answer it is, or which earlier ticket it comes from' CODEC(ZSTD(1)),
  answers LowCardinality(String) COMMENT 'Version of the approved answers',
  model LowCardinality(String) COMMENT 'Models and versions that read the text',
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS',
  INDEX by_customer customer TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_ticket ticket TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (decision, intent, at, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What was read in every ticket, and whether it was answered or handed to a person; personal data is masked'`,
  `CREATE TABLE IF NOT EXISTS ticket_labels (
  shard UInt16 COMMENT 'Partition of the customer',
  seq UInt64 COMMENT 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard' CODEC(Delta, ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'When it was given, no later than it was received' CODEC(Delta, ZSTD(1)),
  customer String COMMENT 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address' CODEC(ZSTD(1)),
  ticket String COMMENT 'The order or ticket that it is about' CODEC(ZSTD(1)),
  intent LowCardinality(String) COMMENT 'The true intent',
  answer String COMMENT 'The answer that the ticket got in the end, personal data masked' CODEC(ZSTD(3)),
  outcome LowCardinality(String) COMMENT 'right: the intent was read so; wrong: it was read otherwise; repeated: the same was known; unknown: no such ticket is held',
  remembered UInt16 COMMENT '1: similar tickets may be answered so from here on',
  ticket_seq UInt64 COMMENT 'Of the ticket: its seq in tickets; 0 where it is not held' CODEC(Delta, ZSTD(1)),
  ticket_at DateTime64(3, 'UTC') COMMENT 'Of the ticket: when; 1970 where it is not held' CODEC(Delta, ZSTD(1)),
  language LowCardinality(String) COMMENT 'Of the ticket: its language',
  predicted LowCardinality(String) COMMENT 'Of the ticket: the intent that was read',
  confidence Float64 COMMENT 'Of the ticket: the probability then' CODEC(ZSTD(1)),
  decision LowCardinality(String) COMMENT 'Of the ticket: reply, hand_over or none',
  reason LowCardinality(String) COMMENT 'Of the ticket: why nobody was answered',
  model LowCardinality(String) COMMENT 'Of the ticket: model and version that read the intent',
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (outcome, at, seq)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What became of every label of a ticket: together with its text in tickets, what the next model is trained on'`,
  `CREATE TABLE IF NOT EXISTS intent_confusion (
  shard UInt16 COMMENT 'The shard whose tickets they were',
  seq UInt64 COMMENT 'Position of the event with which the next day began' CODEC(Delta, ZSTD(1)),
  day DateTime64(3, 'UTC') COMMENT 'Start of the day, UTC' CODEC(Delta, ZSTD(1)),
  model LowCardinality(String) COMMENT 'Model and version',
  intent LowCardinality(String) COMMENT 'The true intent; (other): one of those beyond the most that are told apart',
  predicted LowCardinality(String) COMMENT 'The intent that was read; empty: none',
  tickets UInt32 COMMENT 'Tickets',
  confident UInt32 COMMENT 'Those among them where the model did not abstain',
  stream_seq UInt64 ALIAS intDiv(seq, 1024) COMMENT 'Sequence of the message in the stream EVENTS'
) ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, model, intent, predicted, shard)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Which intent was read as which, by day and model version, over the labels that arrived on that day'`,
  `ALTER TABLE events
  COMMENT COLUMN IF EXISTS reason 'refund: Why, in the shop\\'s own words; personal data masked',
  COMMENT COLUMN IF EXISTS text 'ticket: What the customer wrote; personal data masked',
  COMMENT COLUMN IF EXISTS answer 'label: The answer that the ticket got in the end; personal data masked'`,
  `ALTER TABLE rejects
  COMMENT COLUMN IF EXISTS subject 'Subject as the stream stored it: ev.<shard>.<type>, or the published one where that has no such form; personal data masked',
  COMMENT COLUMN IF EXISTS detail 'Why, as a sentence: the field, its value, the remedy; personal data masked',
  COMMENT COLUMN IF EXISTS bytes 'Size of the original body, bytes',
  COMMENT COLUMN IF EXISTS body 'The body; the original bytes where they hold no personal data, else with that masked'`,
  `ALTER TABLE rejects MODIFY COMMENT 'Every message or line that was not taken, and the reason; its dead letter in NATS has the original bytes'`,
  `ALTER TABLE model_metrics
  COMMENT COLUMN IF EXISTS pipeline 'risk or support',
  COMMENT COLUMN IF EXISTS over 'verdicts: those that arrived on that day; decisions: those made on that day, for risk once the maturity was over',
  COMMENT COLUMN IF EXISTS metric 'auc, average_precision, precision_at_capacity, brier, log_loss, calibration_error; of a champion\\'s decisions also raised_fraud and raised_genuine, the shares in review or blocked; of support accuracy, precision (of what it did not abstain from), coverage (the share of that), macro_f1, brier, calibration_error, and of its decisions abstention_rate, reply_rate, out_of_scope_rate',
  COMMENT COLUMN IF EXISTS positives 'Frauds among them; of support the right ones, and of decisions those that the rate counts'`,
];
