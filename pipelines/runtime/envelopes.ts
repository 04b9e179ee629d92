/** Events into messages: singles, or envelopes of several lines that share a partition. */
import type { SubjectType } from '../../schemas/subjects.js';
import { batchType, eventSubject, partitionOf } from '../../schemas/subjects.js';
import { eventSchemas } from '../../schemas/events.js';
import type { Publisher } from './jetstream/publisher.js';

export interface EventWriter {
  /** @returns a promise when the publisher's window is full */
  write(event: unknown): Promise<void> | undefined;
  /** Sends what waits. */
  end(): Promise<void>;
  readonly messages: number;
}

/** A subject's token must not hold dots, spaces or wildcards; the body says who it really is, and decode judges that. */
const token = (customer: unknown): string => (typeof customer === 'string' && /^~?[A-Za-z0-9_-]+$/.test(customer) ? customer : 'unknown');
const typeToken = (type: unknown): SubjectType => (typeof type === 'string' && Object.hasOwn(eventSchemas, type) ? (type as SubjectType) : batchType);

/** @param size  events of one message; 1 publishes each under its own type */
export function eventWriter(publisher: Publisher, shards: number, size: number): EventWriter {
  const open = Array.from({ length: shards }, (): { lines: string[]; customer: string; id: string } => ({ lines: [], customer: '', id: '' }));
  let messages = 0;
  const send = (envelope: (typeof open)[number]): Promise<void> | undefined => {
    if (envelope.lines.length === 0) return undefined;
    const body = Buffer.from(envelope.lines.join('\n'));
    const id = `${envelope.id}+${envelope.lines.length}`;
    envelope.lines = [];
    messages += 1;
    return publisher.publish(eventSubject(batchType, envelope.customer), body, id);
  };
  return {
    get messages() { return messages; },
    write(event) {
      const { customer: named, type, id } = event as { customer?: unknown; type?: unknown; id?: unknown };
      const customer = token(named);
      if (size === 1) {
        messages += 1;
        return publisher.publish(eventSubject(typeToken(type), customer), Buffer.from(JSON.stringify(event)), String(id));
      }
      const envelope = open[partitionOf(customer, shards)];
      if (envelope.lines.length === 0) Object.assign(envelope, { customer, id: String(id) });
      return envelope.lines.push(JSON.stringify(event)) < size ? undefined : send(envelope);
    },
    async end() {
      for (const envelope of open) await send(envelope);
    },
  };
}
