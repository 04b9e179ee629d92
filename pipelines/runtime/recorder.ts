/**
 * Answers on record. They fold nothing, so they wait for no commit and none waits for them: each goes out with whatever was
 * asked in the same turn of the loop, as a message of its own beside the commits. It is not fenced: what a former owner answered
 * in its last moments was answered, and belongs on record.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import type { Decision } from '../step.js';
import { encodeCommit } from './commit.js';
import type { CommitLog, Lease } from './ports.js';

export interface Recorder {
  /** Resolves when they are durable, with the sequence of the message that holds them and the place of the first one in it. */
  record(decisions: Decision[]): Promise<{ commitSeq: number; first: number }>;
  /** Resolves when nothing is on its way. */
  drain(): Promise<void>;
}

export interface RecorderOptions {
  shard: number;
  lease: Lease;
  commits: CommitLog;
  /** sequence of EVENTS that is committed */
  committedTo: () => number;
  now?: () => number;
}

/** Messages on their way at once; what is asked meanwhile shares the next one. A server that is busy gets larger messages, not more. */
const windowMax = 8;
const retryMs = 50;

interface Waiting { first: number; resolve: (at: { commitSeq: number; first: number }) => void; reject: (error: unknown) => void }
interface Batch { decisions: Decision[]; waiting: Waiting[] }

export function createRecorder({ shard, lease, commits, committedTo, now = Date.now }: RecorderOptions): Recorder {
  let batch: Batch = { decisions: [], waiting: [] };
  let [count, isScheduled] = [0, false];
  const underWay = new Set<Promise<void>>();

  const send = async ({ decisions, waiting }: Batch): Promise<void> => {
    const to = committedTo();
    const body = encodeCommit({ v: 1, shard, epoch: lease.epoch, from: to + 1, to, events: 0, atMs: now(), decisions });
    try {
      // The epoch makes it unique: an owner that comes after this one counts from 0 again.
      const commitSeq = await append(body, `${shard}:${lease.epoch}:${count++}`);
      for (const { first, resolve } of waiting) resolve({ commitSeq, first });
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  };
  /** Until it is stored, or the lease is lost: one that was stored without our hearing of it is known by its id. */
  const append = async (body: Uint8Array, id: string): Promise<number> => {
    for (;;) {
      if (!lease.held()) throw new AftercareError('lease_lost', `shard ${shard}: the lease could not be renewed in time; nothing more is answered`);
      try {
        return await commits.answers(shard, body, id);
      } catch (error) {
        if (!(error instanceof AftercareError && error.code === 'unavailable')) throw new AftercareError('commit_unknown', `shard ${shard}: ${messageOf(error)}`, { cause: error });
        await delay(retryMs);
      }
    }
  };
  const flush = (): void => {
    isScheduled = false;
    if (batch.waiting.length === 0 || underWay.size >= windowMax) return;
    const sent = batch;
    batch = { decisions: [], waiting: [] };
    const sending = send(sent).finally(() => {
      underWay.delete(sending);
      flush();
    });
    underWay.add(sending);
  };
  return {
    record: (decisions) => new Promise((resolve, reject) => {
      batch.waiting.push({ first: batch.decisions.length, resolve, reject });
      batch.decisions.push(...decisions);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(flush);
    }),
    async drain() {
      for (flush(); underWay.size > 0; flush()) await Promise.all(underWay);
    },
  };
}
