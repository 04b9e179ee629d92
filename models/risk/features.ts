/**
 * The features of purchases and refunds, kept in the stream: windows by customer, device, card and address, a customer's own
 * history, the items' usual prices. `naive.ts` says the same by reading all events again, and a test compares the two.
 *
 * What arrives has passed the schemas: amounts and prices are whole numbers of 0 to 10^12 minor units, so a negative, fractional,
 * infinite or absurd one is a reject and never gets here. A caller without schemas is held to the same: such an amount
 * counts as missing, the event still counts, and no sum or mean is touched. Sums of amounts in different currencies are
 * sums of minor units: a customer mostly pays in one.
 *
 * A feature is NaN where it is missing: the event lacks the field, or there is no history to compare with. An entity that the
 * event names and that was never seen has counts of 0.
 *
 * To forget a customer drops the record and all that hangs on it. What it added to the sums of devices, cards and addresses
 * is no longer anybody's, and leaves the windows within 30 days.
 */
import type { Event, Label, Purchase, Refund, Ticket } from '../../schemas/events.js';
import { drop, keyInto, meet, type Key } from './distinct.js';
import { createExtract, knownAmount, type TicketSignals } from './extract.js';
import { addOrder, refundOrder } from './orders.js';
import { MASK, SHIFT, type Pages } from './pages.js';
import type { RiskFeatureSettings } from './settings.js';
import * as S from './state.js';
import { addToWindows, createSince, sinceOf, tickOf, WINDOWS } from './windows.js';

export type { TicketSignals } from './extract.js';
export { featureNames, riskFeatures } from './vector.js';
export { defaultRiskFeatureSettings, type RiskFeatureSettings } from './settings.js';

export interface RiskFeatures {
  /**
   * The features of a purchase or refund as of just before it. Never writes.
   * @param atMs  the event's time, no later than it was received
   * @param out   `featureNames.length` numbers, overwritten; NaN where missing
   */
  extract(event: Purchase | Refund, atMs: number, signals: TicketSignals, out: Float64Array): void;
  /** Folds any event; a promotion says nothing. @param atMs  as above */
  observe(event: Event, atMs: number): void;
  forget(customer: string): void;
  /** `sketches` are sets too large to be exact; `cells` and `entries` are what the windows and sets hold. */
  stats(): Record<S.Kind, number> & { cells: number; entries: number; sketches: number; evicted: number };
  /** Deterministic: the same events give the same bytes. */
  snapshot(): Uint8Array[];
  hash(): string;
}

/**
 * @param chunks  a snapshot made with the same settings
 * @throws RangeError when a setting is out of bounds, or the chunks are not a whole snapshot of this version made with these settings
 */
export function createRiskFeatures(settings: RiskFeatureSettings, chunks?: Uint8Array[]): RiskFeatures {
  const state = S.openState(settings, chunks);
  const observe = createObserve(state);
  return {
    extract: createExtract(state),
    observe,
    forget: (customer) => forget(state, customer),
    stats() {
      const sizes = Object.fromEntries(S.kinds.map((kind) => [kind, state[kind].roster.size()])) as Record<S.Kind, number>;
      const evicted = Object.values(state.evicted).reduce((sum, n) => sum + n, 0);
      return { ...sizes, cells: state.cells.held, entries: state.sets.entries.held, sketches: state.sets.sketches.held, evicted };
    },
    snapshot: () => S.snapshotOf(state),
    hash: () => S.hashOf(state),
  };
}

/** @throws RangeError as `createRiskFeatures` */
export const restoreRiskFeatures = (settings: RiskFeatureSettings, chunks: Uint8Array[]): RiskFeatures => createRiskFeatures(settings, chunks);

function forget({ customers, evicted }: S.State, customer: string): void {
  const id = customers.roster.idOf(customer);
  if (id === undefined) return;
  customers.roster.drop(id);
  evicted.customers -= 1; // it made no room
}

function createObserve(state: S.State): (event: Event, atMs: number) => void {
  const since = createSince();
  const [me, its, order]: Key[] = [{ a: 0, b: 0 }, { a: 0, b: 0 }, { a: 0, b: 0 }];
  const { customers, cells, sets } = state;

  function met(page: Int32Array, at: number, set: number, key: Key, tick: number): void {
    page[at + set] = meet(sets, page[at + set], key, tick, since);
  }

  /** Moves the record's newest tick on, and lets sketches go in which nothing of 30 days is left. */
  function advance(page: Int32Array, at: number, tick: number, firstSet: number, lastSet: number): void {
    const before = page[at + S.NEWEST];
    if (tick > before) page[at + S.NEWEST] = tick;
    sinceOf(page[at + S.NEWEST], since);
    if (before >= since[WINDOWS - 1]) return;
    for (let set = firstSet; set <= lastSet; set += 1) {
      drop(sets, page[at + set]);
      page[at + set] = 0;
    }
  }

  function other(entities: S.Entities, name: string, tick: number, refund: boolean, amount: number): void {
    const id = S.enter(entities, name);
    const page = entities.records.ints[id >>> SHIFT];
    const at = (id & MASK) * entities.records.stride;
    advance(page, at, tick, S.CUSTOMERS, S.CUSTOMERS);
    page[at + S.CELLS] = addToWindows(cells, page[at + S.CELLS], tick, since, refund, amount);
    met(page, at, S.CUSTOMERS, me, tick);
  }

  function money(event: Purchase | Refund, atMs: number): void {
    const refund = event.type === 'refund';
    const amount = knownAmount(event.amountMinor);
    const added = amount === amount ? amount : 0;
    const tick = tickOf(atMs);
    const id = seen(customers, event.customer, atMs);
    const page = customers.records.ints[id >>> SHIFT];
    const at = (id & MASK) * customers.records.stride;
    advance(page, at, tick, S.CARDS, S.ADDRESSES);
    page[at + S.CELLS] = addToWindows(cells, page[at + S.CELLS], tick, since, refund, added);
    if (event.device !== undefined) met(page, at, S.DEVICES, keyInto(event.device, its), tick);
    if (event.type === 'purchase') {
      if (event.card !== undefined) met(page, at, S.CARDS, keyInto(event.card, its), tick);
      if (event.address !== undefined) met(page, at, S.ADDRESSES, keyInto(event.address, its), tick);
      page[at + S.ORDERS] = addOrder(cells, page[at + S.ORDERS], keyInto(event.order, order), tick, added);
    } else refundOrder(cells, page[at + S.ORDERS], keyInto(event.order, order), added);
    remember(customers.records, id, refund, atMs, amount);
    keyInto(event.customer, me);
    if (event.device !== undefined) other(state.devices, event.device, tick, refund, added);
    if (event.type === 'refund') return;
    if (event.card !== undefined) other(state.cards, event.card, tick, refund, added);
    if (event.address !== undefined) other(state.addresses, event.address, tick, refund, added);
    for (const { item, unitMinor } of event.lines) price(state.items, item, knownAmount(unitMinor));
  }

  return (event, atMs) => {
    switch (event.type) {
      case 'purchase':
      case 'refund':
        return money(event, atMs);
      case 'click':
        return latest(customers.records, seen(customers, event.customer, atMs), S.CLICK_MS, atMs);
      case 'ticket':
        return latest(customers.records, seen(customers, (event satisfies Ticket).customer, atMs), S.TICKET_MS, atMs);
      case 'label':
        return judged(customers, event, atMs);
      case 'control':
        return event.command === 'forget' ? forget(state, event.customer) : undefined;
    }
  };
}

/** A verdict is news about a customer that is known; it enters none, as it says nothing of when they came. */
function judged({ roster, records }: S.Entities, { customer, of, verdict }: Label, atMs: number): void {
  if (of === 'ticket' || (verdict !== 'chargeback' && verdict !== 'abuse')) return;
  const id = roster.idOf(customer);
  if (id !== undefined) latest(records, id, S.BAD_MS, atMs);
}

function seen(customers: S.Entities, customer: string, atMs: number): number {
  const id = S.enter(customers, customer);
  const floats = customers.records.floats[id >>> SHIFT];
  const first = (id & MASK) * (customers.records.stride >> 1) + S.FIRST_MS;
  if (floats[first] === 0 || atMs < floats[first]) floats[first] = atMs;
  return id;
}

function latest({ floats, stride }: Pages, id: number, column: number, atMs: number): void {
  const page = floats[id >>> SHIFT];
  const at = (id & MASK) * (stride >> 1) + column;
  if (atMs > page[at]) page[at] = atMs;
}

/** @param amount  NaN where it is unknown */
function remember(records: Pages, id: number, refund: boolean, atMs: number, amount: number): void {
  latest(records, id, refund ? S.REFUND_MS : S.ORDER_MS, atMs);
  const page = records.floats[id >>> SHIFT];
  const at = (id & MASK) * (records.stride >> 1);
  page[at + (refund ? S.REFUNDS : S.PURCHASES)] += 1;
  if (amount !== amount) return;
  page[at + (refund ? S.REFUNDED : S.BOUGHT)] += amount;
  if (refund) return;
  const x = Math.log1p(amount);
  const delta = x - page[at + S.LOG_MEAN];
  page[at + S.AMOUNTS] += 1;
  page[at + S.LOG_MEAN] += delta / page[at + S.AMOUNTS];
  page[at + S.LOG_M2] += delta * (x - page[at + S.LOG_MEAN]); // Welford, as in models/linear/welford.ts
  if (amount > page[at + S.GREATEST]) page[at + S.GREATEST] = amount;
}

/** @param unitMinor  NaN where it is unknown */
function price(items: S.Entities, item: string, unitMinor: number): void {
  if (unitMinor !== unitMinor) return;
  const id = S.enter(items, item);
  const page = items.records.floats[id >>> SHIFT];
  const at = (id & MASK) * (items.records.stride >> 1);
  page[at] += 1;
  page[at + 1] += (Math.log1p(unitMinor) - page[at + 1]) / page[at];
}
