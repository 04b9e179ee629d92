/** The tables that analysts read. Each row carries `shard` and `seq`, so that anyone can prove that none is doubled. */
import { column, type Table } from './columns.js';
import type { Reject } from './decode.js';
import { Click, Forget, Label, Promote, Purchase, Refund, Recall, Retire, Ticket, type Event } from './events.js';
import { evaluationsTable, modelsTable, trainingRunsTable } from './model-tables.js';
import { intentConfusionTable, ticketLabelsTable, ticketsTable } from './support-tables.js';
import { modelMetricsTable, riskDecisionsTable, riskLabelsTable } from './risk-tables.js';
import { forgetReceiptsTable, rebuildsTable } from './ops-tables.js';
import { said, seqComment, sorted, streamSeq, zstd } from './table-texts.js';

export interface EventRow {
  shard: number;
  /** see `positionOf` */
  position: number;
  receivedMs: number;
  event: Event;
}
export interface RejectRow extends Pick<Reject, 'position' | 'reason' | 'detail' | 'body'> {
  /** of the original body */
  bytes: number;
  subject: string;
  receivedMs: number;
}

/** One recommended item of one answer. */
export interface RecommendationRow {
  shard: number;
  /** sequence of the commit in OUT, and the place of the answer in it */
  commitSeq: number;
  answer: number;
  rank: number;
  atMs: number;
  seq: number;
  customer: string;
  item: string;
  score: number;
  channel: string;
  ranks: Partial<Record<string, number>>;
  because: readonly string[];
  against: readonly string[];
  model: string;
}

/** One coupon decision, granted or withheld. */
export interface CouponRow {
  shard: number;
  seq: number;
  atMs: number;
  customer: string;
  reason: string;
  withheld?: string;
  code?: string;
  percent?: number;
  amountMinor: number;
  currency: string;
  validUntilMs: number;
  because: readonly string[];
  rules: string;
}

export interface NeighbourRow {
  version: number;
  exportedMs: number;
  item: string;
  rank: number;
  neighbour: string;
  similarity: number;
  dot: number;
  norm2: number;
}

/** What became of a promotion in a shard: it went live, its artefact was not there or damaged, its model could not be read, or this build has no such model. `retired`: a retirement took it away. */
export const promotionOutcomes = ['live', 'missing', 'unreadable', 'unknown_model', 'retired'] as const;

export interface PromotionRow {
  model: string;
  version: number;
  sha256: string;
  bytes: number;
  /** 0 where it has no share of its own; absent in a commit of the release before */
  percent?: number;
  outcome: (typeof promotionOutcomes)[number];
  detail: string;
  shard: number;
  /** see `positionOf` */
  seq: number;
  atMs: number;
}

/** A text field that only some types of event have; '' on the others. */
const field = (event: Event, name: string): string => {
  const value = (event as unknown as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
};
/** By the sink, before it makes rows. */
const masked = 'personal data masked';
const none: readonly never[] = [];
const lines = (event: Event) => ('lines' in event ? event.lines : none);

export const eventsTable: Table<EventRow> = {
  name: 'events',
  comment: 'Every event that was taken, once',
  columns: [
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', seqComment, (r) => r.position, sorted),
    column('type', 'label', said(Click, 'type'), (r) => r.event.type),
    column('id', 'text', said(Click, 'id'), (r) => r.event.id, zstd),
    column('customer', 'text', said(Click, 'customer'), (r) => r.event.customer, zstd),
    column('at', 'time', said(Click, 'atMs'), (r) => r.event.atMs, sorted),
    column('received_at', 'time', 'When the broker stored it', (r) => r.receivedMs, sorted),
    column('session', 'text', said(Click, 'session'), (r) => field(r.event, 'session'), zstd),
    column('action', 'label', `click: ${said(Click, 'action')}`, (r) => field(r.event, 'action')),
    column('item', 'text', 'click, ticket: the item', (r) => field(r.event, 'item'), zstd),
    column('order_id', 'text', `purchase, refund, ticket: ${said(Purchase, 'order')}`, (r) => field(r.event, 'order'), zstd),
    column('line_items', 'texts', 'purchase, refund: item of each line', (r) => lines(r.event).map((l) => l.item), zstd),
    column('line_quantities', 'u32s', 'purchase, refund: units of each line', (r) => lines(r.event).map((l) => l.quantity), zstd),
    column('line_units_minor', 'i64s', 'purchase, refund: price of one unit of each line, in minor units', (r) => lines(r.event).map((l) => l.unitMinor), zstd),
    column('amount_minor', 'i64', 'purchase, refund: amount in all, in minor units (cents); positive in both', (r) => ('amountMinor' in r.event ? r.event.amountMinor : 0), zstd),
    column('currency', 'label', said(Purchase, 'currency'), (r) => field(r.event, 'currency')),
    column('payment', 'label', `purchase: ${said(Purchase, 'payment')}`, (r) => field(r.event, 'payment')),
    column('card', 'text', `purchase: ${said(Purchase, 'card')}`, (r) => field(r.event, 'card'), zstd),
    column('device', 'text', `purchase, refund: ${said(Purchase, 'device')}`, (r) => field(r.event, 'device'), zstd),
    column('address', 'text', `purchase: ${said(Purchase, 'address')}`, (r) => field(r.event, 'address'), zstd),
    column('shipping_country', 'label', `purchase: ${said(Purchase, 'shippingCountry')}`, (r) => field(r.event, 'shippingCountry')),
    column('billing_country', 'label', `purchase: ${said(Purchase, 'billingCountry')}`, (r) => field(r.event, 'billingCountry')),
    column('coupon', 'text', `purchase: ${said(Purchase, 'coupon')}`, (r) => field(r.event, 'coupon'), zstd),
    column('reason', 'text', `refund: ${said(Refund, 'reason')}; ${masked}`, (r) => field(r.event, 'reason'), zstd),
    column('ticket', 'text', `ticket: ${said(Ticket, 'ticket')}`, (r) => field(r.event, 'ticket'), zstd),
    column('text', 'text', `ticket: ${said(Ticket, 'text')}; ${masked}`, (r) => field(r.event, 'text'), zstd),
    column('language', 'label', `ticket: ${said(Ticket, 'language')}`, (r) => field(r.event, 'language')),
    column('label_of', 'label', `label: ${said(Label, 'of')}`, (r) => field(r.event, 'of')),
    column('label_ref', 'text', `label: ${said(Label, 'ref')}`, (r) => field(r.event, 'ref'), zstd),
    column('verdict', 'label', `label: ${said(Label, 'verdict')}`, (r) => field(r.event, 'verdict')),
    column('answer', 'text', `label: ${said(Label, 'answer')}; ${masked}`, (r) => field(r.event, 'answer'), zstd),
    column('command', 'label', `control: ${said(Forget, 'command')}; ${said(Promote, 'command')}; ${said(Retire, 'command')}; ${said(Recall, 'command')}`, (r) => field(r.event, 'command')),
    column('model', 'label', `control promote, retire: ${said(Promote, 'model')}`, (r) => field(r.event, 'model')),
    column('version', 'u64', `control promote, retire: ${said(Promote, 'version')}`, (r) => ('version' in r.event ? r.event.version : 0), zstd),
    column('sha256', 'text', `control promote: ${said(Promote, 'sha256')}`, (r) => field(r.event, 'sha256'), zstd),
    column('bytes', 'u64', `control promote: ${said(Promote, 'bytes')}`, (r) => ('bytes' in r.event ? r.event.bytes : 0), zstd),
  ],
  aliases: [streamSeq],
  // By arrival, not by event time: an import of years of history would otherwise open hundreds of partitions at once.
  partitionBy: 'toYYYYMM(received_at)',
  orderBy: ['type', 'at', 'seq'],
  indexes: ['by_customer customer TYPE bloom_filter(0.01) GRANULARITY 4'],
};

export const rejectsTable: Table<RejectRow> = {
  name: 'rejects',
  comment: 'Every message or line that was not taken, and the reason; its dead letter in NATS has the original bytes',
  columns: [
    column('seq', 'u64', seqComment, (r) => r.position, sorted),
    column('received_at', 'time', 'When the broker stored it', (r) => r.receivedMs, sorted),
    column('subject', 'text', 'Subject as the stream stored it: ev.<shard>.<type>, or the published one where that has no such form; personal data masked', (r) => r.subject, zstd),
    column('reason', 'label', 'Why, as a word to group by', (r) => r.reason),
    column('detail', 'text', 'Why, as a sentence: the field, its value, the remedy; personal data masked', (r) => r.detail, zstd),
    column('bytes', 'u32', 'Size of the original body, bytes', (r) => r.bytes),
    column('body', 'bytes', 'The body; the original bytes where they hold no personal data, else with that masked', (r) => r.body, 'ZSTD(3)'),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(received_at)',
  orderBy: ['reason', 'received_at', 'seq'],
};

/** What a blend is learnt from: the features of the decision, as they were when it was made. */
const rankColumns = (['session', 'item-item', 'user-user', 'svd', 'again', 'popular'] as const).map((channel) =>
  column<RecommendationRow, 'u16'>(`rank_${channel.replace('-', '_')}`, 'u16', `Rank of the item among what ${channel} proposed, from 1; 0: it did not`, (r) => r.ranks[channel] ?? 0));

export const recommendationsTable: Table<RecommendationRow> = {
  name: 'recommendations',
  comment: 'Every item of every recommendation that was given',
  columns: [
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', 'Sequence of the last message of EVENTS that the answer had seen', (r) => r.seq, sorted),
    column('commit_seq', 'u64', 'Sequence in OUT of the commit that recorded it', (r) => r.commitSeq, sorted),
    column('answer', 'u16', 'Place of the answer in its commit', (r) => r.answer),
    column('rank', 'u16', 'Place of the item in the answer, from 1', (r) => r.rank),
    column('at', 'time', 'When it was given', (r) => r.atMs, sorted),
    column('customer', 'text', said(Click, 'customer'), (r) => r.customer, zstd),
    column('item', 'text', 'The item that was recommended', (r) => r.item, zstd),
    column('score', 'f64', 'Score that ranked it; comparable within one answer', (r) => r.score, zstd),
    column('channel', 'label', 'Which part of the model spoke most for it: session, item-item, user-user, svd, again (what is looked at now) or popular', (r) => r.channel),
    column('because', 'texts', 'The items of the customer that speak for it, strongest first', (r) => r.because, zstd),
    column('against', 'texts', 'What the customer sent back or complained about, when it resembles that: it stands further down for it', (r) => r.against, zstd),
    ...rankColumns,
    column('model', 'label', 'Model and version that decided', (r) => r.model),
  ],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['customer', 'at', 'rank', 'commit_seq', 'answer'],
};

export const itemNeighboursTable: Table<NeighbourRow> = {
  name: 'item_neighbours',
  comment: 'The most similar items of each item, one version for each export',
  columns: [
    column('version', 'u64', 'The export: its start, milliseconds since 1970', (r) => r.version),
    column('exported_at', 'time', 'When the export started', (r) => r.exportedMs, sorted),
    column('item', 'text', 'The item', (r) => r.item, zstd),
    column('rank', 'u16', 'Place of the neighbour, from 1', (r) => r.rank),
    column('neighbour', 'text', 'The similar item', (r) => r.neighbour, zstd),
    column('similarity', 'f64', 'Cosine of the two items over all customers: dot / (norm * norm)', (r) => r.similarity, zstd),
    column('dot', 'f64', 'Sum over customers of the product of their strengths, in units of the newest event', (r) => r.dot, zstd),
    column('norm2', 'f64', 'Squared norm of the item, in the same unit', (r) => r.norm2, zstd),
  ],
  partitionBy: 'toYYYYMM(exported_at)',
  orderBy: ['version', 'item', 'rank'],
  ttl: 'toDateTime(exported_at) + INTERVAL 90 DAY',
};

export const promotionsTable: Table<PromotionRow> = {
  name: 'promotions',
  comment: 'Every promotion and retirement that reached a shard: from its seq on, the version decides where the outcome is live',
  columns: [
    column('model', 'label', said(Promote, 'model'), (r) => r.model),
    column('version', 'u64', said(Promote, 'version'), (r) => r.version),
    column('sha256', 'text', said(Promote, 'sha256'), (r) => r.sha256, zstd),
    column('bytes', 'u64', said(Promote, 'bytes'), (r) => r.bytes, zstd),
    column('percent', 'u16', said(Promote, 'percent'), (r) => r.percent ?? 0),
    column('outcome', 'label', 'live; or the version before stays: missing (the artefact is gone or damaged), unreadable (not of this model), unknown_model (not of this build); retired: it stepped aside, and no version is live', (r) => r.outcome),
    column('detail', 'text', 'Why it did not go live, as a sentence', (r) => r.detail, zstd),
    column('shard', 'u16', 'The shard that switched', (r) => r.shard),
    column('seq', 'u64', seqComment, (r) => r.seq, sorted),
    column('at', 'time', 'When the broker stored the promotion', (r) => r.atMs, sorted),
  ],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['model', 'at', 'shard', 'seq'],
};

export const couponsTable: Table<CouponRow> = {
  name: 'coupons',
  comment: 'Every reason for a coupon, and whether there was one',
  columns: [
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', 'Position of the event that led to it (stream sequence * 1024 + line): the ticket\'s answer, or any one that moved the clock of the stream to where it was due', (r) => r.seq, sorted),
    column('at', 'time', 'When it was decided, by the clock of the stream: the largest time of an event so far', (r) => r.atMs, sorted),
    column('customer', 'text', said(Click, 'customer'), (r) => r.customer, zstd),
    column('reason', 'label', 'Why there should be one: resolved_complaint, abandoned_cart or fading_customer', (r) => r.reason),
    column('decision', 'label', 'granted or withheld', (r) => (r.withheld === undefined ? 'granted' : 'withheld')),
    column('withheld_because', 'label', 'risk, cap or budget; empty when it was granted', (r) => r.withheld ?? ''),
    column('code', 'text', 'What the customer redeems; empty when it was withheld', (r) => r.code ?? '', zstd),
    column('percent', 'f64', 'Percent of the order that it takes off; 0 for a fixed amount', (r) => r.percent ?? 0, zstd),
    column('amount_minor', 'i64', 'What it takes off, or the most that it does, in minor units: what it costs the budget of the day', (r) => r.amountMinor, zstd),
    column('currency', 'label', 'ISO 4217 code of the amount', (r) => r.currency),
    column('valid_until', 'time', 'When it ends; of a withheld one, when it would have', (r) => r.validUntilMs, sorted),
    column('because', 'texts', 'What happened, and what spoke against it', (r) => r.because, zstd),
    column('rules', 'label', 'Version of the rules that decided', (r) => r.rules),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['customer', 'at', 'reason', 'seq'],
};

export const tables = {
  events: eventsTable, rejects: rejectsTable, recommendations: recommendationsTable, item_neighbours: itemNeighboursTable, promotions: promotionsTable, coupons: couponsTable,
  risk_decisions: riskDecisionsTable, risk_labels: riskLabelsTable, model_metrics: modelMetricsTable,
  tickets: ticketsTable, ticket_labels: ticketLabelsTable, intent_confusion: intentConfusionTable,
  rebuilds: rebuildsTable, forget_receipts: forgetReceiptsTable,
  models: modelsTable, training_runs: trainingRunsTable, evaluations: evaluationsTable,
} as const;
export type TableName = keyof typeof tables;
