import { describe, expect, it } from 'vitest';
import { createRiskFeatures, defaultRiskFeatureSettings, featureNames, restoreRiskFeatures, type RiskFeatures, type TicketSignals } from '../../models/risk/features.js';
import { createNaiveFeatures } from '../../models/risk/naive.js';
import { buckets, grains, WINDOWS } from '../../models/risk/windows.js';
import type { Event, Purchase, Refund } from '../../schemas/events.js';
import { createRandom, type Random } from '../../simulator/random.js';
import { createSimulator } from '../../simulator/simulator.js';

const day = 86_400_000;
const start = Date.UTC(2026, 0, 5);
const settings = { ...defaultRiskFeatureSettings, customers: 1000, devices: 1000, cards: 1000, addresses: 1000, items: 1000, sketches: 8 };
const silent: TicketSignals = { ticketOf: () => undefined };

const line = (item = 'kettle', unitMinor = 1000, quantity = 1) => ({ item, unitMinor, quantity });
const purchase = (customer: string, atMs: number, more: Partial<Purchase> = {}): Purchase =>
  ({ v: 1, type: 'purchase', id: 'e', customer, atMs, order: 'o', lines: [line()], amountMinor: 1000, currency: 'EUR', ...more });
const refund = (customer: string, atMs: number, more: Partial<Refund> = {}): Refund =>
  ({ v: 1, type: 'refund', id: 'e', customer, atMs, order: 'o', lines: [line()], amountMinor: 1000, currency: 'EUR', ...more });
const observe = (model: RiskFeatures, events: Event[]): void => { for (const event of events) model.observe(event, event.atMs); };

function read(model: RiskFeatures, event: Purchase | Refund, signals = silent): Record<string, number> {
  const out = new Float64Array(featureNames.length);
  model.extract(event, event.atMs, signals, out);
  return Object.fromEntries(featureNames.map((name, j) => [name, out[j]]));
}

/** Names of the features that differ; sums of logarithms may differ by rounding. */
function differing(got: Record<string, number>, wanted: Record<string, number>): string[] {
  return featureNames.filter((name) => !(Number.isNaN(wanted[name]) ? Number.isNaN(got[name]) : Math.abs(got[name] - wanted[name]) <= 1e-9 * Math.max(1, Math.abs(wanted[name]))))
    .map((name) => `${name}: ${got[name]} instead of ${wanted[name]}`);
}

/** Few names, so that they meet; jumps of all lengths, many of them back; often the same moment; any field may be missing. */
function randomStream(random: Random, n: number): Event[] {
  let now = start;
  const maybe = <K extends string>(key: K, value: string): Partial<Record<K, string>> => (random.chance(0.7) ? { [key]: value } as Record<K, string> : {});
  return Array.from({ length: n }, (): Event => {
    if (random.chance(0.8)) now += random.exponential(random.pick([0.1, 20, 300, 3600, 40_000, 400_000]) * 1000);
    const atMs = Math.floor(random.chance(0.3) ? Math.max(start, now - random.exponential(random.pick([5, 100, 4000, 100_000, 3_000_000]) * 1000)) : now);
    const customer = `c${random.below(4)}`;
    const head = { v: 1, id: 'e', customer, atMs } as const;
    const lines = Array.from({ length: 1 + random.below(3) }, () => line(`i${random.below(5)}`, random.below(5000), 1 + random.below(3)));
    const amountMinor = random.chance(0.1) ? random.pick([0, 1e12, NaN, Infinity, -5, 0.5, 1e300]) : random.below(100_000);
    const money = { ...head, order: `o${random.below(12)}`, lines, amountMinor, currency: 'EUR', ...maybe('device', `d${random.below(3)}`) };
    const kind = random.below(20);
    if (kind < 9) {
      return { ...money, type: 'purchase', ...maybe('card', `k${random.below(9)}`), ...maybe('address', `a${random.below(4)}`), ...maybe('shippingCountry', random.pick(['DE', 'FR'])),
        ...maybe('billingCountry', random.pick(['DE', 'FR'])), ...maybe('coupon', 'x'), ...(random.chance(0.7) ? { payment: random.pick(['card', 'cash', 'other'] as const) } : {}) };
    }
    if (kind < 14) return { ...money, type: 'refund' };
    if (kind < 16) return { ...head, type: 'click', action: 'view', item: 'i1' };
    if (kind < 18) return { ...head, type: 'ticket', ticket: 't', text: 'where is it' };
    if (kind < 19 || random.chance(0.8)) return { ...head, type: 'label', of: random.pick(['purchase', 'ticket'] as const), ref: 'o', verdict: random.pick(['abuse', 'genuine', 'chargeback']) };
    return { ...head, type: 'control', command: 'forget' };
  });
}

/** Without the forgotten ones, of whom the entities that they met keep nameless counts. */
const withoutForget = (events: Event[]): Event[] => events.filter(({ type }) => type !== 'control');

describe('risk features', () => {
  it('each bucket divides the next, and each window holds the one before', () => {
    for (let k = 1; k < WINDOWS; k += 1) {
      expect(grains[k] % grains[k - 1]).toBe(0);
      expect((buckets[k] - 1) * grains[k]).toBeGreaterThanOrEqual(buckets[k - 1] * grains[k - 1]);
    }
    expect(grains.map((grain, k) => grain * buckets[k] * 10)).toEqual([60, 600, 3600, 86_400, 604_800, 2_592_000]);
  });

  it('a worked example', () => {
    const model = createRiskFeatures(settings);
    observe(model, [
      purchase('ann', start, { device: 'd', card: 'k1', amountMinor: 1000 }),
      purchase('ann', start + 2 * day, { device: 'd', card: 'k2', amountMinor: 3000, order: 'o2', lines: [line('kettle', 3000)] }),
      refund('ann', start + 2 * day + 100_000, { order: 'o2', amountMinor: 1500, device: 'd' }),
    ]);
    const f = read(model, refund('bob', start + 2 * day + 200_000, { device: 'd', order: 'o2' }));
    expect(f).toMatchObject({ device_purchases_1min: 0, device_purchases_10min: 1, device_purchases_24h: 1, device_purchases_7d: 2, device_refunds_10min: 1, device_customers_30d: 1, customer_purchases_30d: 0, device_is_new: 1, orders: 0 });
    expect(f.order_age_log).toBeNaN(); // another customer's order
    const g = read(model, refund('ann', start + 2 * day + 200_000, { order: 'o2', amountMinor: 1000 }));
    expect(g).toMatchObject({ customer_cards_24h: 1, customer_cards_7d: 2, refund_rate: 0.5, refunded_share: 1500 / 4000, amount_over_mean: 0.5, amount_over_max: 1 / 3, order_refunded_before: 0.5, order_refunded_with: 2500 / 3000 });
    expect(g.order_age_log).toBeCloseTo(Math.log1p(200));
    expect(g.price_over_usual).toBeCloseTo(Math.log(1001) - (Math.log(1001) + Math.log(3001)) / 2);
    expect(g.device_purchases_7d).toBeNaN(); // the refund names none
  });

  it.each([1, 2, 3, 4, 5, 6])('equal what reading all events again gives, seed %d', (seed) => {
    const random = createRandom(seed);
    const [model, naive] = [createRiskFeatures(settings), createNaiveFeatures(settings.complaintIntents)];
    const signals: TicketSignals = { ticketOf: (customer) => ({ ticketMs: start + Number(customer.slice(1)) * 5 * day, intent: ['complaint', 'thanks', undefined][seed % 3] }) };
    let compared = 0;
    for (const event of withoutForget(randomStream(random, 400))) {
      if (event.type === 'purchase' || event.type === 'refund') {
        expect(differing(read(model, event, signals), naive.extract(event, event.atMs, signals)), `event ${compared} at ${event.atMs}`).toEqual([]);
        compared += 1;
      }
      model.observe(event, event.atMs);
      naive.observe(event, event.atMs);
    }
    expect(compared).toBeGreaterThan(200);
  });

  it('equal it on a simulated month, where people share devices', () => {
    const [model, naive] = [createRiskFeatures(settings), createNaiveFeatures([])];
    const simulator = createSimulator({ seed: 4, customers: 40, items: 60, startMs: start, hours: 24 * 32, events: 12_000, forgets: 0, refundDelayHours: 60, labelDelayHours: 100, ringMembers: 8 });
    let [n, compared] = [0, 0];
    for (const event of simulator.events()) {
      if ((event.type === 'purchase' || event.type === 'refund') && (n += 1) % 2 === 0) {
        expect(differing(read(model, event), naive.extract(event, event.atMs, silent)), `purchase or refund ${n}`).toEqual([]);
        compared += 1;
      }
      model.observe(event, event.atMs);
      naive.observe(event, event.atMs);
    }
    expect(compared).toBeGreaterThan(100);
    expect(model.stats()).toMatchObject({ customers: 40, sketches: 0, evicted: 0 });
  }, 120_000);

  it('a snapshot restored in the middle goes on to the same bytes, with evictions, forgotten customers and sketches', () => {
    const tight = { ...settings, customers: 3, devices: 2, cards: 5, addresses: 3, items: 3, sketches: 2 };
    const events = [...Array.from({ length: 30 }, (_, i) => purchase('c0', start, { card: `many${i}` })), ...randomStream(createRandom(9), 600)];
    const whole = createRiskFeatures(tight);
    observe(whole, events);
    let model = createRiskFeatures(tight);
    events.forEach((event, i) => {
      if (i % 97 === 0) model = restoreRiskFeatures(tight, [Buffer.concat(model.snapshot())]);
      model.observe(event, event.atMs);
    });
    expect(whole.stats().evicted).toBeGreaterThan(50);
    expect(model.hash()).toBe(whole.hash());
    expect(Buffer.concat(model.snapshot()).equals(Buffer.concat(whole.snapshot()))).toBe(true);
    const asked = purchase('c1', start + 30 * day, { device: 'd1', card: 'k1' });
    expect(read(model, asked)).toEqual(read(whole, asked));
    expect(whole.hash()).toBe(model.hash()); // asking wrote nothing
    expect(() => restoreRiskFeatures({ ...tight, cards: 6 }, model.snapshot())).toThrow('made with cards 5');
  });

  it('everything that hangs on a customer goes with it', () => {
    const model = createRiskFeatures(settings);
    const empty = model.stats();
    for (const event of randomStream(createRandom(3), 300)) model.observe(event, event.atMs);
    for (let c = 0; c < 4; c += 1) model.forget(`c${c}`);
    const after = model.stats();
    expect(after.customers).toBe(0);
    for (let c = 0; c < 4; c += 1) expect(read(model, purchase(`c${c}`, start + day)).since_first_log).toBeNaN();
    // The rest hangs on three devices, nine cards and four addresses: 16 counterparts and 37 cells of each at most.
    expect(after.cells).toBeLessThanOrEqual(16 * 37);
    expect(empty).toMatchObject({ customers: 0, cells: 0, entries: 0, sketches: 0 });
  });

  it('a late event goes to its own bucket, and a late question is answered as of what is known', () => {
    const model = createRiskFeatures(settings);
    observe(model, [purchase('ann', start + 10 * day), purchase('ann', start + 10 * day - 3600_000), purchase('ann', start - 40 * day)]);
    const f = read(model, purchase('ann', start));
    expect(f).toMatchObject({ customer_purchases_1min: 1, customer_purchases_1h: 1, customer_purchases_24h: 2, customer_purchases_30d: 2, orders: 3, since_order_log: 0 });
  });

  it('cells stay few however many events an entity has', () => {
    const model = createRiskFeatures(settings);
    for (let i = 0; i < 50_000; i += 1) model.observe(purchase('ann', start + i * 7777, { order: `o${i}` }), start + i * 7777);
    expect(model.stats().cells).toBeLessThanOrEqual(37 + 8);
    const f = read(model, purchase('ann', start + 50_000 * 7777));
    expect(f.orders).toBe(50_000);
    expect(f.customer_amount_log_24h).toBeCloseTo(Math.log1p(1000 * f.customer_purchases_24h), 9);
  });

  it('counts beyond sixteen are estimated, each window by itself, and the sketch goes after 30 quiet days', () => {
    const model = createRiskFeatures(settings);
    for (const [n, atMs] of [[2000, start], [300, start + 3 * day]] as const) {
      for (let i = 0; i < n; i += 1) model.observe(purchase(`${n}-${i}`, atMs, { device: 'shared' }), atMs);
    }
    const f = read(model, purchase('ann', start + 3 * day, { device: 'shared' }));
    expect(Math.abs(f.device_customers_24h / 300 - 1)).toBeLessThan(0.4); // three standard errors
    expect(Math.abs(f.device_customers_7d / 2300 - 1)).toBeLessThan(0.4);
    expect(f.device_purchases_7d).toBe(2300);
    expect(model.stats().sketches).toBe(1);
    model.observe(purchase('ann', start + 60 * day, { device: 'shared' }), start + 60 * day);
    expect(model.stats().sketches).toBe(0);
    expect(read(model, purchase('ann', start + 60 * day, { device: 'shared' })).device_customers_30d).toBe(1);
  });

  it('where all sketches are taken a set stays at its latest sixteen', () => {
    const model = createRiskFeatures({ ...settings, sketches: 0 });
    for (let i = 0; i < 100; i += 1) model.observe(purchase(`c${i}`, start + i * 60_000, { device: 'shared' }), start + i * 60_000);
    const f = read(model, purchase('ann', start + 100 * 60_000, { device: 'shared' }));
    expect(f).toMatchObject({ device_customers_30d: 16, device_purchases_30d: 100 });
  });

  it.each([NaN, Infinity, -Infinity, -1, 0.5, 1e300])('an amount of %d counts and enters no sum', (amountMinor) => {
    const model = createRiskFeatures(settings);
    observe(model, [purchase('ann', start), purchase('ann', start, { amountMinor, lines: [line('kettle', amountMinor)] }), refund('ann', start, { amountMinor })]);
    const f = read(model, purchase('ann', start));
    expect(f).toMatchObject({ orders: 2, refund_rate: 0.5, refunded_share: 0, amount_over_mean: 1, customer_purchases_1min: 2, price_over_usual: 0 });
    expect(f.customer_amount_log_1min).toBe(Math.log1p(1000));
    expect(read(model, purchase('ann', start, { amountMinor })).amount_log).toBeNaN();
  });

  it('a setting out of bounds is named', () => {
    expect(() => createRiskFeatures({ ...settings, cards: 0 })).toThrow('risk features: cards must be a whole number from 1');
    expect(() => createRiskFeatures({ ...settings, sketches: NaN })).toThrow('sketches');
  });
});
