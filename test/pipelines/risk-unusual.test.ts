/** What was never seen, beside the score: in the row, in the answer, and in review where the shop wants it, in a share that is kept. */
import { describe, expect, it } from 'vitest';
import { createUnusual, detectorSettings, watched } from '../../pipelines/risk/unusual.js';
import { featureNames } from '../../models/risk/features.js';
import { createRandom } from '../../simulator/random.js';
import { buy, hour, riskShop, start, type RiskShop } from '../support/risk.js';

/** A shop of small orders that all look alike. */
function usual(shop: RiskShop, orders: number, from = 0): number {
  const random = createRandom(3);
  for (let n = from; n < orders; n += 1) shop.give(buy(`c${n % 50}`, start + n * hour / 4, { order: `o${n}`, amountMinor: 1500 + random.below(1000) }));
  return start + orders * hour / 4;
}
const odd = (customer: string, atMs: number) => buy(customer, atMs, { amountMinor: 9_000, device: 'd-odd', lines: [{ item: 'kettle', quantity: 40, unitMinor: 40 }] });

describe('what has never been seen', () => {
  it('stands in the row and in the answer, and sends nobody to review by itself', () => {
    const shop = riskShop();
    const early = shop.give(buy('c1', start));
    expect(early).toMatchObject({ anomaly: 0, anomalyFeatures: [] });
    const atMs = usual(shop, 1200);
    const [plain, strange] = [shop.give(buy('c1', atMs, { amountMinor: 2000 })), shop.give(odd('c2', atMs))];
    expect(strange.anomaly).toBeGreaterThan(plain.anomaly);
    expect(strange.anomalyFeatures.length).toBeGreaterThan(0);
    for (const feature of strange.anomalyFeatures) expect(watched).toContain(feature);
    expect(plain.anomalyFeatures).toEqual([]);
    expect([strange.decision, strange.decidedBy]).toEqual(['allow', 'costs']);
    const { type, customer, amountMinor, currency, lines } = odd('c2', atMs);
    const before = shop.hash();
    expect(shop.ask({ type, customer, amountMinor, currency, device: 'd-odd', lines }, atMs).anomaly.score).toBeGreaterThan(plain.anomaly);
    expect(shop.hash()).toBe(before);
  });

  it('is reviewed where the shop wants it, and says why', () => {
    const shop = riskShop({ AFTERCARE_RISK_ANOMALY_SHARE: '0.01' });
    const atMs = usual(shop, 1200);
    const strange = shop.give(odd('c2', atMs));
    expect(strange).toMatchObject({ decision: 'review', decidedBy: 'anomaly', topReason: 'anomaly' });
    expect(strange.because[1]).toBe(`nothing like it has been seen; what makes it unusual is ${strange.anomalyFeatures.join(', ')}`);
  });

  it('sends no more to review than the share, however strange everything becomes', () => {
    const shop = riskShop({ AFTERCARE_RISK_ANOMALY_SHARE: '0.01' });
    const atMs = usual(shop, 1200);
    const random = createRandom(4);
    for (let n = 0; n < 300; n += 1) shop.give(buy(`new${n}`, atMs + n * 60_000, { amountMinor: 3000 + random.below(4000), device: 'd-odd', lines: [{ item: 'kettle', quantity: 1 + random.below(60), unitMinor: 100 }] }));
    const raised = shop.decisions().filter(({ decidedBy }) => decidedBy === 'anomaly').length;
    expect(raised).toBeGreaterThan(3);
    expect(raised).toBeLessThanOrEqual(0.01 * shop.decisions().length);
  });

  it('is the same when restored in between', () => {
    const [whole, cut] = [riskShop(), riskShop()];
    for (const shop of [whole, cut]) usual(shop, 700);
    cut.restart();
    for (const shop of [whole, cut]) usual(shop, 1000, 700);
    expect(cut.step.hash(cut.state)).toBe(whole.step.hash(whole.state));
    expect(() => createUnusual(0.5, whole.state.unusual.snapshot())).toThrow('made with share 0, but the setting is 0.5');
  });

  it('names the feature that is out of the ordinary', () => {
    const unusual = createUnusual(0.01);
    const random = createRandom(5);
    const x = new Float64Array(featureNames.length);
    const draw = (): void => { for (const name of watched) x[featureNames.indexOf(name)] = random.uniform(); };
    for (let n = 0; n < 6 * detectorSettings.window; n += 1) {
      draw();
      unusual.observe('refund', x, unusual.score('refund', x), false);
    }
    x.fill(0.5);
    x[featureNames.indexOf('device_customers_30d')] = 50;
    expect(unusual.features('refund', x, unusual.score('refund', x))[0]).toBe('device_customers_30d');
    expect(unusual.score('purchase', x)).toBe(0); // of purchases it knows nothing yet
  });
});
