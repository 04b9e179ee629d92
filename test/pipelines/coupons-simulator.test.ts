/** A simulated shop's weeks through the whole fold: how many have a reason, and what becomes of it. */
import { describe, expect, it } from 'vitest';
import { loadKernel } from '../../models/recommend/load.js';
import type { CouponDecision } from '../../pipelines/coupons/decision.js';
import { foldSettings, foldStep } from '../../pipelines/fold.js';
import { readConfig } from '../../schemas/config.js';
import { positionOf } from '../../schemas/decode.js';
import type { Event } from '../../schemas/events.js';
import { createSimulator } from '../../simulator/simulator.js';

const day = 86_400_000;
const env = { AFTERCARE_COUPON_BUDGET_MINOR: '30000', AFTERCARE_COUPON_SECRET: 'of this test', AFTERCARE_CUSTOMERS_MAX: '5000', AFTERCARE_ITEMS_MAX: '5000', AFTERCARE_PAIRS_MAX: '1000000', AFTERCARE_MEMORY_MIB: '256' };
const startMs = Date.UTC(2026, 0, 1);

// About one visit a customer and ten days: rhythms that four months show.
const simulator = createSimulator({ seed: 7, customers: 2000, items: 300, startMs, hours: 120 * 24, events: 190_000 });
const events = [...simulator.events()];
const step = foldStep(foldSettings(readConfig(env)), loadKernel());

function run(restartAt?: number) {
  let state = step.empty();
  const decisions: CouponDecision[] = [];
  events.forEach((event, n) => {
    if (n === restartAt) state = step.restore(step.snapshot(state).map((chunk) => chunk.slice()));
    step.step(state, { event, receivedMs: event.atMs, shard: 0, position: positionOf(n + 1, 0) }, ({ table, value }) => { if (table === 'coupons') decisions.push(value as CouponDecision); });
  });
  return { decisions, hash: step.hash(state) };
}

describe('four simulated months', () => {
  const { decisions, hash } = run();
  const count = (of: (d: CouponDecision) => boolean): number => decisions.filter(of).length;

  it('has every reason, and every objection', () => {
    const table = Object.fromEntries(['resolved_complaint', 'abandoned_cart', 'fading_customer'].map((reason) => [reason, {
      granted: count((d) => d.reason === reason && d.withheld === undefined), risk: count((d) => d.reason === reason && d.withheld === 'risk'),
      cap: count((d) => d.reason === reason && d.withheld === 'cap'), budget: count((d) => d.reason === reason && d.withheld === 'budget'),
    }]));
    for (const row of Object.values(table)) expect(row.granted).toBeGreaterThan(20);
    for (const withheld of ['risk', 'cap', 'budget']) expect(count((d) => d.withheld === withheld), withheld).toBeGreaterThan(0);
  });

  it('answered complaints are all of them, by the truth that was planted', () => {
    const complaints = new Set(['damaged_item', 'delivery_status', 'payment_problem']);
    const planted = new Map(simulator.truth().tickets.map((ticket) => [ticket.ticket, ticket.intent]));
    const answered = events.filter((e): e is Extract<Event, { type: 'label' }> => e.type === 'label' && e.of === 'ticket' && complaints.has(planted.get(e.ref) ?? ''));
    const forgotten = new Set(simulator.truth().forgotten);
    const wanted = answered.filter((e) => !forgotten.has(e.customer)).length;
    const found = count((d) => d.reason === 'resolved_complaint' && !forgotten.has(d.customer));
    // A customer with three open tickets at once loses one: that is rare.
    expect(found).toBeLessThanOrEqual(wanted);
    expect(found).toBeGreaterThan(wanted * 0.98);
  });

  it('spends no more than the budget on any day, and gives nobody at risk anything', () => {
    const spent = new Map<number, number>();
    for (const d of decisions) if (d.withheld === undefined) spent.set(Math.floor(d.atMs / day), (spent.get(Math.floor(d.atMs / day)) ?? 0) + d.amountMinor);
    expect(Math.max(...spent.values())).toBeLessThanOrEqual(30_000);
    const highSince = new Map<string, number>();
    for (const e of events) if (e.type === 'label' && (e.verdict === 'chargeback' || e.verdict === 'abuse') && !highSince.has(e.customer)) highSince.set(e.customer, e.atMs);
    expect(highSince.size).toBeGreaterThan(5);
    for (const d of decisions) if (d.atMs >= (highSince.get(d.customer) ?? Infinity)) expect(d.withheld, d.customer).toBe('risk');
  });

  it('is the same when the fold is restored in the middle', () => {
    const again = run(Math.floor(events.length / 2));
    expect(again.hash).toBe(hash);
    expect(again.decisions).toEqual(decisions);
  });
});
