import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { dailyAuc, delayed, firstTaught, sgdLearner, type Learner } from '../../bench/risk-delayed.js';
import { minuteOf, readCards, readCardsWithV, readFraudData } from '../../bench/risk-streams.js';
import { pick, tableOf } from '../../bench/risk-table.js';
import { sigmoid } from '../../models/linear/logistic.js';
import { aucDifference } from '../../models/metrics/delong.js';
import { auc } from '../../models/metrics/ranking.js';
import { createUniform } from '../../models/random.js';

const folder = mkdtempSync(join(tmpdir(), 'aftercare-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function gz(name: string, text: string): string {
  writeFileSync(join(folder, name), gzipSync(text));
  return join(folder, name);
}

describe('late verdicts', () => {
  it('are learned after their delay, in order, from the row as it was, before what comes next is scored', () => {
    const said: string[] = [];
    const learner: Learner = {
      score: (X, at) => said.push(`score ${X[at]}`),
      observe: (X, at) => void said.push(`see ${X[at]}`),
      learn: (X, at, label) => void said.push(`learn ${X[at]} ${label}`),
    };
    const scores = delayed(learner, { X: Float64Array.of(10, 11, 12, 13), D: 1, atMs: Float64Array.of(0, 0, 5, 9), y: Uint8Array.of(1, 0, 1, 1) }, 5);
    expect(said).toEqual(['score 10', 'see 10', 'score 11', 'see 11', 'learn 10 1', 'learn 11 0', 'score 12', 'see 12', 'score 13', 'see 13']);
    expect([...scores]).toEqual([1, 3, 7, 9]);
  });

  it('say from which row on a model can know anything', () => {
    expect(firstTaught(Float64Array.of(0, 0, 5, 9), 5)).toBe(2);
    expect(firstTaught(Float64Array.of(0, 0, 5, 9), 10)).toBe(4);
  });

  it("river's algorithm scales and steps at the verdict", () => {
    const learner = sgdLearner([{ name: 'a', scale: 'z', missing: 'refuse' }], 0.1);
    const X = Float64Array.of(2, 4, 4);
    learner.learn(X, 0, 1); // scaled 0: the intercept alone moves, by .1 (1 - .5)
    expect(learner.score(X, 1)).toBeCloseTo(sigmoid(0.05), 12);
    learner.observe(X, 1);
    expect(learner.score(X, 1)).toBeCloseTo(sigmoid(0.05), 12);
    learner.learn(X, 1, 0); // mean 3, sd 1: 4 is 1, and the step -.1 sigmoid(.05) for both
    const step = 0.1 * sigmoid(0.05);
    expect(learner.score(X, 2)).toBeCloseTo(sigmoid(-step + 0.05 - step), 12);
  });
});

describe('comparisons', () => {
  it('within a day give nothing for a drift over days', () => {
    const day = 86_400_000;
    const atMs = Float64Array.of(0, 1, day, day + 1, day + 2);
    expect(dailyAuc(Float64Array.of(9, 8, 1, 2, 3), Uint8Array.of(1, 0, 0, 1, 0), atMs)).toBeCloseTo((1 + 2 * 0.5) / 3, 12);
    expect(dailyAuc(Float64Array.of(9, 1), Uint8Array.of(1, 0), Float64Array.of(0, day))).toBeNaN();
  });

  it("DeLong's error gives the worked number", () => {
    const { difference, standardError } = aucDifference([1, 3, 2, 4], [1, 2, 3, 4], [0, 0, 1, 1]);
    expect(difference).toBeCloseTo(-0.25, 12);
    expect(standardError).toBeCloseTo(Math.sqrt(0.125), 12);
  });

  it("DeLong's difference is that of the areas, ties too, and its error is what repeated draws spread by", () => {
    const next = createUniform(3);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const found = Array.from({ length: 300 }, () => {
      const y = Array.from({ length: 200 }, (_, i) => Number(i % 5 === 0));
      const shared = y.map((label) => label + normal());
      const [a, b] = [shared.map((value) => Math.round(4 * (value + 0.5 * normal())) / 4), shared.map((value) => value + normal())];
      const { difference, standardError } = aucDifference(a, b, y);
      expect(difference).toBeCloseTo(auc(a, y) - auc(b, y), 12);
      return { difference, standardError };
    });
    const mean = found.reduce((sum, { difference }) => sum + difference, 0) / found.length;
    const spread = Math.sqrt(found.reduce((sum, { difference }) => sum + (difference - mean) ** 2, 0) / (found.length - 1));
    const claimed = found.reduce((sum, { standardError }) => sum + standardError, 0) / found.length;
    expect(Math.abs(claimed / spread - 1) <= 0.15).toBe(true);
  });

  it('has no error for one row of a class', () => {
    expect(aucDifference([1, 2, 3], [1, 2, 3], [0, 0, 1]).standardError).toBeNaN();
  });
});

describe('a stream as a table', () => {
  const stream = readFraudData(gz('table.gz', 'user_id,signup_time,purchase_time,purchase_value,device_id,source,browser,sex,age,class\n'
    + '1,1/1/15 0:00,1/1/15 1:00,20,D,SEO,Chrome,M,39,0\n2,1/1/15 0:00,1/1/15 2:00,30,D,Ads,Chrome,M,20,1\n3,1/1/15 0:00,1/1/15 2:30,40,E,Ads,Chrome,F,20,1\n'));
  if (stream === undefined) throw new Error('the file was written just now');
  const table = tableOf(stream);
  const { X, D } = table.judged;
  const of = (name: string): number[] => [0, 1, 2].map((i) => X[i * D + table.columns.findIndex((column) => column.name === name)]);

  it('has the windows as they were before each purchase, and the record\'s own fields', () => {
    expect(of('device_purchases_24h')).toEqual([0, 1, 0]);
    expect(of('device_customers_1min')).toEqual([0, 0, 0]);
    expect(of('age')).toEqual([39, 20, 20]);
    expect(of('card_purchases_24h')).toEqual([NaN, NaN, NaN]);
  });

  it('knows of each column what it is made of', () => {
    const column = (name: string) => table.columns.find((one) => one.name === name);
    expect(column('device_purchases_24h')).toMatchObject({ family: 'device windows', memory: true, extra: false, gaps: false, varies: true });
    expect(column('amount_log')).toMatchObject({ family: 'basket', memory: false, extra: false, gaps: false, varies: true });
    expect(column('amount_z')).toMatchObject({ family: 'own history', memory: true, gaps: true, varies: false });
    expect(column('price_over_usual')).toMatchObject({ gaps: true, varies: true });
    expect(column('age')).toMatchObject({ family: 'profile', memory: false, extra: true });
  });

  it('gives the columns that are asked for', () => {
    const { features, judged } = pick(table, ({ name }) => name === 'age' || name === 'amount_log');
    expect(features.map(({ name }) => name)).toEqual(['amount_log', 'age']);
    expect([...judged.X].map((value) => Number(value.toFixed(4)))).toEqual([Math.log1p(2000), 39, Math.log1p(3000), 20, Math.log1p(4000), 20].map((value) => Number(value.toFixed(4))));
    expect(() => pick(table, () => false)).toThrow('no column is kept');
  });
});

describe('the public records as streams', () => {
  it('reads times as they stand', () => {
    expect(minuteOf('4/18/15 2:47')).toBe(Date.UTC(2015, 3, 18, 2, 47));
    expect(() => minuteOf('2015-04-18')).toThrow('"2015-04-18" is no time of the form 4/18/15 2:47');
  });

  it('puts fraud-data-ecommerce in order and its own fields beside the contract', () => {
    const file = gz('fraud.gz', 'user_id,signup_time,purchase_time,purchase_value,device_id,source,browser,sex,age,class\n'
      + '22058,2/24/15 22:55,4/18/15 2:47,34,QVPS,SEO,Chrome,M,39,0\n1359,1/1/15 18:52,1/1/15 18:52,15,YSSK,Direct,Opera,F,53,1\n');
    const stream = readFraudData(file);
    expect(stream?.events.map(({ customer, device, amountMinor, atMs }) => [customer, device, amountMinor, atMs])).toEqual([['1359', 'YSSK', 1500, Date.UTC(2015, 0, 1, 18, 52)], ['22058', 'QVPS', 3400, Date.UTC(2015, 3, 18, 2, 47)]]);
    expect([...(stream?.y ?? [])]).toEqual([1, 0]);
    expect(stream?.extra.length).toBe(11);
    expect([...(stream?.E ?? [])]).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 53, Math.log1p((52 * 24 + 3 * 1 + 52 / 60) * 3600), 1, 0, 0, 1, 0, 0, 0, 0, 1, 39]);
    expect(() => readFraudData(gz('bad.gz', 'user_id\n'))).toThrow('line 1 is "user_id"');
  });

  it('cuts the payments with V1..V28 where the genuine ones end', () => {
    const V = Array.from({ length: 28 }, (_, i) => i + 1).join(',');
    const file = gz('cards.gz', `Time,${Array.from({ length: 28 }, (_, i) => `V${i + 1}`).join(',')},Amount,Class\n9,${V},3.5,1\n2,${V},1,1\n1,${V},2.69,0\n5,${V},0,0\n`);
    const stream = readCardsWithV(file);
    expect([...(stream?.y ?? [])]).toEqual([0, 1, 0]);
    expect(stream?.events.map(({ amountMinor }) => amountMinor)).toEqual([269, 100, 0]);
    expect([...(stream?.E.subarray(0, 28) ?? [])]).toEqual(V.split(',').map(Number));
    expect(readCards(gz('all.gz', 'Time,Amount,Class\n0,149.62,0\n1,2.69,1\n'))?.events[1]).toMatchObject({ amountMinor: 269, customer: 'everyone' });
    expect(readCards(join(folder, 'none.gz'))).toBeUndefined();
  });
});
