/**
 * How many different counterparts an entity has met in each window: the cards of a customer, the customers of a device.
 *
 * Up to EXACT_MAX of the last 30 days are kept one by one with the tick at which each was last met, and the counts are exact.
 * One more makes a sliding HyperLogLog of them: for each register and each rank the tick at which that rank was last
 * seen, so that one sketch answers for every window. Standard error 1.04 / sqrt(64) = 13 %.
 * Sources: Flajolet, Fusy, Gandouet, Meunier 2007; Chabchoub, Hebrail 2010 (sliding).
 *
 *   one     its key, in the head itself                                 0 bytes; its tick is kept by whoever holds the head
 *   entry   key, next, tick, -               i32              16 bytes
 *   sketch  tick by register and rank        i32 x 64 x 16    4 KiB; only those above the cap have one, and `sketches` at most
 *
 * A head is 0 for an empty set, ONE + key for a set of one, as most are, else the link of the first entry, or minus the link of
 * the sketch. A key has 30 bits: among 17 counterparts two are taken for one with a chance of 1e-7. Where all sketches are
 * taken a set stays exact and forgets the counterpart it met longest ago: its count is then a lower bound.
 */
import type { Key } from './key.js';
import { give, giveAll, MASK, NEXT, SHIFT, SMALL_MASK, SMALL_SHIFT, take, type Pool } from './pages.js';
import { levelOf, WINDOWS } from './windows.js';

export const EXACT_MAX = 16;
export const ENTRY_INTS = 4;
const KEY = 0;
const TICK = 2;
const ONE = 1 << 30;

const REGISTERS = 64;
const RANKS = 16;
export const SKETCH_INTS = REGISTERS * RANKS;
const ALPHA = 0.709; // of 64 registers, Flajolet et al., figure 3

const bitsOf = ({ a }: Key): number => a >>> 2;

export interface Sets {
  entries: Pool;
  sketches: Pool;
  sketchesMax: number;
}

export const isOne = (head: number): boolean => head >= ONE;

/**
 * @param oneTick  of a set of one: when it was last met
 * @param since  of the entity's newest event
 * @returns the new head; where it is that of a set of one, whoever holds it keeps the tick
 */
export function meet(sets: Sets, head: number, oneTick: number, name: Key, tick: number, since: Int32Array): number {
  if (tick < since[WINDOWS - 1]) return head;
  const key = bitsOf(name);
  if (head === 0) return ONE | key;
  if (head < 0) {
    mark(sets.sketches, -head, key, tick);
    return head;
  }
  if (!isOne(head)) return meetSome(sets, head, key, tick, since);
  if (head === (ONE | key)) return head;
  if (oneTick < since[WINDOWS - 1]) return ONE | key;
  return linkIn(sets.entries, linkIn(sets.entries, 0, head & ~ONE, oneTick), key, tick);
}

function meetSome(sets: Sets, head: number, key: number, tick: number, since: Int32Array): number {
  const { entries } = sets;
  let first = head;
  let before = 0;
  let live = 0;
  let oldest = 0;
  let oldestTick = 0x7fffffff;
  for (let link = head; link !== 0;) {
    const page = entries.ints[(link - 1) >>> SMALL_SHIFT];
    const at = ((link - 1) & SMALL_MASK) * ENTRY_INTS;
    const next = page[at + NEXT];
    if (page[at + KEY] === key) {
      if (tick > page[at + TICK]) page[at + TICK] = tick;
      return first;
    }
    if (page[at + TICK] < since[WINDOWS - 1]) {
      if (before === 0) first = next;
      else entries.ints[(before - 1) >>> SMALL_SHIFT][((before - 1) & SMALL_MASK) * ENTRY_INTS + NEXT] = next;
      give(entries, link);
    } else {
      live += 1;
      if (page[at + TICK] < oldestTick) {
        oldest = link;
        oldestTick = page[at + TICK];
      }
      before = link;
    }
    link = next;
  }
  if (live < EXACT_MAX) return linkIn(entries, first, key, tick);
  if (sets.sketches.held < sets.sketchesMax) return -sketchOf(sets, first, key, tick);
  if (tick > oldestTick) put(entries, oldest, key, tick);
  return first;
}

function put(entries: Pool, link: number, key: number, tick: number): void {
  const page = entries.ints[(link - 1) >>> SMALL_SHIFT];
  const at = ((link - 1) & SMALL_MASK) * ENTRY_INTS;
  page[at + KEY] = key;
  page[at + TICK] = tick;
}

/** @returns the link of a new first entry */
function linkIn(entries: Pool, first: number, key: number, tick: number): number {
  const link = take(entries);
  put(entries, link, key, tick);
  entries.ints[(link - 1) >>> SMALL_SHIFT][((link - 1) & SMALL_MASK) * ENTRY_INTS + NEXT] = first;
  return link;
}

/** Turns a full set and one more into a sketch. */
function sketchOf({ entries, sketches }: Sets, head: number, key: number, tick: number): number {
  const sketch = take(sketches);
  for (let link = head; link !== 0;) {
    const page = entries.ints[(link - 1) >>> SMALL_SHIFT];
    const at = ((link - 1) & SMALL_MASK) * ENTRY_INTS;
    mark(sketches, sketch, page[at + KEY], page[at + TICK]);
    link = page[at + NEXT];
  }
  giveAll(entries, head);
  mark(sketches, sketch, key, tick);
  return sketch;
}

/** The lowest six bits choose the register, the zeros above the other 24 are the rank. A sketch's first tick shares its place with the pool's link only while it is free. */
function mark(sketches: Pool, sketch: number, key: number, tick: number): void {
  const rank = Math.min(Math.clz32((key >>> 6) << 8) + 1, RANKS);
  const at = ((sketch - 1) & MASK) * SKETCH_INTS + (key & (REGISTERS - 1)) * RANKS + rank - 1;
  const page = sketches.ints[(sketch - 1) >>> SHIFT];
  if (tick > page[at]) page[at] = tick;
}

export function drop(sets: Sets, head: number): void {
  if (head < 0) give(sets.sketches, -head);
  else if (!isOne(head)) giveAll(sets.entries, head);
}

/** Whether a counterpart has not been met in 30 days: 1 or 0; NaN where a sketch cannot tell. */
export function isNew({ entries }: Sets, head: number, oneTick: number, name: Key, since: Int32Array): number {
  if (head < 0) return NaN;
  const key = bitsOf(name);
  if (isOne(head)) return head === (ONE | key) && oneTick >= since[WINDOWS - 1] ? 0 : 1;
  for (let link = head; link !== 0;) {
    const page = entries.ints[(link - 1) >>> SMALL_SHIFT];
    const at = ((link - 1) & SMALL_MASK) * ENTRY_INTS;
    if (page[at + KEY] === key) return page[at + TICK] >= since[WINDOWS - 1] ? 0 : 1;
    link = page[at + NEXT];
  }
  return 1;
}

/** @param out  the counts by window, from `at` */
export function countDistinct(sets: Sets, head: number, oneTick: number, since: Int32Array, out: Float64Array, at: number): void {
  if (head < 0) return estimate(sets.sketches, -head, since, out, at);
  if (head === 0 || isOne(head)) {
    for (let k = 0; k < WINDOWS; k += 1) out[at + k] = head !== 0 && oneTick >= since[k] ? 1 : 0;
    return;
  }
  for (let k = 0; k < WINDOWS; k += 1) out[at + k] = 0;
  for (let link = head; link !== 0;) {
    const page = sets.entries.ints[(link - 1) >>> SMALL_SHIFT];
    const from = ((link - 1) & SMALL_MASK) * ENTRY_INTS;
    const k = levelOf(page[from + TICK], since);
    if (k < WINDOWS) out[at + k] += 1;
    link = page[from + NEXT];
  }
  for (let k = 1; k < WINDOWS; k += 1) out[at + k] += out[at + k - 1];
}

function estimate(sketches: Pool, sketch: number, since: Int32Array, out: Float64Array, at: number): void {
  const page = sketches.ints[(sketch - 1) >>> SHIFT];
  const from = ((sketch - 1) & MASK) * SKETCH_INTS;
  for (let k = 0; k < WINDOWS; k += 1) {
    let [sum, empty] = [0, 0];
    for (let m = 0; m < REGISTERS; m += 1) {
      let rank = RANKS;
      while (rank > 0 && page[from + m * RANKS + rank - 1] < since[k]) rank -= 1;
      if (rank === 0) empty += 1;
      sum += 2 ** -rank;
    }
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
    // Small ones by linear counting, as the paper does.
    out[at + k] = Math.round(raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw);
  }
}
