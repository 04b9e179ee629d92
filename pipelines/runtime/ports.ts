/**
 * What the loop and the sink need of the outside. Each port has a real adapter and an in-memory twin, and both pass
 * the same suite in test/contract/.
 *
 *   MessageLog    EVENTS and OUT, read in order          jetstream/log.ts        memory/log.ts
 *   Remains       messages of which lines are gone       jetstream/remains.ts    memory/log.ts
 *   CommitLog     out.<shard>, one fenced append;        jetstream/commits.ts    memory/log.ts
 *                 out.answers-<shard>, beside them
 *   Leases        who owns a shard                       jetstream/leases.ts     memory/leases.ts
 *   CutStore      the sink's intended cut                jetstream/cuts.ts       memory/cuts.ts
 *   Messages      dlq.<reason>, coupons.<customer>       jetstream/messages.ts   memory/log.ts
 *   Snapshots     a shard's state at a sequence          snapshot-files.ts       memory/snapshots.ts
 *   RowStore      ClickHouse                             clickhouse.ts           memory/rows.ts
 *   KeptDecisions risk_decisions, for late verdicts      recalls.ts              memory/stores.ts
 *   Artefacts     models, exports (see artefacts.ts)     jetstream/artefacts.ts  memory/artefacts.ts
 */
import type { StoredMessage } from '../../schemas/decode.js';
import type { KeptDecision, LateLabel } from '../risk/late.js';

/** Messages in order, without gaps but for other subjects. */
export interface LogCursor {
  /**
   * Up to `max` messages that have arrived; waits at most `waitMs` for the first, [] when none came.
   * @throws AftercareError closed after `close`, order_broken when a sequence does not grow
   */
  take(max: number, waitMs: number): Promise<StoredMessage[]>;
  close(): Promise<void>;
}

export interface MessageLog {
  /** @param fromSeq  first sequence of interest, from 1  @param subject  filter; all when undefined */
  open(fromSeq: number, subject?: string): Promise<LogCursor>;
  /** Sequence of the newest message that is there, 0 when there is none. @param subject  filter; of all when undefined */
  lastSeq(subject?: string): Promise<number>;
}

/** Messages of EVENTS of which lines were forgotten: what is left of them, under their own sequence. */
export interface Remains {
  /** @param subject  filter as for the log itself  @param fromSeq  first sequence of interest */
  list(fromSeq: number, subject?: string): Promise<number[]>;
  get(seq: number): Promise<StoredMessage | undefined>;
  /** Tells sequences that come from now on. @returns ends it */
  watch(onRemains: (seq: number) => void, subject?: string): () => void;
  /** Durable when it resolves. The shard is that of the message's subject. */
  put(message: StoredMessage): Promise<void>;
}

export interface StoredCommit {
  /** sequence in OUT */
  seq: number;
  body: Uint8Array;
}

export interface CommitLog {
  /** The newest commit of a shard, by a consistent read. */
  last(shard: number): Promise<StoredCommit | undefined>;
  /**
   * Appends when `expectedSeq` is still the newest commit of the shard (0: none yet).
   * @returns its sequence
   * @throws AftercareError fenced when it is not; unavailable when it is unknown whether it was stored
   */
  append(shard: number, body: Uint8Array, expectedSeq: number): Promise<number>;
  /**
   * Appends answers of a shard beside its commits: not fenced, and in no order with them.
   * @param id  identifies it: a second append with the same id is dropped, and has the sequence of the first
   * @throws AftercareError unavailable when it is unknown whether it was stored
   */
  answers(shard: number, body: Uint8Array, id: string): Promise<number>;
  /** Drops commits and answers up to `seq`, but never the newest of a shard: it tells how far the shard has got. */
  trim(shard: number, seq: number): Promise<void>;
}

export interface Lease {
  /** grows with each owner: a later lease has a larger epoch */
  readonly epoch: number;
  /** False once 0.7 of the time to live passed since the last renewal that succeeded: then nothing may be committed. */
  held(): boolean;
  /** Gives it up at once, so that another takes over without waiting. */
  release(): Promise<void>;
}

export interface Leases {
  /** One try. @returns undefined when another holds it */
  acquire(name: string, holder: string): Promise<Lease | undefined>;
  /** milliseconds after which a lease that nobody renews is free */
  readonly ttlMs: number;
}

export interface Snapshot {
  seq: number;
  chunks: Uint8Array[];
}

export interface Snapshots {
  /** The newest whole snapshot at or below `seqMax`. A damaged one is passed over, and said. */
  newest(shard: number, seqMax: number): Promise<Snapshot | undefined>;
  /** Durable when it resolves; older ones but one are dropped. */
  save(shard: number, snapshot: Snapshot): Promise<void>;
  /** As `save`, and when it resolves there is no other one. */
  replace(shard: number, snapshot: Snapshot): Promise<void>;
}

/** A sink's progress in one log: everything up to `done` is stored, `cut` may be stored in part. */
export interface CutRecord {
  done: number;
  cut?: { from: number; to: number };
}

export interface CutStore {
  read(name: string): Promise<{ record: CutRecord; revision: number } | undefined>;
  /** @returns the new revision  @throws AftercareError fenced when `revision` is no longer the newest */
  write(name: string, record: CutRecord, revision: number): Promise<number>;
}

export interface RowStore {
  /** Inserts an Arrow IPC stream of the table's columns; a second insert with the same token is dropped. */
  insert(table: string, columns: readonly string[], arrow: Uint8Array, token: string): Promise<void>;
}

/** Decisions of risk that no shard holds any more. */
export interface KeptDecisions {
  /** Those about the orders of some verdicts, by position; others may be among them. @throws AftercareError unavailable when the store does not answer */
  find(late: readonly LateLabel[]): Promise<KeptDecision[]>;
}

export interface Message {
  subject: string;
  /** identifies it: a second publish with the same id is dropped, as long as the stream remembers (see streams.ts) */
  id: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface Messages {
  publish(message: Message): Promise<void>;
}
