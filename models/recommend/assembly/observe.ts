/**
 * Folding one event.
 *
 *   history block:  r f64[room], item u32[room], posting place u32[room]     in the order in which r was last raised
 *   posting block:  r f64[room], customer u32[room]                          a ring once it holds the limit
 *
 * An entry with r = 0 stands for an item that was sent back: it counts for nothing, but the customer has had it.
 *
 * On r -> r':  norm2(p) += r'^2 - r^2,  and for each other q in the history  dot(p, q) += (r' - r) r(q).
 * Two passes: the first only finds where each pair's slot is and touches it, so that the misses overlap; the second
 * updates. The second looks a slot up again when the first's address may be stale (`moves`).
 */
import { allocate, fits, freed, keepBack, pow2, roundUp } from './memory';
import {
  COLD, DOT_MIN, DYING, HOT, LIVE, NONE, R_MIN, STEP, cold, customerAt, customerBase, dyingCount, epoch, flush, freeBlock,
  historyBytes, historyLimit, hot, itemOldest, linkCustomer, linkItem, postingBytes, postingLimit, rescaleItem, roomFor,
  setDyingCount, setEpoch, unlinkCustomer, unlinkItem, customerNewest, itemNewest, listBytes, customerOldest,
} from './records';
import { IDS, find, homeOf, insert, keyOf, landmarkMoved, moves, pairSweepLeft, probe, remove, rescaleBlock, staleBlocks, startPairSweep, sweepPairs } from './pairs';
import { admit, refresh, writeListed } from './lists';
import { dropFromTop, offerToTop } from './popular';
import { birth, bound, isHopeless, isPruned, rememberPruned } from './pruned';

/** After how many events of an item the bar of its list is looked up again. */
const REFRESH: u32 = 8;
/** Relative to what is subtracted: what is left of a dot below this is rounding, not a pair. */
const RESIDUE: f64 = 1e-12;

/** Slot addresses of the first pass, u32[history limit]. */
let homes: usize = 0;
/** Keeps the first pass's loads from being optimised away. */
let sink: u64 = 0;
let customersUsed: u32 = 0;
let sweepCustomer: u32 = 0;
let sweeping: bool = false;

export function initObserve(scratch: usize): void {
  homes = scratch;
}

export function advance(to: i32): void {
  if (to <= epoch) return;
  setEpoch(to);
  landmarkMoved();
}

export function startAt(at: i32): void {
  setEpoch(at);
}

export function addCustomer(id: u32): void {
  const at = customerAt(id);
  memory.fill(at, 0, 32);
  store<i32>(at, epoch, 20);
  linkCustomer(id);
  customersUsed = max(customersUsed, id + 1);
}

export function addItem(id: u32): void {
  memory.fill(hot(id), 0, HOT);
  memory.fill(cold(id), 0, COLD);
  store<f64>(hot(id), -1, 8);
  store<i32>(hot(id), epoch, 24);
  store<u32>(hot(id), LIVE | birth(), 28);
  linkItem(id);
}

// ---- history ----

/** Brings a customer's history to the current epoch and takes out what has decayed away or belongs to a dying item. */
function openHistory(c: u32): void {
  const at = customerAt(c);
  const steps = epoch - load<i32>(at, 20);
  if (steps === 0 && dyingCount === 0) return;
  const by = pow2(-STEP * min(steps, 16));
  store<i32>(at, epoch, 20);
  const room: usize = load<u32>(at, 16);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (room << 3);
  const places = items + (room << 2);
  const length: usize = load<u32>(at, 12);
  let kept: usize = 0;
  for (let i: usize = 0; i < length; i++) {
    const r = load<f64>(rs + (i << 3)) * by;
    const item = load<u32>(items + (i << 2));
    const place = load<u32>(places + (i << 2));
    const dying = (load<u32>(hot(item), 28) & DYING) !== 0;
    // While the landmark stands, an r of 0 is an item that was sent back: it stays when only a dying item brought us here.
    if (dying || (r < R_MIN && steps !== 0)) {
      if (!dying) clearPosting(item, place, c);
      continue;
    }
    store<f64>(rs + (kept << 3), r);
    store<u32>(items + (kept << 2), item);
    store<u32>(places + (kept << 2), place);
    kept++;
  }
  shorten(at, kept, length);
}

/** Zeroes what lies behind the new length and sums the customer's norm anew: a difference would carry rounding. */
function shorten(at: usize, length: usize, was: usize): void {
  const room: usize = load<u32>(at, 16);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (room << 3);
  const places = items + (room << 2);
  memory.fill(rs + (length << 3), 0, (was - length) << 3);
  memory.fill(items + (length << 2), 0, (was - length) << 2);
  memory.fill(places + (length << 2), 0, (was - length) << 2);
  store<u32>(at, <u32>length, 12);
  let norm2: f64 = 0;
  for (let i: usize = 0; i < length; i++) {
    const r = load<f64>(rs + (i << 3));
    norm2 += r * r;
  }
  store<f64>(at, norm2);
}

/** Index of an item in a history, or -1. */
export function indexOf(items: usize, length: usize, item: u32): i32 {
  const wanted = i32x4.splat(<i32>item);
  let i: usize = 0;
  for (; i + 4 <= length; i += 4) {
    const same = i32x4.eq(v128.load(items + (i << 2)), wanted);
    if (v128.any_true(same)) return <i32>i + <i32>ctz(i32x4.bitmask(same));
  }
  for (; i < length; i++) if (load<u32>(items + (i << 2)) === item) return <i32>i;
  return -1;
}

/** Closes the gap at an index; the customer's norm is the caller's to mend. */
function closeGap(at: usize, index: usize): void {
  const room: usize = load<u32>(at, 16);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (room << 3);
  const places = items + (room << 2);
  const last: usize = load<u32>(at, 12) - 1;
  memory.copy(rs + (index << 3), rs + ((index + 1) << 3), (last - index) << 3);
  memory.copy(items + (index << 2), items + ((index + 1) << 2), (last - index) << 2);
  memory.copy(places + (index << 2), places + ((index + 1) << 2), (last - index) << 2);
}

/** Drops the entry with the smallest r, the oldest of equals. What was learnt from it stays. */
function dropSmallest(c: u32): void {
  const at = customerAt(c);
  const room: usize = load<u32>(at, 16);
  const rs: usize = load<u32>(at, 8);
  const length: usize = load<u32>(at, 12);
  let smallest: usize = 0;
  let least: f64 = Infinity;
  for (let i: usize = 0; i < length; i++) {
    const r = load<f64>(rs + (i << 3));
    if (r < least) {
      least = r;
      smallest = i;
    }
  }
  const items = rs + (room << 3);
  const places = items + (room << 2);
  clearPosting(load<u32>(items + (smallest << 2)), load<u32>(places + (smallest << 2)), c);
  closeGap(at, smallest);
  shorten(at, length - 1, length);
}

/** Makes room for one more entry; false when the memory has none, neither new nor freed. */
function growHistory(at: usize): bool {
  const room = load<u32>(at, 16);
  const rs: usize = load<u32>(at, 8);
  let larger = roomFor(max<u32>(4, room * 2), 16, historyLimit);
  if (!fits(historyBytes(larger))) {
    larger = min<u32>(historyLimit, <u32>(freed(historyBytes(max<u32>(4, room + 1)), historyBytes(historyLimit)) >> 4));
    if (larger <= room) return false;
  }
  const block = allocate(historyBytes(larger));
  if (room !== 0) {
    memory.copy(block, rs, <usize>room << 3);
    memory.copy(block + (<usize>larger << 3), rs + (<usize>room << 3), <usize>room << 2);
    memory.copy(block + <usize>larger * 12, rs + <usize>room * 12, <usize>room << 2);
    freeBlock(rs, historyBytes(room));
  }
  store<u32>(at, <u32>block, 8);
  store<u32>(at, larger, 16);
  return true;
}

// ---- postings ----

/**
 * Records that a customer has an item, in the item's ring; returns the place, or NONE when there is no memory for a ring.
 * A ring that cannot grow begins again at its oldest place. p must be at the current epoch.
 */
function addPosting(p: u32, c: u32, r: f64): u32 {
  const k = cold(p);
  let ring: usize = load<u32>(k, 8);
  const count = load<u32>(k, 12);
  let room = load<u32>(k, 20);
  let place = count;
  let grows = count < postingLimit;
  let larger = room;
  if (grows && count === room) {
    larger = roomFor(max<u32>(4, room + room / 2), 12, postingLimit);
    grows = fits(postingBytes(larger));
  }
  if (grows) {
    if (count === room) {
      const block = allocate(postingBytes(larger));
      if (room !== 0) {
        memory.copy(block, ring, <usize>room << 3);
        memory.copy(block + (<usize>larger << 3), ring + (<usize>room << 3), <usize>room << 2);
        freeBlock(ring, postingBytes(room));
      }
      ring = block;
      room = larger;
      store<u32>(k, <u32>ring, 8);
      store<u32>(k, room, 20);
    }
    store<u32>(k, count + 1, 12);
  } else {
    if (count === 0) return NONE;
    place = load<u32>(k, 16);
    store<u32>(k, place + 1 >= count ? 0 : place + 1, 16);
  }
  store<f64>(ring + (<usize>place << 3), r);
  store<u32>(ring + (<usize>room << 3) + (<usize>place << 2), c);
  return place;
}

/** Whether the ring still holds the customer at the place: a later customer may have taken it over. */
// @ts-ignore: decorator
@inline
function holds(p: u32, place: u32, c: u32): bool {
  const k = cold(p);
  return place < load<u32>(k, 12) && load<u32>(<usize>load<u32>(k, 8) + (<usize>load<u32>(k, 20) << 3) + (<usize>place << 2)) === c;
}

function clearPosting(p: u32, place: u32, c: u32): void {
  if (!holds(p, place, c)) return;
  const k = cold(p);
  const ring: usize = load<u32>(k, 8);
  store<f64>(ring + (<usize>place << 3), 0);
  store<u32>(ring + (<usize>load<u32>(k, 20) << 3) + (<usize>place << 2), NONE);
}

// ---- observe ----

export function observe(c: u32, p: u32, r: f64): void {
  if (customerNewest !== c) {
    unlinkCustomer(c);
    linkCustomer(c);
  }
  if (itemNewest !== p) {
    unlinkItem(p);
    linkItem(p);
  }
  if (sweeping) sweep(1);
  openHistory(c);
  rescaleItem(p);
  if (r < R_MIN) return;
  const at = customerAt(c);
  let length: usize = load<u32>(at, 12);
  let rs: usize = load<u32>(at, 8);
  let room: usize = load<u32>(at, 16);
  const index = length === 0 ? -1 : indexOf(rs + (room << 3), length, p);
  let old: f64 = 0;
  let place: u32 = NONE;
  if (index >= 0) {
    old = load<f64>(rs + (<usize>index << 3));
    if (!(r > old)) return;
    place = load<u32>(rs + room * 12 + (<usize>index << 2));
    closeGap(at, index);
    length--;
    if (old === 0) store<u32>(cold(p), load<u32>(cold(p), 32) + 1, 32);
  } else {
    if (length === historyLimit) {
      dropSmallest(c);
      length--;
    }
    if (length === room) {
      if (growHistory(at)) {
        rs = load<u32>(at, 8);
        room = load<u32>(at, 16);
      } else {
        if (length === 0) return;
        dropSmallest(c);
        length--;
      }
    }
    const k = cold(p);
    store<u32>(k, load<u32>(k, 32) + 1, 32);
  }
  const delta = r - old;
  const gain = delta * (r + old);
  const h = hot(p);
  store<f64>(h, load<f64>(h) + gain);
  learn(p, delta, rs, rs + (room << 3), length);

  const k = cold(p);
  if (place !== NONE && holds(p, place, c)) store<f64>(<usize>load<u32>(k, 8) + (<usize>place << 3), r);
  else place = addPosting(p, c, r);
  store<f64>(rs + (length << 3), r);
  store<u32>(rs + (room << 3) + (length << 2), p);
  store<u32>(rs + room * 12 + (length << 2), place);
  store<u32>(at, <u32>length + 1, 12);
  store<f64>(at, load<f64>(at) + gain);

  store<f64>(k, load<f64>(k) + delta);
  offerToTop(p);
  const touches = load<u32>(k, 36) + 1;
  store<u32>(k, touches, 36);
  if (touches % REFRESH === 0) refresh(p);
}

/** dot(p, q) += delta * r(q) for each q of a history. */
function learn(p: u32, delta: f64, rs: usize, items: usize, length: usize): void {
  let touched: u64 = 0;
  const stale = staleBlocks !== 0;
  for (let i: usize = 0; i < length; i++) {
    const q = load<u32>(items + (i << 2));
    const home = homeOf(keyOf(p, q));
    if (stale) rescaleBlock(home);
    touched ^= load<u64>(hot(q));
    store<u32>(homes + (i << 2), <u32>home);
  }
  // A loop of its own, and this short, keeps as many misses in flight as the processor can.
  for (let i: usize = 0; i < length; i++) touched ^= load<u64>(load<u32>(homes + (i << 2)));
  sink = touched;
  const before = moves;
  const hp = hot(p);
  const norm2p = load<f64>(hp);
  const pruning = bound > 0;
  const meanP = norm2p / (load<f64>(cold(p)) + delta); // the popularity is raised behind this
  for (let i: usize = 0; i < length; i++) {
    const rq = load<f64>(rs + (i << 3));
    if (rq === 0) continue;
    const q = load<u32>(items + (i << 2));
    const key = keyOf(p, q);
    let slot = probe(moves === before ? <usize>load<u32>(homes + (i << 2)) : homeOf(key), key);
    if (load<u64>(slot) === 0) {
      if (pruning && isPruned(p, q)) continue;
      slot = insert(slot, key);
      if (slot === 0) continue;
    }
    const word = load<u64>(slot);
    const dot = load<f64>(slot, 8) + delta * rq;
    store<f64>(slot, dot, 8);
    const hq = hot(q);
    if (load<i32>(hq, 24) !== epoch) rescaleItem(q);
    const placeP = <usize>(p < q ? word >> 48 : word >> 56) & 255;
    const placeQ = <usize>(p < q ? word >> 56 : word >> 48) & 255;
    const dot2 = dot * dot;
    if (placeP !== 0) store<f64>(<usize>load<u32>(hp, 16) + ((placeP - 1) << 3), dot);
    else if (dot2 > load<f64>(hp, 8) * load<f64>(hq)) admit(p, q, slot, dot);
    if (placeQ !== 0) store<f64>(<usize>load<u32>(hq, 16) + ((placeQ - 1) << 3), dot);
    else if (dot2 > load<f64>(hq, 8) * norm2p) admit(q, p, slot, dot);
    if (pruning && load<u64>(slot) <= IDS && isHopeless(p, q, dot, meanP)) {
      rememberPruned(p, q);
      remove(slot);
    }
  }
}

// ---- retract, forget, evict ----

/** Subtracts what a customer's entry for an item contributed; the entry stays, with r = 0. False when there is none. */
export function retract(c: u32, p: u32): bool {
  if (customerNewest !== c) {
    unlinkCustomer(c);
    linkCustomer(c);
  }
  openHistory(c);
  const at = customerAt(c);
  const length: usize = load<u32>(at, 12);
  if (length === 0) return false;
  const index = indexOf(<usize>load<u32>(at, 8) + (<usize>load<u32>(at, 16) << 3), length, p);
  if (index < 0 || load<f64>(<usize>load<u32>(at, 8) + (<usize>index << 3)) === 0) return false;
  takeBack(c, index);
  const room: usize = load<u32>(at, 16);
  const end: usize = load<u32>(at, 12);
  const rs: usize = load<u32>(at, 8);
  store<u32>(rs + (room << 3) + (end << 2), p);
  store<u32>(rs + room * 12 + (end << 2), NONE);
  store<u32>(at, <u32>end + 1, 12);
  return true;
}

function takeBack(c: u32, index: usize): void {
  const at = customerAt(c);
  const length: usize = load<u32>(at, 12);
  const room: usize = load<u32>(at, 16);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (room << 3);
  const p = load<u32>(items + (index << 2));
  const r = load<f64>(rs + (index << 3));
  if (r === 0) {
    closeGap(at, index);
    shorten(at, length - 1, length);
    return;
  }
  rescaleItem(p);
  const h = hot(p);
  const k = cold(p);
  const contributors = load<u32>(k, 32) - 1;
  store<u32>(k, contributors, 32);
  // The last contributor takes everything with it: what rounding left of the sums is not a signal.
  store<f64>(h, contributors === 0 ? 0 : flush(load<f64>(h) - r * r, DOT_MIN));
  store<f64>(k, contributors === 0 ? 0 : flush(load<f64>(k) - r, R_MIN));
  for (let i: usize = 0; i < length; i++) {
    if (i === index) continue;
    const key = keyOf(p, load<u32>(items + (i << 2)));
    const slot = find(key);
    if (slot === 0) continue;
    if (staleBlocks !== 0) rescaleBlock(slot);
    const taken = r * load<f64>(rs + (i << 3));
    const dot = load<f64>(slot, 8) - taken;
    if (dot <= RESIDUE * taken) {
      remove(slot);
    } else {
      store<f64>(slot, dot, 8);
      writeListed(load<u64>(slot), dot);
    }
  }
  clearPosting(p, load<u32>(items + (room << 2) + (index << 2)), c);
  if ((load<u32>(h, 28) & 4) !== 0 && load<f64>(k) === 0) dropFromTop(p);
  closeGap(at, index);
  shorten(at, length - 1, length);
}

/** Subtracts everything that a customer's history still holds, and frees its record. */
export function forget(c: u32): void {
  openHistory(c);
  const at = customerAt(c);
  while (load<u32>(at, 12) > 0) takeBack(c, load<u32>(at, 12) - 1);
  dropCustomer(c);
}

/** Frees a customer's record; what was learnt from the history stays. */
function dropCustomer(c: u32): void {
  const at = customerAt(c);
  unlinkCustomer(c);
  freeBlock(load<u32>(at, 8), historyBytes(load<u32>(at, 16)));
  memory.fill(at, 0, 32);
}

/** Drops the customer who has been silent longest, and returns the id. */
export function evictCustomer(): u32 {
  const c = customerOldest;
  openHistory(c);
  const at = customerAt(c);
  const length: usize = load<u32>(at, 12);
  const items = <usize>load<u32>(at, 8) + (<usize>load<u32>(at, 16) << 3);
  const places = items + (<usize>load<u32>(at, 16) << 2);
  for (let i: usize = 0; i < length; i++) clearPosting(load<u32>(items + (i << 2)), load<u32>(places + (i << 2)), c);
  dropCustomer(c);
  return c;
}

/** Marks the item that was touched longest ago as dying and returns it; its pairs and history entries go with the sweep. */
export function evictItem(): u32 {
  const p = itemOldest;
  unlinkItem(p);
  const h = hot(p);
  const k = cold(p);
  if ((load<u32>(h, 28) & 4) !== 0) dropFromTop(p);
  if (load<u16>(h, 22) !== 0) keepBack(roundUp(listBytes(load<u16>(h, 22))));
  freeBlock(load<u32>(h, 16), listBytes(load<u16>(h, 22)));
  freeBlock(load<u32>(k, 8), postingBytes(load<u32>(k, 20)));
  memory.fill(h, 0, HOT);
  memory.fill(k, 0, COLD);
  store<i32>(h, epoch, 24);
  store<u32>(h, DYING, 28);
  setDyingCount(dyingCount + 1);
  return p;
}

export function startSweep(): void {
  sweeping = true;
  sweepCustomer = 0;
  startPairSweep();
}

/** Units of work that the sweep still needs: a block of pairs, or 64 customers. */
export function sweepLeft(): u32 {
  return sweeping ? pairSweepLeft() + (customersUsed - sweepCustomer + 63) / 64 + 1 : 0;
}

/** Does some of it; true when no sweep is under way any more. */
export function sweep(units: u32): bool {
  for (let n: u32 = 0; n < units && sweeping; n++) {
    if (sweepPairs()) continue;
    if (sweepCustomer >= customersUsed) {
      sweeping = false;
      setDyingCount(0);
      break;
    }
    const end = min(sweepCustomer + 64, customersUsed);
    for (; sweepCustomer < end; sweepCustomer++) {
      if (load<u32>(customerAt(sweepCustomer), 12) > 0) openHistory(sweepCustomer);
    }
  }
  return !sweeping;
}

export function isSweeping(): bool {
  return sweeping;
}

export function usedCustomers(): u32 {
  return customersUsed;
}

export function saveObserve(at: usize): usize {
  store<u32>(at, customersUsed);
  store<u32>(at, sweepCustomer, 4);
  store<u32>(at, sweeping ? 1 : 0, 8);
  return at + 12;
}

export function loadObserve(at: usize): usize {
  customersUsed = load<u32>(at);
  sweepCustomer = load<u32>(at, 4);
  sweeping = load<u32>(at, 8) === 1;
  return at + 12;
}
