/**
 * The coupon step by the book, for the fast one to be held to: whole histories in objects, every customer looked at again
 * for each event. Events come in order of time, received when they happened.
 */
import type { CouponSettings } from '../../pipelines/coupons/settings.js';
import type { Event } from '../../schemas/events.js';

const day = 86_400_000;
const minute = 60_000;

interface Known {
  cart: { items: number; touchedMs: number };
  /** all orders, and those that begin an occasion */
  orders: number[];
  occasions: number[];
  faded: boolean;
  tickets: { ticket: string; atMs: number }[];
  grants: number[];
  risk: { high: boolean; atMs: number; ref: string };
  orderIds: string[];
  boughtMinor: number;
  refundedMinor: number;
}

export interface NaiveDecision {
  customer: string;
  reason: string;
  atMs: number;
  withheld: string | undefined;
}

export function naiveCoupons(settings: CouponSettings, riskMs: number) {
  const known = new Map<string, Known>();
  const spent = new Map<number, number>();
  const decisions: NaiveDecision[] = [];
  let nowMs = 0;
  const of = (customer: string): Known => {
    const found = known.get(customer) ?? {
      cart: { items: 0, touchedMs: 0 }, orders: [], occasions: [], faded: false, tickets: [], grants: [],
      risk: { high: false, atMs: 0, ref: '' }, orderIds: [], boughtMinor: 0, refundedMinor: 0,
    };
    known.set(customer, found);
    return found;
  };

  function objection(customer: string, costMinor: number): string | undefined {
    const { risk, grants, orderIds, boughtMinor, refundedMinor } = of(customer);
    if (risk.high && nowMs - risk.atMs <= riskMs) return 'risk';
    const orders = orderIds.filter((id, n) => id !== orderIds[n - 1]).length;
    if (orders >= settings.refundOrdersMin && refundedMinor / boughtMinor > settings.refundShareMax) return 'risk';
    // In whole seconds, as they are kept.
    const ages = grants.map((atMs) => Math.floor(nowMs / 1000) - Math.ceil(atMs / 1000));
    if (ages.filter((age) => age < settings.capMs / 1000).length >= settings.cap || ages.some((age) => age < settings.coolDownMs / 1000)) return 'cap';
    return (spent.get(Math.floor(nowMs / day)) ?? 0) + costMinor > settings.budgetMinor ? 'budget' : undefined;
  }

  function decide(customer: string, reason: 'resolved_complaint' | 'abandoned_cart' | 'fading_customer', dueMs: number): void {
    const rule = settings.rules[reason];
    if (rule === undefined || nowMs - dueMs > settings.freshMs) return;
    const costMinor = 'percent' in rule ? rule.maxMinor : rule.amountMinor;
    const withheld = objection(customer, costMinor);
    if (withheld === undefined) {
      const today = Math.floor(nowMs / day);
      spent.set(today, (spent.get(today) ?? 0) + costMinor);
      of(customer).grants.push(nowMs);
    }
    decisions.push({ customer, reason, atMs: nowMs, withheld });
  }

  function apply(event: Event): void {
    const { customer } = event;
    if (event.type === 'control') return void known.delete(customer);
    const one = of(customer);
    if (event.type === 'click' && event.action === 'cart') one.cart = { items: one.cart.items + 1, touchedMs: nowMs };
    if (event.type === 'click' && event.action === 'uncart' && one.cart.items > 0) one.cart = { items: one.cart.items - 1, touchedMs: nowMs };
    if (event.type === 'purchase') {
      one.cart.items = 0;
      one.orders.push(nowMs);
      if (one.occasions.length === 0 || nowMs - one.occasions[one.occasions.length - 1] >= day) one.occasions.push(nowMs);
      one.faded = false;
      one.orderIds.push(event.order);
      one.boughtMinor += event.amountMinor;
    }
    if (event.type === 'refund') one.refundedMinor += event.amountMinor;
    if (event.type === 'ticket' && !one.tickets.some(({ ticket }) => ticket === event.ticket)) one.tickets = [...one.tickets, { ticket: event.ticket, atMs: nowMs }].slice(-2);
    if (event.type === 'label' && event.of !== 'ticket') {
      if (event.verdict !== 'genuine') one.risk = { high: true, atMs: nowMs, ref: event.ref };
      else if (event.ref === one.risk.ref) one.risk.high = false;
    }
    if (event.type === 'label' && event.of === 'ticket' && event.answer !== undefined) {
      const open = one.tickets.some(({ ticket }) => ticket === event.ref);
      one.tickets = one.tickets.filter(({ ticket }) => ticket !== event.ref);
      if (open && settings.complaints.has(event.verdict)) decide(customer, 'resolved_complaint', nowMs);
    }
  }

  function fadingMs({ orders, occasions, faded }: Known): number {
    if (faded) return Infinity;
    const intervals = occasions.slice(1).map((atMs, n) => Math.round((atMs - occasions[n]) / minute)).slice(-5).sort((a, b) => a - b);
    if (intervals.length < 2) return Infinity;
    const half = intervals.length / 2;
    const median = intervals.length % 2 === 1 ? intervals[Math.floor(half)] : (intervals[half - 1] + intervals[half]) / 2;
    const silenceMs = settings.fadingFactor * median * minute;
    return silenceMs > settings.fadingMsMax ? Infinity : orders[orders.length - 1] + Math.max(silenceMs, settings.fadingMsMin);
  }

  return {
    decisions,
    fold(event: Event): void {
      nowMs = event.atMs;
      apply(event);
      const due = [...known].flatMap(([customer, one]) => [
        { customer, reason: 'abandoned_cart' as const, dueMs: one.cart.items > 0 ? one.cart.touchedMs + settings.cartMs : Infinity },
        { customer, reason: 'fading_customer' as const, dueMs: fadingMs(one) },
      ]);
      for (const { customer, reason, dueMs } of due.filter((d) => d.dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs)) {
        if (reason === 'abandoned_cart') of(customer).cart.items = 0;
        else of(customer).faded = true;
        decide(customer, reason, dueMs);
      }
    },
  };
}
