/** Commits in OUT: an append that only the newest owner can make. */
import { jetstreamManager, JetStreamApiError, PubHeaders } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { AftercareError, messageOf } from '../../../schemas/errors.js';
import { answersSubject, outSubject, streams } from '../../../schemas/subjects.js';
import type { CommitLog, StoredCommit } from '../ports.js';
import { Acknowledged } from './acks.js';
import { isOvertaken, noMessageFound } from './api-errors.js';

/** Milliseconds to wait for an acknowledgement: fifty times the slowest one seen, and well within a lease. */
const appendTimeoutMs = 1000;

export function jetstreamCommits(nc: NatsConnection): CommitLog {
  const acknowledged = new Acknowledged(nc, appendTimeoutMs);
  const append = async (subject: string, body: Uint8Array, field: string, value: string): Promise<number> => {
    const fields = headers();
    fields.set(field, value);
    return (await acknowledged.publish(subject, body, fields)).seq;
  };
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
        return await append(outSubject(shard), body, PubHeaders.ExpectedLastSubjectSequenceHdr, String(expectedSeq));
      } catch (error) {
        if (isOvertaken(error)) {
          throw new AftercareError('fenced', `shard ${shard}: ${error.message}; another owner has taken over`, { cause: error });
        }
        throw new AftercareError('unavailable', `shard ${shard}: the commit was not acknowledged: ${messageOf(error)}`, { cause: error });
      }
    },
    async answers(shard, body, id) {
      try {
        return await append(answersSubject(shard), body, PubHeaders.MsgIdHdr, id);
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
