import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBm25, type Hit } from '../../../models/text/bm25.js';

/** By the formula: every document is looked at for every word. */
function naive(documents: [key: string, words: string[]][], question: string[], K: number, k1 = 1.2, b = 0.75): Hit[] {
  const average = documents.reduce((sum, [, words]) => sum + words.length, 0) / documents.length;
  const scored = documents.map(([key, words], order) => {
    let score = 0;
    for (const word of question) {
      const df = documents.filter(([, others]) => others.includes(word)).length;
      const tf = words.filter((other) => other === word).length;
      score += Math.log(1 + (documents.length - df + 0.5) / (df + 0.5)) * ((tf * (k1 + 1)) / (tf + k1 * (1 - b + (b * words.length) / average) || 1));
    }
    return { key, score, order, matches: words.some((word) => question.includes(word)) };
  });
  return scored.filter(({ matches }) => matches).sort((x, y) => (Math.abs(y.score - x.score) > 1e-12 ? y.score - x.score : x.order - y.order)).slice(0, K).map(({ key, score }) => ({ key, score }));
}

const word = fc.constantFrom('refund', 'order', 'parcel', 'late', 'late', 'where', '退款');
const action = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), key: fc.integer({ min: 0, max: 12 }), words: fc.array(word, { maxLength: 8 }) }),
  fc.record({ kind: fc.constant('remove' as const), key: fc.integer({ min: 0, max: 12 }), words: fc.constant([] as string[]) }),
);

describe('bm25', () => {
  it('has the score of the formula', () => {
    const index = createBm25({ documentsMax: 10 });
    index.add('a', ['late', 'parcel']);
    index.add('b', ['late', 'late', 'refund', 'order']);
    // N 2, df(refund) 1: idf ln(1 + 1.5/1.5) = ln 2; tf 1, length 4 of 3 on average: 2.2 / (1 + 1.2 (0.25 + 0.75 * 4/3)) = 0.88
    const [hit, ...rest] = index.search(['refund'], 5);
    expect([hit.key, rest.length]).toEqual(['b', 0]);
    expect(hit.score).toBeCloseTo(Math.log(2) * 0.88, 12);
  });

  it('finds what looking at every document finds, after any coming and going', () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 40 }), fc.array(word, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 6 }), (actions, question, K) => {
      const documentsMax = 7;
      const index = createBm25({ documentsMax });
      const documents = new Map<string, string[]>();
      for (const { kind, key, words } of actions) {
        const name = `d${key}`;
        if (kind === 'remove') expect(index.remove(name)).toBe(documents.delete(name));
        else {
          documents.delete(name);
          const oldest = documents.size >= documentsMax ? documents.keys().next().value : undefined;
          if (oldest !== undefined) documents.delete(oldest);
          documents.set(name, words);
          expect(index.add(name, words)).toBe(oldest);
        }
      }
      expect(index.size).toBe(documents.size);
      const [ours, theirs] = [index.search(question, K), naive([...documents], question, K)];
      // Sums in another order differ in the last digit, and then the order of what is as good as equal.
      expect(ours).toHaveLength(theirs.length);
      ours.forEach(({ score }, i) => expect(Math.abs(score - theirs[i].score) <= 1e-9).toBe(true));
      for (const { key, score } of ours) expect(Math.abs(score - (naive([...documents], question, 99).find((hit) => hit.key === key)?.score ?? NaN)) <= 1e-9).toBe(true);
    }), { numRuns: 500 });
  });

  it('orders ties by the earlier added, and gives the same after it was rebuilt from its documents', () => {
    const index = createBm25({ documentsMax: 100 });
    for (let i = 0; i < 60; i += 1) index.add(`d${i}`, ['late', i % 3 === 0 ? 'parcel' : 'order']);
    for (let i = 0; i < 60; i += 7) index.remove(`d${i}`);
    index.add('d7', ['late', 'order']);
    expect(index.search(['late'], 3).map(({ key }) => key)).toEqual(['d1', 'd2', 'd3']);
    const again = createBm25({ documentsMax: 100 });
    for (const [key, counts] of index.documents()) again.add(key, counts.flatMap(([text, times]) => Array<string>(times).fill(text)));
    for (const question of [['late'], ['parcel', 'order'], ['order', 'late', 'order']]) expect(again.search(question, 60)).toEqual(index.search(question, 60));
  });

  it('answers nothing where nothing is shared or asked for', () => {
    const index = createBm25({ documentsMax: 2 });
    expect(index.search(['late'], 3)).toEqual([]);
    index.add('empty', []);
    expect([index.search([], 3), index.search(['late'], 3), index.remove('other')]).toEqual([[], [], false]);
    index.add('a', ['late']);
    expect([index.search(['late'], 0), index.search(['late'], 1).length]).toEqual([[], 1]);
  });

  it('refuses settings out of range', () => {
    expect(() => createBm25({ documentsMax: 0 })).toThrow('bm25: documentsMax must be a whole number >= 1, got 0');
    expect(() => createBm25({ documentsMax: 1, b: 2 })).toThrow('bm25: b must be 0 to 1, got 2');
    expect(() => createBm25({ documentsMax: 1, k1: NaN })).toThrow('bm25: k1 must be a number >= 0, got NaN');
  });
});
