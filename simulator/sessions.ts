/** One visit: clicks that follow a taste, a cart, and what comes of it. */
import type { Click } from '../schemas/events.js';
import type { Product } from './catalogue.js';
import type { Shopper } from './customers.js';
import { openTicket, placeOrder } from './orders.js';
import type { Shop } from './shop.js';
import { drawIntent } from './tickets.js';

const viewsMean = 6;
const gapMeanMs = 35_000;
/** Share of views that go on beside the item before, as shelves and "similar items" make people do. */
const besideShare = 0.5;
const besideReach = 3;
const favouriteShare = 0.08;
const cartShare = 0.15;
const uncartShare = 0.1;
const checkoutShare = 0.5;
const questionShare = 0.05;

/** Events that one session makes in the mean, with all that follows it; measured over 100,000 sessions. */
export const eventsOfASession = 7.8;

export function playSession(shop: Shop, shopper: Shopper, startMs: number): void {
  const { random } = shop;
  const session = shop.nextId('s');
  const cart = new Set<Product>();
  let atMs = startMs;
  let product: Product | undefined;
  const click = (action: Click['action'], on: Product): void => {
    shop.plan({ v: 1, type: 'click', id: shop.nextId('e'), customer: shopper.customer, atMs, action, item: on.item, session });
    atMs += 1000 + Math.round(random.exponential(gapMeanMs));
  };
  const group = drawGroup(shop, shopper);
  do {
    product = nextProduct(shop, shopper, group, product);
    click('view', product);
    if (random.chance(favouriteShare)) click('favourite', product);
    if (random.chance(cartShare) && !cart.has(product)) {
      cart.add(product);
      click('cart', product);
    }
  } while (random.chance(1 - 1 / viewsMean));
  for (const carted of [...cart]) {
    if (!random.chance(uncartShare)) continue;
    cart.delete(carted);
    click('uncart', carted);
  }
  if (cart.size > 0 && random.chance(checkoutShare)) placeOrder(shop, { shopper, products: [...cart], session, atMs });
  else if (random.chance(questionShare)) {
    openTicket(shop, { shopper, product, amountMinor: product.unitMinor }, drawIntent(random, 'item'), atMs);
  }
}

/** Most visits are for the favourite group, some for the second, a few for anything. */
function drawGroup({ random, catalogue }: Shop, shopper: Shopper): number {
  const u = random.uniform();
  if (u < 0.6) return shopper.favourite;
  return u < 0.85 ? shopper.second : random.below(catalogue.groups.length);
}

function nextProduct(shop: Shop, shopper: Shopper, group: number, before: Product | undefined): Product {
  const { random, catalogue } = shop;
  if (before !== undefined && random.chance(besideShare)) {
    const shelf = catalogue.groups[before.group];
    const place = shop.placeOf(before) + 1 + random.below(besideReach);
    return shelf[place % shelf.length];
  }
  const shelf = catalogue.groups[random.chance(0.85) ? group : drawGroup(shop, shopper)];
  return shelf[Math.floor(shelf.length * random.skewed())]; // the first of a shelf are the popular ones
}
