import { describe, expect, it } from 'vitest';
import { bundle, unbundle } from '../../pipelines/bundle.js';

const parts = { first: [Uint8Array.of(1, 2), Uint8Array.of(3)], none: [], last: [Uint8Array.of(4, 5, 6, 7)] };
const names = ['first', 'none', 'last'] as const;
const bytes = Buffer.concat(bundle(parts));

describe('a bundle of snapshots', () => {
  it('gives each part back, wherever the bytes were cut', () => {
    for (let at = 0; at <= bytes.length; at++) {
      const found = unbundle([bytes.subarray(0, at), bytes.subarray(at)], names);
      expect(Buffer.concat(found.first)).toEqual(Buffer.of(1, 2, 3));
      expect(found.none).toEqual([]);
      expect(Buffer.concat(found.last)).toEqual(Buffer.of(4, 5, 6, 7));
    }
  });

  it('refuses what is cut short at any byte', () => {
    for (let length = 0; length < bytes.length; length++) expect(() => unbundle([bytes.subarray(0, length)], names), String(length)).toThrow(RangeError);
  });

  it('names the parts when they are others', () => {
    expect(() => unbundle([bytes], ['first', 'last'])).toThrow('holds "first, none, last", this build reads "first, last"; rebuild from the events');
  });

  it('refuses another version, and another file', () => {
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(9, 4);
    expect(() => unbundle([newer], names)).toThrow('version 9');
    expect(() => unbundle([Buffer.from('something else')], names)).toThrow('AFBN');
  });
});
