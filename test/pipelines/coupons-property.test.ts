/** Whatever happens in a shop: as the naive one decides, never beyond cap and budget, none at high risk, the same after a restart. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CouponDecision } from '../../pipelines/coupons/decision.js';
import type { CouponSettings } from '../../pipelines/coupons/settings.js';
import type { Event } from '../../schemas/events.js';
import { buy, cart, couponShop, day, forget, hour, judge, resolve, sendBack, settings, start, view, write } from '../support/coupons.js';
import { naiveCoupons } from '../support/coupons-naive.js';

// Few customers, as eight looks an event are then enough for all that is due: the naive one looks at everything.
const customers = ['c1', 'c2', 'c3', 'c4'];
const tight: CouponSettings = {
  ...settings, budgetMinor: 1500, cap: 3, capMs: 15 * day, coolDownMs: 2 * day, cartMs: 24 * hour, fadingFactor: 2, fadingMsMin: 5 * day, fadingMsMax: 60 * day, freshMs: 30 * hour,
};
const riskMs = 15 * day;

const happening = fc.record({
  what: fc.constantFrom('cart', 'cart', 'uncart', 'buy', 'buy', 'buy', 'view', 'view', 'ticket', 'resolve', 'resolve', 'question', 'refund', 'chargeback', 'genuine', 'forget'),
  customer: fc.constantFrom(...customers),
  number: fc.integer({ min: 0, max: 2 }),
  // Mostly hours, now and then days of silence; never twice the same moment.
  gapMs: fc.oneof(fc.integer({ min: 1, max: 8 * hour }), fc.integer({ min: 1, max: 8 * hour }), fc.integer({ min: day, max: 9 * day })),
});

function eventsOf(happenings: { what: string; customer: string; number: number; gapMs: number }[]): Event[] {
  let atMs = start;
  return happenings.map(({ what, customer, number, gapMs }, n) => {
    atMs += gapMs;
    const order = `o${number}`;
    switch (what) {
      case 'cart': return cart(customer, atMs);
      case 'uncart': return cart(customer, atMs, 'uncart');
      case 'buy': return buy(customer, atMs, order);
      case 'ticket': return write(customer, atMs, `T${number}`);
      case 'resolve': return resolve(customer, atMs, `T${number}`);
      case 'question': return resolve(customer, atMs, `T${number}`, 'product_question');
      case 'refund': return sendBack(customer, atMs, order);
      case 'chargeback': return judge(customer, atMs, order, n % 2 === 0 ? 'chargeback' : 'abuse');
      case 'genuine': return judge(customer, atMs, order, 'genuine');
      case 'forget': return n % 4 === 0 ? forget(customer, atMs) : view(atMs);
      default: return view(atMs);
    }
  });
}

const histories = fc.array(happening, { minLength: 40, maxLength: 150, size: 'max' }).map(eventsOf);
const seen = { granted: 0, risk: 0, cap: 0, budget: 0, resolved_complaint: 0, abandoned_cart: 0, fading_customer: 0 };

describe('any history', () => {
  it('is decided as by the naive one', () => {
    fc.assert(fc.property(histories, (events) => {
      const shop = couponShop(tight, riskMs);
      const naive = naiveCoupons(tight, riskMs);
      for (const event of events) {
        shop.give(event);
        naive.fold(event);
      }
      for (const { reason, withheld } of shop.decisions) {
        seen[reason] += 1;
        seen[withheld ?? 'granted'] += 1;
      }
      expect(shop.decisions.map(({ customer, reason, atMs, withheld }) => ({ customer, reason, atMs, withheld }))).toEqual(naive.decisions);
    }), { numRuns: 1000, seed: 20_261 });
    // Every branch was taken, many times.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(50);
  });

  it('keeps to the cap, the pause and the budget of the day', () => {
    fc.assert(fc.property(histories, (events) => {
      const kept = events.filter((event) => event.type !== 'control'); // who is forgotten is a new customer
      const granted = couponShop(tight, riskMs).give(...kept).filter((d) => d.code !== undefined);
      for (const customer of customers) checkCap(granted.filter((d) => d.customer === customer));
      const spent = new Map<number, number>();
      for (const { atMs, amountMinor } of granted) spent.set(Math.floor(atMs / day), (spent.get(Math.floor(atMs / day)) ?? 0) + amountMinor);
      for (const sum of spent.values()) expect(sum).toBeLessThanOrEqual(tight.budgetMinor);
      expect(new Set(granted.map((d) => d.code)).size).toBe(granted.length);
    }), { numRuns: 500, seed: 20_262 });
  });

  it('is the same when it is restored anywhere in the middle', () => {
    fc.assert(fc.property(histories, fc.double({ min: 0, max: 1, noNaN: true }), (events, where) => {
      const [whole, parts] = [couponShop({ ...tight, customers: 3 }, riskMs), couponShop({ ...tight, customers: 3 }, riskMs)];
      const middle = Math.floor(where * events.length);
      whole.give(...events);
      parts.give(...events.slice(0, middle));
      parts.restart();
      parts.give(...events.slice(middle));
      expect(parts.hash()).toBe(whole.hash());
      expect(parts.decisions).toEqual(whole.decisions);
    }), { numRuns: 300, seed: 20_263 });
  });
});

function checkCap(granted: CouponDecision[]): void {
  granted.forEach(({ atMs }, n) => {
    if (n > 0) expect(atMs - granted[n - 1].atMs).toBeGreaterThanOrEqual(tight.coolDownMs);
    if (n >= tight.cap) expect(atMs - granted[n - tight.cap].atMs).toBeGreaterThanOrEqual(tight.capMs);
  });
}
