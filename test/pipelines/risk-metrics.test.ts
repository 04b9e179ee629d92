/** Rows of model_metrics, against the same figures made from the rows of decisions and verdicts. */
import { describe, expect, it } from 'vitest';
import { brier, expectedCalibrationError } from '../../models/metrics/calibration.js';
import { auc, averagePrecision, precisionAtCapacity } from '../../models/metrics/ranking.js';
import { createRandom } from '../../simulator/random.js';
import { buy, day, hour, judge, riskShop, start } from '../support/risk.js';

const maturity = 10;
const shop = riskShop({ AFTERCARE_RISK_MATURITY_DAYS: String(maturity), AFTERCARE_RISK_CAPACITY: '5' });
const random = createRandom(7);
const frauds = new Set<string>();
/** Two weeks of eighty orders a day; verdicts come up to three days later, to a fifth of the genuine orders and all frauds. */
const events = Array.from({ length: 14 * 80 }, (_, n) => {
  const atMs = start + (n * day) / 80;
  const fraud = random.chance(0.15);
  const event = buy(fraud ? `bad${n % 9}` : `c${n % 50}`, atMs, { amountMinor: fraud ? 20_000 + random.below(80_000) : 1000 + random.below(40_000) });
  if (fraud) frauds.add(event.order);
  return { event, verdict: fraud || random.chance(0.2) ? judge(event.customer, atMs + hour + random.below(3 * day), event.order, fraud ? 'chargeback' : 'genuine') : undefined };
});
const stream = events.flatMap(({ event, verdict }) => (verdict === undefined ? [event] : [event, verdict])).sort((a, b) => a.atMs - b.atMs);
shop.give(...stream);
const until = start + (14 + maturity + 3) * day;
for (let n = 0; n < 100; n += 1) shop.give(buy('late', start + 14 * day + (n * (until - start - 14 * day)) / 99));

const metrics = (over: string, dayMs: number) => Object.fromEntries(shop.metrics().filter((m) => m.over === over && m.dayMs === dayMs && m.role === 'champion').map((m) => [m.metric, m.value]));

describe('of the verdicts of a day', () => {
  it('each metric is that of the scores at the time of the decisions', () => {
    for (let d = 2; d < 9; d += 1) {
      const dayMs = start + d * day;
      const rows = shop.labels().filter((row) => Math.floor(row.atMs / day) * day === dayMs);
      const [p, y] = [rows.map((row) => row.decided?.probability ?? NaN), rows.map((row) => (row.verdict === 'chargeback' ? 1 : 0))];
      expect(rows.length).toBeGreaterThan(10);
      const found = metrics('verdicts', dayMs);
      for (const [name, value] of [['auc', auc(p, y)], ['average_precision', averagePrecision(p, y)], ['precision_at_capacity', precisionAtCapacity(p, y, 5)], ['brier', brier(p, y)], ['calibration_error', expectedCalibrationError(p, y)]] as const) {
        expect(Math.abs(found[name] - value), `${name} of day ${d}`).toBeLessThan(1e-12);
      }
    }
  });
});

describe('of the decisions of a day', () => {
  it('each metric is over all of them, once their maturity is over', () => {
    for (let d = 0; d < 14; d += 1) {
      const dayMs = start + d * day;
      const rows = shop.decisions().filter((row) => Math.floor(row.atMs / day) * day === dayMs);
      const [p, y] = [rows.map((row) => row.probability), rows.map((row) => (frauds.has(row.order) ? 1 : 0))];
      const found = metrics('decisions', dayMs);
      expect(Math.abs(found.auc - auc(p, y)), `auc of day ${d}`).toBeLessThan(1e-12);
      expect(Math.abs(found.precision_at_capacity - precisionAtCapacity(p, y, 5))).toBeLessThan(1e-12);
      const raised = rows.filter((row) => row.decision !== 'allow');
      expect(found.raised_fraud).toBeCloseTo(raised.filter((row) => frauds.has(row.order)).length / y.filter((label) => label === 1).length, 12);
      expect(found.raised_genuine).toBeCloseTo(raised.filter((row) => !frauds.has(row.order)).length / y.filter((label) => label === 0).length, 12);
    }
    const rows = shop.metrics().filter((m) => m.over === 'decisions' && m.metric === 'auc' && m.dayMs === start);
    expect(rows).toMatchObject([{ rows: 80, model: 'risk-online-1', role: 'champion', pipeline: 'risk' }]);
    expect(stream[rows[0].seq / 1024 - 2].atMs).toBeLessThan(start + (1 + maturity) * day); // not before the last of them has matured
    expect(stream[rows[0].seq / 1024 - 1].atMs).toBeGreaterThanOrEqual(start + (1 + maturity) * day);
  });

  it('it has learned to rank in the second week', () => {
    const second = Array.from({ length: 7 }, (_, d) => metrics('decisions', start + (7 + d) * day).auc);
    expect(second.reduce((sum, value) => sum + value, 0) / second.length).toBeGreaterThan(0.8);
  });
});

it('the probabilities can be taken at their word, although of the genuine orders only a fifth had a verdict by then', () => {
  const rows = shop.decisions().filter((row) => row.atMs >= start + 7 * day && row.atMs < start + 14 * day);
  const predicted = rows.reduce((sum, row) => sum + row.probability, 0) / rows.length;
  const observed = rows.filter((row) => frauds.has(row.order)).length / rows.length;
  // Without the correction for verdicts that never come the odds would be five times as high.
  expect(predicted / observed).toBeGreaterThan(0.6);
  expect(predicted / observed).toBeLessThan(1.4);
});
