/**
 * A shop's day, or its year, from a seed: events in order of time, one at a time, and the truth that was planted in them.
 * Memory holds the sessions that are under way and what follows them, whatever the number of events.
 */
import type { Event } from '../schemas/events.js';
import { settingsOf, type SimulatorOptions } from './options.js';
import { planRing } from './ring.js';
import { sessionStarts } from './rhythm.js';
import { eventsOfASession, playSession } from './sessions.js';
import { openShop, type Shop } from './shop.js';
import { writeDown, type Truth } from './truth.js';

export type { SimulatorOptions } from './options.js';
export type { Truth, TicketTruth } from './truth.js';

const hourMs = 3_600_000;

export interface Simulator {
  /** in order of time; to be consumed once */
  events(): Generator<Event>;
  /** about what has been yielded so far */
  truth(): Truth;
}

export function simulateDay(options: SimulatorOptions): Generator<Event> {
  return createSimulator(options).events();
}

export function createSimulator(options: SimulatorOptions): Simulator {
  const shop = openShop(settingsOf(options));
  const truth: Truth = {
    groups: shop.catalogue.groups.map((shelf) => shelf.map((product) => product.item)),
    tastes: [],
    ring: {
      customers: shop.customers.ring.map((member) => shop.customers.shopper(member).customer),
      device: shop.customers.ringDevice,
      address: shop.customers.ringAddress,
      orders: [],
      refunds: [],
    },
    stolenOrders: [],
    tickets: [],
    forgotten: [],
    duplicates: [],
  };
  return {
    events: () => play(shop, truth),
    truth: () => ({ ...truth, tastes: Array.from({ length: shop.settings.customers }, (_, index) => tasteOf(shop, index)) }),
  };
}

function* play(shop: Shop, truth: Truth): Generator<Event> {
  const { settings, random } = shop;
  const { startMs } = settings;
  const endMs = startMs + settings.hours * hourMs;
  planRing(shop, startMs, endMs);
  planForgets(shop, startMs, endMs);
  for (const atMs of sessionStarts(random, startMs, endMs, settings.events / eventsOfASession)) {
    yield* due(shop, truth, atMs);
    playSession(shop, drawShopper(shop), atMs);
  }
  yield* due(shop, truth, endMs); // what would happen after the end does not happen, and is no truth either
}

function* due(shop: Shop, truth: Truth, atMs: number): Generator<Event> {
  for (let next = shop.queue.popBefore(atMs); next !== undefined; next = shop.queue.popBefore(atMs)) {
    if (next.planted !== undefined) writeDown(truth, next.planted);
    yield next.event;
    if (shop.settings.duplicateShare > 0 && shop.random.chance(shop.settings.duplicateShare)) {
      truth.duplicates.push(next.event.id);
      yield next.event;
    }
  }
}

/** Some customers come far more often than others: half of the visits are made by a quarter of the customers. */
function drawShopper({ random, customers, settings }: Shop): ReturnType<Shop['customers']['shopper']> {
  return customers.shopper(Math.floor(settings.customers * random.skewed()));
}

function planForgets(shop: Shop, startMs: number, endMs: number): void {
  const { random, settings, customers } = shop;
  for (let k = 0; k < settings.forgets; k++) {
    const shopper = customers.shopper(random.below(settings.customers));
    if (shopper.inRing) continue; // a ring that erases its traces is another story
    const atMs = Math.round(startMs + (endMs - startMs) * (0.6 + 0.3 * random.uniform()));
    shop.plan({ v: 1, type: 'control', id: shop.nextId('e'), customer: shopper.customer, atMs, command: 'forget' }, { kind: 'forget', customer: shopper.customer });
  }
}

function tasteOf(shop: Shop, index: number): Truth['tastes'][number] {
  const { customer, favourite, second } = shop.customers.shopper(index);
  return { customer, favourite, second };
}
