/**
 * Counts and sums of an entity's purchases and refunds in six sliding windows.
 *
 * Time is cut into ticks of 10 s, and window k looks at whole buckets of it:
 *
 *   window   1min   10min   1h      24h   7d    30d
 *   bucket   10 s   100 s   10 min  4 h   1 d   5 d       tick t lies in bucket floor(t / grain)
 *   buckets  6      6       6       6     7     6         that of now and those before it
 *
 * so that a window covers its length less at most one bucket: an event at tick e counts as of tick T exactly when
 * floor(T / grain) - floor(e / grain) < buckets. T is the moment asked about or the entity's newest event, whichever is
 * later: a late event goes to its own place, and a late question is answered as of what is known.
 *
 * Rings of all 37 buckets would cost a kilobyte an entity, most of it zeros. An entity holds a chain of cells instead, the
 * newest first. Each grain divides the next and each window holds the one before, so a cell that has left window k - 1 needs
 * no finer place than its bucket of k: cells of one bucket are merged, and at most 37 are left of any number of events,
 * with the same sums that rings would give.
 *
 *   cell  tick, next, low 32 bits of the sum | refund 1 bit, count 15, high 16 bits of the sum    i32     16 bytes
 *
 * A cell holds purchases or refunds. What does not fit into it (a count of 2^15, a sum of 2^48 minor units) starts another of
 * the same bucket, so that counts and sums are exact.
 */
import { give, giveAll, SMALL_MASK, NEXT, SMALL_SHIFT, take, type Pool } from './pages.js';

export const windowNames = ['1min', '10min', '1h', '24h', '7d', '30d'] as const;
export const WINDOWS = windowNames.length;
export const TICK_MS = 10_000;
/** in ticks */
export const grains = [1, 10, 60, 1440, 8640, 43_200] as const;
export const buckets = [6, 6, 6, 6, 7, 6] as const;

export const CELL_INTS = 4;
const TICK = 0;
const LOW = 2;
const HIGH = 3;
const COUNT_ONE = 1 << 16;
const COUNT_MAX = 0x7fff;
const REFUND = 1 << 31;
export const WORD = 2 ** 32;
/** What the sum of a cell stays below. */
export const SUM_END = 2 ** 48;

const countOf = (high: number): number => (high >>> 16) & COUNT_MAX;
const sumOf = (low: number, high: number): number => (high & 0xffff) * WORD + (low >>> 0);

export const tickOf = (atMs: number): number => Math.floor(atMs / TICK_MS);

/** The oldest tick of each window as of a tick, and the tick itself, so that asking again for the same one costs nothing. */
export const createSince = (): Int32Array => new Int32Array(WINDOWS + 1);

/** @param out  of `createSince` */
export function sinceOf(tick: number, out: Int32Array): void {
  if (out[WINDOWS] === tick) return;
  for (let k = 0; k < WINDOWS; k += 1) out[k] = (Math.floor(tick / grains[k]) - buckets[k] + 1) * grains[k];
  out[WINDOWS] = tick;
}

/** The smallest window that a tick lies in, and so all larger ones; WINDOWS: none. */
export function levelOf(tick: number, since: Int32Array): number {
  let k = 0;
  while (k < WINDOWS && tick < since[k]) k += 1;
  return k;
}

/**
 * Adds an event to a chain.
 * @param head   link of its newest cell, 0: none
 * @param since   of the newest event of the entity, this one among them
 * @param amount  whole minor units below 2^48; 0 where it is unknown, so that it counts and adds nothing
 * @returns the new head
 */
export function addToWindows(pool: Pool, head: number, tick: number, since: Int32Array, refund: boolean, amount: number): number {
  if (levelOf(tick, since) === WINDOWS) return compact(pool, head, since);
  let before = 0;
  let link = head;
  for (; link !== 0; link = nextOf(pool, link)) {
    const page = pool.ints[(link - 1) >>> SMALL_SHIFT];
    const at = ((link - 1) & SMALL_MASK) * CELL_INTS;
    if (page[at + TICK] < tick) break;
    if (page[at + TICK] === tick) {
      if (page[at + HIGH] < 0 === refund && add(page, at, 1, amount)) return head;
    } else before = link;
  }
  const fresh = take(pool);
  const page = pool.ints[(fresh - 1) >>> SMALL_SHIFT];
  const at = ((fresh - 1) & SMALL_MASK) * CELL_INTS;
  page[at + TICK] = tick;
  page[at + NEXT] = before === 0 ? head : nextOf(pool, before);
  page[at + HIGH] = refund ? REFUND : 0;
  add(page, at, 1, amount);
  if (before !== 0) setNext(pool, before, fresh);
  return compact(pool, before === 0 ? fresh : head, since);
}

/** @returns false where it does not fit, and then nothing has changed */
function add(page: Int32Array, at: number, count: number, amount: number): boolean {
  const high = page[at + HIGH];
  const sum = sumOf(page[at + LOW], high) + amount;
  if (sum >= SUM_END || countOf(high) + count > COUNT_MAX) return false;
  page[at + LOW] = sum;
  page[at + HIGH] = ((high & ~0xffff) + count * COUNT_ONE) | Math.floor(sum / WORD);
  return true;
}

/** Merges what no window can tell apart any more, and drops what has left them all. */
function compact(pool: Pool, head: number, since: Int32Array): number {
  let before = 0;
  // The last cell of purchases that stays, and of refunds.
  let [bought, boughtLevel, boughtTick, refunded, refundedLevel, refundedTick] = [0, -1, 0, 0, -1, 0];
  for (let link = head; link !== 0;) {
    const page = pool.ints[(link - 1) >>> SMALL_SHIFT];
    const at = ((link - 1) & SMALL_MASK) * CELL_INTS;
    const tick = page[at + TICK];
    const next = page[at + NEXT];
    const mine = levelOf(tick, since);
    if (mine === WINDOWS) {
      giveAll(pool, link); // those behind it are older still
      if (before === 0) return 0;
      setNext(pool, before, 0);
      return head;
    }
    const refund = page[at + HIGH] < 0;
    const into = refund ? refunded : bought;
    const same = (refund ? refundedLevel : boughtLevel) === mine && tick >= Math.floor((refund ? refundedTick : boughtTick) / grains[mine]) * grains[mine];
    if (same && merge(pool, into, page, at)) {
      setNext(pool, before, next);
      give(pool, link);
    } else {
      before = link;
      if (refund) [refunded, refundedLevel, refundedTick] = [link, mine, tick];
      else [bought, boughtLevel, boughtTick] = [link, mine, tick];
    }
    link = next;
  }
  return head;
}

const merge = (pool: Pool, into: number, page: Int32Array, at: number): boolean =>
  add(pool.ints[(into - 1) >>> SMALL_SHIFT], ((into - 1) & SMALL_MASK) * CELL_INTS, countOf(page[at + HIGH]), sumOf(page[at + LOW], page[at + HIGH]));

/**
 * Reads the windows of a chain, each family by window behind the other: purchases | ln(1 + bought) | refunds | ln(1 + refunded).
 * @param refunds  whether the last two are wanted
 */
export function readWindows(pool: Pool, head: number, since: Int32Array, out: Float64Array, at: number, refunds: boolean): void {
  let k = 0;
  let [purchases, bought, boughtLog, back, refunded, refundedLog] = [0, 0, 0, 0, 0, 0];
  for (let link = head; link !== 0;) {
    const page = pool.ints[(link - 1) >>> SMALL_SHIFT];
    const from = ((link - 1) & SMALL_MASK) * CELL_INTS;
    const tick = page[from + TICK];
    if (tick < since[k]) {
      // Everything newer has been counted: windows that end before this cell are complete. A logarithm costs more than the rest.
      boughtLog = Math.log1p(bought);
      if (refunded !== 0) refundedLog = Math.log1p(refunded);
      do {
        out[at + k] = purchases;
        out[at + WINDOWS + k] = boughtLog;
        if (refunds) {
          out[at + 2 * WINDOWS + k] = back;
          out[at + 3 * WINDOWS + k] = refundedLog;
        }
        k += 1;
      } while (k < WINDOWS && tick < since[k]);
      if (k === WINDOWS) return;
    }
    const high = page[from + HIGH];
    if (high < 0) {
      back += countOf(high);
      refunded += sumOf(page[from + LOW], high);
    } else {
      purchases += countOf(high);
      bought += sumOf(page[from + LOW], high);
    }
    link = page[from + NEXT];
  }
  boughtLog = Math.log1p(bought);
  if (refunded !== 0) refundedLog = Math.log1p(refunded);
  for (; k < WINDOWS; k += 1) {
    out[at + k] = purchases;
    out[at + WINDOWS + k] = boughtLog;
    if (!refunds) continue;
    out[at + 2 * WINDOWS + k] = back;
    out[at + 3 * WINDOWS + k] = refundedLog;
  }
}

const nextOf = (pool: Pool, link: number): number => pool.ints[(link - 1) >>> SMALL_SHIFT][((link - 1) & SMALL_MASK) * CELL_INTS + NEXT];

function setNext(pool: Pool, link: number, next: number): void {
  pool.ints[(link - 1) >>> SMALL_SHIFT][((link - 1) & SMALL_MASK) * CELL_INTS + NEXT] = next;
}
