/** Each bound of the contract, on both sides. */
import { describe, expect, it } from 'vitest';
import { checkEvent } from '../../schemas/decode.js';
import { limits } from '../../schemas/limits.js';
import { click, decoded, line, purchase } from './stored.js';

const ticket = { v: 1, type: 'ticket', id: 'e3', customer: 'c1', atMs: click.atMs, ticket: 't1', text: 'hello' };
const label = { v: 1, type: 'label', id: 'e4', customer: 'c1', atMs: click.atMs, of: 'ticket', ref: 't1', verdict: 'cancel_order' };
const named = (change: object, count = 1): object => ({ ...label, entities: Array(count).fill({ kind: 'order', text: 'SO-1', ...change }) });
const text = (length: number): string => 'x'.repeat(length);
const buy = (change: object): object => ({ ...purchase, ...change });

const bounds: [string, object, object][] = [
  ['characters of an id', { ...click, id: text(limits.idLengthMax) }, { ...click, id: text(limits.idLengthMax + 1) }],
  ['an empty id', { ...click, id: 'x' }, { ...click, id: '' }],
  ['characters of a customer', { ...click, customer: text(limits.idLengthMax) }, { ...click, customer: text(limits.idLengthMax + 1) }],
  ['characters of an item', { ...click, item: text(limits.itemLengthMax) }, { ...click, item: text(limits.itemLengthMax + 1) }],
  ['the earliest time', { ...click, atMs: limits.atMsMin }, { ...click, atMs: limits.atMsMin - 1 }],
  ['lines', buy({ lines: Array(limits.linesMax).fill(line) }), buy({ lines: Array(limits.linesMax + 1).fill(line) })],
  ['units', buy({ lines: [{ ...line, quantity: limits.quantityMax }] }), buy({ lines: [{ ...line, quantity: limits.quantityMax + 1 }] })],
  ['at least one unit', buy({ lines: [{ ...line, quantity: 1 }] }), buy({ lines: [{ ...line, quantity: 0 }] })],
  ['the largest amount', buy({ amountMinor: limits.amountMinorMax }), buy({ amountMinor: limits.amountMinorMax + 1 })],
  ['the smallest amount', buy({ amountMinor: 0 }), buy({ amountMinor: -1 })],
  ['the smallest price', buy({ lines: [{ ...line, unitMinor: 0 }] }), buy({ lines: [{ ...line, unitMinor: -1 }] })],
  ['whole amounts', buy({ amountMinor: 1 }), buy({ amountMinor: 1.5 })],
  ['characters of a ticket', { ...ticket, text: text(limits.textLengthMax) }, { ...ticket, text: text(limits.textLengthMax + 1) }],
  ['entities of a label', named({}, limits.entitiesMax), named({}, limits.entitiesMax + 1)],
  ['characters of an entity', named({ text: text(limits.entityLengthMax) }), named({ text: text(limits.entityLengthMax + 1) })],
  ['an empty entity', named({}, 0), named({ text: '' })],
  ['the first occurrence', named({ occurrence: 1 }), named({ occurrence: 0 })],
];

describe('bounds', () => {
  it.each(bounds)('%s', (_name, inside, outside) => {
    expect(checkEvent(inside)).toHaveProperty('event');
    expect(checkEvent(outside)).toHaveProperty('error');
  });

  it('bytes of a message', () => {
    const padded = (bytes: number): string => JSON.stringify(click).padEnd(bytes, ' ');
    expect(decoded('ev.0.click', padded(limits.messageBytesMax)).events).toHaveLength(1);
    expect(decoded('ev.0.click', padded(limits.messageBytesMax + 1)).rejects[0].reason).toBe('too_large');
  });

  it('how far ahead of its arrival an event may lie', () => {
    const receivedMs = click.atMs - limits.aheadMsMax;
    expect(decoded('ev.0.click', JSON.stringify(click), { receivedMs }).events).toHaveLength(1);
    expect(decoded('ev.0.click', JSON.stringify(click), { receivedMs: receivedMs - 1 }).rejects[0].reason).toBe('bad_time');
  });
});
