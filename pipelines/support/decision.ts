/** What the support step emits: the rows of the tables, less what the sink adds, and the messages that are made of them. */
import type { ReplyMessage, SupportMessage } from '../../schemas/messages.js';
import type { ModelMetricRow } from '../../schemas/risk-tables.js';
import type { HandOverReason } from '../../schemas/support-words.js';
import type { IntentConfusionRow, TicketLabelRow, TicketRow } from '../../schemas/support-tables.js';

/** A row, and whether the text that stands as its reply may be sent though a person takes over. */
export type TicketDecision = Omit<TicketRow, 'shard'> & { acknowledgement: boolean };
export type TicketLabel = Omit<TicketLabelRow, 'shard'>;
export type IntentConfusion = Omit<IntentConfusionRow, 'shard'>;
export type SupportMetric = Omit<ModelMetricRow, 'shard'>;

type Language = 'en' | 'zh';

/** What the shop's mail or chat sends; undefined where nobody is answered. */
export function replyMessage(value: TicketDecision): ReplyMessage | undefined {
  const { decision, customer, ticket, atMs, seq, order, language, intent, confidence, reply, answer, answers, because, model } = value;
  if (decision !== 'reply') return undefined;
  return {
    v: 1, customer, ticket, atMs, seq, ...(order === '' ? {} : { order }), language: language as Language, intent, confidence, text: reply, answer, answers, because: [...because], model,
  };
}

/** What a person gets; undefined where nobody needs to do anything. */
export function supportMessage(value: TicketDecision): SupportMessage | undefined {
  const { decision, reason, customer, ticket, atMs, seq, order, item, language, text, sentiment, intent, confidence, alternatives, alternativeConfidences, urgency, because, model, reply, acknowledgement } = value;
  if (decision !== 'hand_over') return undefined;
  return {
    v: 1, customer, ticket, atMs, seq, ...(order === '' ? {} : { order }), ...(item === '' ? {} : { item }), ...(language === '' ? {} : { language: language as Language }),
    reason: reason as HandOverReason, urgency, text, sentiment, intent, confidence,
    alternatives: alternatives.map((name, i) => ({ intent: name, confidence: alternativeConfidences[i] })),
    ...(reply === '' ? {} : acknowledgement ? { acknowledgement: reply } : { draft: reply }), because: [...because], model,
  };
}
