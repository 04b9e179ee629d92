import { describe, expect, it } from 'vitest';
import { eventSubject, eventTransform, parseStoredSubject, partitionOf } from '../../schemas/subjects.js';

/** Source: the FNV-1a test suite, draft-eastlake-fnv, 32 bits. */
const vectors: [string, number][] = [
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['b', 0xe70c2de5],
  ['foo', 0xa9f37ed7],
  ['foobar', 0xbf9cf968],
  ['hello', 0x4f9f2cab],
];

describe('partitionOf', () => {
  it.each(vectors)('FNV-1a of "%s"', (text, hash) => {
    for (const shards of [2, 3, 4, 8, 1000, 2 ** 31]) expect(partitionOf(text, shards)).toBe(hash % shards);
    expect(partitionOf(text, 1)).toBe(0);
  });

  it('spreads customers evenly', () => {
    const counts = new Array<number>(8).fill(0);
    for (let i = 0; i < 8000; i++) counts[partitionOf(`c${i}`, 8)] += 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
  });
});

describe('subjects', () => {
  it('a published subject, and what the transform makes of it', () => {
    expect(eventSubject('click', 'c1')).toBe('events.click.c1');
    expect(eventTransform(4)).toEqual({ src: 'events.*.*', dest: 'ev.{{partition(4,2)}}.{{wildcard(1)}}' });
  });

  it.each([
    ['ev.3.click', { shard: 3, type: 'click', known: true }],
    ['ev.0.batch', { shard: 0, type: 'batch', known: true }],
    ['ev.0.clack', { shard: 0, type: 'clack', known: false }],
    ['ev.0.constructor', { shard: 0, type: 'constructor', known: false }],
    ['events.click.a.b', undefined],
    ['ev.x.click', undefined],
    ['ev.0.click.more', undefined],
    ['', undefined],
  ])('reads %s', (subject, expected) => expect(parseStoredSubject(subject)).toEqual(expected));
});
