/**
 * Session-based recommendation, live: VMIS-kNN (Kersbergen, Sprangers, Schelter: Serenade, SIGMOD 2022), whose index is
 * updated for each event instead of built once a day. This file holds the contract and what an event does; index.ts the
 * sessions, query.ts the answer, naive.ts the same from scratch, which the tests hold it to.
 *
 * An event belongs to the session that it names, or else to the customer's running one, until there was nothing for a
 * while (`gapMs`). Until the next one begins a customer's last session is the current one.
 */
import { digest, pack, unpack, type Format } from '../snapshot.js';
import { createIndex, dropCustomer, dropOldest, itemsOf, NONE, placeOf, SERIAL_MAX, startSession, touch, type Index } from './index.js';
import { createQuery, type Proposal, type Query } from './query.js';
import { indexOf, renumber, sectionsOf } from './saved.js';
import { checkSessionSettings, flattenSessions, type SessionSettings } from './settings.js';

export { defaultSessionSettings, type SessionLimits, type SessionSettings } from './settings.js';
export type { Proposal } from './query.js';

/** How many of a customer's sessions are searched for one with the id that an event names: tabs that are open at once. */
export const LOOKBACK = 8;

export interface Sessions {
  /** @param session the session that the shop names  @param atMs when, by the event's own clock */
  observe(customer: string, session: string | undefined, item: string, atMs: number): void;
  /**
   * What customers with sessions like this one's looked at, best first; nothing without a session. Never writes.
   * @param own whether items of the session itself may be proposed: people do go back to them
   */
  recommend(customer: string, k: number, own?: 'with own' | 'without own'): Proposal[];
  /** Whether the customer's current session is not over at that moment: its last event is no longer ago than the gap. */
  running(customer: string, atMs: number): boolean;
  /** Items of the customer's current session, the latest first. */
  current(customer: string): string[];
  /** Drops the customer's sessions, and every trace, the name included. */
  forget(customer: string): void;
  stats(): SessionStats;
  /** Deterministic: the same events give the same bytes, also when the state was restored in the middle. */
  snapshot(): Uint8Array[];
  /** sha256, hexadecimal, of what a snapshot would hold. */
  hash(): string;
}

export interface SessionStats {
  sessions: number;
  /** Those with a session: at most as many as there are sessions. */
  customers: number;
  items: number;
  /** What the sessions and the lists take; names come on top. */
  memoryBytes: number;
  evicted: { sessions: number };
}

const format: Format = { name: 'sessions', magic: 'AFTS', version: 1 };

/** @throws RangeError when a setting is out of range */
export function createSessions(settings: SessionSettings, firstSerial = 1): Sessions {
  checkSessionSettings(settings);
  return serve(createIndex(settings, firstSerial));
}

/** @throws RangeError when the chunks are not a whole snapshot of this version made with these settings */
export function restoreSessions(settings: SessionSettings, chunks: Uint8Array[]): Sessions {
  checkSessionSettings(settings);
  return serve(restore(settings, chunks));
}

function serve(index: Index): Sessions {
  const query: Query = createQuery(index.settings);
  return {
    observe: (customer, session, item, atMs) => observe(index, customer, session, item, atMs),
    recommend: (customer, k, own = 'without own') => query.recommend(index, customer, k, own === 'with own'),
    running: (customer, atMs) => running(index, customer, atMs),
    current: (customer) => current(index, customer),
    forget(customer) {
      const c = index.customers.idOf(customer);
      if (c !== undefined) dropCustomer(index, c);
    },
    stats: () => stats(index),
    snapshot() {
      const parts = sectionsOf(index);
      return pack(headerOf(index, parts), parts, format);
    },
    hash() {
      const parts = sectionsOf(index);
      return digest(headerOf(index, parts), parts, format).digest('hex');
    },
  };
}

// ---- events ----

/** An event that came later than its session can have lasted: it says nothing about the running one. */
const LATE = -1;

function observe(index: Index, customer: string, session: string | undefined, item: string, atMs: number): void {
  if (!Number.isFinite(atMs)) throw new RangeError(`sessions: atMs must be finite, got ${atMs}`);
  const { limits } = index.settings;
  const key = session === undefined ? 0 : keyOf(session);
  let serial = find(index, customer, key, atMs);
  if (serial === LATE) return;
  const held = index.items.idOf(item);
  if (held === undefined && index.items.size() >= limits.items) {
    while (index.items.size() >= limits.items) dropOldest(index);
    serial = find(index, customer, key, atMs); // again: it may have been among them
  }
  const full = serial !== NONE && index.counts[serial & index.ring] === limits.length;
  if (full && (held === undefined || placeOf(index, serial & index.ring, held) < 0)) serial = NONE;
  if (serial === NONE) {
    if (index.next >= SERIAL_MAX) renumber(index);
    while (index.next - index.oldest >= limits.sessions) dropOldest(index);
    serial = startSession(index, index.customers.idOf(customer) ?? index.customers.add(customer), key);
  }
  // Looked up again: it may have gone with the ring's oldest session.
  touch(index, serial, index.items.idOf(item) ?? index.items.add(item));
  const slot = serial & index.ring;
  index.lastMs[slot] = Math.max(index.lastMs[slot], atMs);
  index.current[index.owners[slot]] = serial;
}

/** The session that an event belongs to; NONE: a new one. */
function find(index: Index, customer: string, key: number, atMs: number): number {
  const c = index.customers.idOf(customer);
  if (c === undefined) return NONE;
  if (key !== 0) return named(index, c, key);
  const serial = index.current[c];
  const sinceMs = atMs - index.lastMs[serial & index.ring];
  if (sinceMs > index.settings.gapMs) return NONE;
  return sinceMs < -index.settings.gapMs ? LATE : serial;
}

/** The customer's latest session with that key; NONE: none of the last few. */
export function named(index: Index, customer: number, key: number): number {
  let serial = index.newest[customer];
  for (let n = 0; n < LOOKBACK && serial >= index.oldest; n += 1) {
    if (index.keys[serial & index.ring] === key) return serial;
    serial = index.before[serial & index.ring];
  }
  return NONE;
}

/** FNV-1a, never 0. Told apart are only the last few sessions of one customer: 32 bits are plenty. */
export function keyOf(session: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < session.length; i += 1) h = Math.imul(h ^ session.charCodeAt(i), 0x01000193);
  return h >>> 0 || 1;
}

// ---- what is there ----

function running(index: Index, customer: string, atMs: number): boolean {
  const c = index.customers.idOf(customer);
  return c !== undefined && atMs - index.lastMs[index.current[c] & index.ring] <= index.settings.gapMs;
}

function current(index: Index, customer: string): string[] {
  const c = index.customers.idOf(customer);
  if (c === undefined) return [];
  return [...itemsOf(index, index.current[c])].reverse().map((item) => index.items.nameOf(item) ?? '');
}

function stats(index: Index): SessionStats {
  const { ring, holders, live, evicted, settings } = index;
  const slotBytes = 4 * settings.limits.length + 2 + 4 + 4 + 4 + 8;
  const used = Math.min(ring + 1, index.next - 1);
  return {
    sessions: live,
    customers: index.customers.size(),
    items: index.items.size(),
    memoryBytes: used * slotBytes + index.lists.bytes() + holders.length * 12,
    evicted: { sessions: evicted },
  };
}

// ---- snapshots ----

function headerOf(index: Index, parts: Uint8Array[]) {
  return { settings: flattenSessions(index.settings), evicted: index.evicted, sections: parts.map(({ length }) => length) };
}

function restore(settings: SessionSettings, chunks: Uint8Array[]): Index {
  const { header, next } = unpack<ReturnType<typeof headerOf>>(chunks, flattenSessions(settings), format);
  return indexOf(settings, header.evicted, () => next((bytes) => new Uint8Array(bytes)));
}
