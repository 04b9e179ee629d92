/**
 * The fixed-size records and the scale epochs.
 *
 *   hot item, 32 bytes            cold item, 48 bytes               customer, 32 bytes
 *    0 norm2       f64             0 popularity    f64               0 norm2     f64
 *    8 admission   f64             8 postings      ptr              8 history   ptr
 *   16 list        ptr            12 posting count u32             12 length    u32
 *   20 list length u16, room u16  16 posting head  u32             16 room      u32
 *   24 epoch       i32            20 posting room  u32             20 epoch     i32
 *   28 flags       u32            24 older         u32             24 older     u32
 *                                 28 newer         u32             28 newer     u32
 *                                 32 contributors  u32
 *                                 36 touches       u32
 *
 * Hot is what the inner loop reads of every item in the customer's history: two records to a cache line.
 *
 * Every r is relative to a landmark that moves by STEP half-lives at a time; `epoch` counts those moves. A record, a
 * customer's history or a block of pairs carries the epoch that its numbers are relative to and is multiplied by a power
 * of two, exactly, when it is next touched. Nothing ever walks over everything.
 *   r in [2^-192, 5 * 2^128], so dot and norm2 in [2^-384, 2^300], and dot^2 / norm2 stays a normal number.
 */
import { pow2, release, roundUp } from './memory';

/** Half-lives that the landmark moves at a time; decay.ts holds the same number. */
export const STEP: i32 = 128;
/** An r below this is absent, a dot or a norm2 below its square is 0; decay.ts holds the same number. */
export const R_MIN: f64 = 1.5930919111324523e-58; // 2^-192
export const DOT_MIN: f64 = 2.537941837315649e-116; // 2^-384

export const NONE: u32 = 0xffffffff;
export const HOT: usize = 32;
export const COLD: usize = 48;
export const CUSTOMER: usize = 32;

export const LIVE: u32 = 1;
export const DYING: u32 = 2;
export const ON_TOP: u32 = 4;
/** What lies above these in the flags is the item's birth number, while pairs are pruned (pruned.ts). */
export const FLAG_BITS: u32 = 3;

// Limits and places, set once by init().
export let customerLimit: u32 = 0;
export let itemRoom: u32 = 0;
export let pairLimit: u32 = 0;
export let historyLimit: u32 = 0;
export let neighbourLimit: u32 = 0;
export let postingLimit: u32 = 0;
export let hotBase: usize = 0;
export let coldBase: usize = 0;
export let customerBase: usize = 0;

export function setLimits(customers: u32, items: u32, pairs: u32, history: u32, neighbours: u32, postings: u32): void {
  customerLimit = customers;
  itemRoom = items;
  pairLimit = pairs;
  historyLimit = history;
  neighbourLimit = neighbours;
  postingLimit = postings;
}

export function setBases(hot: usize, cold: usize, customers: usize): void {
  hotBase = hot;
  coldBase = cold;
  customerBase = customers;
}

export let epoch: i32 = 0;
export let pairCount: u32 = 0;
export let dyingCount: u32 = 0;

export function setEpoch(value: i32): void { epoch = value; }
export function setPairCount(value: u32): void { pairCount = value; }
export function setDyingCount(value: u32): void { dyingCount = value; }

// @ts-ignore: decorator
@inline
export function hot(item: u32): usize { return hotBase + <usize>item * HOT; }
// @ts-ignore: decorator
@inline
export function cold(item: u32): usize { return coldBase + <usize>item * COLD; }
// @ts-ignore: decorator
@inline
export function customerAt(customer: u32): usize { return customerBase + <usize>customer * CUSTOMER; }

// @ts-ignore: decorator
@inline
export function flush(value: f64, least: f64): f64 { return value < least ? 0 : value; }

/** Brings an item's numbers to the current epoch. */
export function rescaleItem(item: u32): void {
  const h = hot(item);
  const steps = epoch - load<i32>(h, 24);
  if (steps === 0) return;
  store<i32>(h, epoch, 24);
  const byR = pow2(-STEP * min(steps, 16));
  const byDot = pow2(-2 * STEP * min(steps, 8));
  store<f64>(h, flush(load<f64>(h) * byDot, DOT_MIN));
  const admission = load<f64>(h, 8);
  if (admission > 0) store<f64>(h, admission * byDot, 8);
  const list: usize = load<u32>(h, 16);
  const length: usize = load<u16>(h, 20);
  for (let i: usize = 0; i < length; i++) {
    store<f64>(list + (i << 3), flush(load<f64>(list + (i << 3)) * byDot, DOT_MIN));
  }
  const c = cold(item);
  store<f64>(c, flush(load<f64>(c) * byR, R_MIN));
  const postings: usize = load<u32>(c, 8);
  const count: usize = load<u32>(c, 12);
  for (let i: usize = 0; i < count; i++) {
    store<f64>(postings + (i << 3), flush(load<f64>(postings + (i << 3)) * byR, R_MIN));
  }
}

/** norm2 of an item as of the current epoch, without writing; 0 for one that is being evicted. */
// @ts-ignore: decorator
@inline
export function norm2Of(item: u32): f64 {
  const h = hot(item);
  const steps = epoch - load<i32>(h, 24);
  const norm2 = load<f64>(h);
  return steps === 0 ? norm2 : flush(norm2 * pow2(-2 * STEP * min(steps, 8)), DOT_MIN);
}

/** What multiplies a dot that is stored at an item to bring it to the current epoch. */
// @ts-ignore: decorator
@inline
export function dotScale(item: u32): f64 {
  const steps = epoch - load<i32>(hot(item), 24);
  return steps === 0 ? 1 : pow2(-2 * STEP * min(steps, 8));
}

// @ts-ignore: decorator
@inline
export function rScale(then: i32): f64 {
  const steps = epoch - then;
  return steps === 0 ? 1 : pow2(-STEP * min(steps, 16));
}

// ---- least recently touched lists: intrusive, doubly linked, one for customers and one for items ----

export let customerOldest: u32 = NONE;
export let customerNewest: u32 = NONE;
export let itemOldest: u32 = NONE;
export let itemNewest: u32 = NONE;

export function setOrder(co: u32, cn: u32, io: u32, inew: u32): void {
  customerOldest = co;
  customerNewest = cn;
  itemOldest = io;
  itemNewest = inew;
}

export function unlinkCustomer(id: u32): void {
  const at = customerAt(id);
  const older = load<u32>(at, 24);
  const newer = load<u32>(at, 28);
  if (older === NONE) customerOldest = newer; else store<u32>(customerAt(older), newer, 28);
  if (newer === NONE) customerNewest = older; else store<u32>(customerAt(newer), older, 24);
}

export function linkCustomer(id: u32): void {
  const at = customerAt(id);
  store<u32>(at, customerNewest, 24);
  store<u32>(at, NONE, 28);
  if (customerNewest === NONE) customerOldest = id; else store<u32>(customerAt(customerNewest), id, 28);
  customerNewest = id;
}

export function unlinkItem(id: u32): void {
  const at = cold(id);
  const older = load<u32>(at, 24);
  const newer = load<u32>(at, 28);
  if (older === NONE) itemOldest = newer; else store<u32>(cold(older), newer, 28);
  if (newer === NONE) itemNewest = older; else store<u32>(cold(newer), older, 24);
}

export function linkItem(id: u32): void {
  const at = cold(id);
  store<u32>(at, itemNewest, 24);
  store<u32>(at, NONE, 28);
  if (itemNewest === NONE) itemOldest = id; else store<u32>(cold(itemNewest), id, 28);
  itemNewest = id;
}

// ---- bytes of a block by its room ----

// @ts-ignore: decorator
@inline
export function listBytes(room: u32): usize { return <usize>room * 12; }
// @ts-ignore: decorator
@inline
export function historyBytes(room: u32): usize { return <usize>room * 16; }
// @ts-ignore: decorator
@inline
export function postingBytes(room: u32): usize { return <usize>room * 12; }

/** The most entries of `each` bytes that the block for `wanted` of them holds, at most `limit`. */
export function roomFor(wanted: u32, each: usize, limit: u32): u32 {
  return min<u32>(limit, <u32>(roundUp(<usize>wanted * each) / each));
}

export function freeBlock(at: usize, bytes: usize): void {
  release(at, bytes);
}
