/** What the sink makes of a log's messages: rows for tables, and dead letters. */
import { arrowBatch, type ArrowBatch } from '../../schemas/arrow.js';
import { decode, type StoredMessage } from '../../schemas/decode.js';
import { parseStoredSubject } from '../../schemas/subjects.js';
import { eventsTable, recommendationsTable, rejectsTable, type EventRow, type RecommendationRow } from '../../schemas/tables.js';
import type { Table } from '../../schemas/columns.js';
import type { Answer } from '../recommend/answer.js';
import { decodeCommit } from './commit.js';
import type { DeadLetter } from './ports.js';

export interface Insert {
  table: string;
  columns: readonly string[];
  arrow: Uint8Array;
  rows: number;
}

export interface Collected {
  inserts: Insert[];
  letters: DeadLetter[];
}

export interface Collector {
  add(message: StoredMessage): void;
  /** rows and bytes so far: when to cut */
  readonly rows: number;
  readonly bytes: number;
  /** Everything since the last call. The same messages always give the same bytes. */
  finish(): Collected;
}

function finishBatch<Row>(table: Table<Row>, batch: ArrowBatch<Row>): Insert[] {
  if (batch.rows === 0) return [];
  const { rows } = batch;
  return [{ table: table.name, columns: table.columns.map((c) => c.name), arrow: batch.finish(), rows }];
}

/** EVENTS: every good line is a row of `events`, every bad one a row of `rejects` and a dead letter. */
export function eventCollector(shards: number): Collector {
  const events = arrowBatch(eventsTable);
  const rejects = arrowBatch(rejectsTable);
  let letters: DeadLetter[] = [];
  let bytes = 0;
  let current: StoredMessage | undefined;
  const row = { shard: 0, receivedMs: 0 } as EventRow;
  const target: Parameters<typeof decode>[2] = {
    event(event, position) {
      row.event = event;
      row.position = position;
      events.push(row);
    },
    reject(reject) {
      const { subject, seq, receivedMs } = current as StoredMessage;
      rejects.push({ ...reject, subject, receivedMs });
      letters.push({ reason: reject.reason, id: `reject:${reject.position}`, detail: reject.detail, subject, seq, body: reject.body });
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
    finish() {
      const collected = { inserts: [...finishBatch(eventsTable, events), ...finishBatch(rejectsTable, rejects)], letters };
      letters = [];
      bytes = 0;
      return collected;
    },
  };
}

/** OUT: the decisions of each commit. */
export function decisionCollector(): Collector {
  const recommendations = arrowBatch(recommendationsTable);
  let bytes = 0;
  return {
    add(message) {
      const commit = decodeCommit(message.body);
      bytes += message.body.byteLength;
      commit.decisions.forEach((decision, answer) => {
        if (decision.table !== 'recommendations') return;
        for (const row of recommendationRows(decision.value as Answer, commit.shard, message.seq, answer)) recommendations.push(row);
      });
    },
    get rows() { return recommendations.rows; },
    get bytes() { return bytes; },
    finish() {
      bytes = 0;
      return { inserts: finishBatch(recommendationsTable, recommendations), letters: [] };
    },
  };
}

function recommendationRows(value: Answer, shard: number, commitSeq: number, answer: number): RecommendationRow[] {
  const { items, ...shared } = value;
  return items.map((item, i) => ({ shard, commitSeq, answer, rank: i + 1, ...shared, ...item }));
}
