/** What follows a cart: the purchase, and after it perhaps a refund, a ticket, and the verdicts. */
import type { Purchase, Refund } from '../schemas/events.js';
import type { Product } from './catalogue.js';
import { fingerprint, type Shopper } from './customers.js';
import { mix } from './random.js';
import type { Shop } from './shop.js';
import { drawIntent, writeTicket, type Intent, type Matter } from './tickets.js';

const minuteMs = 60_000;
const hourMs = 3_600_000;

const refundShare = 0.07;
const ticketShare = 0.2;
const couponShare = 0.06;
/** Most orders are never judged: no verdict means genuine, once enough time has passed. */
const genuineLabelShare = 0.2;
const ticketLabelShare = 0.8;
const refundReasons = ['damaged', 'wrong size', 'changed my mind', 'arrived late', 'not as described'];
const coupons = ['WELCOME10', 'SORRY10', 'SPRING10'];

export interface Order {
  shopper: Shopper;
  products: Product[];
  session: string;
  atMs: number;
}

/** An honest order, or one that somebody else pays with this customer's stolen card. */
export function placeOrder(shop: Shop, order: Order): void {
  const { random, settings } = shop;
  const stolen = random.chance(settings.stolenShare);
  const purchase = purchaseOf(shop, order, random.chance(couponShare) ? random.pick(coupons) : undefined);
  if (stolen) {
    disguise(shop, purchase);
    shop.plan(purchase, { kind: 'stolen_order', order: purchase.order });
    judge(shop, purchase, 'purchase', 'chargeback');
    return;
  }
  shop.plan(purchase);
  if (random.chance(genuineLabelShare)) judge(shop, purchase, 'purchase', 'genuine');
  if (random.chance(refundShare)) {
    const refund = sendBack(shop, purchase, { delayMs: random.exponential(settings.refundDelayHours * hourMs), reason: random.pick(refundReasons), whole: random.chance(0.5) });
    if (random.chance(genuineLabelShare)) judge(shop, refund, 'refund', 'genuine');
  }
  if (random.chance(ticketShare)) {
    const matter = { shopper: order.shopper, product: order.products[0], amountMinor: purchase.amountMinor, order: purchase.order };
    openTicket(shop, matter, drawIntent(random, 'order'), purchase.atMs + minuteMs + random.exponential(2 * hourMs));
  }
}

export function purchaseOf(shop: Shop, { shopper, products, session, atMs }: Order, coupon: string | undefined): Purchase {
  const { random } = shop;
  const lines = products.map((product) => ({
    item: product.item,
    quantity: random.chance(0.85) ? 1 : 2 + random.below(2),
    unitMinor: priceIn(shopper.currency, product),
  }));
  const total = lines.reduce((sum, line) => sum + line.quantity * line.unitMinor, 0);
  const payment = random.pick(['card', 'card', 'card', 'wallet', 'wallet', 'invoice'] as const);
  return {
    v: 1,
    type: 'purchase',
    id: shop.nextId('e'),
    customer: shopper.customer,
    atMs,
    order: shop.nextId('SO'),
    lines,
    amountMinor: coupon === undefined ? total : total - Math.round(total / 10),
    currency: shopper.currency,
    session,
    payment,
    ...(payment === 'card' ? { card: shopper.card } : {}),
    device: shopper.device,
    address: shopper.address,
    shippingCountry: shopper.country,
    billingCountry: shopper.country,
    ...(coupon === undefined ? {} : { coupon }),
  };
}

/** The same product costs the same in both currencies, at a fixed rate, rounded to a price that a shop would print. */
const priceIn = (currency: 'EUR' | 'CNY', product: Product): number =>
  currency === 'EUR' ? product.unitMinor : Math.round((product.unitMinor * 7.8) / 100) * 100;

function disguise(shop: Shop, purchase: Purchase): void {
  const { random } = shop;
  purchase.payment = 'card';
  purchase.card ??= fingerprint('k', mix(random.below(2 ** 31), 7));
  purchase.device = fingerprint('d', mix(random.below(2 ** 31), 8));
  purchase.address = fingerprint('a', mix(random.below(2 ** 31), 9));
  purchase.shippingCountry = random.pick(['US', 'BR', 'NG', 'RO']);
  for (const line of purchase.lines) line.quantity += 1 + random.below(3);
  purchase.amountMinor = purchase.lines.reduce((sum, line) => sum + line.quantity * line.unitMinor, 0);
}

export function sendBack(shop: Shop, purchase: Purchase, how: { delayMs: number; reason: string; whole: boolean; ring?: boolean }): Refund {
  const lines = how.whole ? purchase.lines : purchase.lines.slice(0, 1);
  const gross = lines.reduce((sum, line) => sum + line.quantity * line.unitMinor, 0);
  const refund: Refund = {
    v: 1,
    type: 'refund',
    id: shop.nextId('e'),
    customer: purchase.customer,
    atMs: purchase.atMs + minuteMs + Math.round(how.delayMs),
    order: purchase.order,
    lines: structuredClone(lines),
    amountMinor: Math.min(gross, purchase.amountMinor), // a coupon is not paid back
    currency: purchase.currency,
    reason: how.reason,
    ...(purchase.device === undefined ? {} : { device: purchase.device }),
  };
  shop.plan(refund, how.ring === true ? { kind: 'ring_refund', id: refund.id } : undefined);
  return refund;
}

/** The truth about money, long after the fact. */
export function judge(shop: Shop, about: Purchase | Refund, of: 'purchase' | 'refund', verdict: 'genuine' | 'chargeback' | 'abuse'): void {
  const atMs = about.atMs + hourMs + Math.round(shop.random.exponential(shop.settings.labelDelayHours * hourMs));
  shop.plan({ v: 1, type: 'label', id: shop.nextId('e'), customer: about.customer, atMs, of, ref: about.order, verdict });
}

export function openTicket(shop: Shop, matter: Matter, intent: Intent, atMs: number): void {
  const { random } = shop;
  const ticket = shop.nextId('T');
  const written = writeTicket(random, matter, intent, { event: shop.nextId('e'), ticket, atMs: Math.round(atMs) });
  shop.plan(written.event, { kind: 'ticket', truth: written.truth });
  if (!random.chance(ticketLabelShare)) return;
  const closedMs = Math.round(atMs + 10 * minuteMs + random.exponential(90 * minuteMs));
  shop.plan({
    v: 1, type: 'label', id: shop.nextId('e'), customer: matter.shopper.customer, atMs: closedMs,
    of: 'ticket', ref: ticket, verdict: intent, answer: written.answer, entities: written.truth.entities.filter(({ value }) => value !== '').map(({ kind, value }) => ({ kind, text: value })),
  });
}
