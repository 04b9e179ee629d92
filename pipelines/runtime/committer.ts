/**
 * Group commit: while one commit is on its way the loop folds on, and what it folded meanwhile is the next commit. So
 * a quiet shard commits each event at once and a busy one commits batches. A commit costs about as much as folding
 * ten events, so one that would follow a larger batch at once waits until a batch worth it has come together.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import type { Decision } from '../step.js';
import { encodeCommit, type Commit } from './commit.js';
import type { CommitLog, Lease } from './ports.js';

export interface Committer {
  /** Adds what one message led to. */
  folded(seq: number, events: number): void;
  emit(decision: Decision): void;
  /** Starts a commit when there is something to commit and none is on its way. */
  kick(): void;
  /** Events and decisions that wait. */
  readonly waiting: number;
  /** Resolves when the commit that is on its way, if any, has ended. */
  turn(): Promise<void>;
  /** Resolves when nothing waits and nothing is on its way. @throws what a commit threw */
  drain(): Promise<void>;
  /** @throws what a commit threw, if one did */
  check(): void;
  readonly committedTo: number;
}

export interface CommitterOptions {
  shard: number;
  lease: Lease;
  commits: CommitLog;
  /** sequence in OUT of the shard's newest commit, the epoch marker */
  commitSeq: number;
  /** sequence of EVENTS that it folded up to */
  to: number;
  now?: () => number;
}

/** Events of a commit from which on more are surely on their way ... */
const batchBusy = 16;
/** ... so that the next one gathers, up to this long, */
const lingerMs = 2;
/** unless it has this many. */
const batchWorthwhile = 200;

interface Batch {
  to: number;
  events: number;
  decisions: Decision[];
}

export function createCommitter(options: CommitterOptions): Committer {
  const { shard, lease, commits } = options;
  const now = options.now ?? Date.now;
  let { commitSeq, to } = options;
  const empty = (): Batch => ({ to, events: 0, decisions: [] });
  let batch = empty();
  let current: Promise<void> | undefined;
  /** resolves when the commit that is being gathered or sent has ended */
  let sending: Promise<void> = Promise.resolve();
  /** ends the gathering */
  let gathered: (() => void) | undefined;
  let failure: Error | undefined;

  const hasWork = (): boolean => batch.to > to;
  const commitOne = async (sent: Batch): Promise<void> => {
    const commit: Commit = { v: 1, shard, epoch: lease.epoch, from: to + 1, to: sent.to, events: sent.events, atMs: now(), decisions: sent.decisions };
    commitSeq = await appendSurely({ shard, lease, commits, body: encodeCommit(commit), expectedSeq: commitSeq });
    to = sent.to;
  };
  /** Gathers for a moment when more is surely coming, then commits what there is. @returns the events that it had */
  const gatherAndCommit = async (gather: boolean): Promise<number> => {
    if (gather && batch.events < batchWorthwhile) {
      const timer = new AbortController();
      gathered = (): void => { timer.abort(); };
      await delay(lingerMs, undefined, { signal: timer.signal }).catch(() => undefined);
      gathered = undefined;
    }
    const sent = batch;
    batch = { ...empty(), to: sent.to };
    try {
      await commitOne(sent);
    } catch (error) {
      failure = error as Error;
    }
    return sent.events;
  };
  const run = async (): Promise<void> => {
    for (let events = 0; hasWork() && failure === undefined;) {
      const turn = gatherAndCommit(events >= batchBusy);
      sending = turn.then(() => undefined);
      events = await turn;
    }
  };
  const check = (): void => {
    if (failure !== undefined) throw failure;
  };
  const kick = (): void => {
    if (batch.events >= batchWorthwhile) gathered?.();
    if (current !== undefined || failure !== undefined || !hasWork()) return;
    current = run().finally(() => {
      current = undefined;
      kick(); // what came between the last look and now
    });
  };
  return {
    folded(seq, events) {
      batch.to = seq;
      batch.events += events;
    },
    emit: (decision) => { batch.decisions.push(decision); },
    kick,
    check,
    get waiting() { return batch.events + batch.decisions.length; },
    turn: () => sending,
    get committedTo() { return to; },
    async drain() {
      for (kick(); current !== undefined; kick()) await current;
      check();
    },
  };
}

export interface Append {
  shard: number;
  lease: Lease;
  commits: CommitLog;
  body: Uint8Array;
  expectedSeq: number;
}

const retryMs = 50;

/**
 * Appends, and finds out what became of an append without an answer: it may have been stored, even after this looked.
 * @returns the sequence of the commit
 * @throws AftercareError fenced, lease_lost
 */
export async function appendSurely(append: Append): Promise<number> {
  const { shard, lease, commits, body, expectedSeq } = append;
  let asked = false;
  for (;;) {
    if (!lease.held()) throw new AftercareError('lease_lost', `shard ${shard}: the lease could not be renewed in time; nothing more is committed`);
    try {
      return await commits.append(shard, body, expectedSeq);
    } catch (error) {
      const lost = error instanceof AftercareError && error.code === 'fenced';
      if (lost && !asked) throw error;
      const stored = await storedAs(append).catch(() => 'unknown' as const);
      if (typeof stored === 'number') return stored;
      if (lost && stored === 'other') throw error;
      if (!(error instanceof AftercareError)) throw new AftercareError('commit_unknown', `shard ${shard}: ${messageOf(error)}`, { cause: error });
      asked = true;
      await delay(retryMs);
    }
  }
}

/** The sequence of our own commit when it is the newest one, `other` when someone else's is, `none` when nothing was added. */
async function storedAs({ shard, commits, body, expectedSeq }: Append): Promise<number | 'other' | 'none'> {
  const newest = await commits.last(shard);
  if (newest === undefined || newest.seq === expectedSeq) return 'none';
  return Buffer.compare(newest.body, body) === 0 ? newest.seq : 'other';
}
