/**
 * Remains in the stream REMAINS, one message each:
 *
 *   remains.<shard>.<sequence>    Aftercare-Subject: ev.0.batch    Aftercare-Received-Ms: 1764000000000
 *
 * Of a message that lost lines twice there are two for a moment, the newest counts: a limit of one a subject would drop the older
 * and leave its bytes on the disk.
 */
import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { AftercareError } from '../../../schemas/errors.js';
import { parseStoredSubject, remainsSubject, streams } from '../../../schemas/subjects.js';
import type { MessageLog, Remains } from '../ports.js';
import { withRemains } from '../remains.js';
import { noMessageFound } from './api-errors.js';
import { jetstreamLog } from './log.js';

const fields = { subject: 'Aftercare-Subject', receivedMs: 'Aftercare-Received-Ms', replaces: 'Aftercare-Replaces' } as const;

export function jetstreamRemains(nc: NatsConnection): Remains {
  const filterOf = (subject: string | undefined): string => remainsSubject(subject === undefined ? '*' : shardOf(subject), '*');
  const find = async (subject: string) => {
    const jsm = await jetstreamManager(nc);
    try {
      return await jsm.streams.getMessage(streams.remains, { last_by_subj: subject });
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === noMessageFound) return null;
      throw error;
    }
  };
  const list = async (filter: string): Promise<Map<number, string>> => {
    const jsm = await jetstreamManager(nc);
    const { state } = await jsm.streams.info(streams.remains, { subjects_filter: filter });
    return new Map(Object.keys(state.subjects ?? {}).map((subject) => [seqOf(subject), subject]));
  };
  return {
    async list(fromSeq, subject) {
      return [...(await list(filterOf(subject))).keys()].filter((seq) => seq >= fromSeq).sort((a, b) => a - b);
    },
    async get(seq) {
      const subject = (await list(remainsSubject('*', seq))).get(seq);
      const found = subject === undefined ? null : await find(subject);
      if (found === null) return undefined;
      const [storedSubject, receivedMs] = [found.header.get(fields.subject), Number(found.header.get(fields.receivedMs))];
      return { subject: storedSubject, seq, receivedMs, body: found.data, remains: true };
    },
    watch(onRemains, subject) {
      const subscription = nc.subscribe(filterOf(subject), { callback: (error, message) => { if (error === null) onRemains(seqOf(message.subject)); } });
      return () => subscription.unsubscribe();
    },
    async put({ subject, seq, receivedMs, body }) {
      const target = remainsSubject(shardOf(subject), seq);
      const before = await find(target);
      const head = headers();
      head.set(fields.subject, subject);
      head.set(fields.receivedMs, String(receivedMs));
      if (before !== null) head.set(fields.replaces, String(before.seq));
      await jetstream(nc).publish(target, body, { headers: head });
      if (before === null) return;
      // The one before that too: whoever wrote `before` may have died here.
      const jsm = await jetstreamManager(nc);
      for (const old of [before.seq, Number(before.header.get(fields.replaces))]) if (old > 0) await jsm.streams.deleteMessage(streams.remains, old, true).catch(ignoreGone);
    },
  };
}

/** EVENTS as everybody must read it. */
export const jetstreamEvents = (nc: NatsConnection, everyMs = 0): MessageLog => withRemains(jetstreamLog(nc, streams.events, everyMs), jetstreamRemains(nc));

const seqOf = (subject: string): number => Number(subject.split('.')[2]);

function shardOf(subject: string): number {
  const shard = /^ev\.(\d+)\./.exec(subject)?.[1] ?? parseStoredSubject(subject)?.shard;
  if (shard === undefined) throw new AftercareError('bad_request', `remains of "${subject}": not a subject of EVENTS`);
  return Number(shard);
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof JetStreamApiError)) throw error;
}
