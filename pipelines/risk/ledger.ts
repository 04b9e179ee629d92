/**
 * Decisions that wait for their verdict, with the features that they were made from: a ring of the last C decisions.
 * D = features, S = shadow scorers.
 *
 *   n = 0, 1, 2 ...   number of a decision; it stands in slot n mod C until decision n + C takes its place
 *
 *   atMs, key, customer, p   f64 x C        key: of the order, its kind and its customer; customer: both 53-bit hashes
 *   sameOrder, sameCustomer  f64 x C        number of the decision before it about the same order or customer, -1 for none
 *   shadow                   f64 x C x S    probabilities, NaN where there was none
 *   x                        f32 x C x D    features: a model learns from 24 bits as well as from 53
 *   version, shadowVersion   u16            which model gave the probability
 *   level, kind, verdict     u8
 *
 * What is overwritten before its verdict came teaches nothing; it is counted.
 */
import { digest, pack, unpack, type Format, type Header } from '../../models/snapshot.js';
import type { Level } from './costs.js';

export const verdicts = { waiting: 0, genuine: 1, fraud: 2, matured: 3, forgotten: 4 } as const;
export type Verdict = (typeof verdicts)[keyof typeof verdicts];
export const kinds = { purchase: 0, refund: 1 } as const;
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
  /** S of each; NaN and 0 where there is none */
  shadow: Float64Array;
  shadowVersion: Uint16Array;
  x: Float64Array;
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
  /** The customer's last decisions of a kind, the latest first, at most `most`. */
  lastOf(customer: string, kind: Kind, most: number): number[];
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
  sameOrder: new Float64Array(C), sameCustomer: new Float64Array(C), shadow: new Float64Array(C * S), x: new Float32Array(C * D),
  version: new Uint16Array(C), shadowVersion: new Uint16Array(C * S), level: new Uint8Array(C), kind: new Uint8Array(C), verdict: new Uint8Array(C),
});
export type Columns = ReturnType<typeof columnsOf>;

const format: Format = { name: 'risk ledger', magic: 'AFRL', version: 1 };

/** How far back one looks for decisions of the same kind. */
const LOOKS = 8;
/** Decisions about one order that a verdict reaches: the lines of an order may come one by one. */
const ORDER_MAX = 64;

/**
 * 53 bits of a text: two 32-bit multiplicative hashes that are mixed at the end.
 * Source: cyrb53 (bryc, public domain). Among 100,000 keys two are the same with a chance of 6e-7.
 */
export function hash53(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

const keyOf = (kind: Kind, customer: string, order: string): number => hash53(`${kind}\n${customer}\n${order}`);

/**
 * @param chunks  a snapshot, made with the same settings
 * @throws RangeError when they are not a whole snapshot of this version
 */
export function createLedger(settings: LedgerSettings, chunks?: Uint8Array[]): Ledger {
  const { capacity: C, features: D, shadows: S } = settings;
  const columns = columnsOf(settings);
  const { atMs, key, customer, p, sameOrder, sameCustomer, shadow, x, version, shadowVersion, level, kind, verdict } = columns;
  const [lastOfOrder, lastOfCustomer] = [new Map<number, number>(), new Map<number, number>()];
  /** next: number of the coming decision; waitFrom: none before it waits */
  let [next, waitFrom, waiting, dropped] = [0, 0, 0, 0];
  if (chunks !== undefined) load();

  const oldest = (): number => Math.max(0, next - C);
  const known = (n: number): boolean => n >= oldest() && n < next;
  function makeRoom(slot: number, n: number): void {
    if (verdict[slot] === verdicts.waiting) {
      waiting -= 1;
      dropped += 1;
    }
    if (lastOfOrder.get(key[slot]) === n) lastOfOrder.delete(key[slot]);
    if (lastOfCustomer.get(customer[slot]) === n) lastOfCustomer.delete(customer[slot]);
  }
  function chain(from: number | undefined, before: Float64Array, most: number): number[] {
    const found: number[] = [];
    for (let n = from ?? -1; known(n) && found.length < most; n = before[n % C]) found.push(n);
    return found;
  }

  return {
    columns,
    count: () => next,
    oldest,
    slotOf: (n) => n % C,
    push(entry) {
      const slot = next % C;
      if (next >= C) makeRoom(slot, next - C);
      const [orderKey, customerKey] = [keyOf(entry.kind, entry.customer, entry.order), hash53(entry.customer)];
      atMs[slot] = entry.atMs;
      key[slot] = orderKey;
      customer[slot] = customerKey;
      p[slot] = entry.p;
      sameOrder[slot] = lastOfOrder.get(orderKey) ?? -1;
      sameCustomer[slot] = lastOfCustomer.get(customerKey) ?? -1;
      shadow.set(entry.shadow, slot * S);
      shadowVersion.set(entry.shadowVersion, slot * S);
      x.set(entry.x, slot * D);
      version[slot] = entry.version;
      level[slot] = entry.level;
      kind[slot] = kinds[entry.kind];
      verdict[slot] = verdicts.waiting;
      lastOfOrder.set(orderKey, next);
      lastOfCustomer.set(customerKey, next);
      waiting += 1;
      next += 1;
    },
    ofOrder: (of, name, order) => chain(lastOfOrder.get(keyOf(of, name, order)), sameOrder, ORDER_MAX),
    lastOf: (name, of, most) => chain(lastOfCustomer.get(hash53(name)), sameCustomer, LOOKS).filter((n) => kind[n % C] === kinds[of]).slice(0, most),
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
      const customerKey = hash53(name);
      for (let n = lastOfCustomer.get(customerKey) ?? -1; known(n);) {
        const slot = n % C;
        if (verdict[slot] === verdicts.waiting) waiting -= 1;
        lastOfOrder.delete(key[slot]);
        n = sameCustomer[slot];
        clear(columns, slot, C);
      }
      lastOfCustomer.delete(customerKey);
    },
    stats: () => ({ held: Math.min(next, C), waiting, dropped }),
    snapshot: () => withSections((header, parts) => pack(header, parts, format)),
    hash: () => withSections((header, parts) => digest(header, parts, format).digest('hex')),
  };

  function withSections<T>(work: (header: Header, parts: Uint8Array[]) => T): T {
    const parts = sections();
    return work({ settings: { ...settings }, sections: parts.map(({ length }) => length) }, parts);
  }
  function sections(): Uint8Array[] {
    const held = Math.min(next, C);
    // Where `firstWaiting` stands depends on who asked; what it would find does not.
    const counters = Float64Array.of(next, waiting, dropped);
    return [bytesOf(counters), ...Object.values(columns).map((column) => bytesOf(column.subarray(0, held * (column.length / C))))];
  }
  function load(): void {
    const { next: section } = unpack(chunks ?? [], { ...settings }, format);
    [next, waiting, dropped] = new Float64Array(section((bytes) => new Uint8Array(bytes)).buffer);
    for (const column of Object.values(columns)) section((bytes) => bytesOf(column).subarray(0, bytes));
    for (let n = Math.max(0, next - C); n < next; n += 1) {
      if (verdict[n % C] === verdicts.forgotten) continue;
      lastOfOrder.set(key[n % C], n);
      lastOfCustomer.set(customer[n % C], n);
    }
  }
}

function clear(columns: Columns, slot: number, C: number): void {
  for (const column of Object.values(columns)) {
    const each = column.length / C;
    column.fill(0, slot * each, (slot + 1) * each);
  }
  columns.verdict[slot] = verdicts.forgotten;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Float32Array | Uint16Array | Uint8Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
