/**
 * Answers. Nothing here writes to the state: numbers of an earlier epoch are scaled while they are read, and what a
 * query needs lies in scratch, which is zero again when it returns.
 *
 *   seeds       the customer's SEEDS entries with the largest r
 *   item-item   candidates from the seeds' lists, screened by the sum over seeds, then scored by the *candidate's own*
 *               list: sum of cosine(candidate, q) r(q) over its entries q in the customer's history
 *   user-user   cosine with every customer in the seeds' postings, the best USERS of them, their items weighted by it
 */
import { DYING, NONE, R_MIN, customerAt, dotScale, flush, hot, norm2Of, cold, rScale, DOT_MIN, postingLimit } from './records';
import { popularityOf, topAt, topCount } from './popular';
import { pow2 } from './memory';

/** An answer is at most this long. */
export const MOST: u32 = 512;
const SEEDS: u32 = 50;
const SCREEN: u32 = 300;
const USERS: u32 = 50;
/** Reasons given for an item. */
const REASONS: u32 = 3;

// A heap of the best: score f64, id u32, the worst on top.
let heapScores: usize = 0;
let heapIds: usize = 0;
let heapCount: u32 = 0;
let heapLimit: u32 = 0;

// Sums by item, what the customer has by item, the items touched; the same by customer.
let itemSums: usize = 0;
let owned: usize = 0;
let touched: usize = 0;
let supporters: usize = 0;
let customerSums: usize = 0;
let touchedCustomers: usize = 0;
let seeds: usize = 0;

/** Answers: score f64[MOST], weight f64[MOST * 3], dot f64[MOST], id u32[MOST], reason u32[MOST * 3], count u32[MOST]. */
let out: usize = 0;
export const OUT_BYTES: usize = <usize>MOST * 64;

let outWeights: usize = 0;
let outDots: usize = 0;
let outIds: usize = 0;
let outReasons: usize = 0;
let outCounts: usize = 0;

/** Lays the scratch of queries out from `at`, for that many items and customers; returns its end. */
export function initQuery(at: usize, items: u32, customers: u32): usize {
  out = at;
  outWeights = out + MOST * 8;
  outDots = outWeights + MOST * 24;
  outIds = outDots + MOST * 8;
  outReasons = outIds + MOST * 4;
  outCounts = outReasons + MOST * 12;
  at += OUT_BYTES;
  heapScores = at; at += MOST * 8;
  heapIds = at; at += MOST * 8;
  seeds = at; at += SEEDS * 8;
  itemSums = at; at += <usize>items << 3;
  owned = at; at += <usize>items << 3;
  customerSums = at; at += <usize>customers << 3;
  touched = at; at += <usize>items << 2;
  supporters = at; at += <usize>items << 2;
  touchedCustomers = at; at += <usize>customers << 2;
  return (at + 15) & ~15;
}

export function outAt(): usize { return out; }

// ---- the heap ----

function begin(limit: u32): void {
  heapCount = 0;
  heapLimit = limit;
}

// @ts-ignore: decorator
@inline
function worse(score: f64, id: u32, than: u32): bool {
  const other = load<f64>(heapScores + (<usize>than << 3));
  return score < other || (score === other && id > load<u32>(heapIds + (<usize>than << 2)));
}

// @ts-ignore: decorator
@inline
function put(i: u32, score: f64, id: u32): void {
  store<f64>(heapScores + (<usize>i << 3), score);
  store<u32>(heapIds + (<usize>i << 2), id);
}

function sink(score: f64, id: u32): void {
  let i: u32 = 0;
  for (;;) {
    let child: u32 = 2 * i + 1;
    if (child >= heapCount) break;
    if (child + 1 < heapCount && worse(load<f64>(heapScores + (<usize>(child + 1) << 3)), load<u32>(heapIds + (<usize>(child + 1) << 2)), child)) child++;
    if (worse(score, id, child)) break;
    put(i, load<f64>(heapScores + (<usize>child << 3)), load<u32>(heapIds + (<usize>child << 2)));
    i = child;
  }
  put(i, score, id);
}

/** Offers a candidate; ties go to the smaller id. */
function offer(score: f64, id: u32): void {
  if (heapCount < heapLimit) {
    let i = heapCount++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!worse(score, id, parent)) break;
      put(i, load<f64>(heapScores + (<usize>parent << 3)), load<u32>(heapIds + (<usize>parent << 2)));
      i = parent;
    }
    put(i, score, id);
  } else if (heapLimit > 0 && !worse(score, id, 0) && !(score === load<f64>(heapScores) && id === load<u32>(heapIds))) {
    sink(score, id);
  }
}

/** Writes the heap's content to the answer, best first; returns how many. */
function drain(): u32 {
  const count = heapCount;
  while (heapCount > 0) {
    const i = heapCount - 1;
    store<f64>(out + (<usize>i << 3), load<f64>(heapScores));
    store<u32>(outIds + (<usize>i << 2), load<u32>(heapIds));
    heapCount--;
    if (heapCount > 0) sink(load<f64>(heapScores + (<usize>heapCount << 3)), load<u32>(heapIds + (<usize>heapCount << 2)));
  }
  return count;
}

// ---- the customer ----

// @ts-ignore: decorator
@inline
function dying(item: u32): bool {
  return (load<u32>(hot(item), 28) & DYING) !== 0;
}

/** Puts the seeds' history indices into `seeds`; ties in r go to the one raised later. */
function chooseSeeds(c: u32): u32 {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  const by = rScale(load<i32>(at, 20));
  begin(SEEDS);
  for (let i: u32 = 0; i < length; i++) {
    const r = load<f64>(rs + (<usize>i << 3)) * by;
    if (r < R_MIN || dying(load<u32>(items + (<usize>i << 2)))) continue;
    offer(r, length - 1 - i);
  }
  const count = heapCount;
  while (heapCount > 0) {
    store<u32>(seeds + (<usize>(heapCount - 1) << 2), length - 1 - load<u32>(heapIds));
    heapCount--;
    if (heapCount > 0) sink(load<f64>(heapScores + (<usize>heapCount << 3)), load<u32>(heapIds + (<usize>heapCount << 2)));
  }
  return count;
}

/** The customer's norm2 as of the current epoch, by summing. */
function liveNorm2(c: u32): f64 {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  const by = rScale(load<i32>(at, 20));
  let norm2: f64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const r = load<f64>(rs + (<usize>i << 3)) * by;
    if (r < R_MIN || dying(load<u32>(items + (<usize>i << 2)))) continue;
    norm2 += r * r;
  }
  return norm2;
}

/** owned[q] = r(q) / (|u| |q|) for the history of c, or 0 everywhere again. What the customer has is never 0. */
function setOwned(c: u32, on: bool): void {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  const by = rScale(load<i32>(at, 20));
  const norm = on ? Math.sqrt(liveNorm2(c)) : 1;
  for (let i: u32 = 0; i < length; i++) {
    const q = load<u32>(items + (<usize>i << 2));
    let value: f64 = 0;
    if (on) {
      const r = load<f64>(rs + (<usize>i << 3)) * by;
      // r = 0 is what was sent back: not to be shown again, and no reason to show anything else.
      if ((r < R_MIN && r !== 0) || dying(q)) continue;
      const norm2 = norm2Of(q);
      value = norm2 > 0 && r !== 0 ? max(r / (norm * Math.sqrt(norm2)), R_MIN) : R_MIN;
    }
    store<f64>(owned + (<usize>q << 3), value);
  }
}

// ---- item-item ----

export function itemItem(c: u32, limit: u32): u32 {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const seedCount = chooseSeeds(c);
  if (seedCount === 0) return 0;
  setOwned(c, true);
  let candidates: u32 = 0;
  for (let s: u32 = 0; s < seedCount; s++) {
    const p = load<u32>(items + (<usize>load<u32>(seeds + (<usize>s << 2)) << 2));
    const h = hot(p);
    const list: usize = load<u32>(h, 16);
    const ids = list + (<usize>load<u16>(h, 22) << 3);
    const length = <u32>load<u16>(h, 20);
    const weight = load<f64>(owned + (<usize>p << 3)) * dotScale(p);
    for (let i: u32 = 0; i < length; i++) {
      const q: usize = load<u32>(ids + (<usize>i << 2));
      const part = load<f64>(list + (<usize>i << 3)) * weight;
      if (part <= 0 || load<f64>(owned + (q << 3)) !== 0) continue;
      const sum = load<f64>(itemSums + (q << 3));
      if (sum === 0) {
        store<u32>(touched + (<usize>candidates << 2), <u32>q);
        candidates++;
      }
      store<f64>(itemSums + (q << 3), sum + part);
    }
  }
  begin(SCREEN);
  for (let i: u32 = 0; i < candidates; i++) {
    const q = load<u32>(touched + (<usize>i << 2));
    const sum = load<f64>(itemSums + (<usize>q << 3));
    store<f64>(itemSums + (<usize>q << 3), 0);
    const norm2 = norm2Of(q);
    if (norm2 > 0 && !dying(q)) offer(sum / Math.sqrt(norm2), q);
  }
  const screened = heapCount;
  memory.copy(touched, heapIds, <usize>screened << 2);
  begin(limit);
  for (let i: u32 = 0; i < screened; i++) {
    const q = load<u32>(touched + (<usize>i << 2));
    const score = byOwnList(q);
    if (score > 0) offer(score, q);
  }
  const count = drain();
  for (let i: u32 = 0; i < count; i++) explain(i);
  setOwned(c, false);
  return count;
}

function byOwnList(q: u32): f64 {
  const h = hot(q);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  const length = <u32>load<u16>(h, 20);
  let sum: f64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    sum += load<f64>(list + (<usize>i << 3)) * load<f64>(owned + (<usize>load<u32>(ids + (<usize>i << 2)) << 3));
  }
  return (sum * dotScale(q)) / Math.sqrt(norm2Of(q));
}

/** The history items that contribute most to the answer at `i`. */
function explain(i: u32): void {
  const q = load<u32>(outIds + (<usize>i << 2));
  const h = hot(q);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  const length = <u32>load<u16>(h, 20);
  const by = dotScale(q) / Math.sqrt(norm2Of(q));
  begin(REASONS);
  for (let j: u32 = 0; j < length; j++) {
    const p = load<u32>(ids + (<usize>j << 2));
    const mine = load<f64>(owned + (<usize>p << 3));
    const part = load<f64>(list + (<usize>j << 3)) * mine * by;
    if (part > 0 && mine > R_MIN) offer(part, p);
  }
  const first = i * REASONS;
  store<u32>(outCounts + (<usize>i << 2), heapCount);
  while (heapCount > 0) {
    const place = <usize>(first + heapCount - 1);
    store<f64>(outWeights + (place << 3), load<f64>(heapScores));
    store<u32>(outReasons + (place << 2), load<u32>(heapIds));
    heapCount--;
    if (heapCount > 0) sink(load<f64>(heapScores + (<usize>heapCount << 3)), load<u32>(heapIds + (<usize>heapCount << 2)));
  }
}

// ---- user-user ----

/** Puts the most similar customers into the heap, with their cosine. */
function likeMinded(c: u32, limit: u32): void {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const by = rScale(load<i32>(at, 20));
  const seedCount = chooseSeeds(c);
  let found: u32 = 0;
  for (let s: u32 = 0; s < seedCount; s++) {
    const index: usize = load<u32>(seeds + (<usize>s << 2));
    const p = load<u32>(items + (index << 2));
    const k = cold(p);
    const ring: usize = load<u32>(k, 8);
    const count = load<u32>(k, 12);
    const owners = ring + (<usize>load<u32>(k, 20) << 3);
    const then = rScale(load<i32>(hot(p), 24));
    const weight = load<f64>(rs + (index << 3)) * by;
    for (let i: u32 = 0; i < count; i++) {
      const v: usize = load<u32>(owners + (<usize>i << 2));
      if (<u32>v === NONE || <u32>v === c) continue;
      const part = flush(load<f64>(ring + (<usize>i << 3)) * then, R_MIN) * weight;
      if (part <= 0) continue;
      const sum = load<f64>(customerSums + (v << 3));
      if (sum === 0) {
        store<u32>(touchedCustomers + (<usize>found << 2), <u32>v);
        found++;
      }
      store<f64>(customerSums + (v << 3), sum + part);
    }
  }
  const norm = Math.sqrt(liveNorm2(c));
  begin(limit);
  for (let i: u32 = 0; i < found; i++) {
    const v = load<u32>(touchedCustomers + (<usize>i << 2));
    const sum = load<f64>(customerSums + (<usize>v << 3));
    store<f64>(customerSums + (<usize>v << 3), 0);
    const va = customerAt(v);
    const then = rScale(load<i32>(va, 20));
    const norm2 = load<f64>(va) * then * then;
    if (norm2 > 0) offer(sum / (norm * Math.sqrt(norm2)), v);
  }
}

/** The customers most like c, with their cosine. */
export function similarCustomers(c: u32, limit: u32): u32 {
  likeMinded(c, limit);
  return drain();
}

export function userUser(c: u32, limit: u32): u32 {
  likeMinded(c, USERS);
  const users = drain();
  if (users === 0) return 0;
  setOwned(c, true);
  let candidates: u32 = 0;
  for (let n: u32 = 0; n < users; n++) {
    const v = load<u32>(outIds + (<usize>n << 2));
    const cosine = load<f64>(out + (<usize>n << 3));
    const at = customerAt(v);
    const rs: usize = load<u32>(at, 8);
    const items = rs + (<usize>load<u32>(at, 16) << 3);
    const length = load<u32>(at, 12);
    const by = rScale(load<i32>(at, 20));
    const norm = Math.sqrt(load<f64>(at)) * by;
    for (let i: u32 = 0; i < length; i++) {
      const q: usize = load<u32>(items + (<usize>i << 2));
      const r = load<f64>(rs + (<usize>i << 3)) * by;
      if (r < R_MIN || load<f64>(owned + (q << 3)) !== 0 || dying(<u32>q)) continue;
      const sum = load<f64>(itemSums + (q << 3));
      if (sum === 0) {
        store<u32>(touched + (<usize>candidates << 2), <u32>q);
        candidates++;
      }
      store<f64>(itemSums + (q << 3), sum + cosine * (r / norm));
      store<u32>(supporters + (q << 2), load<u32>(supporters + (q << 2)) + 1);
    }
  }
  begin(limit);
  for (let i: u32 = 0; i < candidates; i++) {
    const q = load<u32>(touched + (<usize>i << 2));
    offer(load<f64>(itemSums + (<usize>q << 3)), q);
    store<f64>(itemSums + (<usize>q << 3), 0);
  }
  const count = drain();
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(outCounts + (<usize>i << 2), load<u32>(supporters + (<usize>load<u32>(outIds + (<usize>i << 2)) << 2)));
  }
  for (let i: u32 = 0; i < candidates; i++) store<u32>(supporters + (<usize>load<u32>(touched + (<usize>i << 2)) << 2), 0);
  setOwned(c, false);
  return count;
}

// ---- popular, similar ----

/** The most popular items that the customer (NONE: anybody) does not have; the score is the decayed sum at the landmark. */
export function popular(c: u32, limit: u32): u32 {
  if (c !== NONE) setOwned(c, true);
  begin(limit);
  const count = topCount();
  for (let i: u32 = 0; i < count; i++) {
    const p = topAt(i);
    const sum = flush(popularityOf(p), R_MIN);
    if (sum > 0 && (c === NONE || load<f64>(owned + (<usize>p << 3)) === 0)) offer(sum, p);
  }
  if (c !== NONE) setOwned(c, false);
  const found = drain();
  for (let i: u32 = 0; i < found; i++) {
    store<u32>(outCounts + (<usize>i << 2), load<u32>(cold(load<u32>(outIds + (<usize>i << 2))), 32));
  }
  return found;
}

/** The neighbours of an item, scored again with the norms of this moment. */
export function similar(p: u32, limit: u32): u32 {
  const h = hot(p);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  const length = <u32>load<u16>(h, 20);
  const by = dotScale(p);
  const mine = norm2Of(p);
  begin(limit);
  for (let i: u32 = 0; i < length; i++) {
    const q = load<u32>(ids + (<usize>i << 2));
    const norms = mine * norm2Of(q);
    const dot = flush(load<f64>(list + (<usize>i << 3)) * by, DOT_MIN);
    // Both are rounded, so a perfect match may come out a little above 1.
    if (norms > 0 && dot > 0 && !dying(q)) offer(min(1.0, dot / Math.sqrt(norms)), q);
  }
  const count = drain();
  for (let i: u32 = 0; i < count; i++) {
    const q = load<u32>(outIds + (<usize>i << 2));
    for (let j: u32 = 0; j < length; j++) {
      if (load<u32>(ids + (<usize>j << 2)) !== q) continue;
      store<f64>(outDots + (<usize>i << 3), load<f64>(list + (<usize>j << 3)) * by);
      break;
    }
  }
  return count;
}

/** Whether the item is in the customer's history, sent back or not, and has not faded: such are not recommended (see `setOwned`). */
export function has(c: u32, p: u32): bool {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  for (let i: u32 = 0; i < length; i++) {
    if (load<u32>(items + (<usize>i << 2)) !== p) continue;
    const r = load<f64>(rs + (<usize>i << 3)) * rScale(load<i32>(at, 20));
    return r >= R_MIN || r === 0;
  }
  return false;
}

/** A customer's history, in the order in which it was last raised: r at the landmark. */
export function historyOf(c: u32): u32 {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  const by = rScale(load<i32>(at, 20));
  let count: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const q = load<u32>(items + (<usize>i << 2));
    const r = load<f64>(rs + (<usize>i << 3)) * by;
    if (r < R_MIN || dying(q)) continue;
    store<f64>(itemSums + (<usize>count << 3), r);
    store<u32>(touched + (<usize>count << 2), q);
    count++;
  }
  return count;
}

export function historyStrengths(): usize { return itemSums; }
export function historyItems(): usize { return touched; }
/** The strengths lie where the sums must be zero. */
export function historyDone(count: u32): void { memory.fill(itemSums, 0, <usize>count << 3); }
