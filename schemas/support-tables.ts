/** The tables of support: what was read in each ticket and decided about it, what became of it, and which intents are taken for which. */
import { column, type Table } from './columns.js';
import { Click, Label, Ticket } from './events.js';
import { entityFinders, entityOutcomes, handOverReasons, noReplyReasons, replyDecisions, urgencies, type EntityFinder, type EntityOutcome, type HandOverReason, type NoReplyReason, type ReplyDecision, type Urgency } from './support-words.js';
import { said, seqComment, sorted, streamSeq, zstd } from './table-texts.js';

export interface TicketRow {
  shard: number;
  seq: number;
  atMs: number;
  customer: string;
  ticket: string;
  order: string;
  item: string;
  language: string;
  text: string;
  personal: readonly string[];
  tokens: readonly string[];
  tags: readonly string[];
  /** one place of each list for each entity */
  entityKinds: readonly string[];
  entityValues: readonly string[];
  entityStarts: readonly number[];
  entityEnds: readonly number[];
  /** absent in a commit of the release before */
  entityBy?: readonly EntityFinder[];
  sentiment: number;
  intent: string;
  confidence: number;
  alternatives: readonly string[];
  alternativeConfidences: readonly number[];
  outOfScope: number;
  perplexity: number;
  urgency: Urgency;
  decision: ReplyDecision;
  /** empty for a reply */
  reason: HandOverReason | NoReplyReason | '';
  because: readonly string[];
  reply: string;
  answer: string;
  answers: string;
  model: string;
  /** one place of each list for each challenger that is live, or for what it challenges where it decided; absent in commits of an older program */
  shadow?: readonly string[];
  shadowIntents?: readonly string[];
  shadowConfidences?: readonly number[];
  shadowDecisions?: readonly ReplyDecision[];
  shadowEntities?: readonly string[];
}

/** What became of a label; the comment of the column explains each. */
export const ticketLabelOutcomes = ['right', 'wrong', 'repeated', 'unknown'] as const;

export interface TicketLabelRow {
  shard: number;
  seq: number;
  atMs: number;
  customer: string;
  ticket: string;
  intent: string;
  /** the same under the name that the approved answers have for it; absent in commits of an older program */
  truth?: string;
  answer: string;
  outcome: (typeof ticketLabelOutcomes)[number];
  remembered: boolean;
  /** where the label names entities */
  entities?: LabelledEntities | undefined;
  /** of the ticket that it is about, where that is held */
  decided?: { seq: number; atMs: number; language: string; intent: string; confidence: number; decision: string; reason: string; model: string } | undefined;
}

export interface LabelledEntities {
  outcome: EntityOutcome;
  /** of what is refused: the field and the remedy, and no word of the text */
  detail: string;
  /** one place of each list for each entity; empty where none is taken */
  kinds: readonly string[];
  values: readonly string[];
  starts: readonly number[];
  ends: readonly number[];
  /** entities that were read, and those among them that are true */
  found: number;
  right: number;
  model: string;
}

export interface IntentConfusionRow {
  shard: number;
  seq: number;
  dayMs: number;
  model: string;
  intent: string;
  predicted: string;
  tickets: number;
  confident: number;
}

const words = (of: Record<string, string>): string => Object.entries(of).map(([word, meaning]) => `${word}: ${meaning}`).join('; ');

export const ticketsTable: Table<TicketRow> = {
  name: 'tickets',
  comment: 'What was read in every ticket, and whether it was answered or handed to a person; personal data is masked',
  columns: [
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', seqComment, (r) => r.seq, sorted),
    column('at', 'time', 'When it happened, no later than it was received', (r) => r.atMs, sorted),
    column('customer', 'text', said(Click, 'customer'), (r) => r.customer, zstd),
    column('ticket', 'text', said(Ticket, 'ticket'), (r) => r.ticket, zstd),
    column('order_id', 'text', 'The order that it is about: the shop\'s word, else the customer\'s own that the text names, else, where the intent is sure, their latest; empty where none tells', (r) => r.order, zstd),
    column('item', 'text', 'The item that it is about, where the shop says so', (r) => r.item, zstd),
    column('language', 'label', 'Language of the text: en or zh; empty where it is neither', (r) => r.language),
    column('text', 'text', 'The text, normalised, with <email>, <phone>, <card>, <national_id> and <address> in place of personal data', (r) => r.text, 'ZSTD(3)'),
    column('personal', 'texts', 'Kinds of personal data that were masked, each as often as it was found', (r) => r.personal, zstd),
    column('tokens', 'texts', 'Words of the text in order, without stop words; the first of a long one', (r) => r.tokens, zstd),
    column('tags', 'texts', 'Part of speech of each token, a Universal POS tag', (r) => r.tags, zstd),
    column('entity_kinds', 'texts', 'order, product, amount, date or tracking: what the text names', (r) => r.entityKinds, zstd),
    column('entity_values', 'texts', 'Each entity as it stands in the text', (r) => r.entityValues, zstd),
    column('entity_starts', 'u32s', 'Where each begins in the text, UTF-16 units', (r) => r.entityStarts, zstd),
    column('entity_ends', 'u32s', 'One past where each ends', (r) => r.entityEnds, zstd),
    column('entity_by', 'texts', `Who found each; ${words(entityFinders)}`, (r) => r.entityBy ?? [], zstd),
    column('sentiment', 'f64', 'From -1 (angry) over 0 (none) to 1 (delighted)', (r) => r.sentiment, zstd),
    column('intent', 'label', 'What the customer wants, as far as can be told; empty where the text has no words', (r) => r.intent),
    column('confidence', 'f64', 'Calibrated probability that this is the intent', (r) => r.confidence, zstd),
    column('alternatives', 'texts', 'The next most likely intents', (r) => r.alternatives, zstd),
    column('alternative_confidences', 'f64s', 'The probability of each', (r) => r.alternativeConfidences, zstd),
    column('out_of_scope', 'f64', 'How likely it is about none of the intents, by the model\'s own measure', (r) => r.outOfScope, zstd),
    column('perplexity', 'f64', 'How unexpected its words are to the language model, exp of the mean surprise; 0 where none is live', (r) => r.perplexity, zstd),
    column('urgency', 'label', words(urgencies), (r) => r.urgency),
    column('decision', 'label', words(replyDecisions), (r) => r.decision),
    column('reason', 'label', `Why nobody was answered; ${words({ ...handOverReasons, ...noReplyReasons })}`, (r) => r.reason),
    column('because', 'texts', 'The decision and its reasons, as sentences', (r) => r.because, zstd),
    column('reply', 'text', 'What the customer was answered; of a ticket that was handed over what could be answered, where there is something', (r) => r.reply, zstd),
    column('answer', 'text', 'Which approved answer it is, or which earlier ticket it comes from', (r) => r.answer, zstd),
    column('answers', 'label', 'Version of the approved answers', (r) => r.answers),
    column('model', 'label', 'Models and versions that read the text', (r) => r.model),
    column('shadow', 'texts', 'Models and versions that read it in the shadow: each challenger, or for its own customers what it challenges. Nobody acted on what they said', (r) => r.shadow ?? [], zstd),
    column('shadow_intents', 'texts', 'The intent that each read', (r) => r.shadowIntents ?? [], zstd),
    column('shadow_confidences', 'f64s', 'The probability of each', (r) => r.shadowConfidences ?? [], zstd),
    column('shadow_decisions', 'texts', 'What would have been decided by each', (r) => r.shadowDecisions ?? [], zstd),
    column('shadow_entities', 'texts', 'The entities that each found: kind and place, separated by spaces', (r) => r.shadowEntities ?? [], zstd),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['decision', 'intent', 'at', 'seq'],
  indexes: ['by_customer customer TYPE bloom_filter(0.01) GRANULARITY 4', 'by_ticket ticket TYPE bloom_filter(0.01) GRANULARITY 4'],
};

export const ticketLabelsTable: Table<TicketLabelRow> = {
  name: 'ticket_labels',
  comment: 'What became of every label of a ticket: together with its text in tickets, what the next model is trained on',
  columns: [
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', seqComment, (r) => r.seq, sorted),
    column('at', 'time', 'When it was given, no later than it was received', (r) => r.atMs, sorted),
    column('customer', 'text', said(Click, 'customer'), (r) => r.customer, zstd),
    column('ticket', 'text', said(Label, 'ref'), (r) => r.ticket, zstd),
    column('intent', 'label', 'The true intent', (r) => r.intent),
    column('truth', 'label', 'The true intent under the name that the approved answers have for it: what is compared with the intents that were read', (r) => r.truth ?? ''),
    column('answer', 'text', 'The answer that the ticket got in the end, personal data masked', (r) => r.answer, 'ZSTD(3)'),
    column('outcome', 'label', 'right: the intent was read so; wrong: it was read otherwise; repeated: the same was known; unknown: no such ticket is held', (r) => r.outcome),
    column('remembered', 'u16', '1: similar tickets may be answered so from here on', (r) => (r.remembered ? 1 : 0)),
    column('ticket_seq', 'u64', 'Of the ticket: its seq in tickets; 0 where it is not held', (r) => r.decided?.seq ?? 0, sorted),
    column('ticket_at', 'time', 'Of the ticket: when; 1970 where it is not held', (r) => r.decided?.atMs ?? 0, sorted),
    column('language', 'label', 'Of the ticket: its language', (r) => r.decided?.language ?? ''),
    column('predicted', 'label', 'Of the ticket: the intent that was read', (r) => r.decided?.intent ?? ''),
    column('confidence', 'f64', 'Of the ticket: the probability then', (r) => r.decided?.confidence ?? 0, zstd),
    column('decision', 'label', 'Of the ticket: reply, hand_over or none', (r) => r.decided?.decision ?? ''),
    column('reason', 'label', 'Of the ticket: why nobody was answered', (r) => r.decided?.reason ?? ''),
    column('model', 'label', 'Of the ticket: model and version that read the intent', (r) => r.decided?.model ?? ''),
    column('entities_outcome', 'label', `What became of the entities that it names; empty where it says nothing of them; ${words(entityOutcomes)}`, (r) => r.entities?.outcome ?? ''),
    column('entities_detail', 'text', 'Of entities that were refused: the field and the remedy', (r) => r.entities?.detail ?? '', zstd),
    column('entity_kinds', 'texts', 'The true entities: the kind of each', (r) => r.entities?.kinds ?? [], zstd),
    column('entity_values', 'texts', 'Each as it stands in the text of the ticket, masked', (r) => r.entities?.values ?? [], zstd),
    column('entity_starts', 'u32s', 'Where each begins in the text of the ticket, UTF-16 units', (r) => r.entities?.starts ?? [], zstd),
    column('entity_ends', 'u32s', 'One past where each ends', (r) => r.entities?.ends ?? [], zstd),
    column('entities_found', 'u32', 'Of the ticket: entities that were read in the part that a label can name', (r) => r.entities?.found ?? 0),
    column('entities_right', 'u32', 'Those among them that are true: kind, start and end', (r) => r.entities?.right ?? 0),
    column('entities_model', 'label', 'Of the ticket: model and version that read the entities, or the name of the rules', (r) => r.entities?.model ?? ''),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['outcome', 'at', 'seq'],
};

export const intentConfusionTable: Table<IntentConfusionRow> = {
  name: 'intent_confusion',
  comment: 'Which intent was read as which, by day and model version, over the labels that arrived on that day',
  columns: [
    column('shard', 'u16', 'The shard whose tickets they were', (r) => r.shard),
    column('seq', 'u64', 'Position of the event with which the next day began', (r) => r.seq, sorted),
    column('day', 'time', 'Start of the day, UTC', (r) => r.dayMs, sorted),
    column('model', 'label', 'Model and version', (r) => r.model),
    column('intent', 'label', 'The true intent; (other): one of those beyond the most that are told apart', (r) => r.intent),
    column('predicted', 'label', 'The intent that was read; empty: none', (r) => r.predicted),
    column('tickets', 'u32', 'Tickets', (r) => r.tickets),
    column('confident', 'u32', 'Those among them where the model did not abstain', (r) => r.confident),
  ],
  aliases: [streamSeq],
  partitionBy: 'toYYYYMM(day)',
  orderBy: ['day', 'model', 'intent', 'predicted', 'shard'],
};
