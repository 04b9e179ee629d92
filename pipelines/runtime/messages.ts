/** Messages that the sink publishes beside its rows: dead letters, and decisions for the services of the shop. */
import { deadLetterHeaders, dlqSubject } from '../../schemas/subjects.js';
import type { Message } from './ports.js';

export interface DeadLetter {
  reason: string;
  /** see `positionOf` */
  position: number;
  /** the field, the value and the remedy */
  detail: string;
  subject: string;
  seq: number;
  body: Uint8Array;
}

/** The body stays what the producer sent, byte for byte. */
export function deadLetter({ reason, position, detail, subject, seq, body }: DeadLetter): Message {
  return {
    subject: dlqSubject(reason),
    id: `reject:${position}`,
    headers: { [deadLetterHeaders.subject]: subject, [deadLetterHeaders.seq]: String(seq), [deadLetterHeaders.detail]: detail },
    body,
  };
}

/** A decision that services act on: one JSON object. @param id  the same for the same decision, whoever sends it */
export function decisionMessage(subject: string, id: string, value: object): Message {
  return { subject, id, headers: {}, body: Buffer.from(JSON.stringify(value)) };
}
