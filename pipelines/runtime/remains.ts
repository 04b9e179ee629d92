/**
 * Reading EVENTS where lines of messages were forgotten. A stored message cannot be changed, so it is deleted, and what is left of it
 * stands elsewhere under its own sequence; a reader finds it in its place:
 *
 *   EVENTS    101  102   -   104        REMAINS  103         read  101  102  103  104
 *
 * Whoever forgets writes the remains before the message goes.
 */
import type { StoredMessage } from '../../schemas/decode.js';
import type { LogCursor, MessageLog, Remains } from './ports.js';

export function withRemains(log: MessageLog, remains: Remains): MessageLog {
  return {
    async lastSeq(subject) {
      const last = await log.lastSeq(subject);
      return subject === undefined ? last : Math.max(last, (await remains.list(last, subject)).at(-1) ?? 0);
    },
    async open(fromSeq, subject) {
      const seqs = new Set<number>();
      // First the watch, then the list: what is written meanwhile is in one of them.
      const unwatch = remains.watch((seq) => { seqs.add(seq); }, subject);
      try {
        for (const seq of await remains.list(fromSeq, subject)) seqs.add(seq);
        return merged({ cursor: await log.open(fromSeq, subject), lastSeq: () => log.lastSeq(subject), remains, seqs, fromSeq, unwatch });
      } catch (error) {
        unwatch();
        throw error;
      }
    },
  };
}

interface Merged {
  cursor: LogCursor;
  /** newest message of the log itself */
  lastSeq: () => Promise<number>;
  remains: Remains;
  seqs: Set<number>;
  fromSeq: number;
  unwatch: () => void;
}

function merged({ cursor, lastSeq, remains, seqs, fromSeq, unwatch }: Merged): LogCursor {
  let newest = fromSeq - 1;
  let waiting: StoredMessage[] = [];

  /** Those between the message before and this one; what was read whole stays as it was read. */
  const before = async (seq: number): Promise<StoredMessage[]> => {
    const due = [...seqs].filter((own) => own > newest && own < seq).sort((a, b) => a - b);
    const found = await Promise.all(due.map((own) => remains.get(own)));
    return found.filter((message) => message !== undefined);
  };
  const withThose = async (messages: StoredMessage[]): Promise<StoredMessage[]> => {
    const all: StoredMessage[] = [];
    for (const message of messages) {
      all.push(...(await before(message.seq)), message);
      newest = message.seq;
    }
    // Behind the last message that is stored there may be more.
    if (messages.length === 0 && (await lastSeq()) <= newest) all.push(...(await before(Infinity)));
    newest = all.at(-1)?.seq ?? newest;
    for (const seq of seqs) if (seq <= newest) seqs.delete(seq);
    return all;
  };
  return {
    async take(max, waitMs) {
      if (waiting.length === 0) {
        waiting = await cursor.take(max, waitMs);
        if (seqs.size > 0) waiting = await withThose(waiting);
        else newest = waiting.at(-1)?.seq ?? newest;
      }
      return waiting.splice(0, max);
    },
    close() {
      unwatch();
      return cursor.close();
    },
  };
}
