/**
 * What the coupons remember of a customer: the cart that waits, the rhythm of the orders, open tickets, and the coupons
 * given. Two cache lines each:
 *
 *   times  f64 x 8   cart touched last, things in it, last order, start of the last occasion, two tickets' times, faded
 *   words  u32 x 16  occasions, 5 intervals between them (minutes), 8 grants (seconds since 1970), two tickets' keys
 *
 * Beside them the clock of the stream, the day's spending, and the queue of what is to be looked at when.
 */
import { createDueQueue, type DueQueue } from '../../models/due-queue.js';
import { createRoster, type Roster } from '../../models/roster.js';
import { digest, pack, unpack, type Format } from '../../models/snapshot.js';

/** Coupons that are remembered for each customer: no cap can be above it. */
export const CAP_MAX = 8;
export const INTERVALS = 5;
export const TICKETS = 2;

export const TIMES = 8;
export const times = { cart: 0, cartItems: 1, order: 2, occasion: 3, ticket: 4, faded: 6 } as const;
export const WORDS = 16;
export const words = { occasions: 0, interval: 1, grant: 6, ticketKey: 14 } as const;

/** Why a customer is looked at again. */
export const KINDS = 2;
export const due = { cart: 0, fading: 1 } as const;

export interface CouponState {
  customers: Roster;
  times: Float64Array;
  words: Uint32Array;
  /** slots are customer * KINDS + kind */
  queue: DueQueue;
  /** The largest time of an event so far, none taken as later than it was received; milliseconds. */
  clockMs: number;
  /** UTC day of `clockMs`, days since 1970, and what was given away in it, minor units. */
  day: number;
  spentMinor: number;
  granted: number;
  withheld: number;
}

const format: Format = { name: 'coupons', magic: 'AFCP', version: 1 };

/** @throws RangeError when the chunks are not a whole snapshot of this version made with as many customers */
export function createState(max: number, chunks?: Uint8Array[]): CouponState {
  if (chunks?.length === 0) throw new RangeError('coupons snapshot: made while there were no coupons; rebuild from the events');
  const saved = chunks === undefined ? undefined : unpack(chunks, { customers: max }, format);
  const part = (): Uint8Array => saved?.next((bytes) => new Uint8Array(bytes)) ?? new Uint8Array();
  const state: CouponState = {
    times: new Float64Array(max * TIMES), words: new Uint32Array(max * WORDS), clockMs: 0, day: 0, spentMinor: 0, granted: 0, withheld: 0,
    customers: undefined as never, queue: undefined as never,
  };
  const onDrop = (id: number): void => clear(state, id);
  if (saved === undefined) {
    state.customers = createRoster({ max, onDrop });
    state.queue = createDueQueue(max * KINDS);
    return state;
  }
  state.customers = createRoster({ max, onDrop, saved: [part(), part()] });
  state.queue = createDueQueue(max * KINDS, [part(), part()]);
  [state.clockMs, state.day, state.spentMinor, state.granted, state.withheld] = new Float64Array(part().buffer);
  for (const column of [state.times, state.words]) saved.next((bytes) => new Uint8Array(column.buffer, 0, bytes));
  return state;
}

function clear(state: CouponState, id: number): void {
  for (let kind = 0; kind < KINDS; kind += 1) state.queue.remove(id * KINDS + kind);
  state.times.fill(0, id * TIMES, (id + 1) * TIMES);
  state.words.fill(0, id * WORDS, (id + 1) * WORDS);
}

export function snapshotOf(state: CouponState, max: number): Uint8Array[] {
  const parts = sections(state);
  return pack(headerOf(parts, max), parts, format);
}

/** sha256, hexadecimal, of what a snapshot would hold. */
export function hashOf(state: CouponState, max: number): string {
  const parts = sections(state);
  return digest(headerOf(parts, max), parts, format).digest('hex');
}

function sections({ customers, queue, times, words, clockMs, day, spentMinor, granted, withheld }: CouponState): Uint8Array[] {
  const used = customers.used();
  return [
    ...customers.save(), ...queue.save(), new Uint8Array(Float64Array.of(clockMs, day, spentMinor, granted, withheld).buffer),
    new Uint8Array(times.buffer, 0, used * TIMES * 8), new Uint8Array(words.buffer, 0, used * WORDS * 4),
  ];
}

function headerOf(parts: Uint8Array[], max: number) {
  return { settings: { customers: max }, sections: parts.map(({ length }) => length) };
}
