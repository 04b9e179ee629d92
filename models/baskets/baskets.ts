/**
 * What is added to a cart next, live: nearest baskets over the index of models/sessions, and a probability that is
 * calibrated on the stream itself. This file holds the contract and what an event does; query.ts the answer,
 * calibration.ts the probability, naive.ts the same from scratch, which the tests hold it to.
 *
 * A basket is an order, however many events bring its lines, or a customer's open cart. An order of somebody with an open
 * cart is that cart: it was filled to become the order. A basket keeps the order in which its items were added.
 *
 * Every `sampleEvery`-th addition to a basket that holds something is a question first: the model is asked with what the
 * basket held, and each curve learns from what it proposed and what was added. Curves:
 *
 *   nearest    what the nearest baskets propose
 *   fill       what is popular, behind that, when it is less than was asked for
 *   popular    what is popular, when nothing of the cart is known
 */
import { append, createIndex, dropCustomer, dropOldest, itemsOf, NONE, placeOf, SERIAL_MAX, startSession, takeOut, type Index } from '../sessions/index.js';
import { nameOf } from '../sessions/query.js';
import { indexOf, renumber, sectionsOf } from '../sessions/saved.js';
import { keyOf, named } from '../sessions/sessions.js';
import { digest, pack, unpack, type Format } from '../snapshot.js';
import { createCalibrator, type Calibrator } from './calibration.js';
import { best, createBasketQuery, type BasketQuery, type Because, type Proposals } from './query.js';
import { checkBasketSettings, flattenBaskets, indexSettings, type BasketSettings } from './settings.js';

export { defaultBasketSettings, type BasketLimits, type BasketSettings } from './settings.js';

/** The longest answer, and how many proposals a question is learnt from. */
export const MOST = 200;
/** Every how many questions the two curves of what is popular learn: that looks at every item. */
export const POPULAR_EVERY = 16;

export interface Prediction {
  item: string;
  /** That it is the next one added, given that one is. */
  probability: number;
  channel: 'basket' | 'popular';
  /** The cart's items that speak for it, at most three; none when it is popular. */
  because: Because[];
  /** Its part of the votes, or of all places in baskets: what the probability was made of. */
  share: number;
}

export interface BasketAnswer {
  /** Most likely first. */
  items: Prediction[];
  /** Those of the cart that no basket holds. */
  unknown: string[];
  /** Baskets looked at that hold an item of the cart. */
  support: number;
  /** Baskets held. */
  baskets: number;
}

export interface Baskets {
  /** Into the customer's open cart. @param atMs by the event's own clock */
  put(customer: string, item: string, atMs: number): void;
  /** Out of it. Nothing happens when it is not there. */
  takeBack(customer: string, item: string, atMs: number): void;
  /** Lines of an order, in the order in which they were added. */
  order(customer: string, order: string, items: readonly string[], atMs: number): void;
  /** At most k, at most MOST, without what the cart has. Never writes. @param cart the latest last */
  predict(cart: readonly string[], k: number): BasketAnswer;
  /** Drops the customer's baskets, and every trace, the name included. What they taught the curves are counts of nobody. */
  forget(customer: string): void;
  stats(): BasketStats;
  /** Deterministic: the same events give the same bytes, also when the state was restored in the middle. */
  snapshot(): Uint8Array[];
  /** sha256, hexadecimal, of what a snapshot would hold. */
  hash(): string;
}

export interface BasketStats {
  baskets: number;
  /** Those with a basket: at most as many as there are baskets. */
  customers: number;
  items: number;
  /** Questions that the probability was learnt from. */
  questions: number;
  /** What the baskets and the lists take; names come on top. */
  memoryBytes: number;
  evicted: { baskets: number };
}

interface State {
  settings: BasketSettings;
  index: Index;
  query: BasketQuery;
  /** Additions to baskets that held something. */
  additions: number;
  curves: Record<CurveName, Calibrator>;
}

const curveNames = ['nearest', 'fill', 'popular'] as const;
type CurveName = (typeof curveNames)[number];

const format: Format = { name: 'baskets', magic: 'AFTB', version: 1 };

/** @throws RangeError when a setting is out of range */
export function createBaskets(settings: BasketSettings, firstSerial = 1): Baskets {
  checkBasketSettings(settings);
  const curves = { nearest: createCalibrator(), fill: createCalibrator(), popular: createCalibrator() };
  return serve({ settings, index: createIndex(indexSettings(settings), firstSerial), query: createBasketQuery(settings), additions: 0, curves });
}

/** @throws RangeError when the chunks are not a whole snapshot of this version made with these settings */
export function restoreBaskets(settings: BasketSettings, chunks: Uint8Array[]): Baskets {
  checkBasketSettings(settings);
  const { header, next } = unpack<ReturnType<typeof headerOf>>(chunks, flattenBaskets(settings), format);
  const part = (): Uint8Array => next((bytes) => new Uint8Array(bytes));
  const index = indexOf(indexSettings(settings), header.evicted, part);
  const curve = (): Calibrator => createCalibrator(new Float64Array(part().buffer));
  const curves = { nearest: curve(), fill: curve(), popular: curve() };
  return serve({ settings, index, query: createBasketQuery(settings), additions: header.additions, curves });
}

function serve(state: State): Baskets {
  const { index } = state;
  /** The order of the call before: where each line is an event of its own, the next one is mostly of the same. */
  const last = { customer: '', order: '', basket: NONE };
  return {
    put(customer, item, atMs) {
      checkTime(atMs);
      last.basket = NONE;
      const serial = cartOf(index, customer, atMs);
      if (serial !== LATE) add(state, customer, 0, item, atMs, serial);
    },
    takeBack(customer, item, atMs) {
      checkTime(atMs);
      last.basket = NONE;
      const serial = cartOf(index, customer, atMs);
      const id = index.items.idOf(item);
      if (serial !== LATE && serial !== NONE && id !== undefined) takeOut(index, serial, id);
    },
    order(customer, order, items, atMs) {
      checkTime(atMs);
      const key = keyOf(order);
      const again = last.basket !== NONE && last.basket >= index.oldest && last.order === order && last.customer === customer;
      let serial = again ? last.basket : orderOf(index, customer, key, atMs);
      for (const item of items) serial = add(state, customer, key, item, atMs, serial);
      last.customer = customer;
      last.order = order;
      last.basket = serial;
    },
    predict: (cart, k) => predict(state, cart, k),
    forget(customer) {
      last.basket = NONE;
      const c = index.customers.idOf(customer);
      if (c !== undefined) dropCustomer(index, c);
    },
    stats: () => stats(state),
    snapshot() {
      const parts = sections(state);
      return pack(headerOf(state, parts), parts, format);
    },
    hash() {
      const parts = sections(state);
      return digest(headerOf(state, parts), parts, format).digest('hex');
    },
  };
}

// ---- events ----

/** An event from longer ago than the cart can have lasted: it says nothing about the open one. */
const LATE = -1;

function checkTime(atMs: number): void {
  if (!Number.isFinite(atMs)) throw new RangeError(`baskets: atMs must be finite, got ${atMs}`);
}

/** The customer's open cart; NONE: there is none. */
function cartOf(index: Index, customer: string, atMs: number): number {
  const c = index.customers.idOf(customer);
  const serial = c === undefined ? NONE : index.current[c];
  if (serial === NONE || index.keys[serial & index.ring] !== 0) return NONE;
  const sinceMs = atMs - index.lastMs[serial & index.ring];
  if (sinceMs > index.settings.gapMs) return NONE;
  return sinceMs < -index.settings.gapMs ? LATE : serial;
}

/** The basket of an order: the one with its key, or the open cart, which becomes it; NONE: a new one. */
function orderOf(index: Index, customer: string, key: number, atMs: number): number {
  const c = index.customers.idOf(customer);
  if (c === undefined) return NONE;
  const serial = named(index, c, key);
  if (serial !== NONE) return serial;
  const cart = cartOf(index, customer, atMs);
  if (cart === LATE || cart === NONE) return NONE;
  index.keys[cart & index.ring] = key;
  return cart;
}

/** @param serial  the basket; NONE: a new one with that key  @returns the basket that the item is in */
function add(state: State, customer: string, key: number, item: string, atMs: number, serial: number): number {
  const { index, settings: { limits } } = state;
  let basket = serial;
  let id = index.items.idOf(item);
  if (id === undefined && index.items.size() >= limits.items) {
    while (index.items.size() >= limits.items) dropOldest(index);
    if (basket < index.oldest) basket = NONE; // it was among them
  }
  if (basket !== NONE) {
    const slot = basket & index.ring;
    if (id !== undefined && placeOf(index, slot, id) >= 0) {
      index.lastMs[slot] = Math.max(index.lastMs[slot], atMs);
      return basket;
    }
    state.additions += 1;
    if (state.additions % state.settings.sampleEvery === 0) question(state, basket, id);
    if (index.counts[slot] === limits.length) basket = NONE; // goes on as a new one
  }
  if (basket === NONE) {
    if (index.next >= SERIAL_MAX) renumber(index);
    while (index.next - index.oldest >= limits.baskets) dropOldest(index);
    const c = index.customers.idOf(customer) ?? index.customers.add(customer);
    basket = startSession(index, c, key);
    if (key === 0) index.current[c] = basket;
    id = index.items.idOf(item); // again: it may have gone with the oldest basket
  }
  append(index, basket, id ?? index.items.add(item));
  const slot = basket & index.ring;
  index.lastMs[slot] = Math.max(index.lastMs[slot], atMs);
  return basket;
}

/** The curves learn from what would have been answered. @param added  undefined: an item that no basket holds */
function question({ index, query, curves }: State, basket: number, added: number | undefined): void {
  const cart = itemsOf(index, basket).slice();
  const nearest = query.ask(index, cart, basket);
  const hit = learn(curves.nearest, nearest, added);
  if (curves.nearest.questions() % POPULAR_EVERY !== 0) return;
  learn(curves.popular, query.popular(index, cart), added);
  if (nearest.items.length < MOST) learn(curves.fill, query.popular(index, [...cart, ...nearest.items]), hit < 0 ? added : undefined);
}

function learn(curve: Calibrator, { items, shares }: Proposals, added: number | undefined): number {
  const hit = added === undefined ? -1 : items.indexOf(added);
  curve.learn(shares, items.length, hit);
  return hit;
}

// ---- answers ----

function predict({ index, query, curves }: State, cart: readonly string[], k: number): BasketAnswer {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`baskets: k must be a whole number from 1, got ${k}`);
  const most = Math.min(k, MOST);
  const ids: number[] = [];
  const unknown: string[] = [];
  // An item that is named twice counts where it is named last.
  for (const item of new Set([...cart].reverse())) {
    const id = index.items.idOf(item);
    if (id === undefined) unknown.unshift(item);
    else ids.unshift(id);
  }
  const nearest = ids.length === 0 ? undefined : query.ask(index, Uint32Array.from(ids), NONE);
  const proposed = nearest === undefined ? [] : best(index, nearest, most);
  const reasons = proposed.length === 0 ? [] : query.because(index, proposed.map(({ item }) => item));
  const items = proposed.map(({ item, share }, i): Prediction => (
    { item: nameOf(index, item), probability: curves.nearest.probabilityOf(share), channel: 'basket', because: reasons[i], share }));
  if (proposed.length < most) {
    const curve = nearest === undefined ? curves.popular : curves.fill;
    const fillers = best(index, query.popular(index, [...ids, ...proposed.map(({ item }) => item)]), most - proposed.length);
    for (const { item, share } of fillers) items.push({ item: nameOf(index, item), probability: curve.probabilityOf(share), channel: 'popular', because: [], share });
    items.sort((a, b) => b.probability - a.probability); // stable: of equals the nearest first
  }
  return { items, unknown, support: nearest?.support ?? 0, baskets: index.live };
}

function stats({ index, curves }: State): BasketStats {
  const { ring, holders, live, evicted, settings } = index;
  const slotBytes = 4 * settings.limits.length + 2 + 4 + 4 + 4 + 8;
  const used = Math.min(ring + 1, index.next - 1);
  return {
    baskets: live,
    customers: index.customers.size(),
    items: index.items.size(),
    questions: curves.nearest.questions(),
    memoryBytes: used * slotBytes + index.lists.bytes() + holders.length * 12,
    evicted: { baskets: evicted },
  };
}

// ---- snapshots ----

function sections({ index, curves }: State): Uint8Array[] {
  return [...sectionsOf(index), ...curveNames.map((name) => new Uint8Array(curves[name].save().buffer))];
}

function headerOf({ settings, index, additions }: State, parts: Uint8Array[]) {
  return { settings: flattenBaskets(settings), evicted: index.evicted, additions, sections: parts.map(({ length }) => length) };
}
