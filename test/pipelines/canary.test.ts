/** A challenger in the shadow, and for a share of the customers. */
import { describe, expect, it } from 'vitest';
import { decidesFor, modelsFor, opinionsFor, placeOf } from '../../pipelines/canary.js';
import { promotedStep, type LiveVersion } from '../../pipelines/promoted.js';
import { riskReaders } from '../../pipelines/risk/promoted.js';
import { partitionOf } from '../../schemas/subjects.js';
import { riskLogisticArtefact } from '../support/risk-models.js';
import { buy, day, promote, riskShop, start } from '../support/risk.js';

const customers = Array.from({ length: 4000 }, (_, n) => `c${n}`);
const live = (percent?: number): LiveVersion => ({ version: 1, sha256: 'x', bytes: 1, seq: 1, ...(percent !== undefined && { percent }) });
const inside = (percent: number, model = 'risk-logistic-shadow') => customers.filter((customer) => decidesFor(live(percent), model, customer));

describe('a share of the customers', () => {
  it('is as large as it says, nobody at 0 and everybody at 100', () => {
    expect(inside(0)).toEqual([]);
    expect(inside(100)).toEqual(customers);
    expect(decidesFor(live(), 'm', 'c1')).toBe(false);
    expect(decidesFor(undefined, 'm', 'c1')).toBe(false);
    // Four standard deviations of a binomial.
    for (const percent of [1, 10, 50]) expect(Math.abs(inside(percent).length - 40 * percent)).toBeLessThan(4 * Math.sqrt(0.4 * percent * (100 - percent)));
  });

  it('keeps its customers as it grows, is another one for another model, and goes across the partitions', () => {
    const [ten, quarter] = [inside(10), new Set(inside(25))];
    expect(ten.every((customer) => quarter.has(customer))).toBe(true);
    const other = new Set(inside(25, 'intent-shadow'));
    const both = [...quarter].filter((customer) => other.has(customer)).length;
    expect(Math.abs(both - 250)).toBeLessThan(60);
    const shards = [0, 1, 2, 3].map((shard) => ten.filter((customer) => partitionOf(customer, 4) === shard).length);
    for (const count of shards) expect(Math.abs(count - 100)).toBeLessThan(40);
    expect(placeOf('risk-logistic-shadow', 'c1')).toBe(placeOf('risk-logistic-shadow', 'c1'));
  });

  it('stands in for the model it challenges, under its name', () => {
    const models = { versions: new Map([['intent', live()], ['intent-shadow', { ...live(100), version: 2 }]]), get: (name: string) => `model of ${name}` };
    const seen = modelsFor(models, 'intent', 'intent-shadow', 'c1');
    expect([seen.get('intent'), seen.get('entities'), seen.versions.get('intent')?.version]).toEqual(['model of intent-shadow', 'model of entities', 2]);
    expect(modelsFor(models, 'intent', 'entities', 'c1')).toBe(models);
  });

  it('each challenger has its say beside what decides, with the others where they are', () => {
    const of = (intent: number | undefined, entities: number | undefined) => opinionsFor({
      versions: new Map([['intent', live()], ['entities', live()], ...(intent === undefined ? [] : [['intent-shadow', { ...live(intent), version: 2 }] as const]), ...(entities === undefined ? [] : [['entities-shadow', { ...live(entities), version: 3 }] as const])]),
      get: (name: string) => name,
    }, ['intent', 'entities'], 'c1');
    const seen = ({ deciding, beside }: ReturnType<typeof of>) => [deciding, ...beside].map((models) => [models.versions.get('intent')?.version, models.versions.get('entities')?.version, models.get('intent'), models.get('entities')]);
    const [base, intent, entities, both] = [[1, 1, 'intent', 'entities'], [2, 1, 'intent-shadow', 'entities'], [1, 3, 'intent', 'entities-shadow'], [2, 3, 'intent-shadow', 'entities-shadow']];
    expect(seen(of(undefined, undefined))).toEqual([base]);
    expect(seen(of(0, undefined))).toEqual([base, intent]);
    expect(seen(of(100, undefined))).toEqual([intent, base]);
    expect(seen(of(0, 0))).toEqual([base, intent, entities]);
    expect(seen(of(100, 0))).toEqual([intent, base, both]);
    expect(seen(of(100, 100))).toEqual([both, entities, intent]);
  });
});

describe('risk', () => {
  const [champion, challenger] = [riskLogisticArtefact(50_000), riskLogisticArtefact(9000)].map((parts) => parts.map((part) => new Uint8Array(part)));
  const played = (percent?: number) => {
    const shop = riskShop();
    shop.receive(promote('risk-logistic', 1, start), start, champion);
    shop.receive({ ...promote('risk-logistic-shadow', 2, start), ...(percent !== undefined && { percent }) }, start, challenger);
    return shop;
  };
  const decided = (shop: ReturnType<typeof played>) => customers.slice(0, 300).map((customer, n) => shop.give(buy(customer, start + day + n, { amountMinor: 2000 + n })));

  it('without a share only scores; with one it decides for its customers, and the champion scores beside it', () => {
    const [shadow, canary] = [decided(played()), decided(played(30))];
    for (const [n, customer] of customers.slice(0, 300).entries()) {
      expect(shadow[n]).toMatchObject({ model: 'risk-logistic.1', shadow: ['risk-online-1', 'risk-logistic-shadow.2'] });
      const isIn = decidesFor(live(30), 'risk-logistic-shadow', customer);
      expect(canary[n].model, customer).toBe(isIn ? 'risk-logistic-shadow.2' : 'risk-logistic.1');
      const scoreOf = (row: (typeof canary)[number], model: string) => (row.model === model ? row.probability : row.shadowProbabilities[row.shadow.indexOf(model)]);
      for (const model of ['risk-logistic.1', 'risk-logistic-shadow.2']) expect(Math.abs(scoreOf(canary[n], model) - scoreOf(shadow[n], model)), model).toBeLessThan(1e-12);
    }
    expect(new Set(canary.map(({ model }) => model)).size).toBe(2);
  });

  it('a share that changes is a promotion of its own, and is kept over a restart', () => {
    const shop = played(30);
    const again = (percent: number) => shop.receive({ ...promote('risk-logistic-shadow', 2, start), percent }, start, challenger);
    again(30);
    expect(shop.promotions().map(({ model, percent }) => [model, percent])).toEqual([['risk-logistic', 0], ['risk-logistic-shadow', 30]]);
    again(100);
    expect(shop.promotions().at(-1)).toMatchObject({ version: 2, percent: 100, outcome: 'live' });
    shop.restart();
    expect(decided(shop).every(({ model }) => model === 'risk-logistic-shadow.2')).toBe(true);
    again(0);
    expect(decided(shop).every(({ model }) => model === 'risk-logistic.1')).toBe(true);
    const step = promotedStep(riskReaders);
    expect(step.hash(shop.models)).not.toBe(step.hash(played(0).models)); // its place on the stream is another
  });
});
