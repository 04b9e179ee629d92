/**
 * The neighbour list of each item: the pairs that promise the highest cosine, with their dots.
 *
 *   block:  dot f64[room], id u32[room]          a hole holds the item's own id and a dot of 0
 *
 * Within the list of p, the order by cosine is the order by dot^2 / norm2(q): norm2(p) is the same for all. A list holds two
 * fifths more than the limit. A pair enters if it is worth more than `admission`, and when there is no place left, all but
 * the best are pruned at once: admitting one by one by looking for the worst each time took more than a third of the whole
 * fold on online-retail, where sixteen pairs enter with each event. `admission` is the worth of the worst that was kept
 * (-1 while everything has room); norms move under pairs that are not touched, so it is looked up again every so many
 * events of the item.
 */
import { allocate, keepBack, roundUp, takeKept } from './memory';
import { DYING, NONE, hot, listBytes, neighbourLimit, norm2Of, rescaleItem, roomFor, freeBlock } from './records';
import { find, homeOf, keyOf, nth } from './pairs';

/** Places in a list: a place has 8 bits, and 0 means none. */
const PLACES: u32 = 254;
/**
 * A newcomer must be worth this much more than the worst that was kept (an eighth more in cosine): swaps between near equals are
 * work for nothing. Overlap with the exact list on movielens-100k, @10 and @50: .998 and .994, without a margin .998 and .996.
 */
export const MARGIN: f64 = 1.25;

/** The worth of each place while a list is pruned, twice: f64[254 * 2]. */
let worths: usize = 0;
let sink: u64 = 0;

export function initLists(scratch: usize, items: u32): void {
  worths = scratch;
  keepBack(<usize>items * roundUp(listBytes(most())));
}

export function most(): u32 {
  return min(PLACES, neighbourLimit + max<u32>(1, neighbourLimit * 2 / 5));
}

/** Pruning leaves this many, and always makes room. */
function kept(): u32 {
  return min(neighbourLimit, most() - max<u32>(1, most() / 8));
}

/** Writes the place of a pair in p's list into the pair's slot. */
// @ts-ignore: decorator
@inline
function setPlace(slot: usize, p: u32, place: u32): void {
  // The smaller id's place is byte 6 of the slot, the larger's byte 7.
  store<u8>(slot + (p === (<u32>(load<u64>(slot) >> 24) & 0xffffff) ? 6 : 7), <u8>place);
}

/** Puts the pair at `slot` into p's list. p must be at the current epoch. */
export function admit(p: u32, q: u32, slot: usize, dot: f64): void {
  const h = hot(p);
  const length = <u32>load<u16>(h, 20);
  let room = <u32>load<u16>(h, 22);
  let place = length;
  if (length === most()) {
    place = holeOf(p);
    if (place === NONE) {
      prune(p);
      place = holeOf(p);
    }
  } else {
    if (length === room) room = grow(h, room);
    store<u16>(h, <u16>(length + 1), 20);
  }
  const list: usize = load<u32>(h, 16);
  store<f64>(list + (<usize>place << 3), dot);
  store<u32>(list + (<usize>room << 3) + (<usize>place << 2), q);
  setPlace(slot, p, place + 1);
}

function grow(h: usize, room: u32): u32 {
  const list: usize = load<u32>(h, 16);
  const larger = roomFor(max<u32>(4, room + room / 2), 12, most());
  const block = allocate(listBytes(larger));
  takeKept(roundUp(listBytes(larger)));
  if (room !== 0) {
    memory.copy(block, list, <usize>room << 3);
    memory.copy(block + (<usize>larger << 3), list + (<usize>room << 3), <usize>room << 2);
    freeBlock(list, listBytes(room));
    keepBack(roundUp(listBytes(room)));
  }
  store<u32>(h, <u32>block, 16);
  store<u16>(h, <u16>larger, 22);
  return larger;
}

/** The first hole of a list, or NONE. */
function holeOf(p: u32): u32 {
  const h = hot(p);
  const length: usize = load<u16>(h, 20);
  const ids = <usize>load<u32>(h, 16) + (<usize>load<u16>(h, 22) << 3);
  const own = i32x4.splat(<i32>p);
  let i: usize = 0;
  for (; i + 4 <= length; i += 4) {
    const same = i32x4.eq(v128.load(ids + (i << 2)), own);
    if (v128.any_true(same)) return <u32>i + ctz(i32x4.bitmask(same));
  }
  for (; i < length; i++) if (load<u32>(ids + (i << 2)) === p) return <u32>i;
  return NONE;
}

/** Writes the worth of every place (twice: the second copy is for selecting); a hole's is -1. Returns how many are taken. */
function appraise(p: u32): u32 {
  const h = hot(p);
  const length: usize = load<u16>(h, 20);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  let taken: u32 = 0;
  for (let i: usize = 0; i < length; i++) {
    const q = load<u32>(ids + (i << 2));
    let worth: f64 = -1;
    if (q !== p) {
      const dot = load<f64>(list + (i << 3));
      const norm2 = norm2Of(q);
      worth = norm2 > 0 ? (dot * dot) / norm2 : 0;
      taken++;
    }
    store<f64>(worths + (i << 3), worth);
    store<f64>(worths + ((i + PLACES) << 3), worth);
  }
  return taken;
}

/** Worth of the worst that pruning would keep, given an appraised list of which `taken` places hold a pair. */
function bar(length: u32, taken: u32): f64 {
  return nth(worths + (<usize>PLACES << 3), length, length - min(taken, kept()));
}

/** Leaves the best; the others become holes. The slots of the pairs that go are touched first, so that the misses overlap. */
function prune(p: u32): void {
  const h = hot(p);
  const length = <u32>load<u16>(h, 20);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  const taken = appraise(p);
  const least = bar(length, taken);
  let touched: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    if (load<f64>(worths + (<usize>i << 3)) >= least) continue;
    touched ^= load<u64>(homeOf(keyOf(p, load<u32>(ids + (<usize>i << 2)))));
  }
  sink = touched;
  // Equals at the bar may be more than there is room for: the first of them stay.
  let equals = kept();
  for (let i: u32 = 0; i < length; i++) if (load<f64>(worths + (<usize>i << 3)) > least) equals--;
  for (let i: u32 = 0; i < length; i++) {
    const worth = load<f64>(worths + (<usize>i << 3));
    if (worth > least) continue;
    if (worth === least && equals > 0) {
      equals--;
      continue;
    }
    setPlace(find(keyOf(p, load<u32>(ids + (<usize>i << 2)))), p, 0);
    store<f64>(list + (<usize>i << 3), 0);
    store<u32>(ids + (<usize>i << 2), p);
  }
  store<f64>(h, least * MARGIN, 8);
}

/** Looks `admission` up again. p must be at the current epoch. */
export function refresh(p: u32): void {
  const h = hot(p);
  const length = <u32>load<u16>(h, 20);
  if (length < most() || load<f64>(h, 8) < 0) return;
  const taken = appraise(p);
  store<f64>(h, taken < kept() ? -1 : bar(length, taken) * MARGIN, 8);
}

/** Takes the entry at `index` out of p's list. */
// @ts-ignore: decorator
@inline
function takeFrom(p: u32, index: u32): void {
  const h = hot(p);
  const list: usize = load<u32>(h, 16);
  store<f64>(list + (<usize>index << 3), 0);
  store<u32>(list + (<usize>load<u16>(h, 22) << 3) + (<usize>index << 2), p);
}

/** Takes a pair out of both lists. An item that is being evicted has no list any more. */
export function unlist(slot: usize): void {
  const word = load<u64>(slot);
  const smaller = <u32>(word >> 24) & 0xffffff;
  const larger = <u32>word & 0xffffff;
  const inSmaller = <u32>(word >> 48) & 255;
  const inLarger = <u32>(word >> 56);
  store<u64>(slot, word & 0xffffffffffff);
  if (inSmaller !== 0 && (load<u32>(hot(smaller), 28) & DYING) === 0) takeFrom(smaller, inSmaller - 1);
  if (inLarger !== 0 && (load<u32>(hot(larger), 28) & DYING) === 0) takeFrom(larger, inLarger - 1);
}

/** Writes a changed dot of a listed pair into the lists. */
export function writeListed(word: u64, dot: f64): void {
  const inSmaller = <usize>(word >> 48) & 255;
  const inLarger = <usize>(word >> 56);
  if (inSmaller !== 0) {
    const p = <u32>(word >> 24) & 0xffffff;
    rescaleItem(p);
    store<f64>(<usize>load<u32>(hot(p), 16) + ((inSmaller - 1) << 3), dot);
  }
  if (inLarger !== 0) {
    const q = <u32>word & 0xffffff;
    rescaleItem(q);
    store<f64>(<usize>load<u32>(hot(q), 16) + ((inLarger - 1) << 3), dot);
  }
}
