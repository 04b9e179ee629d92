/**
 * The last C orders of a shard, to fill answers from and to know what a customer's ticket is about: a ring, the order that
 * arrived first makes room.
 *
 *   n = 0, 1, 2 ...   number of an order; it stands in slot n mod C until order n + C takes its place
 *
 *   atMs, key, customer          f64 x C   key: of the order and its customer; both are 53-bit hashes
 *   sameCustomer                 f64 x C   number of the customer's order before it, -1 for none
 *   amountMinor, refundedMinor, refundMs   f64 x C   refundMs: of the last refund, 0 for none
 *   currency                     u16 x C   three letters, 5 bits each
 *   text                         the order's id and its first items, separated by newlines
 *
 * The lines of one order may come one by one: they are added up while the order is held.
 */
import { hash53 } from '../../models/hash53.js';
import { createRingTexts } from '../../models/ring-texts.js';
import { bytesOf, kept, unpack, type Format } from '../../models/snapshot.js';
import type { KnownOrder } from '../../models/support/slots.js';
import type { Purchase, Refund } from '../../schemas/events.js';

export interface Orders {
  bought(event: Purchase, atMs: number): void;
  sentBack(event: Refund, atMs: number): void;
  /** The customer's orders that are held, with their first items, the latest to arrive first, at most `most`. Never writes. */
  of(customer: string, most: number): KnownOrder[];
  forget(customer: string): void;
  stats(): { held: number };
  snapshot(): Uint8Array[];
  hash(): string;
}

/** Items of one order that are kept: answers name one, and a text is told apart by few. */
const ITEMS_MAX = 4;

const columnsOf = (C: number) => ({
  atMs: new Float64Array(C), key: new Float64Array(C), customer: new Float64Array(C), sameCustomer: new Float64Array(C),
  amountMinor: new Float64Array(C), refundedMinor: new Float64Array(C), refundMs: new Float64Array(C), currency: new Uint16Array(C),
});

const format: Format = { name: 'support orders', magic: 'AFSO', version: 1 };
const A = 'A'.charCodeAt(0);
const currencyCode = (text: string): number => ((text.charCodeAt(0) - A) << 10) | ((text.charCodeAt(1) - A) << 5) | (text.charCodeAt(2) - A);
const currencyOf = (code: number): string => String.fromCharCode(A + (code >> 10), A + ((code >> 5) & 31), A + (code & 31));
const keyOf = (customer: string, order: string): number => hash53(customer, order);

/**
 * @param capacity  C
 * @param chunks  a snapshot, made with the same capacity
 * @throws RangeError when they are not a whole snapshot of this version
 */
export function createOrders(capacity: number, chunks?: Uint8Array[]): Orders {
  const C = capacity;
  const columns = columnsOf(C);
  const { atMs, key, customer, sameCustomer, amountMinor, refundedMinor, refundMs, currency } = columns;
  const [byKey, lastOf] = [new Map<number, number>(), new Map<number, number>()];
  let next = 0;
  const texts = createRingTexts(chunks === undefined ? undefined : load(chunks));

  const known = (n: number): boolean => n >= 0 && n >= next - C && n < next;

  function makeRoom(n: number): void {
    const slot = n % C;
    if (byKey.get(key[slot]) === n) byKey.delete(key[slot]);
    if (lastOf.get(customer[slot]) === n) lastOf.delete(customer[slot]);
  }

  function add(event: Purchase, at: number): void {
    const slot = next % C;
    if (next >= C) makeRoom(next - C);
    const customerKey = hash53(event.customer);
    atMs[slot] = at;
    key[slot] = keyOf(event.customer, event.order);
    customer[slot] = customerKey;
    sameCustomer[slot] = lastOf.get(customerKey) ?? -1;
    amountMinor[slot] = event.amountMinor;
    refundedMinor[slot] = 0;
    refundMs[slot] = 0;
    currency[slot] = currencyCode(event.currency);
    texts.set(slot, textOf(event.order, event.lines.slice(0, ITEMS_MAX).map(({ item }) => item)));
    byKey.set(key[slot], next);
    lastOf.set(customerKey, next);
    next += 1;
  }

  function orderAt(n: number): KnownOrder {
    const slot = n % C;
    const [order, ...items] = texts.get(slot).split('\n');
    return {
      order, items, atMs: atMs[slot], amountMinor: amountMinor[slot], currency: currencyOf(currency[slot]), refundedMinor: refundedMinor[slot],
      refundMs: refundMs[slot] === 0 ? undefined : refundMs[slot],
    };
  }

  return {
    bought(event, at) {
      const n = byKey.get(keyOf(event.customer, event.order));
      if (n === undefined) return add(event, at);
      const slot = n % C;
      const { order, items } = orderAt(n);
      amountMinor[slot] += event.amountMinor;
      if (items.length < ITEMS_MAX) texts.set(slot, textOf(order, [...new Set([...items, ...event.lines.map(({ item }) => item)])].slice(0, ITEMS_MAX)));
    },
    sentBack(event, at) {
      const n = byKey.get(keyOf(event.customer, event.order));
      if (n === undefined) return;
      refundedMinor[n % C] += event.amountMinor;
      refundMs[n % C] = Math.max(refundMs[n % C], at);
    },
    of(name, most) {
      const found: KnownOrder[] = [];
      for (let n = lastOf.get(hash53(name)) ?? -1; known(n) && found.length < most; n = sameCustomer[n % C]) found.push(orderAt(n));
      return found;
    },
    forget(name) {
      const customerKey = hash53(name);
      for (let n = lastOf.get(customerKey) ?? -1; known(n);) {
        const slot = n % C;
        byKey.delete(key[slot]);
        n = sameCustomer[slot];
        for (const column of Object.values(columns)) column[slot] = 0;
        texts.clear(slot);
      }
      lastOf.delete(customerKey);
    },
    stats: () => ({ held: Math.min(next, C) }),
    ...kept({ orders: C }, sections, format),
  };

  function sections(): Uint8Array[] {
    const held = Math.min(next, C);
    return [new Uint8Array(Float64Array.of(next).buffer), ...Object.values(columns).map((column) => bytesOf(column.subarray(0, held))), ...texts.save(held)];
  }
  function load(from: Uint8Array[]): [Uint8Array, Uint8Array] {
    const { next: section } = unpack(from, { orders: C }, format);
    const part = (): Uint8Array => section((bytes) => new Uint8Array(bytes));
    [next] = new Float64Array(part().buffer);
    for (const column of Object.values(columns)) section((bytes) => bytesOf(column).subarray(0, bytes));
    for (let n = Math.max(0, next - C); n < next; n += 1) {
      const slot = n % C;
      if (key[slot] === 0) continue; // forgotten
      byKey.set(key[slot], n);
      lastOf.set(customer[slot], n);
    }
    return [part(), part()];
  }
}

/** Neither may hold a newline, by the contract. */
const textOf = (order: string, items: readonly string[]): string => [order, ...items].join('\n');
