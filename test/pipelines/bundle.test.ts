import { describe, expect, it } from 'vitest';
import { bundle, partsOf, unbundle } from '../../pipelines/bundle.js';
import { differing, partHashes } from '../../pipelines/runtime/state-hashes.js';

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

  it('is recognised, and tells its parts in their order', () => {
    expect(partsOf([bytes.subarray(0, 5), bytes.subarray(5)])?.map(([name, chunks]) => [name, Buffer.concat(chunks)])).toEqual([['first', Buffer.of(1, 2, 3)], ['none', Buffer.of()], ['last', Buffer.of(4, 5, 6, 7)]]);
    expect(partsOf([Buffer.from('something else, longer')])).toBeUndefined();
    expect(partsOf([])).toBeUndefined();
  });

  it('has a hash for each part, and for each part of a part, wherever the bytes were cut', async () => {
    const nested = (last: number): Uint8Array[] => bundle({ plain: [Uint8Array.of(9)], inner: bundle({ ...parts, last: [Uint8Array.of(4, 5, 6, last)] }) });
    const [one, other] = await Promise.all([partHashes(7, nested(7)), partHashes(7, nested(8))]);
    expect(Object.keys(one.parts)).toEqual(['plain', 'inner.first', 'inner.none', 'inner.last']);
    expect(one).toMatchObject({ seq: 7, bytes: Buffer.concat(nested(7)).length });
    expect(differing(one.parts, other.parts)).toEqual(['inner.last']);
    expect(differing(one.parts, { plain: one.parts.plain, more: 'x' })).toEqual(['inner.first', 'inner.none', 'inner.last', 'more']);
    const whole = Buffer.concat(nested(7));
    expect(await partHashes(7, [whole.subarray(0, 20), whole.subarray(20)])).toEqual(one);
    expect(Object.keys((await partHashes(1, [Buffer.from('no bundle')])).parts)).toEqual(['state']);
  });

  it('refuses another version, and another file', () => {
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(9, 4);
    expect(() => unbundle([newer], names)).toThrow('version 9');
    expect(() => unbundle([Buffer.from('something else')], names)).toThrow('AFBN');
  });
});
