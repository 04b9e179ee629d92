/**
 * Decisions that wait for their verdict, with the features that they were made from: a ring of the last C decisions.
 * D = features, S = shadow scorers.
 *
 *   n = 0, 1, 2 ...   number of a decision; it stands in slot n mod C until decision n + C takes its place
 *
 *   atMs, key, customer, p   f64 x C        key: of the order, its kind and its customer; customer: both 53-bit hashes
 *   sameOrder, sameCustomer  f64 x C        number of the decision before it about the same order or customer, -1 for none
 *   shadow                   f32 x C x S    probabilities of those that scored in the shadow, `shadows` of them
 *   x                        f32 x C x D    features: a model learns from 24 bits as well as from 53
 *   version, shadowVersion   u16            which model gave the probability
 *   level, kind, verdict, shadows  u8
 *
 * What is overwritten before its verdict came teaches nothing; it is counted.
 */
import { hash53 } from '../../models/hash53.js';
import { bytesOf, kept, unpack, type Format } from '../../models/snapshot.js';
import type { Level } from './costs.js';
import { createLatest, type Latest } from './latest.js';

export const verdicts = { waiting: 0, genuine: 1, fraud: 2, matured: 3, forgotten: 4 } as const;
export type Verdict = (typeof verdicts)[keyof typeof verdicts];
export const kinds = { purchase: 0, refund: 1 } as const;
/** Added to the kind of what was recalled. */
const RECALLED = 2;
export type Kind = keyof typeof kinds;

export interface LedgerSettings {
  /** Decisions kept. */
  capacity: number;
  features: number;
  shadows: number;
}

export interface Entry {
  kind: Kind;
  customer: string;
  order: string;
  atMs: number;
  level: Level;
  p: number;
  version: number;
  /** S of each, of which the first `shadows` say something */
  shadow: Float64Array;
  shadowVersion: Uint16Array;
  shadows: number;
  x: Float64Array | Float32Array;
  /** It is here for its verdict alone: no part of what is usual for the customer. */
  recalled?: boolean;
}

export interface Ledger {
  readonly columns: Columns;
  /** Decisions so far; the last is `count() - 1`. */
  count(): number;
  oldest(): number;
  slotOf(n: number): number;
  push(entry: Entry): void;
  /** Numbers of what is still known of an order, the latest first. */
  ofOrder(kind: Kind, customer: string, order: string): number[];
  /** Slots of the customer's last decisions of a kind, the latest first, into `out`, as many as it has room for. @returns how many */
  lastOf(customer: string, kind: Kind, out: Int32Array): number;
  setVerdict(n: number, verdict: Verdict): void;
  /** The oldest one that may be waiting. */
  firstWaiting(): number | undefined;
  forget(customer: string): void;
  stats(): { held: number; waiting: number; dropped: number };
  snapshot(): Uint8Array[];
  hash(): string;
}

const columnsOf = ({ capacity: C, features: D, shadows: S }: LedgerSettings) => ({
  atMs: new Float64Array(C), key: new Float64Array(C), customer: new Float64Array(C), p: new Float64Array(C),
  sameOrder: new Float64Array(C), sameCustomer: new Float64Array(C), shadow: new Float32Array(C * S), x: new Float32Array(C * D),
  version: new Uint16Array(C), shadowVersion: new Uint16Array(C * S), level: new Uint8Array(C), kind: new Uint8Array(C), verdict: new Uint8Array(C), shadows: new Uint8Array(C),
});
export type Columns = ReturnType<typeof columnsOf>;

const format: Format = { name: 'risk ledger', magic: 'AFRL', version: 2 };

/** How far back one looks for decisions of the same kind. */
const LOOKS = 8;
/** Decisions about one order that a verdict reaches: the lines of an order may come one by one. */
const ORDER_MAX = 64;

/**
 * @param chunks  a snapshot, made with the same settings
 * @throws RangeError when they are not a whole snapshot of this version
 */
export function createLedger(settings: LedgerSettings, chunks?: Uint8Array[]): Ledger {
  const { capacity: C, features: D, shadows: S } = settings;
  const columns = columnsOf(settings);
  const { key, customer, sameOrder, sameCustomer, kind, verdict } = columns;
  const [lastOfOrder, lastOfCustomer]: Latest[] = [createLatest(key), createLatest(customer)];
  // The same customer is asked about, and then remembered.
  let [lastName, lastHash, lastNumber]: [string | undefined, number, number] = [undefined, 0, -1];
  /** No state: it is there so that what is read for the cache's sake has a use. */
  const homes = new Int32Array(1);
  /** next: number of the coming decision; waitFrom: none before it waits */
  let [next, waitFrom, waiting, dropped] = [0, 0, 0, 0];
  if (chunks !== undefined) load();

  const oldest = (): number => Math.max(0, next - C);
  const known = (n: number): boolean => n >= oldest() && n < next;
  function lookUp(name: string): void {
    if (name === lastName) return;
    lastName = name;
    lastHash = hash53(name);
    lastNumber = numberOf(lastOfCustomer.find(lastHash));
  }
  /** Number of the decision in a slot; -1 for none. */
  const numberOf = (slot: number): number => (slot < 0 ? -1 : slot < next % C ? next - (next % C) + slot : next - (next % C) - C + slot);
  function makeRoom(slot: number): void {
    if (verdict[slot] === verdicts.waiting) {
      waiting -= 1;
      dropped += 1;
    }
    if (verdict[slot] === verdicts.forgotten) return;
    lastOfOrder.remove(slot);
    lastOfCustomer.remove(slot);
  }

  return {
    columns,
    count: () => next,
    oldest,
    slotOf: (n) => n % C,
    push(entry) {
      const slot = next % C;
      lookUp(entry.customer);
      const orderKey = hash53(entry.kind, entry.customer, entry.order);
      homes[0] = lastOfOrder.home(orderKey) ^ lastOfOrder.home(key[slot]) ^ lastOfCustomer.home(customer[slot]);
      if (next >= C) makeRoom(slot);
      key[slot] = orderKey;
      customer[slot] = lastHash;
      sameOrder[slot] = numberOf(lastOfOrder.find(orderKey));
      sameCustomer[slot] = known(lastNumber) && lastNumber > next - C ? lastNumber : -1;
      store(columns, slot, entry, D, S);
      lastOfOrder.set(slot);
      lastOfCustomer.set(slot);
      waiting += 1;
      next += 1;
      lastName = undefined;
    },
    ofOrder(of, name, order) {
      const found: number[] = [];
      for (let n = numberOf(lastOfOrder.find(hash53(of, name, order))); known(n) && found.length < ORDER_MAX; n = sameOrder[n % C]) found.push(n);
      return found;
    },
    lastOf(name, of, out) {
      let [found, looks] = [0, 0];
      lookUp(name);
      for (let n = lastNumber; known(n) && looks < LOOKS && found < out.length; n = sameCustomer[n % C]) {
        looks += 1;
        if (kind[n % C] === kinds[of]) out[found++] = n % C;
      }
      return found;
    },
    setVerdict(n, of) {
      if (!known(n)) throw new RangeError(`risk ledger: decision ${n} is not held, it holds ${oldest()} to ${next - 1}`);
      if (verdict[n % C] === verdicts.waiting) waiting -= 1;
      verdict[n % C] = of;
    },
    firstWaiting() {
      waitFrom = Math.max(waitFrom, oldest());
      while (waitFrom < next && verdict[waitFrom % C] !== verdicts.waiting) waitFrom += 1;
      return waitFrom < next ? waitFrom : undefined;
    },
    forget(name) {
      lookUp(name);
      lastName = undefined;
      for (let n = lastNumber; known(n);) {
        const slot = n % C;
        if (verdict[slot] === verdicts.waiting) waiting -= 1;
        lastOfOrder.remove(slot);
        lastOfCustomer.remove(slot);
        n = sameCustomer[slot];
        clear(columns, slot, C);
      }
    },
    stats: () => ({ held: Math.min(next, C), waiting, dropped }),
    ...kept({ ...settings }, () => sectionsOf(columns, settings, [next, waiting, dropped]), format),
  };

  function load(): void {
    const { next: section } = unpack(chunks ?? [], { ...settings }, format);
    [next, waiting, dropped] = new Float64Array(section((bytes) => new Uint8Array(bytes)).buffer);
    for (const column of Object.values(columns)) section((bytes) => bytesOf(column).subarray(0, bytes));
    for (let n = Math.max(0, next - C); n < next; n += 1) {
      if (verdict[n % C] === verdicts.forgotten) continue;
      lastOfOrder.set(n % C);
      lastOfCustomer.set(n % C);
    }
  }
}

function store(columns: Columns, slot: number, entry: Entry, D: number, S: number): void {
  const { atMs, p, shadow, x, version, shadowVersion, shadows, level, kind, verdict } = columns;
  atMs[slot] = entry.atMs;
  p[slot] = entry.p;
  shadows[slot] = entry.shadows;
  for (let i = 0; i < entry.shadows; i += 1) {
    shadow[slot * S + i] = entry.shadow[i];
    shadowVersion[slot * S + i] = entry.shadowVersion[i];
  }
  x.set(entry.x, slot * D);
  version[slot] = entry.version;
  level[slot] = entry.level;
  kind[slot] = kinds[entry.kind] + (entry.recalled === true ? RECALLED : 0);
  verdict[slot] = verdicts.waiting;
}

/** Where `firstWaiting` stands depends on who asked and is no part of it; what it would find is. @param counters  next, waiting, dropped */
function sectionsOf(columns: Columns, { capacity }: LedgerSettings, counters: readonly [number, number, number]): Uint8Array[] {
  const held = Math.min(counters[0], capacity);
  return [bytesOf(Float64Array.from(counters)), ...Object.values(columns).map((column) => bytesOf(column.subarray(0, held * (column.length / capacity))))];
}

function clear(columns: Columns, slot: number, C: number): void {
  for (const column of Object.values(columns)) {
    const each = column.length / C;
    column.fill(0, slot * each, (slot + 1) * each);
  }
  columns.verdict[slot] = verdicts.forgotten;
}
