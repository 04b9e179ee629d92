/**
 * The index of VMIS-kNN, kept for each event: a ring of sessions, and for each item the most recent ones that hold it.
 *
 * A session has a serial, counted up as sessions start; its record lies at the slot `serial & ring`. Sessions are dropped
 * in the order of their serials alone, so the index is always the one that an index built from scratch out of the
 * sessions it holds would be. Customers and items are known as long as a session holds them: what limits the sessions
 * limits everything.
 */
import { createIntern, type Intern } from '../intern.js';
import { createLists, type Lists } from './lists.js';
import type { SessionSettings } from './settings.js';

/** No session. Serials start at 1. */
export const NONE = 0;
/** Serials have 32 bits; before they run out all are counted from 1 again (`renumber` in sessions.ts). */
export const SERIAL_MAX = 0xffff_fff0;

export interface Index {
  settings: SessionSettings;
  /** Slots less one; a power of two, so that a slot is found without a division. */
  ring: number;
  /** Serials from `oldest` to below `next` are held, those with a count of 0 excepted: they were forgotten. */
  oldest: number;
  next: number;
  /** Sessions held. */
  live: number;
  evicted: number;
  customers: Intern;
  items: Intern;
  lists: Lists;
  /** By item: sessions that hold it, listed or not. */
  holders: Uint32Array;
  /** By customer: the session touched last, and the one started last. */
  current: Uint32Array;
  newest: Uint32Array;
  /** By slot: items (least recently touched first), their number, owner, the owner's session before, hash of its id (0: none), time. */
  contents: Uint32Array;
  counts: Uint16Array;
  owners: Uint32Array;
  before: Uint32Array;
  keys: Uint32Array;
  lastMs: Float64Array;
}

export function createIndex(settings: SessionSettings, first = 1, names?: { customers: Uint8Array; items: Uint8Array }): Index {
  const { limits, perItem } = settings;
  const slots = 2 ** Math.ceil(Math.log2(limits.sessions));
  return {
    settings,
    ring: slots - 1,
    oldest: first,
    next: first,
    live: 0,
    evicted: 0,
    customers: createIntern(names?.customers),
    items: createIntern(names?.items),
    lists: createLists(limits.items, perItem),
    holders: new Uint32Array(limits.items),
    current: new Uint32Array(limits.sessions),
    newest: new Uint32Array(limits.sessions),
    contents: new Uint32Array(slots * limits.length),
    counts: new Uint16Array(slots),
    owners: new Uint32Array(slots),
    before: new Uint32Array(slots),
    keys: new Uint32Array(slots),
    lastMs: new Float64Array(slots),
  };
}

/** Starts a session of the customer. There is room: see `makeRoom`. */
export function startSession(index: Index, customer: number, key: number): number {
  const serial = index.next++;
  const slot = serial & index.ring;
  index.live += 1;
  index.counts[slot] = 0;
  index.owners[slot] = customer;
  index.before[slot] = index.newest[customer];
  index.keys[slot] = key;
  index.lastMs[slot] = -Infinity;
  index.newest[customer] = serial;
  return serial;
}

/** Place of the item in the session's record; -1: not there. */
export function placeOf(index: Index, slot: number, item: number): number {
  const base = slot * index.settings.limits.length;
  for (let place = index.counts[slot] - 1; place >= 0; place -= 1) if (index.contents[base + place] === item) return place;
  return -1;
}

/** The item becomes the session's latest. */
export function touch(index: Index, serial: number, item: number): void {
  const slot = serial & index.ring;
  const base = slot * index.settings.limits.length;
  const place = placeOf(index, slot, item);
  if (place < 0) {
    append(index, serial, item);
    return;
  }
  index.contents.copyWithin(base + place, base + place + 1, base + index.counts[slot]);
  index.contents[base + index.counts[slot] - 1] = item;
}

/** An item that the session does not hold yet. */
export function append(index: Index, serial: number, item: number): void {
  const slot = serial & index.ring;
  index.contents[slot * index.settings.limits.length + index.counts[slot]++] = item;
  index.holders[item] += 1;
  index.lists.insert(item, serial);
}

/** Drops the oldest session, and what nothing else holds. */
export function dropOldest(index: Index): void {
  const serial = index.oldest++;
  if (index.counts[serial & index.ring] === 0) return; // a forgotten one
  const customer = index.owners[serial & index.ring];
  index.evicted += 1;
  empty(index, serial);
  if (index.newest[customer] === serial) releaseCustomer(index, customer);
  else if (index.current[customer] === serial) index.current[customer] = index.newest[customer];
}

/**
 * Drops all sessions of a customer. A list that was full may have room for older sessions then: one pass over all
 * sessions finds them, some milliseconds in which nothing else happens; only popular items need it.
 */
export function dropCustomer(index: Index, customer: number): void {
  const lacking = new Set<number>();
  let serial = index.newest[customer];
  while (serial >= index.oldest) {
    for (const item of itemsOf(index, serial)) lacking.add(item);
    empty(index, serial);
    serial = index.before[serial & index.ring];
  }
  releaseCustomer(index, customer);
  for (const item of lacking) if (index.holders[item] === index.lists.count(item)) lacking.delete(item);
  if (lacking.size === 0) return;
  for (const item of lacking) index.lists.clear(item);
  const isLacking = new Uint8Array(index.holders.length);
  for (const item of lacking) isLacking[item] = 1;
  for (let at = index.oldest; at < index.next; at += 1) {
    const slot = at & index.ring;
    const base = slot * index.settings.limits.length;
    for (let place = base; place < base + index.counts[slot]; place += 1) {
      if (isLacking[index.contents[place]] === 1) index.lists.insert(index.contents[place], at);
    }
  }
}

/** A session's items, the latest last; a view. */
export function itemsOf(index: Index, serial: number): Uint32Array {
  const slot = serial & index.ring;
  const base = slot * index.settings.limits.length;
  return index.contents.subarray(base, base + index.counts[slot]);
}

/**
 * Takes one item out of a session; with its last one the session goes too. A list that was full has room for an older
 * session then, which is looked for from there back: about as many sessions as lie between two that hold the item.
 * @returns whether the session is still there
 */
export function takeOut(index: Index, serial: number, item: number): boolean {
  const slot = serial & index.ring;
  const place = placeOf(index, slot, item);
  if (place < 0) return true;
  if (index.counts[slot] === 1) {
    dropSession(index, serial);
    return false;
  }
  const base = slot * index.settings.limits.length;
  index.contents.copyWithin(base + place, base + place + 1, base + index.counts[slot]);
  index.counts[slot] -= 1;
  withdraw(index, serial, item);
  refill(index, item);
  return true;
}

/** As `dropOldest`, out of order. */
function dropSession(index: Index, serial: number): void {
  const customer = index.owners[serial & index.ring];
  const before = index.before[serial & index.ring];
  const items = itemsOf(index, serial).slice();
  empty(index, serial);
  for (const item of items) refill(index, item);
  if (index.newest[customer] !== serial) {
    let after = index.newest[customer];
    while (index.before[after & index.ring] !== serial) after = index.before[after & index.ring];
    index.before[after & index.ring] = before;
  } else if (before < index.oldest) {
    releaseCustomer(index, customer);
    return;
  } else {
    index.newest[customer] = before;
  }
  if (index.current[customer] === serial) index.current[customer] = NONE;
}

/** One session back into the item's list, when there is one that it lacks. */
function refill(index: Index, item: number): void {
  const { lists, ring, oldest, contents, settings: { limits: { length } } } = index;
  if (lists.count(item) === index.holders[item]) return;
  const from = lists.count(item) > 0 ? lists.at(item, 0) : index.next;
  for (let serial = from - 1; serial >= oldest; serial -= 1) {
    const slot = serial & ring;
    const base = slot * length;
    for (let at = base + index.counts[slot] - 1; at >= base; at -= 1) {
      if (contents[at] === item) return lists.insert(item, serial);
    }
  }
}

function empty(index: Index, serial: number): void {
  const slot = serial & index.ring;
  for (const item of itemsOf(index, serial)) withdraw(index, serial, item);
  index.live -= 1;
  index.counts[slot] = 0;
  index.keys[slot] = 0;
  index.lastMs[slot] = 0;
}

/** The item no longer knows of the session, and is unknown itself when it was the last one. */
function withdraw(index: Index, serial: number, item: number): void {
  index.lists.remove(item, serial);
  index.holders[item] -= 1;
  if (index.holders[item] > 0) return;
  index.lists.clear(item);
  index.items.release(item);
  index.items.recycle(item);
}

function releaseCustomer(index: Index, customer: number): void {
  index.current[customer] = NONE;
  index.newest[customer] = NONE;
  index.customers.release(customer);
  index.customers.recycle(customer);
}
