/**
 * Messages that must not pass, each with the reason that must be given. They are raw and carry the subject that a
 * producer would publish to, since half of what goes wrong never gets as far as JSON.
 */
import type { RejectReason } from '../schemas/decode.js';
import { limits } from '../schemas/limits.js';
import { eventSubject, partitionOf, type SubjectType } from '../schemas/subjects.js';
import { createRandom } from './random.js';
import { digits } from './tickets.js';

export interface BadMessage {
  /** what is wrong, for a test's title and the demo's table */
  name: string;
  subject: string;
  body: Uint8Array;
  expectedReason: RejectReason;
}

interface Bad {
  name: string;
  reason: RejectReason;
  body: string | Uint8Array;
  type?: SubjectType;
  subject?: string;
}

/** @param shards  of the stream; with one shard no envelope can span two */
export function badMessages(seed: number, shards = 4): BadMessage[] {
  const random = createRandom(seed);
  const customer = `c${digits(random, 4)}`;
  const good = goodEvents(`bad${digits(random, 6)}`, customer);
  const all = [...notEvents(good), ...wrongFields(good), ...wrongSubjects(good, customer), ...tooMuch(good), ...hostile(good), ...strangers(good, customer, shards)];
  return all.map(({ name, reason, body, type, subject }) => ({
    name,
    subject: subject ?? eventSubject(type ?? 'click', customer),
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    expectedReason: reason,
  }));
}

/** The events that are spoilt below; as they are, they would pass. */
function goodEvents(id: string, customer: string) {
  const head = { v: 1, id, customer, atMs: Date.UTC(2026, 0, 15, 12) };
  const click = { ...head, type: 'click', action: 'view', item: 'KET-1000A' };
  const line = { item: 'KET-1000A', quantity: 1, unitMinor: 3499 };
  const purchase = { ...head, type: 'purchase', order: `SO-${id}`, lines: [line], amountMinor: 3499, currency: 'EUR' };
  return { click, line, purchase };
}

type Good = ReturnType<typeof goodEvents>;
const json = (value: unknown): string => JSON.stringify(value);

function notEvents({ click }: Good): Bad[] {
  return [
    { name: 'not JSON', reason: 'not_json', body: 'view KET-1000A' },
    { name: 'JSON cut short', reason: 'not_json', body: json(click).slice(0, -5) },
    { name: 'NaN', reason: 'not_json', body: json(click).replace(/"atMs":\d+/, '"atMs":NaN') },
    { name: 'invalid UTF-8', reason: 'not_utf8', body: invalidUtf8(json({ ...click, item: '????' })) },
    { name: 'an empty envelope', reason: 'empty', type: 'batch', body: '' },
    { name: 'blank lines alone', reason: 'empty', type: 'batch', body: '\n \r\n\t\n' },
    { name: 'an array', reason: 'bad_event', body: json([click]) },
    { name: 'null', reason: 'bad_event', body: 'null' },
  ];
}

function wrongFields({ click, line, purchase }: Good): Bad[] {
  const withoutItem = { ...click, item: undefined }; // JSON leaves it out
  const buy = (change: object): string => json({ ...purchase, ...change });
  return [
    { name: 'an item that is a number', reason: 'bad_event', body: json({ ...click, item: 1000 }) },
    { name: 'a missing item', reason: 'bad_event', body: json(withoutItem) },
    { name: 'an unknown field', reason: 'bad_event', body: json({ ...click, colour: 'red' }) },
    { name: 'an unknown action', reason: 'bad_event', body: json({ ...click, action: 'stare' }) },
    { name: 'version 2', reason: 'bad_event', body: json({ ...click, v: 2 }) },
    { name: 'a time in 1970', reason: 'bad_event', body: json({ ...click, atMs: 1_764_000_000 }) },
    { name: 'a time in 2100', reason: 'bad_time', body: json({ ...click, atMs: Date.UTC(2100, 0, 1) }) },
    { name: 'a time with a fraction', reason: 'bad_event', body: json({ ...click, atMs: click.atMs + 0.5 }) },
    { name: 'an amount of 2^53', reason: 'bad_event', type: 'purchase', body: buy({ amountMinor: 2 ** 53 }) },
    { name: 'an amount beyond any number', reason: 'bad_event', type: 'purchase', body: buy({ amountMinor: 1 }).replace('"amountMinor":1', '"amountMinor":1e400') },
    { name: 'a negative amount', reason: 'bad_event', type: 'purchase', body: buy({ amountMinor: -1 }) },
    { name: 'an amount in text', reason: 'bad_event', type: 'purchase', body: buy({ amountMinor: '34.99' }) },
    { name: 'a quantity of 0', reason: 'bad_event', type: 'purchase', body: buy({ lines: [{ ...line, quantity: 0 }] }) },
    { name: 'no lines', reason: 'bad_event', type: 'purchase', body: buy({ lines: [] }) },
    { name: 'a currency that is none', reason: 'bad_event', type: 'purchase', body: buy({ currency: 'euro' }) },
    { name: 'an e-mail address as customer', reason: 'bad_event', body: json({ ...click, customer: 'ann@example.com' }) },
    { name: 'a line break in an item', reason: 'bad_event', body: json({ ...click, item: 'KET\n1000' }) },
  ];
}

function wrongSubjects({ click, purchase }: Good, customer: string): Bad[] {
  return [
    { name: 'a dot in the customer token', reason: 'bad_subject', subject: 'events.click.a.b', body: json({ ...click, customer: 'a.b' }) },
    { name: 'no customer token', reason: 'bad_subject', subject: 'events.click', body: json(click) },
    { name: 'an unknown type in the subject', reason: 'unknown_type', subject: `events.clack.${customer}`, body: json(click) },
    { name: 'a purchase on the subject of clicks', reason: 'wrong_type', type: 'click', body: json(purchase) },
    { name: 'an unknown type in the body', reason: 'bad_event', type: 'batch', body: json({ ...click, type: 'clack' }) },
  ];
}

function tooMuch({ click, line, purchase }: Good): Bad[] {
  const padded = (bytes: number): string => {
    const empty = json({ ...click, item: '' });
    return json({ ...click, item: 'x'.repeat(bytes - empty.length) });
  };
  const many = Array.from({ length: limits.envelopeEventsMax + 1 }, (_, i) => json({ ...click, id: `${click.id}-${i}` }));
  return [
    { name: 'a body of 1 MiB and a byte', reason: 'too_large', body: padded(limits.messageBytesMax + 1) },
    { name: 'a body of 10 MB', reason: 'too_large', body: padded(10_000_000) },
    { name: 'an envelope of 1,001 events', reason: 'too_many_events', body: many.join('\n') },
    { name: 'a purchase of 501 lines', reason: 'bad_event', type: 'purchase', body: json({ ...purchase, lines: Array(limits.linesMax + 1).fill(line) }) },
    { name: 'an item of 129 characters', reason: 'bad_event', body: json({ ...click, item: 'x'.repeat(limits.itemLengthMax + 1) }) },
  ];
}

/** JSON that aims at the program: keys of Object.prototype, and nesting that a recursive reader would not survive. */
function hostile({ click }: Good): Bad[] {
  const withKey = (key: string): string => json(click).replace('{', `{"${key}":{"polluted":true},`);
  return [
    { name: '__proto__ as a key', reason: 'bad_event', body: withKey('__proto__') },
    { name: 'constructor as a key', reason: 'bad_event', body: withKey('constructor') },
    { name: '__proto__ as the type', reason: 'bad_event', type: 'batch', body: json({ ...click, type: '__proto__' }) },
    { name: 'thousands of unknown fields', reason: 'bad_event', body: json({ ...click, ...Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field${i}`, i])) }) },
    { name: 'an unknown field with a name of 100 kB', reason: 'bad_event', body: withKey('x'.repeat(100_000)) },
    { name: 'deep nesting', reason: 'bad_event', body: json(click).replace('"KET-1000A"', '['.repeat(100_000) + ']'.repeat(100_000)) },
  ];
}

/** One line of this customer and one of a customer whose events belong to another partition. */
function strangers({ click }: Good, customer: string, shards: number): Bad[] {
  if (shards < 2) return [];
  let stranger = 0;
  while (partitionOf(`x${stranger}`, shards) === partitionOf(customer, shards)) stranger += 1;
  const other = json({ ...click, id: `${click.id}-x`, customer: `x${stranger}` });
  return [{ name: 'an envelope for two partitions', reason: 'wrong_partition', type: 'batch', body: `${json(click)}\n${other}` }];
}

function invalidUtf8(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return bytes.map((byte) => (byte === 0x3f ? 0xff : byte)); // every "?" becomes a byte that no UTF-8 holds
}
