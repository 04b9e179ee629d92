/**
 * The neighbour list of each item: the pairs that promise the highest cosine, with their dots.
 *
 *   block:  dot f64[room], id u32[room]
 *
 * Within the list of p, the order by cosine is the order by dot^2 / norm2(q): norm2(p) is the same for all. A pair that is
 * not listed is compared with `admission`, the lowest of these in the list when it was last looked at (-1 while there is
 * room); norms move under pairs that are not touched, so it is looked at again every REFRESH events of the item.
 */
import { allocate } from './memory';
import { DYING, hot, listBytes, neighbourLimit, norm2Of, rescaleItem, roomFor, freeBlock } from './records';
import { find, keyOf } from './pairs';

/** Writes the place of a pair in p's list into the pair's slot. */
// @ts-ignore: decorator
@inline
function setPlace(slot: usize, p: u32, place: u32): void {
  // The smaller id's place is byte 6 of the slot, the larger's byte 7.
  store<u8>(slot + (p === (<u32>(load<u64>(slot) >> 24) & 0xffffff) ? 6 : 7), <u8>place);
}

// @ts-ignore: decorator
@inline
function worth(dot: f64, q: u32): f64 {
  const norm2 = norm2Of(q);
  return norm2 > 0 ? (dot * dot) / norm2 : 0;
}

/** Puts the pair at `slot` into p's list, if it is better than the worst there. p must be at the current epoch. */
export function admit(p: u32, q: u32, slot: usize, dot: f64): void {
  const h = hot(p);
  const length = <u32>load<u16>(h, 20);
  let room = <u32>load<u16>(h, 22);
  let list: usize = load<u32>(h, 16);
  if (length < neighbourLimit) {
    if (length === room) {
      const larger = roomFor(max<u32>(4, room + room / 2), 12, neighbourLimit);
      const block = allocate(listBytes(larger));
      if (room !== 0) {
        memory.copy(block, list, <usize>room << 3);
        memory.copy(block + (<usize>larger << 3), list + (<usize>room << 3), <usize>room << 2);
        freeBlock(list, listBytes(room));
      }
      list = block;
      room = larger;
      store<u32>(h, <u32>list, 16);
      store<u16>(h, <u16>room, 22);
    }
    store<f64>(list + (<usize>length << 3), dot);
    store<u32>(list + (<usize>room << 3) + (<usize>length << 2), q);
    store<u16>(h, <u16>(length + 1), 20);
    setPlace(slot, p, length + 1);
    if (length + 1 === neighbourLimit) refresh(p);
    return;
  }
  let worst: u32 = 0;
  let least: f64 = Infinity;
  let second: f64 = Infinity;
  const ids = list + (<usize>room << 3);
  for (let i: u32 = 0; i < length; i++) {
    const w = worth(load<f64>(list + (<usize>i << 3)), load<u32>(ids + (<usize>i << 2)));
    if (w < least) {
      second = least;
      least = w;
      worst = i;
    } else if (w < second) second = w;
  }
  const mine = worth(dot, q);
  if (!(mine > least)) {
    store<f64>(h, least, 8);
    return;
  }
  store<f64>(h, min(second, mine), 8);
  const old = load<u32>(ids + (<usize>worst << 2));
  setPlace(find(keyOf(p, old)), p, 0);
  store<f64>(list + (<usize>worst << 3), dot);
  store<u32>(ids + (<usize>worst << 2), q);
  setPlace(slot, p, worst + 1);
}

/** Looks up the lowest of a full list again. p must be at the current epoch. */
export function refresh(p: u32): void {
  const h = hot(p);
  const length = <u32>load<u16>(h, 20);
  if (length < neighbourLimit) return;
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  let least: f64 = Infinity;
  for (let i: u32 = 0; i < length; i++) {
    least = min(least, worth(load<f64>(list + (<usize>i << 3)), load<u32>(ids + (<usize>i << 2))));
  }
  store<f64>(h, least, 8);
}

/** Takes the entry at `index` out of p's list; the last one takes its place. */
function takeFrom(p: u32, index: u32): void {
  const h = hot(p);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  const last = <u32>load<u16>(h, 20) - 1;
  if (index !== last) {
    const moved = load<u32>(ids + (<usize>last << 2));
    store<f64>(list + (<usize>index << 3), load<f64>(list + (<usize>last << 3)));
    store<u32>(ids + (<usize>index << 2), moved);
    setPlace(find(keyOf(p, moved)), p, index + 1);
  }
  store<f64>(list + (<usize>last << 3), 0);
  store<u32>(ids + (<usize>last << 2), 0);
  store<u16>(h, <u16>last, 20);
  store<f64>(h, -1, 8);
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
