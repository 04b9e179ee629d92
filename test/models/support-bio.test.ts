import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestTags, decodeBio, encodeBio, tagsOf } from '../../models/support/bio.js';
import { looksOf, piecesOf } from '../../models/support/pieces.js';
import { tokenise } from '../../models/text/tokenise.js';

const kinds = ['amount', 'order'];
const [O, B0, I0, B1, I1] = [0, 1, 2, 3, 4];
const places = (T: number): { start: number; end: number }[] => Array.from({ length: T }, (_, i) => ({ start: 2 * i, end: 2 * i + 1 }));

describe('BIO', () => {
  it('has one way back', () => {
    const spans = [{ kind: 'order', start: 0, end: 3 }, { kind: 'amount', start: 4, end: 5 }, { kind: 'order', start: 6, end: 7 }];
    const tags = encodeBio(places(4), spans, kinds);
    expect([...tags]).toEqual([B1, I1, B0, B1]);
    expect(decodeBio(places(4), tags, kinds)).toEqual(spans);
  });
  it('reads broken tags as spans, each I without its beginning as one', () => {
    expect(decodeBio(places(5), [I1, I1, O, I0, I1], kinds)).toEqual([
      { kind: 'order', start: 0, end: 3 }, { kind: 'amount', start: 6, end: 7 }, { kind: 'order', start: 8, end: 9 },
    ]);
  });
  it('refuses a kind that it does not know', () => expect(() => encodeBio(places(1), [{ kind: 'city', start: 0, end: 1 }], kinds)).toThrow(/"city" is none of amount, order/));
  it('tags of any spans come back, whatever they are', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 })), { maxLength: 6 }), (runs) => {
      let at = 0;
      const spans = runs.flatMap(([length, kind]) => {
        const span = { kind: kinds[kind], start: 2 * at, end: 2 * (at + length) - 1 };
        at += length;
        return kind < 2 ? [span] : [];
      });
      expect(decodeBio(places(at), encodeBio(places(at), spans, kinds), kinds)).toEqual(spans);
    }));
  });
});

describe('the best tags', () => {
  const C = tagsOf(kinds.length);
  const valid = (tags: number[]): boolean => tags.every((tag, t) => tag === O || tag % 2 === 1 || (t > 0 && (tags[t - 1] === tag || tags[t - 1] === tag - 1)));
  function* all(T: number): Generator<number[]> {
    for (let code = 0; code < C ** T; code += 1) yield Array.from({ length: T }, (_, t) => Math.floor(code / C ** t) % C);
  }
  it('are those of trying all', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 4 }).chain((T) => fc.array(fc.integer({ min: -50, max: 0 }), { minLength: T * C, maxLength: T * C })), (scores) => {
      const T = scores.length / C;
      const sumOf = (tags: ArrayLike<number>): number => Array.from(tags).reduce((sum, tag, t) => sum + scores[t * C + tag], 0);
      const found = bestTags(scores, T, C);
      expect(valid([...found])).toBe(true);
      let best = -Infinity;
      for (const tags of all(T)) if (valid(tags)) best = Math.max(best, sumOf(tags));
      expect(sumOf(found)).toBe(best);
    }), { numRuns: 60 });
  });
  it('of nothing are none', () => expect(bestTags([], 0, C)).toHaveLength(0));
});

describe('pieces', () => {
  const cut = (text: string, language: 'en' | 'zh' = 'en'): string[] => {
    const pieces = piecesOf(text, tokenise(text, language));
    for (const { text: piece, start, end } of pieces) expect(text.slice(start, end)).toBe(piece);
    return pieces.map(({ text: piece }) => piece);
  };
  it('end where an entity may end', () => {
    expect(cut('order113542, bill #12588: $160.50')).toEqual(['order', '113542', ',', 'bill', '#', '12588', ':', '$', '160', '.', '50']);
    expect(cut('SO-123/45 from <email>')).toEqual(['SO', '-', '123', '/', '45', 'from', '<email>']);
  });
  it('are words where there are no spaces', () => {
    expect(cut('订单12345的退款299元什么时候到账？', 'zh')).toEqual(expect.arrayContaining(['订单', '12345', '退款', '299', '元']));
    expect(cut('我的T恤，订单2024', 'zh').join('')).toBe('我的T恤，订单2024');
  });
  it('hold every sign of any text once, in order', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', 'B', '1', '退', '款', ' ', '#', '😀', '-') }), (text) => {
      const pieces = piecesOf(text, tokenise(text, 'zh'));
      expect(pieces.map((piece) => piece.text).join('')).toBe(text.replace(/\s/g, ''));
      pieces.forEach((piece, i) => expect(piece.start).toBeGreaterThanOrEqual(i === 0 ? 0 : pieces[i - 1].end));
    }));
  });
  it('that nobody knows look like something', () => {
    const of = (text: string): string => looksOf({ text, start: 0, end: text.length });
    expect(['Hawkings', 'USA', 'gizmo', '帆布', '#', '😀'].map(of)).toEqual(['<Aa>', '<AA>', '<aa>', '<han>', '<sign>', '<sign>']);
  });
});
