import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../simulator/random.js';
import { loadKernel } from '../../models/recommend/load.js';
import { createNaive, type Oracle } from '../../models/recommend/naive.js';
import { createRecommender, defaultSettings, restoreRecommender, type Recommender, type RecommendLimits, type RecommendSettings } from '../../models/recommend/recommender.js';
import { defaultWeighting, plainCosine, readWeighting, type Weighting } from '../../models/recommend/weighting.js';

const kernel = loadKernel();
const hour = 3_600_000;
const day = 24 * hour;
const start = 1_700_000_000_000;

function settingsOf(limits: Partial<RecommendLimits> = {}, halfLifeMs = 30 * day): RecommendSettings {
  const small: RecommendLimits = { customers: 1000, items: 1000, pairs: 100_000, history: 500, neighbours: 100, postings: 1000, memory: 2 ** 28 };
  return { limits: { ...small, ...limits }, halfLifeMs, weighting: plainCosine };
}

const create = (settings: RecommendSettings): Recommender => createRecommender(settings, kernel);

/** Relative to the larger of both and of `scale`. Written so that NaN fails. */
function close(a: number, b: number, tolerance = 1e-9, scale = 0): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b), scale) || a === b;
}

type Event =
  | { kind: 'observe'; customer: number; item: number; strength: number; atMs: number }
  | { kind: 'retract'; customer: number; item: number }
  | { kind: 'forget'; customer: number };

function fold(model: Oracle, events: Event[]): void {
  for (const event of events) {
    const customer = `c${event.customer}`;
    if (event.kind === 'observe') model.observe(customer, `p${event.item}`, event.strength, event.atMs);
    else if (event.kind === 'retract') model.retract(customer, `p${event.item}`, start);
    else model.forget(customer);
  }
}

/**
 * Mostly observations, out of order, over a span in which the landmark may move several times. `size` makes streams of any length up
 * to the longest likely: by default they are of ten events at most, and no limit is ever met.
 */
function streams(options: { customers: number; items: number; spanMs: number; length: number }): fc.Arbitrary<Event[]> {
  const customer = fc.nat({ max: options.customers - 1 });
  const item = fc.nat({ max: options.items - 1 });
  const observe = fc.record({
    kind: fc.constant('observe' as const), customer, item, strength: fc.constantFrom(1, 2, 3, 5),
    atMs: fc.integer({ min: start, max: start + options.spanMs }),
  });
  const retract = fc.record({ kind: fc.constant('retract' as const), customer, item });
  const forget = fc.record({ kind: fc.constant('forget' as const), customer });
  return fc.array(fc.oneof({ weight: 12, arbitrary: observe }, { weight: 3, arbitrary: retract }, { weight: 1, arbitrary: forget }), { maxLength: options.length, size: 'max' });
}

/** Similarities by name: what is below 1e-7 may be rounding on one side and nothing on the other. */
function table(model: Oracle, items: number): Map<string, number> {
  const found = new Map<string, number>();
  for (let p = 0; p < items; p += 1) {
    for (const { item, similarity } of model.similar(`p${p}`, 512) ?? []) if (similarity > 1e-7) found.set(`p${p} ${item}`, similarity);
  }
  return found;
}

function expectSameTable(a: Map<string, number>, b: Map<string, number>, tolerance = 1e-9): void {
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(key) ?? 0, b.get(key) ?? 0];
    expect(Math.abs(x - y) <= tolerance, `${key}: ${x} and ${y}`).toBe(true);
  }
}

describe('a worked example', () => {
  // No decay. ann: kettle 3, cup 4.  bob: kettle 1.  So norm2(kettle) = 10, norm2(cup) = 16, dot = 12, cosine = 12 / sqrt(160).
  const model = create(settingsOf({}, Infinity));
  model.observe('ann', 'kettle', 3, start);
  model.observe('ann', 'cup', 4, start);
  model.observe('bob', 'kettle', 1, start);

  it('has the cosine that one computes by hand', () => {
    const [cup] = model.similar('kettle', 10) ?? [];
    expect(cup.item).toBe('cup');
    expect(cup.dot).toBe(12);
    expect(close(cup.similarity, 12 / Math.sqrt(160), 1e-15)).toBe(true);
  });

  it('recommends to bob what ann had, and says why', () => {
    const [first] = model.recommend('bob', 5, start);
    expect(first).toMatchObject({ item: 'cup', channel: 'item-item' });
    expect(first.because[0].item).toBe('kettle');
    expect(close(first.because[0].weight, 12 / Math.sqrt(160), 1e-12)).toBe(true); // bob's only item: r / |bob| = 1
    expect(model.recommend('ann', 5, start)).toEqual([]); // has both
  });

  it('knows what is unknown', () => {
    expect(model.similar('saucer', 3)).toBeUndefined();
    expect(model.profile('eve')).toBeUndefined();
    expect(model.recommend('eve', 2, start).map(({ item, channel, because }) => ({ item, channel, because }))).toEqual([
      { item: 'kettle', channel: 'popular', because: [{ customers: 2, weight: 4 }] },
      { item: 'cup', channel: 'popular', because: [{ customers: 1, weight: 4 }] },
    ]);
    expect(() => model.recommend('ann', 0, start)).toThrow(/k must be a whole number/);
    expect(() => model.observe('ann', 'cup', Number.NaN, start)).toThrow(/strength/);
    expect(() => model.observe('ann', 'cup', 1, Number.NaN)).toThrow(/atMs/);
  });

  it('keeps the strongest thing done: a view after a purchase changes nothing, a purchase after a view does', () => {
    const strongest = create(settingsOf({}, Infinity));
    strongest.observe('ann', 'kettle', 1, start);
    strongest.observe('ann', 'kettle', 5, start);
    strongest.observe('ann', 'kettle', 1, start);
    expect(strongest.profile('ann')).toEqual({ items: [{ item: 'kettle', strength: 5 }], norm: 5 });
  });

  it('halves in a half-life', () => {
    const decayed = create(settingsOf({}, day));
    decayed.observe('ann', 'kettle', 4, start);
    decayed.observe('ann', 'cup', 1, start + day);
    const items = decayed.profile('ann')?.items ?? [];
    expect(items.map(({ item }) => item)).toEqual(['kettle', 'cup']);
    expect(close(items[0].strength, 2)).toBe(true);
    expect(close(items[1].strength, 1)).toBe(true);
  });
});

describe('the kernel equals the naive twin', () => {
  const size = { customers: 8, items: 12, length: 150 };

  function expectSame(settings: RecommendSettings, events: Event[]): Recommender {
    const fast = create(settings);
    const naive = createNaive(settings);
    fold(fast, events);
    fold(naive, events);
    expectSameTable(table(fast, size.items), table(naive, size.items));
    expect(fast.stats().customers).toBe(naive.stats().customers);
    expect(fast.stats().items).toBe(naive.stats().items);
    for (let c = 0; c < size.customers; c += 1) {
      const [mine, theirs] = [fast.profile(`c${c}`), naive.profile(`c${c}`)];
      expect(mine?.items.length).toBe(theirs?.items.length);
      const byItem = new Map(theirs?.items.map(({ item, strength }) => [item, strength]));
      for (const { item, strength } of mine?.items ?? []) expect(close(strength, byItem.get(item) ?? Number.NaN)).toBe(true);
      expectSameAnswer(fast, naive, `c${c}`);
    }
    expectSameAnswer(fast, naive, 'nobody');
    return fast;
  }

  /** Orders of equals may differ by rounding; which items there are, and the sum of the scores (but of what fills up behind the last), may not. */
  function expectSameAnswer(fast: Oracle, naive: Oracle, customer: string): void {
    const [mine, theirs] = [fast.recommend(customer, 50, start), naive.recommend(customer, 50, start)];
    expect(mine.map(({ item }) => item).sort()).toEqual(theirs.map(({ item }) => item).sort());
    const sum = (answer: typeof mine): number => answer.reduce((total, { score, channel }) => total + (channel === 'popular' ? 0 : score), 0);
    expect(close(sum(mine), sum(theirs), 1e-3)).toBe(true);
  }

  it('on streams within a few half-lives', () => {
    fc.assert(fc.property(streams({ ...size, spanMs: 90 * day }), (events) => void expectSame(settingsOf(), events)), { numRuns: 60, seed: 1 });
  });

  it('with a short history that pushes entries out', () => {
    fc.assert(fc.property(streams({ ...size, spanMs: 90 * day }), (events) => void expectSame(settingsOf({ history: 4 }), events)), { numRuns: 50, seed: 2 });
  });

  it.each<[string, Partial<Weighting['itemItem']>, Partial<Weighting['userUser']>, Partial<Weighting>]>([
    ['asymmetric, local', { alpha: 0.35, locality: 1.5 }, { alpha: 0.4, locality: 2 }, {}],
    ['shrunk by support', { shrinkage: 10, locality: 0.5 }, {}, {}],
    ['TF-IDF', { rarity: 1 }, { rarity: 1 }, {}],
    ['BM25 with saturation', { rarity: 0.5, locality: 2.5 }, { rarity: 1, locality: 1.5 }, { rarity: 'bm25', saturation: 1.2 }],
    ['few seeds, a small screen', { seeds: 3, screen: 200 }, { seeds: 3, customers: 4 }, {}],
  ])('%s', (_name, itemItem, userUser, rest) => {
    const weighting = { ...plainCosine, ...rest, itemItem: { ...plainCosine.itemItem, ...itemItem }, userUser: { ...plainCosine.userUser, ...userUser } };
    fc.assert(fc.property(streams({ ...size, spanMs: 90 * day }), (events) => {
      const [fast, naive] = [create({ ...settingsOf(), weighting }), createNaive({ ...settingsOf(), weighting })];
      fold(fast, events);
      fold(naive, events);
      for (let c = 0; c < size.customers; c += 1) {
        for (const seen of [false, true]) expectSameWeights(fast, naive, `c${c}`, seen);
      }
    }), { numRuns: 60, seed: 11 });
  });

  /** What each reason weighs, by the item that it is for: free of the order of equals. The kernel's powers are in single precision. */
  function expectSameWeights(fast: Oracle, naive: Oracle, customer: string, seen: boolean): void {
    const weights = (model: Oracle): Map<string, number> => new Map(model.recommend(customer, 50, start + 90 * day, { seen }).flatMap(({ item, because }) => (
      [[item, Math.max(...because.map(({ weight }) => weight))]] as const)));
    const [mine, theirs] = [weights(fast), weights(naive)];
    expect([...mine.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [item, weight] of mine) expect(close(weight, theirs.get(item) ?? Number.NaN, 1e-5, 1e-6), `${customer} ${item}: ${weight}, ${theirs.get(item)}`).toBe(true);
  }

  it('while the landmark moves', () => {
    // 600 half-lives: the landmark moves four times, and most of what is out of order is too old to count. What a retraction
    // subtracts from a sum that later events dwarf is lost to rounding, on both sides alike: the table compares by absolute cosine.
    fc.assert(fc.property(streams({ ...size, spanMs: 600 * hour }), (events) => {
      expectSame(settingsOf({}, hour), events.filter(({ kind }) => kind === 'observe'));
    }), { numRuns: 50, seed: 3 });
  });

  it('while customers and items are evicted', () => {
    let most = 0;
    fc.assert(fc.property(streams({ ...size, spanMs: 90 * day }), (events) => {
      const { evicted } = expectSame(settingsOf({ customers: 3, items: 5 }), events.filter(({ kind }) => kind !== 'forget')).stats();
      most = Math.max(most, Math.min(evicted.customers, evicted.items));
    }), { numRuns: 60, seed: 4 });
    expect(most, 'the streams are long enough').toBeGreaterThan(30);
  });
});

describe('many pairs', () => {
  /** Seeded: 250 customers, 400 items, some 35,000 pairs in dozens of blocks, lists of 20 that overflow. */
  function crowd(model: Oracle): void {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor(((seed >>> 8) / 2 ** 24) * below);
    };
    for (let n = 0; n < 12_000; n += 1) {
      const customer = `c${random(250)}`;
      const item = `p${Math.min(random(400), random(400))}`;
      if (random(20) === 0) model.retract(customer, item, start);
      else model.observe(customer, item, 1 + random(5), start + n * hour);
    }
  }

  /** Every listed dot beside the true one. */
  function dots(fast: Recommender, naive: Oracle): { mine: number; theirs: number }[] {
    return Array.from({ length: 400 }, (_, p) => `p${p}`).flatMap((name) => {
      const all = new Map(naive.similar(name, 512)?.map(({ item, dot }) => [item, dot]));
      return (fast.similar(name, 512) ?? []).map(({ item, dot }) => ({ mine: dot, theirs: all.get(item) ?? 0 }));
    });
  }

  it('blocks split and lists are pruned without an error in any dot', () => {
    const fast = create(settingsOf({ neighbours: 20 }));
    const naive = createNaive(settingsOf({ neighbours: 254 }));
    crowd(fast);
    crowd(naive);
    expect(fast.stats().pairs).toBe(naive.stats().pairs);
    expect(fast.stats().pairs).toBeGreaterThan(10 * 896);
    const all = dots(fast, naive).filter(({ theirs }) => theirs > 0); // the twin's own list is as long as it may be, not endless
    expect(all.length).toBeGreaterThan(5000);
    for (const { mine, theirs } of all) expect(close(mine, theirs)).toBe(true);
  });

  it('at the limit, what is kept is never more than was learnt', () => {
    const settings = settingsOf({ neighbours: 20, pairs: 9_000 });
    const fast = create(settings);
    const naive = createNaive(settingsOf({ neighbours: 254 }));
    crowd(fast);
    crowd(naive);
    const { pairs, pairBytes, evicted } = fast.stats();
    expect(pairs <= 9_000 && pairs > 4_500, `${pairs} pairs`).toBe(true);
    expect(evicted.pairs).toBeGreaterThan(0);
    expect(pairs * pairBytes).toBeLessThan(2 ** 20 + 2 ** 16);
    for (const { mine, theirs } of dots(fast, naive)) if (theirs > 0) expect(mine <= theirs * (1 + 1e-9)).toBe(true);
    expect(restoreRecommender(settings, kernel, fast.snapshot()).hash()).toBe(fast.hash());
  });
});

describe('time', () => {
  it('spans 25 years with a half-life of hours without NaN or Infinity', () => {
    const years = 25 * 365 * day;
    fc.assert(fc.property(streams({ customers: 4, items: 6, spanMs: years, length: 120 }), fc.boolean(), (events, inOrder) => {
      const model = create(settingsOf({}, 3 * hour));
      const times = events.flatMap((event) => (event.kind === 'observe' ? [event.atMs] : []));
      if (inOrder) times.sort((a, b) => a - b);
      let next = 0;
      fold(model, events.map((event) => (event.kind === 'observe' ? { ...event, atMs: times[next++] } : event)));
      for (const { norm2, neighbours } of model.neighbours(0, 100).items) {
        expect(Number.isFinite(norm2) && norm2 >= 0).toBe(true);
        for (const { similarity, dot } of neighbours) {
          expect(similarity > 0 && similarity <= 1, `similarity ${similarity}`).toBe(true);
          expect(Number.isFinite(dot) && dot >= 0).toBe(true);
        }
      }
      for (let c = 0; c < 4; c += 1) {
        for (const { score, because } of model.recommend(`c${c}`, 10, start + years)) {
          expect(Number.isFinite(score)).toBe(true);
          for (const { weight } of because) expect(Number.isFinite(weight)).toBe(true);
        }
        for (const { strength } of model.profile(`c${c}`)?.items ?? []) expect(strength > 0 && strength <= 5.001).toBe(true);
      }
    }), { numRuns: 60, seed: 5 });
  });

  it('ignores what is too old to count, and leaves no trace of it', () => {
    const model = create(settingsOf({}, hour));
    model.observe('ann', 'kettle', 5, start);
    model.observe('bob', 'cup', 5, start - 1000 * hour);
    expect(model.stats()).toMatchObject({ customers: 1, items: 1 });
  });
});

describe('refunds and forgetting', () => {
  it('a forgotten customer leaves the state as if never seen', () => {
    fc.assert(fc.property(streams({ customers: 6, items: 10, spanMs: 60 * day, length: 150 }), (events) => {
      const observed = events.filter(({ kind }) => kind === 'observe');
      const with0 = create(settingsOf());
      const without = create(settingsOf());
      fold(with0, observed);
      with0.forget('c0');
      fold(without, observed.filter(({ customer }) => customer !== 0));
      expect(with0.profile('c0')).toBeUndefined();
      expectSameTable(table(with0, 10), table(without, 10));
      expect(with0.stats().pairs).toBe(without.stats().pairs);
      expect(Buffer.concat(with0.snapshot()).includes(Buffer.from('c0', 'utf16le'))).toBe(false);
    }), { numRuns: 50, seed: 6 });
  });

  it('a refund takes back exactly what a purchase added', () => {
    const model = create(settingsOf());
    model.observe('ann', 'kettle', 5, start);
    model.observe('ann', 'cup', 5, start);
    model.retract('ann', 'cup', start + day);
    expect(model.similar('kettle', 5)).toEqual([]);
    expect(model.stats().pairs).toBe(0);
    expect(model.profile('ann')?.items.map(({ item }) => item)).toEqual(['kettle']);
    model.retract('ann', 'cup', start + day);
    model.retract('eve', 'cup', start + day);
    expect(model.stats()).toMatchObject({ customers: 1, items: 2, pairs: 0 });
  });

  it('what was sent back is not recommended again, until it is bought again', () => {
    for (const model of [create(settingsOf()), createNaive(settingsOf())]) {
      for (const customer of ['eve', 'bob']) for (const item of ['kettle', 'cup', 'pot']) model.observe(customer, item, 5, start);
      model.observe('ann', 'kettle', 5, start);
      model.observe('ann', 'cup', 5, start);
      model.retract('ann', 'cup', start + day);
      expect(model.recommend('ann', 5, start + day).map(({ item }) => item)).toEqual(['pot']);
      model.retract('ann', 'kettle', start + day);
      expect(model.recommend('ann', 5, start + day).map(({ item }) => item), 'popular alone is left').toEqual(['pot']);
      expect(model.profile('ann')).toEqual({ items: [], norm: 0 });
      model.observe('ann', 'cup', 5, start + 2 * day);
      expect(model.profile('ann')?.items.map(({ item }) => item)).toEqual(['cup']);
      expect(model.similar('cup', 1)?.[0].similarity).toBeGreaterThan(0);
    }
  });

  it('what was sent back stays known while some other item makes room', () => {
    // An eviction opens every history; what counted for nothing was taken for decayed, and ann was shown her kettle again.
    for (const model of [create(settingsOf({ items: 4 })), createNaive(settingsOf({ items: 4 }))]) {
      model.observe('bob', 'old', 5, start);
      for (const customer of ['ann', 'bob']) for (const item of ['kettle', 'cup', 'pot']) model.observe(customer, item, 5, start);
      model.retract('ann', 'kettle', start);
      model.observe('ann', 'new', 5, start); // old makes room
      expect(model.similar('old', 1)).toBeUndefined();
      model.observe('ann', 'new', 5, start + day);
      expect(model.recommend('ann', 5, start + day)).toEqual([]);
    }
  });
});

describe('what may be shown', () => {
  const settings = settingsOf({}, 30 * day);
  const fill = (model: Oracle): void => {
    for (const customer of ['ann', 'bob', 'cid']) {
      for (const item of ['kettle', 'cup', 'pot', 'lid']) model.observe(customer, item, 1, start);
    }
    model.observe('ann', 'cup', 5, start); // bought
    model.observe('ann', 'pot', 3, start); // in the cart
    model.observe('ann', 'lid', 1, start);
    model.retract('ann', 'lid', start); // sent back
  };
  const shown = (model: Oracle, atMs: number, seen: boolean): string[] => model.recommend('ann', 10, atMs, { seen }).map(({ item }) => item).sort();

  it.each([['kernel', create(settings)], ['naive twin', createNaive(settings)]] as const)('%s: nothing of the history by default, what was only looked at when asked for, what was bought again when it has faded', (_name, model) => {
    fill(model);
    expect(shown(model, start, false)).toEqual([]);
    expect(shown(model, start, true)).toEqual(['kettle', 'pot']);
    expect(shown(model, start + 23 * day, true), '5 has faded to 2.94, below a cart').toEqual(['cup', 'kettle', 'pot']);
  });

  it.each([['kernel', create(settings)], ['naive twin', createNaive(settings)]] as const)('%s: what was complained about goes down, and what resembles it, and the because says so', (_name, model) => {
    for (const customer of ['a', 'b', 'c', 'd']) for (const item of ['kettle', 'kettle 2', 'cup']) model.observe(customer, item, 1, start);
    for (const customer of ['e', 'f', 'ann']) for (const item of ['book', 'kettle']) model.observe(customer, item, 1, start);
    for (const customer of ['e', 'f']) model.observe(customer, 'pen', 1, start);
    const before = model.recommend('ann', 3, start);
    const [cup] = before.filter(({ item }) => item === 'cup');
    const after = model.recommend('ann', 3, start, { against: [{ item: 'kettle 2', kind: 'complaint' }] });
    const worse = after.find(({ item }) => item === 'cup');
    expect(worse?.score).toBeCloseTo(cup.score * 0.1, 9); // cosine 1 with what was complained about
    expect(worse?.because.at(-1)).toMatchObject({ item: 'kettle 2', against: 'complaint' });
    expect(worse?.because.at(-1)?.weight).toBeCloseTo(-0.9, 9);
    expect(after[0].item).toBe('pen');
    expect(after[0].because.some(({ against }) => against !== undefined)).toBe(false);
  });

  it('takes a weighting as what differs from the defaults', () => {
    expect(readWeighting('{}')).toEqual(defaultWeighting);
    expect(readWeighting('{"itemItem":{"alpha":0.5,"locality":1},"rarity":"bm25"}')).toEqual({ ...defaultWeighting, rarity: 'bm25', itemItem: { ...defaultWeighting.itemItem, alpha: 0.5, locality: 1 } });
    expect(() => readWeighting('{"itemitem":{}}')).toThrow('weighting has no "itemitem"; it has rarity, saturation, itemItem, userUser');
    expect(() => readWeighting('{"itemItem":{"alpha":"a half"}}')).toThrow('weighting.itemItem.alpha must be a number, got "a half"');
    expect(() => readWeighting('{"rarity":"idf"}')).toThrow('weighting.rarity must be tf-idf or bm25, got idf');
    expect(() => readWeighting('{')).toThrow('the weighting is not JSON');
    expect(() => readWeighting('{"itemItem":3}')).toThrow('weighting.itemItem must be a JSON object, got 3');
  });

  it('refuses a weighting that cannot be, by its name', () => {
    const bad = (itemItem: Partial<Weighting['itemItem']>) => () => create({ ...settings, weighting: { ...plainCosine, itemItem: { ...plainCosine.itemItem, ...itemItem } } });
    expect(bad({ alpha: Number.NaN })).toThrow('weighting.itemItem.alpha must be a number from 0 to 1, got NaN');
    expect(bad({ locality: 1.2 })).toThrow('weighting.itemItem.locality must be a multiple of 0.5, got 1.2');
    expect(bad({ seeds: 0 })).toThrow('weighting.itemItem.seeds must be a whole number from 1 to 200, got 0');
  });
});

describe('user-user', () => {
  it('weighs by the exact cosine when the postings are uncapped', () => {
    // The naive twin goes through every customer; ties apart, the first recommendations of this channel must agree in weight.
    fc.assert(fc.property(streams({ customers: 20, items: 25, spanMs: 60 * day, length: 200 }), (events) => {
      const fast = create(settingsOf());
      const naive = createNaive(settingsOf());
      fold(fast, events);
      fold(naive, events);
      for (let c = 0; c < 20; c += 1) {
        const weights = (model: Oracle): Map<string, number> => new Map(model.recommend(`c${c}`, 100, start)
          .flatMap(({ item, channel, because }) => (channel === 'popular' ? [] : because.filter(({ customers }) => customers !== undefined).map(({ weight }) => [item, weight] as const))));
        const [mine, theirs] = [weights(fast), weights(naive)];
        expect([...mine.keys()].sort()).toEqual([...theirs.keys()].sort());
        for (const [item, weight] of mine) expect(close(weight, theirs.get(item) ?? Number.NaN)).toBe(true);
      }
    }), { numRuns: 30, seed: 7 });
  });
});

describe('limits', () => {
  it('are never exceeded, at any moment', () => {
    const limits = { customers: 5, items: 70, pairs: 60, history: 6, neighbours: 4, postings: 3, memory: 2 ** 28 };
    const most = { customers: 0, items: 0, pairs: 0 };
    fc.assert(fc.property(streams({ customers: 12, items: 200, spanMs: 90 * day, length: 600 }), (events) => {
      const model = create(settingsOf(limits));
      for (const event of events) {
        fold(model, [event]);
        const { customers, items, pairs } = model.stats();
        expect(customers <= limits.customers && items <= limits.items && pairs <= limits.pairs).toBe(true);
        expect((model.profile(`c${event.customer}`)?.items.length ?? 0) <= limits.history).toBe(true);
      }
      for (const { neighbours } of model.neighbours(0, 1000).items) expect(neighbours.length <= limits.neighbours).toBe(true);
      const { evicted } = model.stats();
      for (const key of ['customers', 'items', 'pairs'] as const) most[key] = Math.max(most[key], evicted[key]);
    }), { numRuns: 30, seed: 8 });
    expect(most.customers > 50 && most.items > 50 && most.pairs > 50, `limits that were met: ${JSON.stringify(most)}`).toBe(true);
  });

  it('hold the memory, whatever is remembered: the silent make room, nothing stops', () => {
    const settings = settingsOf({ customers: 40_000, items: 300, pairs: 45_000, postings: 3500, neighbours: 20, memory: 38 * 2 ** 20 });
    const { uniform: random } = createRandom(5);
    const observe = (model: Recommender, from: number, to: number): void => {
      for (let n = from; n < to; n++) {
        // New customers come all the time, and each comes back for a while.
        model.observe(`c${Math.floor(n / 30 + random() * 300)}`, `p${Math.floor(random() * 300)}`, 1 + 4 * random(), start + n);
        if (n % 500 === 0) expect(model.stats().memoryBytes).toBeLessThanOrEqual(settings.limits.memory);
      }
    };
    const model = create(settings);
    observe(model, 0, 1_000_000);
    const restored = restoreRecommender(settings, kernel, model.snapshot().map((chunk) => new Uint8Array(chunk)));
    const { customers, evicted } = model.stats();
    expect(evicted.customers, 'the memory was too small for all').toBeGreaterThan(1000);
    expect(customers, 'and large enough for many').toBeGreaterThan(5000);
    const known = Array.from({ length: 40_000 }, (_, n) => `c${n}`).filter((name) => model.profile(name) !== undefined);
    for (const name of known.slice(0, 50)) expect(model.recommend(name, 5, start).length).toBe(5);
    // Where it is tight it is still a function of the events.
    for (const one of [model, restored]) for (let n = 0; n < 5000; n++) one.observe(`c${(n * 7919) % 40_000}`, `p${(n * 31) % 300}`, 5, start + 1e6 + n);
    expect(restored.hash()).toBe(model.hash());
    for (const name of known.slice(0, 2000)) model.forget(name);
    expect(model.stats().memoryBytes).toBeLessThanOrEqual(settings.limits.memory);
  });

  it('refuse what cannot be held', () => {
    expect(() => create(settingsOf({ neighbours: 255 }))).toThrow(/limits.neighbours must be a whole number from 1 to 254, got 255/);
    expect(() => create(settingsOf({ pairs: 200_000_000 }))).toThrow(/200000000 pairs need 5\d+ MiB, and limits.memory is 256 MiB/);
    expect(() => create(settingsOf({}, 1))).toThrow(/halfLifeMs/);
    expect(() => create(defaultSettings)).not.toThrow();
  });
});

describe('snapshots', () => {
  const limits = { customers: 6, items: 40, pairs: 200, history: 8, neighbours: 5, postings: 4, memory: 2 ** 28 };

  it('restored in the middle, the bytes and the answers are those of an uninterrupted run', () => {
    fc.assert(fc.property(streams({ customers: 12, items: 80, spanMs: 600 * hour, length: 400 }), fc.double({ min: 0, max: 1, noNaN: true }), (events, share) => {
      const settings = settingsOf(limits, hour);
      const cut = Math.floor(events.length * share);
      const whole = create(settings);
      const first = create(settings);
      fold(whole, events);
      fold(first, events.slice(0, cut));
      const second = restoreRecommender(settings, kernel, first.snapshot());
      fold(second, events.slice(cut));
      expect(Buffer.concat(second.snapshot()).equals(Buffer.concat(whole.snapshot()))).toBe(true);
      expect(second.hash()).toBe(whole.hash());
      for (let c = 0; c < 12; c += 1) expect(second.recommend(`c${c}`, 20, start)).toEqual(whole.recommend(`c${c}`, 20, start));
    }), { numRuns: 40, seed: 9 });
  });

  const settings = settingsOf(limits);
  const model = create(settings);
  for (let n = 0; n < 500; n += 1) model.observe(`customer ${n % 9}`, `item ${(n * n) % 31} ☕`, 1 + (n % 5), start + n * hour);
  const bytes = Buffer.concat(model.snapshot());

  it('may be cut into chunks in any way', () => {
    const chunks = [bytes.subarray(0, 5), bytes.subarray(5, 5), bytes.subarray(5, bytes.length - 7), bytes.subarray(bytes.length - 7)];
    expect(restoreRecommender(settings, kernel, chunks).hash()).toBe(model.hash());
  });

  it('are refused by name when they are not whole, not ours or not of these settings', () => {
    const restore = (chunk: Uint8Array, other = settings) => () => restoreRecommender(other, kernel, [chunk]);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length >> 1] ^= 1;
    expect(restore(flipped)).toThrow(/checksum differs/);
    expect(restore(bytes.subarray(0, bytes.length - 1))).toThrow(/checksum differs/);
    expect(restore(bytes.subarray(0, 20))).toThrow(/truncated/);
    expect(restore(Buffer.from(bytes).fill('X', 0, 4))).toThrow(/starts with "XXXX" instead of AFTR/);
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(99, 4);
    expect(restore(newer)).toThrow(/version 99/);
    expect(restore(bytes, settingsOf({ ...limits, history: 9 }))).toThrow(/made with history 8, but the setting is 9/);
  });

  it('of nothing is a snapshot too', () => {
    const none = restoreRecommender(settings, kernel, create(settings).snapshot());
    none.observe('ann', 'kettle', 1, start);
    const fresh = create(settings);
    fresh.observe('ann', 'kettle', 1, start);
    expect(none.hash()).toBe(fresh.hash());
  });
});

describe('asking', () => {
  it('never writes', () => {
    fc.assert(fc.property(streams({ customers: 10, items: 30, spanMs: 600 * hour, length: 200 }), (events) => {
      const model = create(settingsOf({}, hour));
      fold(model, events);
      const before = model.hash();
      for (let c = 0; c < 12; c += 1) {
        model.recommend(`c${c}`, 30, start + 700 * hour);
        model.profile(`c${c}`);
      }
      for (let p = 0; p < 32; p += 1) model.similar(`p${p}`, 10);
      model.neighbours(0, 1000);
      model.stats();
      expect(model.hash()).toBe(before);
    }), { numRuns: 30, seed: 10 });
  });

  it('pages through all items', () => {
    const model = create(settingsOf());
    for (let n = 0; n < 25; n += 1) model.observe('ann', `p${n}`, 1, start + n);
    const names: string[] = [];
    let from = 0;
    while (from >= 0) {
      const { nextId, items } = model.neighbours(from, 10);
      names.push(...items.map(({ item }) => item));
      from = nextId;
    }
    expect(names).toEqual(Array.from({ length: 25 }, (_, n) => `p${n}`));
  });
});
