/** What the sink makes of a log's messages: rows for tables, and messages of its own. */
import { arrowBatch, type ArrowBatch } from '../../schemas/arrow.js';
import { decode, type StoredMessage } from '../../schemas/decode.js';
import { couponSubject, parseStoredSubject, replySubject, riskAlertSubject, supportAlertSubject } from '../../schemas/subjects.js';
import { couponsTable, eventsTable, promotionsTable, recommendationsTable, rejectsTable, type EventRow, type PromotionRow, type RecommendationRow, type TableName } from '../../schemas/tables.js';
import { intentConfusionTable, ticketLabelsTable, ticketsTable } from '../../schemas/support-tables.js';
import { modelMetricsTable, riskDecisionsTable, riskLabelsTable } from '../../schemas/risk-tables.js';
import type { Table } from '../../schemas/columns.js';
import { AftercareError } from '../../schemas/errors.js';
import { couponMessage, type CouponDecision } from '../coupons/decision.js';
import type { Answer } from '../recommend/answer.js';
import { riskDecisionRow, riskMessage, type ModelMetric, type RiskDecision, type RiskLabel } from '../risk/decision.js';
import { lateLabel, type LateLabel } from '../risk/late.js';
import { replyMessage, supportMessage, type IntentConfusion, type TicketDecision, type TicketLabel } from '../support/decision.js';
import { maskBody, maskEscaped, maskEvent, maskLong } from '../support/personal.js';
import { decodeCommit } from './commit.js';
import { decisionMessage, deadLetter } from './messages.js';
import type { Message } from './ports.js';

export interface Insert {
  table: string;
  columns: readonly string[];
  arrow: Uint8Array;
  rows: number;
}

export interface Collected {
  inserts: Insert[];
  /** verdicts whose decision no shard holds */
  late: LateLabel[];
}

export interface Collector {
  add(message: StoredMessage): void;
  /** rows and bytes so far: when to cut */
  readonly rows: number;
  readonly bytes: number;
  /** What is to be sent because of what was added since the last call. The same log gives the same ids. */
  takeMessages(): Message[];
  /** Everything since the last call. The same messages always give the same bytes. */
  finish(): Collected;
}

function finishBatch<Row>(table: Table<Row>, batch: ArrowBatch<Row>): Insert[] {
  if (batch.rows === 0) return [];
  const { rows } = batch;
  return [{ table: table.name, columns: table.columns.map((c) => c.name), arrow: batch.finish(), rows }];
}

/**
 * EVENTS: every good line is a row of `events`, every bad one a row of `rejects` and a dead letter. Personal data is masked in
 * the rows; a dead letter keeps the original bytes, so that it can be repaired.
 */
export function eventCollector(shards: number): Collector {
  const events = arrowBatch(eventsTable);
  const rejects = arrowBatch(rejectsTable);
  let messages: Message[] = [];
  let bytes = 0;
  let current: StoredMessage | undefined;
  const row = { shard: 0, receivedMs: 0 } as EventRow;
  const target: Parameters<typeof decode>[2] = {
    event(event, position) {
      row.event = maskEvent(event);
      row.position = position;
      events.push(row);
    },
    reject(reject) {
      const { subject, seq, receivedMs } = current as StoredMessage;
      rejects.push({
        ...reject, detail: maskEscaped(reject.detail) ?? reject.detail, bytes: reject.body.byteLength, body: maskBody(reject.body), subject: maskLong(subject) ?? subject, receivedMs,
      });
      messages.push(deadLetter({ ...reject, subject, seq }));
    },
  };
  return {
    add(message) {
      current = message;
      row.receivedMs = message.receivedMs;
      row.shard = parseStoredSubject(message.subject)?.shard ?? 0;
      bytes += message.body.byteLength;
      decode(message, shards, target);
    },
    get rows() { return events.rows + rejects.rows; },
    get bytes() { return bytes; },
    takeMessages() {
      const taken = messages;
      messages = [];
      return taken;
    },
    finish() {
      const collected = { inserts: [...finishBatch(eventsTable, events), ...finishBatch(rejectsTable, rejects)], late: [] };
      bytes = 0;
      return collected;
    },
  };
}

/** Where a decision stands in OUT. */
interface Place {
  shard: number;
  /** sequence in OUT of the commit that holds it, and the place in it */
  commitSeq: number;
  answer: number;
}

/** What the sink makes of the decisions of one table; `Value` is what the shard put into the commit. */
interface DecisionKind<Value, Row> {
  table: Table<Row>;
  rows(value: Value, place: Place): Row[];
  /** sent at once */
  messages?(value: Value, place: Place): Message[];
  /** looked for when the rows are stored */
  late?(value: Value, place: Place): LateLabel | undefined;
}
const kind = <Value, Row>(of: DecisionKind<Value, Row>): DecisionKind<never, never> => of as unknown as DecisionKind<never, never>;

/** A table of decisions joins here. */
const decisionKinds: Partial<Record<TableName, DecisionKind<never, never>>> = {
  recommendations: kind({ table: recommendationsTable, rows: recommendationRows }),
  promotions: kind({ table: promotionsTable, rows: (row: PromotionRow) => [row] }),
  coupons: kind({
    table: couponsTable,
    rows: (value: CouponDecision, { shard }) => [{ shard, ...value }],
    messages(value: CouponDecision, { shard }) {
      const body = couponMessage(value);
      return body === undefined ? [] : [decisionMessage(couponSubject(value.customer), `coupon:${shard}:${value.seq}:${value.reason}:${value.customer}`, body)];
    },
  }),
  risk_decisions: kind({
    table: riskDecisionsTable,
    rows: (value: RiskDecision, { shard }) => [riskDecisionRow(shard, value)],
    messages(value: RiskDecision, { shard }) {
      const body = riskMessage(value);
      return body === undefined ? [] : [decisionMessage(riskAlertSubject(body.level), `risk:${shard}:${value.seq}`, body)];
    },
  }),
  risk_labels: kind({ table: riskLabelsTable, rows: (value: RiskLabel, { shard }) => [{ shard, ...value }], late: (value: RiskLabel, { shard }) => lateLabel(shard, value) }),
  model_metrics: kind({ table: modelMetricsTable, rows: (value: ModelMetric, { shard }) => [{ shard, ...value }] }),
  tickets: kind({
    table: ticketsTable,
    rows: (value: TicketDecision, { shard }) => [{ shard, ...value }],
    messages(value: TicketDecision, { shard }) {
      const [reply, alert] = [replyMessage(value), supportMessage(value)];
      const id = `ticket:${shard}:${value.seq}`;
      return [...(reply === undefined ? [] : [decisionMessage(replySubject(value.customer), id, reply)]), ...(alert === undefined ? [] : [decisionMessage(supportAlertSubject(alert.reason), id, alert)])];
    },
  }),
  ticket_labels: kind({ table: ticketLabelsTable, rows: (value: TicketLabel, { shard }) => [{ shard, ...value }] }),
  intent_confusion: kind({ table: intentConfusionTable, rows: (value: IntentConfusion, { shard }) => [{ shard, ...value }] }),
};

/**
 * OUT: the decisions of each commit.
 * @param as  tables of the same rows, where they shall go elsewhere
 * @throws AftercareError order_broken from `add` for a decision that this program does not know
 */
export function decisionCollector(as = <Row>(table: Table<Row>): Table<Row> => table): Collector {
  const batches = Object.values(decisionKinds).map(({ table: { name }, table }) => ({ name, table: as(table), batch: arrowBatch(as(table)) }));
  const batchOf = new Map<string, ArrowBatch<never>>(batches.map(({ name, batch }) => [name, batch]));
  let messages: Message[] = [];
  let late: LateLabel[] = [];
  let bytes = 0;
  return {
    add(message) {
      const commit = decodeCommit(message.body);
      bytes += message.body.byteLength;
      commit.decisions.forEach((decision, answer) => {
        const of = decisionKinds[decision.table];
        const batch = batchOf.get(decision.table);
        if (of === undefined || batch === undefined) throw new AftercareError('order_broken', `commit ${message.seq} has a decision for "${decision.table}", which this program does not know; run the newer program`);
        const place = { shard: commit.shard, commitSeq: message.seq, answer };
        const value = decision.value as never;
        for (const row of of.rows(value, place)) batch.push(row);
        if (of.messages !== undefined) messages.push(...of.messages(value, place));
        const its = of.late?.(value, place);
        if (its !== undefined) late.push(its);
      });
    },
    get rows() { return batches.reduce((sum, { batch }) => sum + batch.rows, 0); },
    get bytes() { return bytes; },
    takeMessages() {
      const taken = messages;
      messages = [];
      return taken;
    },
    finish() {
      const collected = { inserts: batches.flatMap(({ table, batch }) => finishBatch(table, batch)), late };
      late = [];
      bytes = 0;
      return collected;
    },
  };
}

/** Tables that the steps of a shard write to: what a replay gives again. */
export const decisionTables: readonly Table<never>[] = Object.values(decisionKinds).map(({ table }) => table);

function recommendationRows({ items, ...shared }: Answer, { shard, commitSeq, answer }: Place): RecommendationRow[] {
  return items.map((item, i) => ({ shard, commitSeq, answer, rank: i + 1, ...shared, ...item, ranks: item.ranks ?? {}, against: item.against ?? [] }));
}
