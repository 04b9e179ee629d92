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
import { lookUp } from './asked.js';
import { drop, isOne, meet } from './distinct.js';
import { drop as dropEntity, enter, find } from './entities.js';
import { createExtract, knownAmount, secondOf, type TicketSignals } from './extract.js';
import { createKey, keyInto, type Key } from './key.js';
import { addOrder, refundOrder } from './orders.js';
import { MASK, SHIFT, take } from './pages.js';
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
      const sizes = Object.fromEntries(S.kinds.map((kind) => [kind, state[kind].size])) as Record<S.Kind, number>;
      const evicted = S.kinds.reduce((sum, kind) => sum + state[kind].evicted, 0);
      return { ...sizes, cells: state.cells.held, entries: state.sets.entries.held, sketches: state.sets.sketches.held, evicted };
    },
    snapshot: () => S.snapshotOf(state),
    hash: () => S.hashOf(state),
  };
}

/** @throws RangeError as `createRiskFeatures` */
export const restoreRiskFeatures = (settings: RiskFeatureSettings, chunks: Uint8Array[]): RiskFeatures => createRiskFeatures(settings, chunks);

const name = createKey();

function forget(state: S.State, customer: string): void {
  state.asked.event = undefined;
  const id = find(state.customers, keyInto(customer, name));
  if (id >= 0) dropEntity(state.customers, id);
}

function createObserve(state: S.State): (event: Event, atMs: number) => void {
  const since = createSince();
  const { customers, cells, sets } = state;

  /** Moves the record's newest tick on, and lets sets go in which nothing of 30 days is left. @returns the newest tick before */
  function advance(page: Int32Array, at: number, newest: number, tick: number, firstSet: number, lastSet: number): number {
    const before = page[at + newest];
    if (tick > before) page[at + newest] = tick;
    sinceOf(page[at + newest], since);
    if (before >= since[WINDOWS - 1]) return before;
    for (let set = firstSet; set <= lastSet; set += 2) {
      drop(sets, page[at + set]);
      page[at + set] = 0;
    }
    return before;
  }

  function other(entities: S.Entities, key: Key, known: number, who: Key, tick: number, refund: boolean, amount: number): void {
    const id = entered(entities, key, known);
    const page = entities.ints[id >>> SHIFT];
    const at = (id & MASK) * entities.stride;
    const newest = advance(page, at, S.SEEN, tick, S.CUSTOMERS, S.CUSTOMERS);
    page[at + S.ITS_CELLS] = addToWindows(cells, page[at + S.ITS_CELLS], tick, since, refund, amount);
    page[at + S.CUSTOMERS] = meet(sets, page[at + S.CUSTOMERS], newest, who, tick, since);
    if (!refund) page[at + S.EVER] += 1;
  }

  /** Of a customer. */
  function met(page: Int32Array, at: number, key: Key, tick: number): void {
    const before = page[at];
    const head = meet(sets, before, page[at + 1], key, tick, since);
    page[at] = head;
    page[at + 1] = !isOne(head) ? 0 : head === before ? Math.max(page[at + 1], tick) : tick;
  }

  function money(event: Purchase | Refund, atMs: number): void {
    const refund = event.type === 'refund';
    const amount = knownAmount(event.amountMinor);
    const added = amount === amount ? amount : 0;
    const tick = tickOf(atMs);
    const asked = lookUp(state, event);
    const id = seen(customers, asked.customer, asked.customerId, atMs);
    const page = customers.ints[id >>> SHIFT];
    const at = (id & MASK) * customers.stride;
    advance(page, at, S.NEWEST, tick, S.CARDS, S.ADDRESSES);
    page[at + S.CELLS] = addToWindows(cells, page[at + S.CELLS], tick, since, refund, added);
    if (event.device !== undefined) met(page, at + S.DEVICES, asked.device, tick);
    if (event.type === 'purchase') {
      if (event.card !== undefined) met(page, at + S.CARDS, asked.card, tick);
      if (event.address !== undefined) met(page, at + S.ADDRESSES, asked.address, tick);
      page[at + S.ORDERS] = addOrder(cells, page[at + S.ORDERS], asked.order, tick, added);
      bought(customers, id, atMs, amount);
    } else {
      refundOrder(cells, page[at + S.ORDERS], asked.order, added);
      cameBack(state, id, atMs, added);
    }
    if (event.device !== undefined) other(state.devices, asked.device, asked.deviceId, asked.customer, tick, refund, added);
    if (event.type === 'refund') return;
    if (event.card !== undefined) other(state.cards, asked.card, asked.cardId, asked.customer, tick, refund, added);
    if (event.address !== undefined) other(state.addresses, asked.address, asked.addressId, asked.customer, tick, refund, added);
    const { lines } = event;
    for (let i = 0; i < lines.length; i += 1) {
      const unit = knownAmount(lines[i].unitMinor);
      // A new item may take the place of one that was found.
      if (unit === unit) price(state.items, asked.itemsKnown ? asked.itemIds[i] : undefined, lines[i].item, unit, tick);
    }
  }

  return (event, atMs) => {
    switch (event.type) {
      case 'purchase':
      case 'refund':
        money(event, atMs);
        break;
      case 'click':
        latest(customers, seen(customers, keyInto(event.customer, name), undefined, atMs), S.CLICK_S, atMs);
        break;
      case 'ticket':
        latestTrouble(state, seen(customers, keyInto((event satisfies Ticket).customer, name), undefined, atMs), S.TICKET_S, atMs);
        break;
      case 'label':
        judged(state, event, atMs);
        break;
      case 'control':
        if (event.command === 'forget') forget(state, event.customer);
    }
    state.asked.event = undefined;
  };
}

/** @param known  the id, -1 where there is none; undefined where nobody has looked */
const entered = (entities: S.Entities, key: Key, known = find(entities, key)): number => (known < 0 ? enter(entities, key) : known);

/** A verdict is news about a customer that is known; it enters none, as it says nothing of when they came. */
function judged(state: S.State, { customer, of, verdict }: Label, atMs: number): void {
  if (of === 'ticket' || (verdict !== 'chargeback' && verdict !== 'abuse')) return;
  const id = find(state.customers, keyInto(customer, name));
  if (id >= 0) latestTrouble(state, id, S.BAD_S, atMs);
}

function seen(customers: S.Entities, key: Key, known: number | undefined, atMs: number): number {
  const id = entered(customers, key, known);
  const page = customers.ints[id >>> SHIFT];
  const at = (id & MASK) * customers.stride;
  const [first, second, tick] = [at + S.FIRST_S, secondOf(atMs), tickOf(atMs)];
  if (tick > page[at + S.SEEN]) page[at + S.SEEN] = tick;
  if (page[first] === 0 || second < page[first] >>> 0) page[first] = second;
  return id;
}

function latest({ ints, stride }: S.Entities, id: number, column: number, atMs: number): void {
  const page = ints[id >>> SHIFT];
  const at = (id & MASK) * stride + column;
  const second = secondOf(atMs);
  if (second > page[at] >>> 0) page[at] = second;
}

/** @returns the customer's trouble, which most have none of */
function troubleOf({ customers: { ints, stride }, troubles }: S.State, id: number): number {
  const page = ints[id >>> SHIFT];
  const at = (id & MASK) * stride + S.TROUBLE;
  if (page[at] === 0) page[at] = take(troubles);
  return page[at] - 1;
}

function latestTrouble(state: S.State, id: number, column: number, atMs: number): void {
  const trouble = troubleOf(state, id);
  const page = state.troubles.ints[trouble >>> SHIFT];
  const at = (trouble & MASK) * S.TROUBLE_INTS + column;
  const second = secondOf(atMs);
  if (second > page[at] >>> 0) page[at] = second;
}

function cameBack(state: S.State, id: number, atMs: number, amount: number): void {
  latestTrouble(state, id, S.REFUND_S, atMs);
  const trouble = troubleOf(state, id);
  const at = (trouble & MASK) * S.TROUBLE_INTS;
  state.troubles.ints[trouble >>> SHIFT][at + S.REFUNDS] += 1;
  state.troubles.floats[trouble >>> SHIFT][(at >> 1) + S.REFUNDED] += amount;
}

/** @param amount  NaN where it is unknown */
function bought(customers: S.Entities, id: number, atMs: number, amount: number): void {
  latest(customers, id, S.ORDER_S, atMs);
  const [page, sums] = [customers.ints[id >>> SHIFT], customers.floats[id >>> SHIFT]];
  const from = (id & MASK) * customers.stride;
  const at = from >> 1;
  page[from + S.PURCHASES] += 1;
  if (amount !== amount) return;
  sums[at + S.BOUGHT] += amount;
  const x = Math.log1p(amount);
  const delta = x - sums[at + S.LOG_MEAN];
  const n = (page[from + S.AMOUNTS] += 1);
  sums[at + S.LOG_MEAN] += delta / n;
  sums[at + S.LOG_M2] += delta * (x - sums[at + S.LOG_MEAN]); // Welford, as in models/linear/welford.ts
  if (amount > sums[at + S.GREATEST]) sums[at + S.GREATEST] = amount;
}

function price(items: S.Entities, known: number | undefined, item: string, unitMinor: number, tick: number): void {
  const id = known ?? entered(items, keyInto(item, name));
  const [page, means] = [items.ints[id >>> SHIFT], items.floats[id >>> SHIFT]];
  const from = (id & MASK) * items.stride;
  if (tick > page[from + S.SEEN]) page[from + S.SEEN] = tick;
  const n = (page[from + S.LINES] += 1);
  means[(from >> 1) + S.PRICE_MEAN] += (Math.log1p(unitMinor) - means[(from >> 1) + S.PRICE_MEAN]) / n;
}
