/**
 * How many different counterparts an entity has met in each window: the cards of a customer, the customers of a device.
 *
 * Up to EXACT_MAX of the last 30 days are kept one by one with the tick at which each was last met, and the counts are exact.
 * One more makes a sliding HyperLogLog of them: for each register and each rank the tick at which that rank was last
 * seen, so that one sketch answers for every window. Standard error 1.04 / sqrt(64) = 13 %.
 * Sources: Flajolet, Fusy, Gandouet, Meunier 2007; Chabchoub, Hebrail 2010 (sliding).
 *
 *   entry   key a, next, tick, key b       i32              16 bytes
 *   sketch  tick by register and rank      i32 x 64 x 16    4 KiB; only those above the cap have one, and `sketches` at most
 *
 * A head is the link of the first entry, or minus the link of the sketch; 0 is an empty set. Where all sketches are taken a
 * set stays exact and forgets the counterpart it met longest ago: its count is then a lower bound.
 */
import { give, giveAll, MASK, NEXT, SHIFT, take, type Pool } from './pages.js';
import { levelOf, WINDOWS } from './windows.js';

export const EXACT_MAX = 16;
export const ENTRY_INTS = 4;
const KEY_A = 0;
const TICK = 2;
const KEY_B = 3;

const REGISTERS = 64;
const RANKS = 16;
export const SKETCH_INTS = REGISTERS * RANKS;
const ALPHA = 0.709; // of 64 registers, Flajolet et al., figure 3

/** A name as 64 bits: two different ones of a set are never taken for one in practice. */
export interface Key {
  a: number;
  b: number;
}

/** FNV-1a, and the same with another basis and prime-times-odd steps, each mixed to the last bit (murmur3's finaliser). */
export function keyInto(name: string, key: Key): Key {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < name.length; i += 1) {
    const unit = name.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15);
  }
  key.a = mixed(a);
  key.b = mixed(b);
  return key;
}

function mixed(h: number): number {
  let z = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

export interface Sets {
  entries: Pool;
  sketches: Pool;
  sketchesMax: number;
}

/** @param since  of the entity's newest event. @returns the new head */
export function meet(sets: Sets, head: number, { a, b }: Key, tick: number, since: Int32Array): number {
  if (tick < since[WINDOWS - 1]) return head;
  if (head < 0) {
    mark(sets.sketches, -head, a, b, tick);
    return head;
  }
  const { entries } = sets;
  let first = head;
  let before = 0;
  let live = 0;
  let oldest = 0;
  let oldestTick = 0x7fffffff;
  for (let link = head; link !== 0;) {
    const page = entries.ints[(link - 1) >>> SHIFT];
    const at = ((link - 1) & MASK) * ENTRY_INTS;
    const next = page[at + NEXT];
    if (page[at + KEY_A] === a && page[at + KEY_B] === b) {
      if (tick > page[at + TICK]) page[at + TICK] = tick;
      return first;
    }
    if (page[at + TICK] < since[WINDOWS - 1]) {
      if (before === 0) first = next;
      else entries.ints[(before - 1) >>> SHIFT][((before - 1) & MASK) * ENTRY_INTS + NEXT] = next;
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
  if (live < EXACT_MAX) {
    const link = take(entries);
    put(entries, link, a, b, tick);
    entries.ints[(link - 1) >>> SHIFT][((link - 1) & MASK) * ENTRY_INTS + NEXT] = first;
    return link;
  }
  if (sets.sketches.held < sets.sketchesMax) return -sketchOf(sets, first, a, b, tick);
  if (tick > oldestTick) put(entries, oldest, a, b, tick);
  return first;
}

function put(entries: Pool, link: number, a: number, b: number, tick: number): void {
  const page = entries.ints[(link - 1) >>> SHIFT];
  const at = ((link - 1) & MASK) * ENTRY_INTS;
  page[at + KEY_A] = a;
  page[at + KEY_B] = b;
  page[at + TICK] = tick;
}

/** Turns a full set and one more into a sketch. */
function sketchOf({ entries, sketches }: Sets, head: number, a: number, b: number, tick: number): number {
  const sketch = take(sketches);
  for (let link = head; link !== 0;) {
    const page = entries.ints[(link - 1) >>> SHIFT];
    const at = ((link - 1) & MASK) * ENTRY_INTS;
    mark(sketches, sketch, page[at + KEY_A], page[at + KEY_B], page[at + TICK]);
    link = page[at + NEXT];
  }
  giveAll(entries, head);
  mark(sketches, sketch, a, b, tick);
  return sketch;
}

/** A sketch's first tick shares its place with the pool's link only while it is free. */
function mark(sketches: Pool, sketch: number, a: number, b: number, tick: number): void {
  const rank = Math.min(Math.clz32(b) + 1, RANKS);
  const at = ((sketch - 1) & MASK) * SKETCH_INTS + (a & (REGISTERS - 1)) * RANKS + rank - 1;
  const page = sketches.ints[(sketch - 1) >>> SHIFT];
  if (tick > page[at]) page[at] = tick;
}

export function drop(sets: Sets, head: number): void {
  if (head < 0) give(sets.sketches, -head);
  else giveAll(sets.entries, head);
}

/** Whether a counterpart has not been met in 30 days: 1 or 0; NaN where a sketch cannot tell. */
export function isNew({ entries }: Sets, head: number, { a, b }: Key, since: Int32Array): number {
  if (head < 0) return NaN;
  for (let link = head; link !== 0;) {
    const page = entries.ints[(link - 1) >>> SHIFT];
    const at = ((link - 1) & MASK) * ENTRY_INTS;
    if (page[at + KEY_A] === a && page[at + KEY_B] === b) return page[at + TICK] >= since[WINDOWS - 1] ? 0 : 1;
    link = page[at + NEXT];
  }
  return 1;
}

/** @param out  the counts by window, from `at` */
export function countDistinct(sets: Sets, head: number, since: Int32Array, out: Float64Array, at: number): void {
  if (head < 0) return estimate(sets.sketches, -head, since, out, at);
  out.fill(0, at, at + WINDOWS);
  for (let link = head; link !== 0;) {
    const page = sets.entries.ints[(link - 1) >>> SHIFT];
    const from = ((link - 1) & MASK) * ENTRY_INTS;
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
