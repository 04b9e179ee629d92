/** In-memory twin of the streams EVENTS, OUT, DLQ and DECISIONS: one array of messages, and fencing by the last sequence of a subject. */
import type { StoredMessage } from '../../../schemas/decode.js';
import { AftercareError } from '../../../schemas/errors.js';
import { answersSubject, outSubject } from '../../../schemas/subjects.js';
import type { CommitLog, LogCursor, Message, MessageLog, Messages, Remains } from '../ports.js';

export interface MemoryLog extends MessageLog {
  append(subject: string, body: Uint8Array, receivedMs: number): number;
  lastOf(subject: string): StoredMessage | undefined;
  remove(keep: (message: StoredMessage) => boolean): void;
}

/** `prefix.>` or a whole subject, as the shard's filter has it. */
const matches = (filter: string | undefined, subject: string): boolean =>
  filter === undefined || (filter.endsWith('.>') ? subject.startsWith(filter.slice(0, -1)) : filter === subject);

export function memoryLog(): MemoryLog {
  let messages: StoredMessage[] = [];
  let last = 0;
  const waiting = new Set<() => void>();
  return {
    append(subject, body, receivedMs) {
      messages.push({ subject, seq: ++last, receivedMs, body });
      for (const wake of waiting) wake();
      return last;
    },
    lastOf: (subject) => messages.findLast((m) => m.subject === subject),
    remove(keep) { messages = messages.filter(keep); },
    lastSeq: (subject) => Promise.resolve(subject === undefined ? last : messages.findLast((m) => matches(subject, m.subject))?.seq ?? 0),
    open: (fromSeq, subject) => Promise.resolve(memoryCursor(() => messages, fromSeq, subject, waiting)),
  };
}

function memoryCursor(messages: () => StoredMessage[], fromSeq: number, subject: string | undefined, waiting: Set<() => void>): LogCursor {
  let next = fromSeq;
  let closed = false;
  const ready = (max: number): StoredMessage[] => {
    const found = messages().filter((m) => m.seq >= next && matches(subject, m.subject)).slice(0, max);
    if (found.length > 0) next = found[found.length - 1].seq + 1;
    return found;
  };
  return {
    async take(max, waitMs) {
      if (closed) throw new AftercareError('closed', 'the cursor is closed');
      const found = ready(max);
      if (found.length > 0) return found;
      await new Promise<void>((resolve) => {
        const done = (): void => { clearTimeout(timer); waiting.delete(done); resolve(); };
        const timer = setTimeout(done, waitMs);
        waiting.add(done);
      });
      return closed ? [] : ready(max);
    },
    close() {
      closed = true;
      for (const wake of waiting) wake();
      return Promise.resolve();
    },
  };
}

export function memoryCommits(log: MemoryLog, now: () => number = Date.now): CommitLog {
  const answered = new Map<string, number>();
  return {
    last: (shard) => Promise.resolve(log.lastOf(outSubject(shard))),
    append(shard, body, expectedSeq) {
      const newest = log.lastOf(outSubject(shard))?.seq ?? 0;
      if (newest !== expectedSeq) {
        return Promise.reject(new AftercareError('fenced', `shard ${shard}: the newest commit is ${newest}, not ${expectedSeq}; another owner has taken over`));
      }
      return Promise.resolve(log.append(outSubject(shard), body, now()));
    },
    answers(shard, body, id) {
      const seq = answered.get(id) ?? log.append(answersSubject(shard), body, now());
      answered.set(id, seq);
      return Promise.resolve(seq);
    },
    trim(shard, seq) {
      const newest = log.lastOf(outSubject(shard))?.seq;
      log.remove((m) => (m.subject !== outSubject(shard) && m.subject !== answersSubject(shard)) || m.seq > seq || m.seq === newest);
      return Promise.resolve();
    },
  };
}

export function memoryMessages(): Messages & { sent: Message[] } {
  const byId = new Map<string, Message>();
  return {
    publish(message) {
      if (!byId.has(message.id)) byId.set(message.id, message);
      return Promise.resolve();
    },
    get sent() { return [...byId.values()]; },
  };
}

export function memoryRemains(): Remains {
  const kept = new Map<number, StoredMessage>();
  const watching = new Set<(message: StoredMessage) => void>();
  return {
    list: (fromSeq, subject) => Promise.resolve([...kept.values()].filter((m) => m.seq >= fromSeq && matches(subject, m.subject)).map(({ seq }) => seq).sort((a, b) => a - b)),
    get: (seq) => Promise.resolve(kept.get(seq)),
    watch(onRemains, subject) {
      const watcher = (message: StoredMessage): void => { if (matches(subject, message.subject)) onRemains(message.seq); };
      watching.add(watcher);
      return () => void watching.delete(watcher);
    },
    put(message) {
      kept.set(message.seq, { ...message, remains: true });
      for (const watcher of watching) watcher(message);
      return Promise.resolve();
    },
  };
}
