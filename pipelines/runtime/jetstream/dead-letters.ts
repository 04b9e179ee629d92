import { jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { dlqSubject } from '../../../schemas/subjects.js';
import type { DeadLetters } from '../ports.js';

/** Headers of a dead letter: the body stays what the producer sent, byte for byte. */
export const deadLetterHeaders = { subject: 'Aftercare-Subject', seq: 'Aftercare-Seq', detail: 'Aftercare-Detail' } as const;

/** Control characters would end a header early. */
const oneLine = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 500);

export function jetstreamDeadLetters(nc: NatsConnection): DeadLetters {
  const js = jetstream(nc, { timeout: 5000 });
  return {
    async publish(letter) {
      const fields = headers();
      fields.set(deadLetterHeaders.subject, oneLine(letter.subject));
      fields.set(deadLetterHeaders.seq, String(letter.seq));
      fields.set(deadLetterHeaders.detail, oneLine(letter.detail));
      await js.publish(dlqSubject(letter.reason), letter.body, { msgID: letter.id, headers: fields });
    },
  };
}
