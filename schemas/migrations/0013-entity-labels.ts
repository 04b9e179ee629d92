/** Support: the true entities of a ticket, as its label brings them, beside those that were read; who found each of these. */
export const entityLabels: readonly string[] = [
  `ALTER TABLE tickets
  ADD COLUMN IF NOT EXISTS entity_by Array(String) COMMENT 'Who found each; own: it is one of the customer\\'s own orders or items, or that of the ticket; model: the promoted model; rule: a rule' CODEC(ZSTD(1)) AFTER entity_ends`,
  `ALTER TABLE ticket_labels
  ADD COLUMN IF NOT EXISTS entities_outcome LowCardinality(String) COMMENT 'What became of the entities that it names; empty where it says nothing of them; right: the ticket was read so; wrong: it was read otherwise; repeated: the same were known; contradicted: others were known, and these count from here on; not_found: one of them does not stand in the ticket, so none is taken; overlapping: two of them stand in the same place, so none is taken; unknown: no such ticket is held' AFTER model,
  ADD COLUMN IF NOT EXISTS entities_detail String COMMENT 'Of entities that were refused: the field and the remedy' CODEC(ZSTD(1)) AFTER entities_outcome,
  ADD COLUMN IF NOT EXISTS entity_kinds Array(String) COMMENT 'The true entities: the kind of each' CODEC(ZSTD(1)) AFTER entities_detail,
  ADD COLUMN IF NOT EXISTS entity_values Array(String) COMMENT 'Each as it stands in the text of the ticket, masked' CODEC(ZSTD(1)) AFTER entity_kinds,
  ADD COLUMN IF NOT EXISTS entity_starts Array(UInt32) COMMENT 'Where each begins in the text of the ticket, UTF-16 units' CODEC(ZSTD(1)) AFTER entity_values,
  ADD COLUMN IF NOT EXISTS entity_ends Array(UInt32) COMMENT 'One past where each ends' CODEC(ZSTD(1)) AFTER entity_starts,
  ADD COLUMN IF NOT EXISTS entities_found UInt32 COMMENT 'Of the ticket: entities that were read in the part that a label can name' AFTER entity_ends,
  ADD COLUMN IF NOT EXISTS entities_right UInt32 COMMENT 'Those among them that are true: kind, start and end' AFTER entities_found,
  ADD COLUMN IF NOT EXISTS entities_model LowCardinality(String) COMMENT 'Of the ticket: model and version that read the entities, or the name of the rules' AFTER entities_right`,
  `ALTER TABLE model_metrics
  COMMENT COLUMN IF EXISTS metric 'auc, average_precision, precision_at_capacity, brier, log_loss, calibration_error; of a champion\\'s decisions also raised_fraud and raised_genuine, the shares in review or blocked; of support accuracy, precision (of what it did not abstain from), coverage (the share of that), macro_f1, brier, calibration_error, of the entities of a ticket entity_precision, entity_recall, entity_f1 (exact spans), and of its decisions abstention_rate, reply_rate, out_of_scope_rate',
  COMMENT COLUMN IF EXISTS positives 'Frauds among them; of support the right ones (of entities the right spans), and of decisions those that the rate counts'`,
];
