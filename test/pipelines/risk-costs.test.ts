/** Decisions by cost, against the thresholds that the formula has, and the amounts' worth. */
import { describe, expect, it } from 'vitest';
import { cheapest, expectedCosts, level, type CostSettings } from '../../pipelines/risk/costs.js';
import { createCurrencies } from '../../pipelines/risk/currencies.js';

const settings: CostSettings = { fraudMinor: 2000, falseAlarmMinor: 3000, reviewMinor: 500, margin: 0.3, caught: 0.9, stick: 0.2, stickMs: 86_400_000 };
const costs = new Float64Array(3);
const decide = (p: number, amount: number, last = level.allow as number): number => {
  expectedCosts(settings, p, amount, costs);
  return cheapest(costs, last, settings.stick);
};

describe('the cheapest level', () => {
  it('is that of the worked example', () => {
    expectedCosts(settings, 0.01, 10_000, costs);
    expect([...costs].map(Math.round)).toEqual([120, 512, 5940]);
    expect([0.01, 0.06, 0.9].map((p) => decide(p, 10_000))).toEqual([level.allow, level.review, level.block]);
  });

  it('changes where the formula says: at p = review / (caught loss), and lower for a dear order', () => {
    for (const amount of [0, 1000, 10_000, 1_000_000]) {
      const threshold = settings.reviewMinor / (settings.caught * (settings.fraudMinor + amount));
      expect(decide(threshold * 0.999, amount)).toBe(level.allow);
      expect(decide(threshold * 1.001, amount)).toBeGreaterThan(level.allow);
    }
    expect([100, 10_000_000].map((amount) => decide(0.001, amount))).toEqual([level.allow, level.review]);
  });

  it('never falls as fraud becomes more probable', () => {
    for (const amount of [0, 5000, 1e12]) {
      const decided = Array.from({ length: 1001 }, (_, i) => decide(i / 1000, amount));
      expect(decided).toEqual([...decided].sort((a, b) => a - b));
    }
  });

  it('a probability that swings about the threshold toggles nobody, one that rises is not waited for', () => {
    const threshold = settings.reviewMinor / (settings.caught * 12_000);
    expect(decide(threshold * 0.99, 10_000, level.review)).toBe(level.review);
    expect(decide(threshold * 0.99, 10_000, level.allow)).toBe(level.allow);
    expect(decide(threshold * 1.01, 10_000, level.allow)).toBe(level.review);
    expect(decide(threshold * 0.7, 10_000, level.review)).toBe(level.allow);
    expect(decide(0.95, 10_000, level.review)).toBe(level.block);
  });
});

describe('the worth of an amount', () => {
  it('is by the rates where the shop gives them; a currency without one has none', () => {
    const currencies = createCurrencies(new Map([['EUR', 1], ['CNY', 0.128]]));
    expect([currencies.rate('CNY'), currencies.rate('XXX')]).toEqual([0.128, undefined]);
  });

  it('without rates: a usual order is worth a usual order of the main currency, once enough were seen', () => {
    const currencies = createCurrencies(new Map());
    for (let n = 0; n < 30; n += 1) currencies.observe('EUR', 5000);
    for (let n = 0; n < 19; n += 1) currencies.observe('JPY', 800_000);
    expect([currencies.rate('EUR'), currencies.rate('JPY'), currencies.rate('XXX')]).toEqual([1, 1, 1]);
    currencies.observe('JPY', 800_000);
    expect(currencies.rate('JPY')).toBeCloseTo(5000 / 800_000, 4);
  });

  it('is the same when restored, also where two currencies are level', () => {
    const seen = createCurrencies(new Map());
    for (let n = 0; n < 25; n += 1) for (const [currency, amount] of [['JPY', 800_000], ['EUR', 5000]] as const) seen.observe(currency, amount);
    const again = createCurrencies(new Map(), seen.save());
    for (const currency of ['EUR', 'JPY']) expect(again.rate(currency)).toBe(seen.rate(currency));
    expect(seen.rate('EUR')).toBe(1);
  });

  it('holds no more codes than there are currencies', () => {
    const currencies = createCurrencies(new Map());
    for (let n = 0; n < 1000; n += 1) currencies.observe(String.fromCharCode(65 + n / 100, 65 + (n / 10) % 10, 65 + n % 10), 100);
    expect(currencies.save()).toHaveLength(200);
  });
});
