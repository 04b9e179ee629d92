import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFactors, encodeFactors, factorise, type SvdFactors } from '../../models/svd/factors.js';
import { createInteractions } from '../../models/svd/interactions.js';
import { loadKernel } from '../../models/svd/load.js';
import { leftFactors, truncatedSvd } from '../../models/svd/randomised.js';
import { createSvd, type Svd } from '../../models/svd/rank.js';
import { defaultSvdSettings, type SvdSettings } from '../../models/svd/settings.js';

const wasm = loadKernel();
const nothing = (): boolean => false;

interface Entry { item: string; strength: number }

/** Customers who like one of three kinds of things, and a little of everything. */
function histories(count: number, perKind = 12): Entry[][] {
  return Array.from({ length: count }, (_, c) => {
    const entries = new Map<string, number>();
    for (let n = 0; n < 6; n += 1) entries.set(`${['tea', 'lamp', 'rug'][c % 3]}-${(c * 5 + n * n) % perKind}`, 1 + ((c + n) % 5));
    entries.set(`tea-${(c * 7) % perKind}`, 1);
    return [...entries].map(([item, strength]) => ({ item, strength }));
  });
}

function gathered(all: Entry[][]) {
  const interactions = createInteractions();
  for (const history of all) {
    for (const { item, strength } of history) interactions.add(item, strength);
    interactions.endCustomer();
  }
  return interactions;
}

const model = (all: Entry[][], settings: Partial<SvdSettings> = {}): Svd => {
  const whole = { ...defaultSvdSettings, rank: 6, ...settings };
  return createSvd(factorise(gathered(all).cut(whole), whole, wasm), wasm);
};

/** By the formula, in double precision, term by term. */
function terms({ rank, names, support, singular, v, itemPower, spectrumPower }: SvdFactors, history: Entry[], item: number): number[] {
  return history.map(({ item: name, strength }) => {
    const h = names.indexOf(name);
    if (h < 0) return 0;
    let sum = 0;
    for (let d = 0; d < rank; d += 1) sum += (singular[d] / singular[0]) ** spectrumPower * v[h * rank + d] * v[item * rank + d];
    return strength * sum * support[h] ** -itemPower * support[item] ** itemPower;
  });
}

describe('answers', () => {
  it('are those of the formula, and every reason is a term of its sum', () => {
    const all = histories(90);
    const svd = model(all);
    const { factors } = svd;
    const largest = Math.max(...svd.rank(all[0], 1, nothing).map(({ score }) => score));
    for (const history of all.slice(0, 30)) {
      const expected = factors.names.map((item, i) => ({ item, parts: terms(factors, history, i) })).map(({ item, parts }) => ({ item, parts, score: parts.reduce((sum, x) => sum + x, 0) }));
      const owned = new Set(history.map(({ item }) => item));
      const order = expected.filter(({ item, score }) => score > 1e-6 && !owned.has(item)).sort((a, b) => b.score - a.score);
      const answer = svd.rank(history, 10, (item) => owned.has(item));
      expect(answer.length).toBe(Math.min(10, order.length));
      for (const [n, { item, score, because }] of answer.entries()) {
        expect(Math.abs(score - order[n].score) <= 1e-5 * largest).toBe(true);
        const { parts } = expected[factors.names.indexOf(item)];
        const positive = parts.map((weight, h) => ({ item: history[h].item, weight })).filter(({ weight }) => weight > 1e-6 * largest).sort((a, b) => b.weight - a.weight).slice(0, 3);
        const reasons = because();
        expect(reasons.length <= 3 && reasons.length >= positive.length).toBe(true);
        for (const [at, reason] of positive.entries()) expect(Math.abs((reasons[at].weight) - reason.weight) <= 1e-5 * largest).toBe(true);
        for (const { item: from, weight } of reasons) expect(Math.abs(weight - parts[history.findIndex((entry) => entry.item === from)]) <= 1e-5 * largest).toBe(true);
      }
    }
  });

  it('keep their own reasons while others are asked', () => {
    const all = histories(90);
    const svd = model(all);
    const [first] = svd.rank(all[0], 1, nothing);
    const before = first.because();
    expect(before.length).toBeGreaterThan(0);
    svd.rank(all[1], 5, nothing);
    expect(first.because()).toEqual(before);
  });

  it('with all powers 0 are PureSVD: u S V^T of the matrix, for a customer folded in as for one of its rows', () => {
    const all = histories(60);
    const settings = { ...defaultSvdSettings, rank: 5, supportMin: 1, itemPower: 0, customerPower: 0, spectrumPower: 0 };
    const { matrix, names } = gathered(all).cut(settings);
    const svd = truncatedSvd(matrix, settings, wasm);
    const u = leftFactors(matrix, svd);
    const served = model(all, settings);
    expect(served.factors.names).toEqual(names);
    for (const customer of [0, 17, 59]) {
      for (const { item, score } of served.rank(all[customer], 100, nothing)) {
        const i = names.indexOf(item);
        let expected = 0;
        for (let d = 0; d < 5; d += 1) expected += u[customer * 5 + d] * svd.singular[d] * svd.v[i * 5 + d];
        expect(Math.abs(score - expected)).toBeLessThan(1e-4);
      }
    }
  });

  it('for a customer who came later are of the kind of the history, without what is excluded', () => {
    const svd = model(histories(90));
    const history = [{ item: 'lamp-5', strength: 5 }, { item: 'lamp-6', strength: 1 }, { item: 'never seen', strength: 3 }];
    const owned = new Set(history.map(({ item }) => item));
    const answer = svd.rank(history, 5, (item) => owned.has(item));
    // Everybody has some tea, so one of them may come in between.
    expect(answer.slice(0, 2).map(({ item }) => item.split('-')[0])).toEqual(['lamp', 'lamp']);
    expect(answer.filter(({ item }) => item.startsWith('rug'))).toEqual([]);
    expect(answer.every(({ item }) => !owned.has(item))).toBe(true);
    const scores = answer.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    // Decay scales all strengths of a customer alike.
    const faded = history.map(({ item, strength }) => ({ item, strength: strength / 1024 }));
    expect(svd.rank(faded, 5, (item) => owned.has(item)).map(({ item }) => item)).toEqual(answer.map(({ item }) => item));
  });

  it('are the best of all, whatever k is, and ties go to the more supported item', () => {
    const svd = model(histories(90, 40));
    fc.assert(fc.property(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 0, max: 89 }), fc.integer({ min: 1, max: 7 }), (k, c, every) => {
      const history = histories(90, 40)[c];
      const excluded = (item: string): boolean => Number(item.split('-')[1]) % every === 1;
      const whole = svd.rank(history, 1000, nothing).filter(({ item }) => !excluded(item));
      const plain = (answers: ReturnType<Svd['rank']>) => answers.map(({ item, score }) => ({ item, score }));
      expect(plain(svd.rank(history, k, excluded))).toEqual(plain(whole.slice(0, k)));
    }), { numRuns: 100, seed: 31 });
    const twins = Array.from({ length: 8 }, () => [{ item: 'a', strength: 1 }, { item: 'c', strength: 1 }, { item: 'b', strength: 1 }]);
    expect(model(twins, { rank: 1 }).rank([{ item: 'a', strength: 1 }], 3, nothing).map(({ item }) => item)).toEqual(['a', 'b', 'c']);
  });

  it('are none without a history, and a wrong k is refused', () => {
    const svd = model(histories(30));
    expect(svd.rank([], 5, nothing)).toEqual([]);
    expect(svd.rank([{ item: 'never seen', strength: 1 }], 5, nothing)).toEqual([]);
    expect(svd.rank([{ item: 'tea-0', strength: 1 }], 5, () => true)).toEqual([]);
    expect(() => svd.rank([], 0, nothing)).toThrow(/k must be a whole number from 1, got 0/);
  });
});

describe('interactions', () => {
  it('keep the most supported items, whatever order they came in', () => {
    const all = histories(60);
    const settings = { ...defaultSvdSettings, items: 10, supportMin: 3 };
    const { matrix, names, support } = gathered(all).cut(settings);
    const counts = new Map<string, number>();
    for (const { item } of all.flat()) counts.set(item, (counts.get(item) ?? 0) + 1);
    const order = [...counts].filter(([, count]) => count >= 3).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 10);
    expect(names.map((name, i) => [name, support[i]])).toEqual(order);
    expect(matrix.columns).toBe(10);
    // Every entry of a kept item is there, with its weight.
    const entries = all.flatMap((history) => history.filter(({ item }) => names.includes(item)).map(({ item, strength }) => strength * (counts.get(item) ?? 0) ** -0.3 * history.length ** -0.3));
    expect(matrix.values).toEqual(Float32Array.from(entries));
    const reversed = gathered(all.map((history) => [...history].reverse())).cut(settings);
    expect(reversed.names).toEqual(names);
  });

  it('refuse what cannot be factorised', () => {
    const interactions = createInteractions(3);
    expect(() => interactions.add('a', Number.NaN)).toThrow(/strength of "a" must be finite and above 0, got NaN/);
    expect(() => interactions.add('a', 0)).toThrow(/above 0, got 0/);
    for (const item of ['a', 'b', 'c']) interactions.add(item, 1);
    expect(() => interactions.add('d', 1)).toThrow(/more than 3 interactions/);
    expect(() => interactions.cut(defaultSvdSettings)).toThrow(/last customer has not ended/);
    interactions.endCustomer();
    expect(() => factorise(interactions.cut(defaultSvdSettings), defaultSvdSettings, wasm)).toThrow(/nothing to factorise/);
    expect(() => interactions.cut({ ...defaultSvdSettings, rank: 1.5 })).toThrow(/rank must be a whole number from 1 to 512, got 1.5/);
    expect(() => interactions.cut({ ...defaultSvdSettings, spectrumPower: Number.NaN })).toThrow(/spectrumPower/);
  });
});

describe('factors', () => {
  it('survive their bytes, which are the same each time', () => {
    const { factors } = model(histories(60));
    const chunks = encodeFactors({ ...factors, names: factors.names.map((name) => `${name} 茶 ☕`) });
    const bytes = Buffer.concat(chunks);
    const read = decodeFactors([bytes.subarray(0, 7), bytes.subarray(7, 1000), bytes.subarray(1000)]);
    expect(read).toEqual({ ...factors, names: factors.names.map((name) => `${name} 茶 ☕`) });
    expect(Buffer.concat(encodeFactors(read)).equals(bytes)).toBe(true);
    expect(Buffer.concat(encodeFactors(model(histories(60)).factors)).equals(Buffer.concat(encodeFactors(factors)))).toBe(true);
  });

  it('are refused by name when they are cut short, damaged, of another version or something else', () => {
    const bytes = Buffer.concat(encodeFactors(model(histories(60)).factors));
    expect(() => decodeFactors([bytes.subarray(0, 15)])).toThrow(/svd factors snapshot: truncated, 15 bytes/);
    expect(() => decodeFactors([bytes.subarray(0, bytes.length - 1)])).toThrow(/svd factors snapshot: checksum differs over \d+ bytes: truncated or corrupted/);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length >> 1] ^= 1;
    expect(() => decodeFactors([flipped])).toThrow(/checksum differs/);
    const later = Buffer.from(bytes);
    later.writeUInt32LE(2, 4);
    expect(() => decodeFactors([later])).toThrow(/version 2, this build reads 1/);
    expect(() => decodeFactors([Buffer.from(bytes).fill('X', 0, 4)])).toThrow(/starts with "XXXX" instead of AFSV/);
  });
});
