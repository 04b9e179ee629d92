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
 *   cell  tick, next, purchases, refunds  i32 | bought, refunded  f64      32 bytes
 */
import { give, giveAll, MASK, NEXT, SHIFT, take, type Pool } from './pages.js';

export const windowNames = ['1min', '10min', '1h', '24h', '7d', '30d'] as const;
export const WINDOWS = windowNames.length;
export const TICK_MS = 10_000;
/** in ticks */
export const grains = [1, 10, 60, 1440, 8640, 43_200] as const;
export const buckets = [6, 6, 6, 6, 7, 6] as const;

export const CELL_INTS = 8;
const TICK = 0;
const PURCHASES = 2;
const REFUNDS = 3;
/** Floats. */
const BOUGHT = 2;
const REFUNDED = 3;

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
 * @param amount  minor units; 0 where it is unknown, so that it counts and adds nothing
 * @returns the new head
 */
export function addToWindows(pool: Pool, head: number, tick: number, since: Int32Array, refund: boolean, amount: number): number {
  if (levelOf(tick, since) === WINDOWS) return compact(pool, head, since);
  let before = 0;
  let link = head;
  let its = -1;
  while (link !== 0) {
    const page = pool.ints[(link - 1) >>> SHIFT];
    const at = ((link - 1) & MASK) * CELL_INTS;
    its = page[at + TICK];
    if (its <= tick) break;
    before = link;
    link = page[at + NEXT];
  }
  let first = head;
  if (link === 0 || its !== tick) {
    const fresh = take(pool);
    const page = pool.ints[(fresh - 1) >>> SHIFT];
    const at = ((fresh - 1) & MASK) * CELL_INTS;
    page[at + TICK] = tick;
    page[at + NEXT] = link;
    if (before === 0) first = fresh;
    else setNext(pool, before, fresh);
    link = fresh;
  }
  const at = ((link - 1) & MASK) * CELL_INTS;
  pool.ints[(link - 1) >>> SHIFT][at + (refund ? REFUNDS : PURCHASES)] += 1;
  pool.floats[(link - 1) >>> SHIFT][(at >> 1) + (refund ? REFUNDED : BOUGHT)] += amount;
  return compact(pool, first, since);
}

/** Merges what no window can tell apart any more, and drops what has left them all. */
function compact(pool: Pool, head: number, since: Int32Array): number {
  let before = 0;
  let level = -1;
  let newer = 0;
  for (let link = head; link !== 0;) {
    const page = pool.ints[(link - 1) >>> SHIFT];
    const at = ((link - 1) & MASK) * CELL_INTS;
    const tick = page[at + TICK];
    const next = page[at + NEXT];
    const mine = levelOf(tick, since);
    if (mine === WINDOWS) {
      giveAll(pool, link); // those behind it are older still
      if (before === 0) return 0;
      setNext(pool, before, 0);
      return head;
    }
    if (mine === level && tick >= Math.floor(newer / grains[mine]) * grains[mine]) {
      merge(pool, before, link);
      setNext(pool, before, next);
      give(pool, link);
    } else {
      before = link;
      level = mine;
      newer = tick;
    }
    link = next;
  }
  return head;
}

function merge(pool: Pool, into: number, from: number): void {
  const [a, b] = [((into - 1) & MASK) * CELL_INTS, ((from - 1) & MASK) * CELL_INTS];
  const [mine, its] = [pool.ints[(into - 1) >>> SHIFT], pool.ints[(from - 1) >>> SHIFT]];
  mine[a + PURCHASES] += its[b + PURCHASES];
  mine[a + REFUNDS] += its[b + REFUNDS];
  const [sums, others] = [pool.floats[(into - 1) >>> SHIFT], pool.floats[(from - 1) >>> SHIFT]];
  sums[(a >> 1) + BOUGHT] += others[(b >> 1) + BOUGHT];
  sums[(a >> 1) + REFUNDED] += others[(b >> 1) + REFUNDED];
}

/**
 * Reads the windows of a chain.
 * @param sums  4 x WINDOWS, overwritten: purchases | bought | refunds | refunded, each by window
 */
export function readWindows(pool: Pool, head: number, since: Int32Array, sums: Float64Array): void {
  sums.fill(0);
  for (let link = head; link !== 0;) {
    const page = pool.ints[(link - 1) >>> SHIFT];
    const floats = pool.floats[(link - 1) >>> SHIFT];
    const at = ((link - 1) & MASK) * CELL_INTS;
    const k = levelOf(page[at + TICK], since);
    if (k === WINDOWS) break;
    sums[k] += page[at + PURCHASES];
    sums[WINDOWS + k] += floats[(at >> 1) + BOUGHT];
    sums[2 * WINDOWS + k] += page[at + REFUNDS];
    sums[3 * WINDOWS + k] += floats[(at >> 1) + REFUNDED];
    link = page[at + NEXT];
  }
  for (let row = 0; row < sums.length; row += WINDOWS) for (let k = 1; k < WINDOWS; k += 1) sums[row + k] += sums[row + k - 1];
}

function setNext(pool: Pool, link: number, next: number): void {
  pool.ints[(link - 1) >>> SHIFT][((link - 1) & MASK) * CELL_INTS + NEXT] = next;
}
