/** The latest orders of a customer, as a chain in the pool of the cells, the newest first (state.ts shows the record). */
import type { Key } from './distinct.js';
import { give, MASK, NEXT, SHIFT, take, type Pool } from './pages.js';

/** A refund of an older order than the last eight is one whose order is not known. */
export const ORDERS_MAX = 8;
const KEY_A = 0;
const TICK = 2;
const KEY_B = 3;
/** Floats. */
const BOUGHT = 2;
const REFUNDED = 3;

/** @returns the link; 0: not there */
export function findOrder(pool: Pool, head: number, { a, b }: Key): number {
  for (let link = head; link !== 0;) {
    const page = pool.ints[(link - 1) >>> SHIFT];
    const at = ((link - 1) & MASK) * pool.stride;
    if (page[at + KEY_A] === a && page[at + KEY_B] === b) return link;
    link = page[at + NEXT];
  }
  return 0;
}

/** Adds to an order; the lines of one may come one by one. @returns the new head */
export function addOrder(pool: Pool, head: number, key: Key, tick: number, amount: number): number {
  const known = findOrder(pool, head, key);
  const link = known === 0 ? take(pool) : known;
  const page = pool.ints[(link - 1) >>> SHIFT];
  const at = ((link - 1) & MASK) * pool.stride;
  pool.floats[(link - 1) >>> SHIFT][(at >> 1) + BOUGHT] += amount;
  if (known !== 0) return head;
  page[at + KEY_A] = key.a;
  page[at + KEY_B] = key.b;
  page[at + TICK] = tick;
  page[at + NEXT] = head;
  trim(pool, link);
  return link;
}

function trim(pool: Pool, head: number): void {
  let link = head;
  for (let n = 1; n < ORDERS_MAX && link !== 0; n += 1) link = pool.ints[(link - 1) >>> SHIFT][((link - 1) & MASK) * pool.stride + NEXT];
  if (link === 0) return;
  const page = pool.ints[(link - 1) >>> SHIFT];
  const at = ((link - 1) & MASK) * pool.stride + NEXT;
  if (page[at] !== 0) give(pool, page[at]);
  page[at] = 0;
}

export function refundOrder(pool: Pool, head: number, key: Key, amount: number): void {
  const link = findOrder(pool, head, key);
  if (link !== 0) pool.floats[(link - 1) >>> SHIFT][(((link - 1) & MASK) * (pool.stride >> 1)) + REFUNDED] += amount;
}

/** @param link  an order's. @returns its tick, what was paid and what came back, in `out` */
export function readOrder(pool: Pool, link: number, out: Float64Array): void {
  const at = ((link - 1) & MASK) * pool.stride;
  out[0] = pool.ints[(link - 1) >>> SHIFT][at + TICK];
  out[1] = pool.floats[(link - 1) >>> SHIFT][(at >> 1) + BOUGHT];
  out[2] = pool.floats[(link - 1) >>> SHIFT][(at >> 1) + REFUNDED];
}
