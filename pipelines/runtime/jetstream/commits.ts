/** Commits in OUT: an append that only the newest owner can make. */
import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { AftercareError, messageOf } from '../../../schemas/errors.js';
import { answersSubject, outSubject, streams } from '../../../schemas/subjects.js';
import type { CommitLog, StoredCommit } from '../ports.js';
import { isOvertaken, noMessageFound } from './api-errors.js';

/** Milliseconds to wait for an acknowledgement: fifty times the slowest one seen, and well within a lease. */
const appendTimeoutMs = 1000;

export function jetstreamCommits(nc: NatsConnection): CommitLog {
  const js = jetstream(nc, { timeout: 5000 });
  const last = async (shard: number): Promise<StoredCommit | undefined> => {
    const jsm = await jetstreamManager(nc);
    try {
      // Not the direct API: a replica may answer that with an older message.
      const message = await jsm.streams.getMessage(streams.out, { last_by_subj: outSubject(shard) });
      return message === null ? undefined : { seq: message.seq, body: message.data };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === noMessageFound) return undefined;
      throw error;
    }
  };
  return {
    last,
    async append(shard, body, expectedSeq) {
      try {
        const ack = await js.publish(outSubject(shard), body, { expect: { lastSubjectSequence: expectedSeq }, timeout: appendTimeoutMs });
        return ack.seq;
      } catch (error) {
        if (isOvertaken(error)) {
          throw new AftercareError('fenced', `shard ${shard}: ${error.message}; another owner has taken over`, { cause: error });
        }
        throw new AftercareError('unavailable', `shard ${shard}: the commit was not acknowledged: ${messageOf(error)}`, { cause: error });
      }
    },
    async answers(shard, body, id) {
      try {
        return (await js.publish(answersSubject(shard), body, { msgID: id, timeout: appendTimeoutMs })).seq;
      } catch (error) {
        throw new AftercareError('unavailable', `shard ${shard}: answers were not acknowledged: ${messageOf(error)}`, { cause: error });
      }
    },
    async trim(shard, seq) {
      const newest = (await last(shard))?.seq ?? 0;
      const jsm = await jetstreamManager(nc);
      await jsm.streams.purge(streams.out, { filter: outSubject(shard), seq: Math.min(seq + 1, newest) });
      await jsm.streams.purge(streams.out, { filter: answersSubject(shard), seq: seq + 1 });
    },
  };
}
