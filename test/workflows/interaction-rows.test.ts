import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRowReader } from '../../activities/interaction-rows.js';

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  const length: number[] = [];
  for (let left = bytes.length; ; left >>= 7) {
    length.push(left < 0x80 ? left : (left & 0x7f) | 0x80);
    if (left < 0x80) break;
  }
  return Buffer.concat([Buffer.from(length), bytes]);
};
const strengthBytes = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};

it('reads rows however they are cut', () => {
  const row = fc.tuple(fc.string({ minLength: 1, maxLength: 8 }).map((s) => `c${Buffer.from(s).toString('hex')}`), fc.string({ unit: 'grapheme', maxLength: 200 }), fc.float({ noNaN: true }));
  fc.assert(fc.property(fc.array(row, { maxLength: 30 }), fc.integer({ min: 1, max: 300 }), (rows, size) => {
    const bytes = Buffer.concat(rows.flatMap(([customer, item, strength]) => [text(customer), text(item), strengthBytes(strength)]));
    const found: unknown[] = [];
    const reader = createRowReader((...values) => found.push(values));
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    reader.end();
    expect(found).toEqual(rows.map(([customer, item, strength]) => [customer, Buffer.from(item).toString(), Math.fround(strength)]));
  }), { numRuns: 200, seed: 41 });
});

it('notices an answer that ends in the middle of a row', () => {
  const reader = createRowReader(() => undefined);
  reader.push(Buffer.concat([text('c1'), text('kettle')]));
  expect(() => { reader.end(); }).toThrow(/ends in the middle of a row, 10 bytes are left/);
});
