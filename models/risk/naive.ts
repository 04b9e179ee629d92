/**
 * The risk features by their definitions: all events are read again for each question. The oracle for features.ts, and what
 * the benchmark compares with. It knows no limits: sets are exact whatever their size, nobody is evicted.
 */
import type { Event, Purchase, Refund } from '../../schemas/events.js';
import { DAY_MS, knownAmount, secondOf, SPREAD_MIN, type TicketSignals } from './extract.js';
import { ORDERS_MAX } from './orders.js';
import { featureNames, payments } from './vector.js';
import { buckets, grains, TICK_MS, windowNames } from './windows.js';

interface Seen {
  event: Event;
  atMs: number;
}
type Money = { event: Purchase | Refund; atMs: number };
type Named = 'customer' | 'device' | 'card' | 'address';

const nameOf = (event: Purchase | Refund, entity: Named): string | undefined =>
  event.type === 'refund' && (entity === 'card' || entity === 'address') ? undefined : (event as Purchase)[entity];
const amountOf = ({ event }: Money): number => {
  const amount = knownAmount(event.amountMinor);
  return Number.isNaN(amount) ? 0 : amount;
};
const sum = (xs: number[]): number => xs.reduce((total, x) => total + x, 0);
const mean = (xs: number[]): number => sum(xs) / xs.length;
const isMoney = (seen: Seen): seen is Money => seen.event.type === 'purchase' || seen.event.type === 'refund';

export interface NaiveFeatures {
  extract(event: Purchase | Refund, atMs: number, signals: TicketSignals): Record<string, number>;
  observe(event: Event, atMs: number): void;
}

export function createNaiveFeatures(complaintIntents: readonly string[]): NaiveFeatures {
  let all: Seen[] = [];
  return {
    observe(event, atMs) {
      if (event.type === 'control' && event.command === 'forget') all = all.filter((seen) => seen.event.customer !== event.customer);
      else all.push({ event, atMs });
    },
    extract(event, atMs, signals) {
      const f: Record<string, number> = Object.fromEntries(featureNames.map((name) => [name, NaN]));
      ofTheEvent(f, event, atMs);
      prices(f, event, all.filter(isMoney));
      history(f, event, atMs, all.filter((seen) => seen.event.customer === event.customer));
      for (const entity of ['customer', 'device', 'card', 'address'] as const) windows(f, entity, event, atMs, all.filter(isMoney));
      if (event.type === 'refund') ofTheOrder(f, event, atMs, all.filter(isMoney));
      const ticket = signals.ticketOf(event.customer);
      const recent = ticket !== undefined && ticket.ticketMs > 0 && atMs - ticket.ticketMs <= 30 * DAY_MS;
      f.ticket_complaint = !recent ? 0 : ticket.intent === undefined ? NaN : complaintIntents.includes(ticket.intent) ? 1 : 0;
      return f;
    },
  };
}

function ofTheEvent(f: Record<string, number>, event: Purchase | Refund, atMs: number): void {
  f.is_refund = event.type === 'refund' ? 1 : 0;
  f.amount_log = Math.log1p(knownAmount(event.amountMinor));
  f.lines = event.lines.length;
  f.quantity = sum(event.lines.map(({ quantity }) => quantity));
  const at = new Date(atMs);
  const hour = at.getUTCHours() + at.getUTCMinutes() / 60 + at.getUTCSeconds() / 3600 + at.getUTCMilliseconds() / 3_600_000;
  f.hour_sin = Math.sin((2 * Math.PI * hour) / 24);
  f.hour_cos = Math.cos((2 * Math.PI * hour) / 24);
  f.is_night = at.getUTCHours() < 6 ? 1 : 0;
  if (event.type === 'refund') return;
  f.coupon_used = event.coupon === undefined ? 0 : 1;
  const { payment, shippingCountry, billingCountry } = event;
  if (shippingCountry !== undefined && billingCountry !== undefined) f.country_differs = shippingCountry === billingCountry ? 0 : 1;
  if (payment !== undefined) for (const kind of payments) f[`payment_${kind}`] = kind === payment ? 1 : 0;
}

function prices(f: Record<string, number>, event: Purchase | Refund, all: Money[]): void {
  const paid = all.flatMap((seen) => (seen.event.type === 'purchase' ? seen.event.lines : []));
  const over = event.lines.flatMap(({ item, unitMinor }) => {
    const before = paid.filter((line) => line.item === item && !Number.isNaN(knownAmount(line.unitMinor))).map((line) => Math.log1p(line.unitMinor));
    return before.length === 0 || Number.isNaN(knownAmount(unitMinor)) ? [] : [Math.log1p(unitMinor) - mean(before)];
  });
  f.price_known_share = over.length / event.lines.length;
  if (over.length === 0) return;
  f.price_over_usual = mean(over);
  f.price_over_usual_max = Math.max(...over);
}

function history(f: Record<string, number>, event: Purchase | Refund, atMs: number, mine: Seen[]): void {
  const purchases = mine.filter((seen): seen is Money => seen.event.type === 'purchase');
  const refunds = mine.filter((seen): seen is Money => seen.event.type === 'refund');
  const sinceLast = (times: number[]): number => (times.length === 0 ? NaN : Math.log1p(Math.max(0, secondOf(atMs) - secondOf(Math.max(...times)))));
  // A label enters nobody: the customer counts as known from the first event of another kind, and the labels from there on.
  const entered = mine.findIndex((seen) => seen.event.type !== 'label');
  const since = entered < 0 ? [] : mine.slice(entered);
  const times = (type: string): number[] => mine.filter((seen) => seen.event.type === type).map((seen) => seen.atMs);
  const others = mine.filter((seen) => seen.event.type !== 'label');
  if (others.length > 0) f.since_first_log = Math.log1p(Math.max(0, secondOf(atMs) - secondOf(Math.min(...others.map((seen) => seen.atMs)))));
  f.since_order_log = sinceLast(times('purchase'));
  f.since_refund_log = sinceLast(times('refund'));
  f.since_ticket_log = sinceLast(times('ticket'));
  f.since_click_log = sinceLast(times('click'));
  f.since_bad_verdict_log = sinceLast(since.filter((seen) => seen.event.type === 'label' && seen.event.of !== 'ticket' && ['chargeback', 'abuse'].includes(seen.event.verdict)).map((seen) => seen.atMs));
  f.orders = purchases.length;
  if (purchases.length > 0) f.refund_rate = refunds.length / purchases.length;
  const bought = sum(purchases.map(amountOf));
  if (bought === 0) return;
  f.refunded_share = sum(refunds.map(amountOf)) / bought;
  const amounts = purchases.map((seen) => knownAmount(seen.event.amountMinor)).filter((amount) => !Number.isNaN(amount));
  const amount = knownAmount(event.amountMinor);
  f.amount_over_mean = amount / mean(amounts);
  f.amount_over_max = amount / Math.max(...amounts);
  if (amounts.length < 2) return;
  const logs = amounts.map((x) => Math.log1p(x));
  const spread = Math.sqrt(mean(logs.map((x) => (x - mean(logs)) ** 2)));
  f.amount_z = (Math.log1p(amount) - mean(logs)) / Math.max(SPREAD_MIN, spread);
}

/** Of each entity that the event names, all windows; and whether the customer has met it in 30 days. */
function windows(f: Record<string, number>, entity: Named, event: Purchase | Refund, atMs: number, all: Money[]): void {
  const name = nameOf(event, entity);
  if (name === undefined) return;
  const its = all.filter((seen) => nameOf(seen.event, entity) === name);
  const within = (seen: Money, k: number, of: Money[]): boolean => {
    const now = Math.floor(Math.max(atMs, ...of.map((other) => other.atMs)) / TICK_MS);
    return Math.floor(now / grains[k]) - Math.floor(Math.floor(seen.atMs / TICK_MS) / grains[k]) < buckets[k];
  };
  windowNames.forEach((window, k) => {
    const put = (family: string, value: number): void => { if (`${entity}_${family}_${window}` in f) f[`${entity}_${family}_${window}`] = value; };
    const recent = its.filter((seen) => within(seen, k, its));
    const distinct = (of: Named): number => new Set(recent.map((seen) => nameOf(seen.event, of)).filter((other) => other !== undefined)).size;
    const [purchases, refunds] = [recent.filter((seen) => seen.event.type === 'purchase'), recent.filter((seen) => seen.event.type === 'refund')];
    put('purchases', purchases.length);
    put('amount_log', Math.log1p(sum(purchases.map(amountOf))));
    put('refunds', refunds.length);
    put('refunded_log', Math.log1p(sum(refunds.map(amountOf))));
    put('cards', distinct('card'));
    put('devices', distinct('device'));
    put('addresses', distinct('address'));
    put('customers', distinct('customer'));
  });
  if (entity === 'customer') return;
  f[`${entity}_purchases_ever`] = its.filter((seen) => seen.event.type === 'purchase').length;
  const tick = (ms: number): number => Math.floor(ms / TICK_MS);
  if (its.length > 0) f[`${entity}_since_log`] = Math.log1p((Math.max(0, tick(atMs) - tick(Math.max(...its.map((seen) => seen.atMs)))) * TICK_MS) / 1000);
  const mine = all.filter((seen) => seen.event.customer === event.customer);
  f[`${entity}_is_new`] = mine.some((seen) => nameOf(seen.event, entity) === name && within(seen, 5, mine)) ? 0 : 1;
}

function ofTheOrder(f: Record<string, number>, event: Refund, atMs: number, all: Money[]): void {
  let orders: { order: string; atMs: number; bought: number; refunded: number }[] = [];
  for (const seen of all.filter(({ event: { customer } }) => customer === event.customer)) {
    const of = orders.find(({ order }) => order === seen.event.order);
    if (seen.event.type === 'refund') {
      if (of !== undefined) of.refunded += amountOf(seen);
    } else if (of !== undefined) of.bought += amountOf(seen);
    else orders = [{ order: seen.event.order, atMs: seen.atMs, bought: amountOf(seen), refunded: 0 }, ...orders].slice(0, ORDERS_MAX);
  }
  const its = orders.find(({ order }) => order === event.order);
  if (its === undefined) return;
  f.order_age_log = Math.log1p((Math.max(0, Math.floor(atMs / TICK_MS) - Math.floor(its.atMs / TICK_MS)) * TICK_MS) / 1000);
  if (its.bought === 0) return;
  f.order_refunded_before = its.refunded / its.bought;
  f.order_refunded_with = (its.refunded + knownAmount(event.amountMinor)) / its.bought;
}
