/**
 * Pruning of pairs that will not enter a list, as an option: TencentRec (Huang, Cui, Zhang, Jiang, Xu, SIGMOD 2015, section 4.3,
 * "real-time pruning"), which rests on Hoeffding's inequality (1963, JASA 58(301)).
 *
 *   s    the pair's cosine now              t    the lower of the least cosines that p's and q's lists keep
 *   n    co-ratings behind it               R    1, the range of a cosine
 *   with probability 1 - delta the true cosine is below  s + R sqrt(ln(1 / delta) / (2 n));  below t the pair is pruned
 *
 * n is not counted: a slot has no bit left for it. With weights w_u = r(u,p) r(u,q) the bound holds for the effective number
 * (sum w)^2 / sum w^2 (Hoeffding's theorem 2; Kish 1965): the dot divided by the w-weighted mean of w. That mean is taken from
 * the items: m(p) = norm2(p) / popularity(p), the r-weighted mean of r(u,p), so n = dot / (m(p) m(q)). Where every r is 1 it
 * is the count exactly, and a contributor who has decayed away counts for nothing, as it must: a plain mean over all who ever
 * touched p would be small, and one new co-rating would look like thousands.
 *
 *   gap = sqrt(min(A(p) norm2(q), A(q) norm2(p)) / MARGIN) - dot     A: admission (lists.ts), so that gap^2 = (t - s)^2 norm2(p) norm2(q)
 *   pruned when  gap > 0  and  2 n gap^2 > ln(1 / delta) norm2(p) norm2(q)       one root, nothing leaves the doubles' range
 *
 * A pruned pair gives its slot back and must not come again: TencentRec keeps a set for each item, here it is a Bloom filter
 * in blocks of a cache line (Putze, Sanders, Singler, WEA 2007), asked only about pairs that have no slot.
 *
 *   filters: block { one 512 bits, other 512 bits } [blocks]     six bits a pair, 32 pairs a block of each when it is full
 *
 * There are two, and pairs are added to one. After a half-life of event time, or when that one is full, the other is emptied and
 * takes over: a pair is kept out for one to two half-lives, and then begins again with what happens from then on. (TencentRec
 * never takes a pair back; what it lost here weighs at most a half by then.) So the rate of false positives, pairs kept out that
 * were never pruned, is bounded: 0.12% for a full filter, up to 0.24% for both, 0.14% on average while the second one fills.
 *
 * Of a pruned pair nothing is left to subtract from: a refund or a forgetting passes it by. From a pair that came back it subtracts
 * at least what was added, so a dot is too small at times, never too large, and none outlives the customers it came from.
 *
 * Ids of evicted items are given to new ones, so a pair is remembered by the numbers of its items' births, which never return.
 */
import { allocate } from './memory';
import { MARGIN } from './lists';
import { FLAG_BITS, cold, hot } from './records';

/** 64 bytes hold 32 pairs at 16 bits each. */
const PAIRS_IN_BLOCK: u32 = 32;
const LINE: usize = 64;
const BITS: u32 = 6;

/** ln(1 / delta); 0: nothing is pruned. */
export let bound: f64 = 0;
/** Pairs that a filter takes until the other one takes over. */
let capacity: u32 = 0;
let blocks: u32 = 0;
let filters: usize = 0;
/** Which of the two is added to, and how many pairs each holds. */
let current: u32 = 0;
let inFirst: u32 = 0;
let inSecond: u32 = 0;
/** The half-life since 1970 in which the newest event lies. */
let period: i32 = i32.MIN_VALUE;
let births: u32 = 0;
export let prunedTotal: f64 = 0;

export function initPruned(delta: f64, remembered: u32): void {
  bound = delta > 0 ? Math.log(1 / delta) : 0;
  capacity = remembered;
  blocks = (remembered + PAIRS_IN_BLOCK - 1) / PAIRS_IN_BLOCK;
}

export function beginPruned(): void {
  if (bound > 0) filters = allocate(<usize>blocks * LINE * 2);
}

/** The number of the next item's birth, in the bits above the flags; 0 without pruning. It returns after 2^29 items. */
export function birth(): u32 {
  if (bound === 0) return 0;
  births++;
  return births << FLAG_BITS;
}

// @ts-ignore: decorator
@inline
function hashOf(p: u32, q: u32): u64 {
  const a = load<u32>(hot(p), 28) >> FLAG_BITS;
  const b = load<u32>(hot(q), 28) >> FLAG_BITS;
  // The finaliser of MurmurHash3 (Appleby): each bit of the key changes each bit of the hash with probability a half.
  let h = (<u64>max(a, b) << 32) | <u64>min(a, b);
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 33);
}

// @ts-ignore: decorator
@inline
function blockAt(h: u64): usize {
  return filters + <usize>(((h >> 32) * <u64>blocks) >> 32) * (LINE * 2);
}

/** Six numbers of nine bits: the places of the bits in a block. */
// @ts-ignore: decorator
@inline
function bitsOf(h: u64): u64 {
  return (h * 0x9e3779b97f4a7c15) >> 10;
}

function holds(at: usize, bits: u64): bool {
  for (let i: u32 = 0; i < BITS; i++) {
    if (((load<u64>(at + <usize>((bits >> 6) & 7) * 8) >> (bits & 63)) & 1) === 0) return false;
    bits >>= 9;
  }
  return true;
}

/** Whether the pair was pruned lately: true for all that were, and for a few that were not. */
export function isPruned(p: u32, q: u32): bool {
  const h = hashOf(p, q);
  const at = blockAt(h);
  const bits = bitsOf(h);
  return holds(at, bits) || holds(at + LINE, bits);
}

export function rememberPruned(p: u32, q: u32): void {
  if ((current === 0 ? inFirst : inSecond) >= capacity) turn();
  const h = hashOf(p, q);
  const at = blockAt(h) + <usize>current * LINE;
  let bits = bitsOf(h);
  for (let i: u32 = 0; i < BITS; i++) {
    const word = at + <usize>((bits >> 6) & 7) * 8;
    store<u64>(word, load<u64>(word) | (<u64>1 << (bits & 63)));
    bits >>= 9;
  }
  if (current === 0) inFirst++; else inSecond++;
  prunedTotal += 1;
}

/** The filter that was filled earlier is emptied and takes over: for each MiB of a filter a fraction of a millisecond. */
function turn(): void {
  current ^= 1;
  const used = current === 0 ? inFirst : inSecond;
  if (current === 0) inFirst = 0; else inSecond = 0;
  if (used === 0) return;
  const end = filters + <usize>blocks * LINE * 2;
  for (let at = filters + <usize>current * LINE; at < end; at += LINE * 2) memory.fill(at, 0, LINE);
}

/** Event time has come to this half-life since 1970. */
export function renewPruned(to: i32): void {
  if (to <= period) return;
  const skipped = period !== i32.MIN_VALUE && to - period > 1;
  period = to;
  turn();
  if (skipped) turn();
}

/** Whether the bound says that a pair which is in no list will not enter one; meanP is norm2 / popularity of p. Both items must be at the current epoch. */
// @ts-ignore: decorator
@inline
export function isHopeless(p: u32, q: u32, dot: f64, meanP: f64): bool {
  const norm2p = load<f64>(hot(p));
  const norm2q = load<f64>(hot(q));
  // An admission of -1, a list with room, gives NaN: nothing is pruned then, nor where the pair is as good as those listed.
  const gap = Math.sqrt(min(load<f64>(hot(p), 8) * norm2q, load<f64>(hot(q), 8) * norm2p) / MARGIN) - dot;
  if (!(gap > 0)) return false;
  const meanQ = norm2q / load<f64>(cold(q));
  return 2 * (dot / (meanP * meanQ)) * (gap * gap) > bound * (norm2p * norm2q);
}

export function savePruned(at: usize): usize {
  store<u32>(at, <u32>filters);
  store<u32>(at, current, 4);
  store<u32>(at, inFirst, 8);
  store<u32>(at, inSecond, 12);
  store<i32>(at, period, 16);
  store<u32>(at, births, 20);
  store<f64>(at, prunedTotal, 24);
  return at + 32;
}

export function loadPruned(at: usize): usize {
  filters = load<u32>(at);
  current = load<u32>(at, 4);
  inFirst = load<u32>(at, 8);
  inSecond = load<u32>(at, 12);
  period = load<i32>(at, 16);
  births = load<u32>(at, 20);
  prunedTotal = load<f64>(at, 24);
  return at + 32;
}
