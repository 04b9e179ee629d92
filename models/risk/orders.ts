/**
 * The latest orders of a customer, as a chain in the pool of the cells, the newest first (state.ts shows the record).
 *
 *   order  key, next, tick, low 32 bits of what was paid                                     i32     16 bytes
 *   rest   low 32 bits of what came back, next, -1, the high 16 bits of both           i32     16 bytes, behind its order, and only
 *                                                                                          where something came back or 2^32 were paid
 *
 * A key has 32 bits: among eight orders two are taken for one with a chance of 7e-9. Sums stay below 2^48 minor units: what is
 * beyond is not added.
 */
import type { Key } from './key.js';
import { giveAll, SMALL_MASK, NEXT, SMALL_SHIFT, take, type Pool } from './pages.js';
import { SUM_END, WORD } from './windows.js';

/** A refund of an older order than the last eight is one whose order is not known. */
export const ORDERS_MAX = 8;
const KEY = 0;
const TICK = 2;
const LOW = 3;
/** Of the rest. */
const BACK_LOW = 0;
const IS_REST = 2;
const HIGHS = 3;

const pageOf = ({ ints }: Pool, link: number): Int32Array => ints[(link - 1) >>> SMALL_SHIFT];
const placeOf = ({ stride }: Pool, link: number): number => ((link - 1) & SMALL_MASK) * stride;

/** @returns the link; 0: not there */
export function findOrder(pool: Pool, head: number, { a }: Key): number {
  for (let link = head; link !== 0;) {
    const page = pageOf(pool, link);
    const at = placeOf(pool, link);
    if (page[at + KEY] === a && page[at + IS_REST] >= 0) return link;
    link = page[at + NEXT];
  }
  return 0;
}

/** Adds to an order; the lines of one may come one by one. @returns the new head */
export function addOrder(pool: Pool, head: number, key: Key, tick: number, amount: number): number {
  const known = findOrder(pool, head, key);
  if (known !== 0) {
    add(pool, known, amount, 0);
    return head;
  }
  const link = take(pool);
  const page = pageOf(pool, link);
  const at = placeOf(pool, link);
  page[at + KEY] = key.a;
  page[at + TICK] = tick;
  page[at + NEXT] = head;
  add(pool, link, amount, 0);
  trim(pool, link);
  return link;
}

function trim(pool: Pool, head: number): void {
  let [before, orders] = [0, 0];
  for (let link = head; link !== 0; link = pageOf(pool, link)[placeOf(pool, link) + NEXT]) {
    if (pageOf(pool, link)[placeOf(pool, link) + IS_REST] >= 0) orders += 1;
    if (orders > ORDERS_MAX) {
      pageOf(pool, before)[placeOf(pool, before) + NEXT] = 0;
      return giveAll(pool, link);
    }
    before = link;
  }
}

export function refundOrder(pool: Pool, head: number, key: Key, amount: number): void {
  const link = findOrder(pool, head, key);
  if (link !== 0) add(pool, link, 0, amount);
}

const sums = new Float64Array(3);
function add(pool: Pool, link: number, amount: number, back: number): void {
  readOrder(pool, link, sums);
  const [paid, returned] = [Math.min(SUM_END - 1, sums[1] + amount), Math.min(SUM_END - 1, sums[2] + back)];
  const page = pageOf(pool, link);
  const at = placeOf(pool, link);
  page[at + LOW] = paid;
  let rest = restOf(pool, link);
  if (rest === 0) {
    if (paid < WORD && returned === 0) return;
    rest = take(pool);
    const fresh = pageOf(pool, rest);
    fresh[placeOf(pool, rest) + NEXT] = page[at + NEXT];
    fresh[placeOf(pool, rest) + IS_REST] = -1;
    page[at + NEXT] = rest;
  }
  const [its, from] = [pageOf(pool, rest), placeOf(pool, rest)];
  its[from + BACK_LOW] = returned;
  its[from + HIGHS] = (Math.floor(paid / WORD) << 16) | Math.floor(returned / WORD);
}

function restOf(pool: Pool, link: number): number {
  const next = pageOf(pool, link)[placeOf(pool, link) + NEXT];
  return next !== 0 && pageOf(pool, next)[placeOf(pool, next) + IS_REST] < 0 ? next : 0;
}

/** @param link  an order's. @returns its tick, what was paid and what came back, in `out` */
export function readOrder(pool: Pool, link: number, out: Float64Array): void {
  const page = pageOf(pool, link);
  const at = placeOf(pool, link);
  out[0] = page[at + TICK];
  out[1] = page[at + LOW] >>> 0;
  out[2] = 0;
  const rest = restOf(pool, link);
  if (rest === 0) return;
  const [its, from] = [pageOf(pool, rest), placeOf(pool, rest)];
  out[1] += (its[from + HIGHS] >>> 16) * WORD;
  out[2] = (its[from + HIGHS] & 0xffff) * WORD + (its[from + BACK_LOW] >>> 0);
}
