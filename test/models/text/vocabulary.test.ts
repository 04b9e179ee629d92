import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenise } from '../../../models/text/tokenise.js';
import { countWords, createVocabulary, encode, loadVocabulary, PADDING, saveVocabulary, UNKNOWN } from '../../../models/text/vocabulary.js';

const of = (...texts: string[]) => countWords(texts.map((text) => tokenise(text, 'en')));

/** Optimal string alignment: insertions, deletions, other letters, neighbours swapped. */
function distance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)));
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.length][b.length];
}

describe('vocabulary', () => {
  it('numbers words by how often they come, ties in code unit order', () => {
    const vocabulary = createVocabulary(of('b b b a a c c d', 'B 退款'), { max: 3, min: 2 });
    expect(vocabulary.words).toEqual(['b', 'a', 'c']);
    expect([...vocabulary.counts]).toEqual([4, 2, 2]);
    expect(vocabulary.size).toBe(5);
    expect([...encode(vocabulary, tokenise('a b d c', 'en'), 6)]).toEqual([3, 2, UNKNOWN, 4, PADDING, PADDING]);
    expect([...encode(vocabulary, tokenise('a b d c', 'en'), 2)]).toEqual([3, 2]);
  });

  it('does not depend on the order of the texts', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('refund', 'order', 'parcel', '退款', 'SO-1', 'x'), { maxLength: 30 }), (texts) => {
      const bytes = (list: string[]): Buffer => Buffer.concat(saveVocabulary(createVocabulary(of(...list), { max: 4, min: 1 })));
      expect(bytes(texts).equals(bytes([...texts].reverse()))).toBe(true);
    }));
  });

  it('tells the shapes of unknown words apart, if asked to', () => {
    const vocabulary = createVocabulary(of('cancel order 17'), { max: 10, min: 1, shapes: true });
    const ids = [...encode(vocabulary, tokenise('cancel order 732201349959 <email> SO-1 $5 99 退 foo kettle', 'en'), 10)];
    expect(ids.slice(0, 2).every((id) => vocabulary.words.includes(vocabulary.words[id - 2]))).toBe(true);
    expect(new Set(ids.slice(2)).size).toBe(8);
    expect(ids[9]).toBe(UNKNOWN);
    expect(Math.max(...ids)).toBeLessThan(vocabulary.size);
    expect(vocabulary.idOf('732201349959')).toBe(vocabulary.idOf('00004587345'));
  });

  it('reads a word with one slip as what was meant, if asked to, the most frequent first', () => {
    const vocabulary = createVocabulary(new Map([['cancelling', 5], ['order', 9], ['older', 3], ['orders', 2], ['the', 20]]), { max: 10, min: 1, spelling: true });
    const read = (word: string): string | undefined => vocabulary.words[vocabulary.idOf(word) - 2];
    expect(['cancellign', 'cancelin', 'oder', 'oorder', 'ordef', 'orderz', 'ordres', 'redro', 'teh', 'Order'].map(read)).toEqual(['cancelling', undefined, 'order', 'order', 'order', 'order', 'orders', undefined, undefined, undefined]);
    const oneSlip = (word: string, other: string): boolean => distance(word, other) === 1;
    const words = [...vocabulary.words];
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('o', 'r', 'd', 'e', 'l', 's'), minLength: 4, maxLength: 7 }), (word) => {
      const expected = words.includes(word) ? word : words.find((other) => other.length >= 4 && oneSlip(word, other));
      expect(read(word)).toBe(expected);
    }), { numRuns: 1000 });
  });

  it('comes back from its file as it was, and says what is wrong with one that is not its own', () => {
    for (const [shapes, spelling] of [[false, false], [true, false], [true, true]]) {
      const vocabulary = createVocabulary(new Map([['退款', 3], ['\ud800', 2], ['a"\u0001', 2]]), { max: 9, min: 2, shapes, spelling });
      const chunks = saveVocabulary(vocabulary);
      const loaded = loadVocabulary(chunks);
      expect(loaded.words).toEqual(vocabulary.words);
      expect([loaded.size, loaded.idOf('退款'), loaded.idOf('123')]).toEqual([vocabulary.size, vocabulary.idOf('退款'), vocabulary.idOf('123')]);
      expect(Buffer.concat(saveVocabulary(loaded)).equals(Buffer.concat(chunks))).toBe(true);
      const bytes = Buffer.concat(chunks);
      bytes[bytes.length - 9] ^= 1;
      expect(() => loadVocabulary([bytes])).toThrow(/vocabulary snapshot: checksum differs/);
      expect(() => loadVocabulary([bytes.subarray(0, 20)])).toThrow(/vocabulary snapshot/);
      expect(() => loadVocabulary([Buffer.from('ASVM\0\0\0\0\0\0\0\0\0\0\0\0\0')])).toThrow(/instead of AVOC/);
    }
  });

  it('refuses settings that make no vocabulary', () => {
    expect(() => createVocabulary(new Map(), { max: 0, min: 1 })).toThrow('vocabulary: max must be a whole number >= 1, got 0');
    expect(() => createVocabulary(new Map(), { max: 5, min: NaN })).toThrow('vocabulary: min must be a whole number >= 1, got NaN');
  });
});
