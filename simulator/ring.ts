/**
 * A refund ring: a handful of accounts on one device and one address, that buy dear things, report them as not
 * received within the hour, and keep them.
 */
import type { Product } from './catalogue.js';
import { judge, openTicket, purchaseOf, sendBack } from './orders.js';
import type { Shop } from './shop.js';

const minuteMs = 60_000;
const ordersOfAMember = 4;

/** Plans all of the ring's orders over the last nine tenths of the time, once it has watched the shop for a while. */
export function planRing(shop: Shop, startMs: number, endMs: number): void {
  const { random, customers } = shop;
  const span = endMs - startMs;
  const dear = dearest(shop.catalogue.products, 20);
  for (const member of customers.ring) {
    for (let k = 0; k < ordersOfAMember; k++) {
      const atMs = Math.round(startMs + span * (0.1 + 0.8 * random.uniform()));
      strike(shop, member, random.pick(dear), atMs);
    }
  }
}

function strike(shop: Shop, member: number, product: Product, atMs: number): void {
  const { random } = shop;
  const shopper = shop.customers.shopper(member);
  const session = shop.nextId('s');
  const click = { v: 1, type: 'click', customer: shopper.customer, item: product.item, session } as const;
  shop.plan({ ...click, id: shop.nextId('e'), atMs, action: 'view' });
  shop.plan({ ...click, id: shop.nextId('e'), atMs: atMs + 8_000, action: 'cart' });
  const purchase = purchaseOf(shop, { shopper, products: [product], session, atMs: atMs + 20_000 }, undefined);
  shop.plan(purchase, { kind: 'ring_order', order: purchase.order });
  const delayMs = (5 + random.below(40)) * minuteMs;
  const refund = sendBack(shop, purchase, { delayMs, reason: 'not received', whole: true, ring: true });
  if (random.chance(0.5)) {
    const matter = { shopper, product, amountMinor: purchase.amountMinor, order: purchase.order };
    openTicket(shop, matter, 'refund_status', purchase.atMs + delayMs / 2);
  }
  judge(shop, purchase, 'purchase', 'chargeback');
  judge(shop, refund, 'refund', 'abuse');
}

function dearest(products: readonly Product[], count: number): Product[] {
  return [...products].sort((a, b) => b.unitMinor - a.unitMinor || (a.item < b.item ? -1 : 1)).slice(0, count);
}
