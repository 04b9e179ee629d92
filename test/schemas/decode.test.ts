import { describe, expect, it } from 'vitest';
import { promoteExample } from '../../schemas/asyncapi-examples.js';
import { positionOf, promotionOf, sequenceOf } from '../../schemas/decode.js';
import { limits } from '../../schemas/limits.js';
import { partitionOf, shardToken } from '../../schemas/subjects.js';
import { badMessages } from '../../simulator/bad-messages.js';
import { click, decoded, purchase, storedSubject } from './stored.js';

const shards = 4;
const label = { v: 1, type: 'label', id: 'e4', customer: 'c1', atMs: click.atMs, of: 'ticket', ref: 't1', verdict: 'cancel_order' };

describe('what must not pass', () => {
  for (const { name, subject, body, expectedReason } of badMessages(1, shards)) {
    it(`${name} is one reject, ${expectedReason}`, () => {
      const { events, rejects } = decoded(storedSubject(subject, shards), body, { shards });
      expect(rejects.map((reject) => reject.reason)).toEqual([expectedReason]);
      expect(events.length).toBe(expectedReason === 'wrong_partition' ? 1 : 0); // the other line of that envelope is good
      expect(rejects[0].detail.length).toBeGreaterThan(10);
      expect(rejects[0].detail.length).toBeLessThan(300);
    });
  }
});

describe('the message names the field', () => {
  const cases: [string, object, string][] = [
    ['a missing field', { ...click, item: undefined }, 'missing field "item"'],
    ['an unknown field', { ...click, colour: 'red' }, 'unknown field "colour"'],
    ['a wrong type', { ...click, item: 5 }, 'item must be string, got 5'],
    ['a time in seconds', { ...click, atMs: 1_764_000_000 }, 'atMs must be >= 631152000000, got 1764000000'],
    ['a value outside a list', { ...click, action: 'stare' }, 'action must be one of view, favourite, cart, uncart, got "stare"'],
    ['a version', { ...click, v: 2 }, 'v must be 1, got 2'],
    ['a nested field', { ...purchase, lines: [{ item: 'KET-1', quantity: 0, unitMinor: 1 }] }, 'lines.0.quantity must be >= 1, got 0'],
    ['an unknown nested field', { ...purchase, lines: [{ item: 'KET-1', quantity: 1, unitMinor: 1, tax: 2 }] }, 'unknown field "lines.0.tax"'],
    ['an amount of 2^53', { ...purchase, amountMinor: 2 ** 53 }, 'amountMinor must be <= 1000000000000, got 9007199254740992'],
    ['an unknown kind of entity', { ...label, entities: [{ kind: 'order', text: 'SO-1' }, { kind: 'colour', text: 'red' }] }, 'entities.1.kind must be one of order, product, amount, date, tracking, got "colour"'],
    ['an entity without its text', { ...label, entities: [{ kind: 'order' }] }, 'missing field "entities.0.text"'],
    ['an entity by offsets', { ...label, entities: [{ kind: 'order', text: 'SO-1', start: 3 }] }, 'unknown field "entities.0.start"'],
    ['entities of a purchase', { ...label, of: 'purchase', entities: [] }, 'entities are those of a ticket, and the label is of a purchase; leave entities out, or set of to ticket'],
    ['a customer with a dot', { ...click, customer: 'a.b' }, 'customer must match'],
  ];
  it.each(cases)('%s', (_name, event, detail) => {
    const { rejects } = decoded('ev.0.batch', JSON.stringify(event));
    expect(rejects).toHaveLength(1);
    expect(rejects[0].reason).toBe('bad_event');
    expect(rejects[0].detail).toContain(detail);
  });

  it('tells both types when subject and body differ', () => {
    expect(decoded('ev.0.click', JSON.stringify(purchase)).rejects[0].detail).toContain('type "purchase" differs from the subject\'s "click"');
  });

  it('tells both partitions of a stranger in an envelope', () => {
    const { rejects } = decoded('ev.3.click', JSON.stringify({ ...click, customer: 'a' }), { shards: 4 });
    expect(rejects[0]).toMatchObject({ reason: 'wrong_partition', detail: expect.stringContaining('"a" belongs to partition 0, not 3') as string });
  });
});

describe('controls', () => {
  const forget = { v: 1, type: 'control', id: 'f1', customer: 'c1', atMs: click.atMs, command: 'forget' };
  const promote = { ...promoteExample };
  const retire = { ...forget, customer: '~0', command: 'retire', model: 'svd', version: 17 };
  const detailOf = (event: object, subject = 'ev.0.control'): string | undefined => decoded(subject, JSON.stringify(event)).rejects[0]?.detail;

  it('takes a forgetting, a promotion and a retirement', () => {
    for (const event of [forget, promote, retire]) expect(decoded('ev.0.control', JSON.stringify(event)).events.map((e) => e.event)).toEqual([event]);
  });

  const cases: [string, object, string][] = [
    ['a promotion without its model', { ...promote, model: undefined }, 'missing field "model"'],
    ['a promotion without its sha256', { ...promote, sha256: undefined }, 'missing field "sha256"'],
    ['a promotion of a part of a version', { ...promote, version: 1.5 }, 'version must be integer, got 1.5'],
    ['a promotion of nothing', { ...promote, bytes: 0 }, 'bytes must be >= 1, got 0'],
    ['a promotion of more than a shard holds', { ...promote, bytes: 2 ** 40 }, 'bytes must be <= 268435456'],
    ['a promotion of a path', { ...promote, model: '../svd' }, 'model must match'],
    ['a promotion of capital letters', { ...promote, sha256: promote.sha256.toUpperCase() }, 'sha256 must match'],
    ['a promotion in a customer\'s name', { ...promote, customer: 'c1' }, 'customer must match'],
    ['a retirement without its version', { ...retire, version: undefined }, 'missing field "version"'],
    ['a retirement with a hash', { ...retire, sha256: promote.sha256 }, 'unknown field "sha256"'],
    ['a forgetting with a model', { ...forget, model: 'svd' }, 'unknown field "model"'],
    ['a forgetting with a version', { ...forget, version: 1 }, 'unknown field "version"'],
    ['a forgetting of a shard\'s token', { ...forget, customer: '~0' }, 'customer must match'],
    ['another command', { ...forget, command: 'erase' }, 'command must be one of forget, promote, retire, recall, got "erase"'],
    ['a command of every object', { ...forget, command: 'constructor' }, 'command must be one of forget, promote, retire, recall, got "constructor"'],
    ['no command', { ...forget, command: undefined }, 'missing field "command"'],
  ];
  it.each(cases)('%s names the field', (_name, event, detail) => {
    expect(detailOf(event)).toContain(detail);
  });

  it('no customer has the name of a shard\'s token', () => {
    expect(detailOf({ ...click, customer: '~0' }, 'ev.0.click')).toContain('customer must match');
  });

  it('a promotion is alone in its message; the lines beside it are taken', () => {
    const both = `${JSON.stringify(forget)}\n${JSON.stringify(promote)}`;
    for (const [subject, body, events] of [['ev.0.batch', JSON.stringify(promote), 0], ['ev.0.batch', both, 1], ['ev.0.control', both, 1]] as const) {
      const outcome = decoded(subject, body);
      expect(outcome.events).toHaveLength(events);
      expect(outcome.rejects).toMatchObject([{ reason: 'not_alone', detail: 'a promotion is a message of its own; publish it to events.control.~0 without other lines' }]);
    }
  });

  it('a promotion is found before it is folded, and nothing else is', () => {
    const found = (subject: string, event: object) => promotionOf({ subject, seq: 1, receivedMs: Date.UTC(2026, 10, 24), body: Buffer.from(JSON.stringify(event)) }, 1);
    expect(found('ev.0.control', promote)).toEqual(promote);
    for (const [subject, event] of [['ev.0.batch', promote], ['ev.0.control', forget], ['ev.0.click', click], ['ev.0.control', { ...promote, bytes: 0 }]] as const) expect(found(subject, event)).toBeUndefined();
  });

  it.each([1, 2, 4, 7, 256])('each of %i shards has a token of its own', (count) => {
    for (let shard = 0; shard < count; shard++) {
      const token = shardToken(shard, count);
      expect(partitionOf(token, count)).toBe(shard);
      expect(decoded(`ev.${shard}.control`, JSON.stringify({ ...promote, customer: token }), { shards: count }).events).toHaveLength(1);
      if (count > 1) expect(decoded(`ev.${(shard + 1) % count}.control`, JSON.stringify({ ...promote, customer: token }), { shards: count }).rejects[0].reason).toBe('wrong_partition');
    }
  });
});

describe('envelopes', () => {
  const many = (count: number): string => Array.from({ length: count }, (_, i) => JSON.stringify({ ...click, id: `e${i}` })).join('\n');

  it(`takes ${limits.envelopeEventsMax} events and refuses one more`, () => {
    expect(decoded('ev.0.click', many(limits.envelopeEventsMax)).events).toHaveLength(limits.envelopeEventsMax);
    const over = decoded('ev.0.click', many(limits.envelopeEventsMax + 1));
    expect(over.events).toHaveLength(0);
    expect(over.rejects.map((reject) => reject.reason)).toEqual(['too_many_events']);
  });

  it('does not count blank lines, and takes either kind of line end', () => {
    const { events, rejects } = decoded('ev.0.click', `\n${many(1)}\r\n\r\n  \n${many(1)}\n\n`);
    expect(rejects).toEqual([]);
    expect(events.map(({ position }) => position)).toEqual([positionOf(7, 0), positionOf(7, 1)]);
  });

  it('keeps good lines beside bad ones, each with the bytes of its own line', () => {
    const { events, rejects } = decoded('ev.0.batch', `${many(1)}\nnonsense\n${many(1)}\n{"type":"click"}`);
    expect(events.map(({ position }) => position)).toEqual([positionOf(7, 0), positionOf(7, 2)]);
    expect(rejects.map(({ position, reason }) => [position, reason])).toEqual([
      [positionOf(7, 1), 'not_json'],
      [positionOf(7, 3), 'bad_event'],
    ]);
    expect(Buffer.from(rejects[0].body).toString()).toBe('nonsense');
  });

  it('gives a whole message back when it is refused as a whole', () => {
    const body = new Uint8Array(limits.messageBytesMax + 1).fill(0x20);
    expect(decoded('ev.0.click', body).rejects[0].body).toBe(body);
  });

  it('refuses a bad byte in its own line alone', () => {
    const bytes = Buffer.concat([Buffer.from(`${many(1)}\n`), Buffer.from([0xff, 0x0a]), Buffer.from(many(1))]);
    const { events, rejects } = decoded('ev.0.click', bytes);
    expect(events).toHaveLength(2);
    expect(rejects.map((reject) => reject.reason)).toEqual(['not_utf8']);
  });
});

it('a polluting key changes no prototype', () => {
  decoded('ev.0.click', `{"__proto__":{"polluted":1},${JSON.stringify(click).slice(1)}`);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

it('a position gives its sequence back, up to the largest that a double holds', () => {
  const largest = 2 ** 43 - 1; // sequence * 1024 stays below 2^53
  for (const seq of [1, 7, 1_000_000, largest]) {
    expect(sequenceOf(positionOf(seq, 0))).toBe(seq);
    expect(sequenceOf(positionOf(seq, limits.envelopeEventsMax - 1))).toBe(seq);
    expect(Number.isSafeInteger(positionOf(seq, limits.envelopeEventsMax - 1))).toBe(true);
  }
});
