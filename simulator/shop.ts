/** What the parts of the simulator share: settings, chance, the catalogue, the customers, and what is yet to happen. */
import type { Event } from '../schemas/events.js';
import { createCatalogue, type Catalogue, type Product } from './catalogue.js';
import { createCustomers, type Customers } from './customers.js';
import type { Settings } from './options.js';
import { createQueue, type Queue } from './queue.js';
import { createRandom, type Random } from './random.js';
import type { Planted } from './truth.js';

export interface Shop {
  settings: Settings;
  random: Random;
  catalogue: Catalogue;
  customers: Customers;
  queue: Queue;
  /** ids are unique over days and seeds, so that two simulated days can be played into one stream */
  nextId(prefix: string): string;
  placeOf(product: Product): number;
  plan(event: Event, planted?: Planted): void;
}

const dayMs = 86_400_000;

export function openShop(settings: Settings): Shop {
  const catalogue = createCatalogue(settings.seed, settings.items);
  const queue = createQueue();
  const place = new Map(catalogue.groups.flatMap((shelf) => shelf.map((product, i): [Product, number] => [product, i])));
  const series = `${Math.floor(settings.startMs / dayMs)}${settings.seed >>> 0}`; // 20781 and 7 -> SO207817-1234
  let numbers = 0;
  return {
    settings,
    random: createRandom(settings.seed),
    catalogue,
    customers: createCustomers(settings, catalogue.groups.length),
    queue,
    nextId: (prefix) => `${prefix}${series}-${numbers++}`,
    placeOf: (product) => place.get(product) as number,
    plan: (event, planted) => queue.push(planted === undefined ? { event } : { event, planted }),
  };
}
