import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenise } from '../../../models/text/tokenise.js';
import { countWords, createVocabulary, encode, loadVocabulary, PADDING, saveVocabulary, UNKNOWN } from '../../../models/text/vocabulary.js';

const of = (...texts: string[]) => countWords(texts.map((text) => tokenise(text, 'en')));

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

  it('comes back from its file as it was, and says what is wrong with one that is not its own', () => {
    for (const shapes of [false, true]) {
      const vocabulary = createVocabulary(new Map([['退款', 3], ['\ud800', 2], ['a"\u0001', 2]]), { max: 9, min: 2, shapes });
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
