/** Months of orders with verdicts that come later, as a shop that already runs would have them. */
import { createRandom } from '../../simulator/random.js';
import type { Event } from '../../schemas/events.js';
import { buy, day, hour, judge } from '../support/risk.js';

export interface RiskHistory {
  events: Event[];
  frauds: ReadonlySet<string>;
}

/**
 * A tenth of the orders is fraud: large, by night, on devices that several customers share. All frauds get a verdict within three
 * days, of the genuine orders a third.
 * @param fromMs  of the first order; the last is `days` later
 */
export function riskHistory(options: { seed: number; fromMs: number; days: number; orders: number }): RiskHistory {
  const { seed, fromMs, days, orders } = options;
  const random = createRandom(seed);
  const frauds = new Set<string>();
  const events = Array.from({ length: orders }, (_, n): Event[] => {
    const fraud = random.chance(0.1);
    const atMs = fromMs + Math.floor((n * days * day) / orders);
    const loud = fraud === random.chance(0.85); // some frauds look like orders, and some orders like frauds
    const order = buy(loud ? `l${random.below(40)}` : `c${random.below(300)}`, atMs, {
      amountMinor: loud ? 15_000 + random.below(60_000) : 1000 + random.below(30_000),
      ...(loud && { device: `shared-${random.below(6)}`, shippingCountry: 'DE', billingCountry: random.chance(0.5) ? 'FR' : 'DE' }),
    });
    if (fraud) frauds.add(order.order);
    const told = fraud || random.chance(0.3);
    return told ? [order, judge(order.customer, atMs + hour + random.below(3 * day), order.order, fraud ? 'chargeback' : 'genuine')] : [order];
  }).flat();
  const lastMs = fromMs + days * day;
  return { events: events.filter(({ atMs }) => atMs <= lastMs).sort((a, b) => a.atMs - b.atMs), frauds };
}
