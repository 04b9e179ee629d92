/** Tables about what operations did: rebuilds that prove the live state, and what was forgotten where. */
import { column, type Table } from './columns.js';
import { sorted, zstd } from './table-texts.js';

export interface RebuildRow {
  run: string;
  atMs: number;
  shard: number;
  seq: number;
  same: boolean;
  differing: readonly string[];
  gone: readonly string[];
  events: number;
  rejects: number;
  bytes: number;
  seconds: number;
}

export const rebuildsTable: Table<RebuildRow> = {
  name: 'rebuilds',
  comment: 'Every time a shard\'s stream was folded again from nothing, and whether its state came out the same',
  columns: [
    column('run', 'text', 'The workflow', (r) => r.run, zstd),
    column('at', 'time', 'When it started', (r) => r.atMs, sorted),
    column('shard', 'u16', 'The shard', (r) => r.shard),
    column('seq', 'u64', 'Sequence of EVENTS up to which both states had folded', (r) => r.seq, sorted),
    column('outcome', 'label', 'same or differs', (r) => (r.same ? 'same' : 'differs')),
    column('differing', 'texts', 'Parts of the state that differ, such as recommend.sessions', (r) => r.differing, zstd),
    column('gone', 'texts', 'Promotions on the way whose artefact is gone, as model and version: the rebuild went on with the one before', (r) => r.gone, zstd),
    column('events', 'u64', 'Events that were folded', (r) => r.events, zstd),
    column('rejects', 'u64', 'Rejects that were passed over', (r) => r.rejects, zstd),
    column('bytes', 'u64', 'Size of the live state\'s snapshot', (r) => r.bytes, zstd),
    column('seconds', 'f64', 'How long it took', (r) => r.seconds, zstd),
  ],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['at', 'shard'],
};

export interface ForgetReceiptRow {
  run: string;
  atMs: number;
  key: string;
  shard: number;
  seq: number;
  place: string;
  removed: number;
  note: string;
}

export const forgetReceiptsTable: Table<ForgetReceiptRow> = {
  name: 'forget_receipts',
  comment: 'What was removed where when a customer was forgotten; the customer is a hash',
  columns: [
    column('run', 'text', 'The run of the workflow', (r) => r.run, zstd),
    column('at', 'time', 'When it started', (r) => r.atMs, sorted),
    column('customer_sha256', 'text', 'sha256 of the customer, hexadecimal', (r) => r.key, zstd),
    column('shard', 'u16', 'Partition of the customer', (r) => r.shard),
    column('seq', 'u64', 'Sequence of EVENTS up to which nothing of the customer is left', (r) => r.seq, sorted),
    column('place', 'label', 'Where: a table, a stream, the state', (r) => r.place),
    column('removed', 'u64', 'Rows, messages or states', (r) => r.removed, zstd),
    column('note', 'text', 'What was done, and what is left to do', (r) => r.note, zstd),
  ],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['customer_sha256', 'at', 'place'],
};
