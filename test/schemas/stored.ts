/** Shared by the tests of the contract: a message as the stream would store it, and what its decoding gives. */
import { decode, type Reject } from '../../schemas/decode.js';
import type { Event } from '../../schemas/events.js';
import { partitionOf } from '../../schemas/subjects.js';

export interface Outcome {
  events: { event: Event; position: number }[];
  rejects: Reject[];
}

/** What the stream's transform makes of a published subject: `events.*.*` is mapped, anything else stays as it is. */
export function storedSubject(published: string, shards: number): string {
  const [root, type, customer, ...more] = published.split('.');
  if (root !== 'events' || customer === undefined || more.length > 0) return published;
  return `ev.${partitionOf(customer, shards)}.${type}`;
}

export function decoded(subject: string, body: string | Uint8Array, options: { seq?: number; shards?: number; receivedMs?: number } = {}): Outcome {
  const outcome: Outcome = { events: [], rejects: [] };
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const { seq = 7, shards = 1, receivedMs = Date.UTC(2026, 10, 24) } = options;
  decode({ subject, seq, receivedMs, body: bytes }, shards, {
    event: (event, position) => outcome.events.push({ event, position }),
    reject: (reject) => outcome.rejects.push(reject),
  });
  return outcome;
}

export const click = { v: 1, type: 'click', id: 'e1', customer: 'c1', atMs: Date.UTC(2026, 0, 15), action: 'view', item: 'KET-1' };
export const line = { item: 'KET-1', quantity: 1, unitMinor: 100 };
export const purchase = { v: 1, type: 'purchase', id: 'e2', customer: 'c1', atMs: Date.UTC(2026, 0, 15), order: 'o1', lines: [line], amountMinor: 100, currency: 'EUR' };
