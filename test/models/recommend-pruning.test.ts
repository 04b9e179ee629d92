import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../simulator/random.js';
import { loadKernel } from '../../models/recommend/load.js';
import { plainCosine } from '../../models/recommend/weighting.js';
import { createNaive, type Oracle } from '../../models/recommend/naive.js';
import { createRecommender, restoreRecommender, type PruningSettings, type Recommender, type RecommendLimits, type RecommendSettings } from '../../models/recommend/recommender.js';
import { recommendSettings } from '../../pipelines/recommend/settings.js';
import { readConfig } from '../../schemas/config.js';

const kernel = loadKernel();
const hour = 3_600_000;
const day = 24 * hour;
const start = 1_700_000_000_000;
const pruning: PruningSettings = { delta: 0.9, remembered: 100_000 };

function settingsOf(limits: Partial<RecommendLimits> = {}, rest: Partial<RecommendSettings> = {}): RecommendSettings & { pruning: PruningSettings } {
  const small: RecommendLimits = { customers: 1000, items: 1000, pairs: 100_000, history: 500, neighbours: 2, postings: 1000, memory: 2 ** 28 };
  return { halfLifeMs: 30 * day, weighting: plainCosine, pruning, ...rest, limits: { ...small, ...limits } };
}

const create = (settings: RecommendSettings): Recommender => createRecommender(settings, kernel);
const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

interface Event { kind: 'observe' | 'retract' | 'forget'; customer: number; item: number; strength: number; atMs: number }

function fold(model: Oracle, events: Event[]): void {
  for (const { kind, customer, item, strength, atMs } of events) {
    if (kind === 'observe') model.observe(`c${customer}`, `p${item}`, strength, atMs);
    else if (kind === 'retract') model.retract(`c${customer}`, `p${item}`, atMs);
    else model.forget(`c${customer}`);
  }
}

/** Seeded, as a shop is: some items are liked by many, time goes on, a few are sent back and a few customers forgotten. */
function shop(seed: number, { customers, items, events, stepMs }: { customers: number; items: number; events: number; stepMs: number }): Event[] {
  const { uniform } = createRandom(seed);
  const below = (limit: number): number => Math.floor(uniform() * limit);
  return Array.from({ length: events }, (_, n) => {
    const luck = below(60);
    const kind = luck === 0 ? 'forget' : luck < 4 ? 'retract' : 'observe';
    return { kind, customer: below(customers), item: Math.min(below(items), below(items)), strength: 1 + below(5), atMs: start + n * stepMs + below(5) * stepMs };
  });
}

/** Twenty customers have the kettle with its partners, twenty the cup with others, and ann has one of each. */
function weakPair(model: Oracle, atMs = start): void {
  for (const [item, partners] of [['kettle', ['pot', 'lid', 'tap', 'jug']], ['cup', ['saucer', 'spoon', 'mug', 'bowl']]] as const) {
    for (let n = 0; n < 20; n += 1) for (const name of [item, ...partners]) model.observe(`${item} ${n}`, name, 1, atMs);
  }
  model.observe('ann', 'kettle', 1, atMs);
  model.observe('ann', 'cup', 1, atMs);
}

const hasPair = (model: Recommender, a: string, b: string, without: number): boolean => {
  expect(model.similar(a, 5)).toBeDefined();
  expect(model.similar(b, 5)).toBeDefined();
  return model.stats().pairs > without;
};

describe('a worked example of pruning', () => {
  // No decay, every r is 1, and lists of two places. norm2(kettle) = norm2(cup) = 21, one of both: s = 1/21 = .048, n = 1.
  // Both lists are full, the least that they keep is t = 20 / sqrt(21 * 20) = .976 (ann came last: her kettle counts already).
  // delta .9: epsilon = sqrt(ln(1/.9) / 2) = .23, s + epsilon = .28 < t: pruned.   delta .05: 1.22 > t: kept.
  // Two groups of five items are twenty pairs, all as good as what the lists keep; kettle and cup are the 21st.
  const at = (delta: number): Recommender => {
    const model = create(settingsOf({}, { halfLifeMs: Infinity, pruning: { ...pruning, delta } }));
    weakPair(model);
    return model;
  };

  it('prunes where the bound says so, and not where it does not', () => {
    expect(at(0.05).stats()).toMatchObject({ pairs: 21, prunedPairs: 0 });
    expect(at(0.9).stats()).toMatchObject({ pairs: 20, prunedPairs: 1 });
  });

  it('prunes nothing without the setting, and then the state is the same to the bit', () => {
    const { limits, halfLifeMs, weighting } = settingsOf();
    const models = [create({ limits, halfLifeMs, weighting }), create({ limits, halfLifeMs, weighting, pruning: { delta: 0, remembered: 7 } })];
    for (const model of models) fold(model, shop(3, { customers: 20, items: 30, events: 2000, stepMs: hour }));
    expect(models[0].stats().prunedPairs).toBe(0);
    expect(models[0].hash()).toBe(models[1].hash());
  });

  it('keeps a pruned pair out, and lets it begin again a half-life or two later', () => {
    const model = create(settingsOf());
    weakPair(model);
    const { pairs } = model.stats();
    expect(model.stats().prunedPairs).toBe(1);
    model.observe('bob', 'kettle', 1, start + day);
    model.observe('bob', 'cup', 1, start + day);
    expect(hasPair(model, 'kettle', 'cup', pairs)).toBe(false);
    model.observe('eve', 'cup', 5, start + 100 * day);
    model.observe('eve', 'kettle', 5, start + 100 * day); // what a customer does now outweighs the twenty of three half-lives ago
    expect(hasPair(model, 'kettle', 'cup', pairs)).toBe(true);
  });

  it('does not hold it against a new item that it got the id of one that was pruned', () => {
    const settings = settingsOf({ items: 10 }, { halfLifeMs: Infinity });
    const model = create(settings);
    weakPair(model);
    expect(model.stats()).toMatchObject({ items: 10, prunedPairs: 1 });
    for (const item of ['pot', 'lid', 'tap', 'jug', 'saucer', 'spoon', 'mug', 'bowl', 'cup']) model.observe('newest', item, 1, start + 1);
    model.forget('newest');
    for (let n = 0; n < 3; n += 1) model.observe('x', `new ${n}`, 1, start + 2); // kettle is the oldest: it goes, and its id comes back
    expect(model.similar('kettle', 1)).toBeUndefined();
    const before = model.stats().pairs;
    model.observe('y', 'cup', 1, start + 3);
    for (let n = 0; n < 3; n += 1) model.observe('y', `new ${n}`, 1, start + 3);
    expect(model.stats().pairs - before, 'cup with each of the three').toBe(3);
  });

  it('takes over anew when a filter is full', () => {
    const model = create(settingsOf({ neighbours: 2 }, { halfLifeMs: Infinity, pruning: { delta: 0.9, remembered: 3 } }));
    const endless = create(settingsOf({ neighbours: 2 }, { halfLifeMs: Infinity }));
    for (const one of [model, endless]) fold(one, shop(5, { customers: 30, items: 30, events: 4000, stepMs: hour }));
    expect(model.stats().prunedPairs, 'the same pairs go again and again').toBeGreaterThan(endless.stats().prunedPairs);
  });

  it('is a setting, refused by name when it cannot be', () => {
    expect(recommendSettings(readConfig({})).recommender.pruning?.delta).toBe(0);
    expect(recommendSettings(readConfig({ AFTERCARE_PRUNING_DELTA: '0.05' })).recommender.pruning?.delta).toBe(0.05);
    expect(() => readConfig({ AFTERCARE_PRUNING_DELTA: '1' })).toThrow(/AFTERCARE_PRUNING_DELTA="1" must be a number from 0 to 0.999/);
    for (const delta of [1, -0.1, Number.NaN]) expect(() => create(settingsOf({}, { pruning: { ...pruning, delta } }))).toThrow(/pruning.delta must be in \[0, 1\)/);
    expect(() => create(settingsOf({}, { pruning: { delta: 0.5, remembered: 0 } }))).toThrow(/pruning.remembered must be a whole number from 1/);
    expect(() => create(settingsOf({}, { pruning: { delta: 0.5, remembered: 2 ** 27 } }))).toThrow(/limits.memory is 256 MiB/);
    expect(() => restoreRecommender(settingsOf({}, { pruning: { ...pruning, delta: 0.8 } }), kernel, create(settingsOf()).snapshot())).toThrow(/made with pruningDelta 0.9, but the setting is 0.8/);
  });
});

describe('the pruning kernel equals its naive twin', () => {
  function expectSame(settings: RecommendSettings, events: Event[], items: number): number {
    const [fast, naive] = [create(settings), createNaive(settings)];
    fold(fast, events);
    fold(naive, events);
    expect(fast.stats().prunedPairs).toBe(naive.stats().prunedPairs);
    expect(fast.stats().pairs).toBe(naive.stats().pairs);
    for (let p = 0; p < items; p += 1) {
      for (const { item, dot } of fast.similar(`p${p}`, 254) ?? []) expect(close(dot, naive.dotOf(`p${p}`, item) ?? Number.NaN), `p${p} ${item}`).toBe(true);
    }
    return fast.stats().prunedPairs;
  }

  const sizes = { customers: 25, items: 30, events: 1500 };
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });

  for (const { name, settings, stepMs } of [
    { name: 'without decay', settings: settingsOf({}, { halfLifeMs: Infinity }), stepMs: hour },
    { name: 'over a few half-lives, with renewals', settings: settingsOf(), stepMs: 4 * hour },
    { name: 'with silent spells of several half-lives', settings: settingsOf({}, { halfLifeMs: 20 * day }), stepMs: day },
    { name: 'with a short history, and customers who are evicted', settings: settingsOf({ history: 6, customers: 15 }, { pruning: { ...pruning, delta: 0.95 } }), stepMs: hour },
    { name: 'with longer lists and a stricter bound', settings: settingsOf({ neighbours: 5 }, { pruning: { ...pruning, delta: 0.7 } }), stepMs: hour },
  ]) {
    it(name, () => {
      let pruned = 0;
      fc.assert(fc.property(seeds, (seed) => {
        pruned += expectSame(settings, shop(seed, { ...sizes, stepMs }), sizes.items);
      }), { numRuns: 12, seed: 11, endOnFailure: true });
      expect(pruned).toBeGreaterThan(100);
    });
  }

  it('but for less than 0.25% of the pairs when the filters are as full as they get', () => {
    const settings = settingsOf({}, { halfLifeMs: Infinity });
    const events = shop(9, { customers: 250, items: 400, events: 12_000, stepMs: hour }).filter(({ kind }) => kind === 'observe');
    const naive = createNaive(settings);
    fold(naive, events);
    const { pairs, prunedPairs } = naive.stats();
    expect(prunedPairs).toBeGreaterThan(1000);
    const full = create(settingsOf({}, { halfLifeMs: Infinity, pruning: { ...pruning, remembered: prunedPairs } }));
    fold(full, events);
    const barred = pairs + prunedPairs - full.stats().pairs - full.stats().prunedPairs;
    expect(Math.abs(barred), `${barred} of ${pairs + prunedPairs}`).toBeLessThan(0.0025 * (pairs + prunedPairs));
  });
});

describe('while pairs are pruned', () => {
  it('a snapshot restored in the middle goes on to the same bytes, whatever is evicted and however far the landmark moves', () => {
    const limits = { customers: 12, items: 40, pairs: 300, history: 8, neighbours: 3, postings: 4 };
    let pruned = 0;
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
      const settings = settingsOf(limits, { halfLifeMs: 10 * hour, pruning: { delta: 0.999, remembered: 10 } });
      const events = shop(seed, { customers: 20, items: 60, events: 1200, stepMs: hour });
      const cut = Math.floor(events.length * share);
      const [whole, first] = [create(settings), create(settings)];
      fold(whole, events);
      fold(first, events.slice(0, cut));
      const second = restoreRecommender(settings, kernel, first.snapshot());
      fold(second, events.slice(cut));
      expect(second.hash()).toBe(whole.hash());
      expect(second.stats()).toEqual(whole.stats());
      pruned += whole.stats().prunedPairs;
    }), { numRuns: 25, seed: 12, endOnFailure: true });
    expect(pruned).toBeGreaterThan(100);
  });

  it('forgetting everybody leaves no pair: what a pruned pair had learnt is not subtracted twice from one that came back', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const model = create(settingsOf({}, { halfLifeMs: Infinity, pruning: { delta: 0.9, remembered: 20 } }));
      fold(model, shop(seed, { customers: 20, items: 25, events: 1500, stepMs: hour }));
      expect(model.stats().prunedPairs).toBeGreaterThan(20);
      for (let c = 0; c < 20; c += 1) {
        model.forget(`c${c}`);
        for (const { neighbours } of model.neighbours(0, 100).items) for (const { dot, similarity } of neighbours) expect(dot > 0 && similarity > 0).toBe(true);
      }
      expect(model.stats()).toMatchObject({ customers: 0, pairs: 0 });
    }), { numRuns: 20, seed: 13, endOnFailure: true });
  });
});
