/**
 * Answers. Nothing here writes to the state: numbers of an earlier epoch are scaled while they are read, and what a
 * query needs lies in scratch, which is zero again when it returns.
 *
 *   seeds       the customer's SEEDS entries with the largest r
 *   item-item   candidates from the seeds' lists, screened by the sum over seeds, then scored by the *candidate's own*
 *               list: sum of cosine(candidate, q) r(q) over its entries q in the customer's history
 *   user-user   cosine with every customer in the seeds' postings, the best USERS of them, their items weighted by it
 */
import { DYING, NONE, R_MIN, customerAt, dotScale, flush, hot, norm2Of, cold, rScale, DOT_MIN, dyingCount } from './records';
import { popularityOf, topAt, topCount } from './popular';
import { pow2 } from './memory';

/** An answer is at most this long. */
export const MOST: u32 = 512;
/** The most entries of a history that may be seeds. */
const SEEDS: u32 = 200;
/** Reasons given for an item. */
const REASONS: u32 = 3;

/** In `marks`: it counts as a reason; it is not to be shown. */
const COUNTS: u8 = 1;
const LEFT_OUT: u8 = 2;

// How similarities are weighted: ../weighting.ts has the meaning, the source and the default of each.
let itemSeeds: u32 = 50;
let userSeeds: u32 = 50;
let screen: u32 = 300;
let usersMost: u32 = 50;
let ownersMost: u32 = 0xffffffff;
let entriesMost: u32 = 0xffffffff;
let itemAlpha: f64 = 0.5;
let userAlpha: f64 = 0.5;
/** In halves: 2 is the similarity itself, 3 its power of 1.5. */
let itemLocality: u32 = 2;
let userLocality: u32 = 2;
let shrinkage: f64 = 0;
let itemRarity: f64 = 0;
let userRarity: f64 = 0;
/** 0: TF-IDF's form, 1: BM25's. */
let rarityForm: u32 = 0;
let customersAlive: f64 = 1;
/** BM25's k1, at the landmark; 0: strengths are not saturated. */
let saturation: f64 = 0;
let leaveOut: f64 = 0;

export function setItemWeighting(seedsMost: u32, screened: u32, alpha: f64, locality: u32, rare: f64): void {
  itemSeeds = min(seedsMost, SEEDS);
  screen = min(screened, MOST);
  itemAlpha = alpha;
  itemLocality = locality;
  itemRarity = rare;
}

export function setUserWeighting(seedsMost: u32, users: u32, owners: u32, entries: u32, alpha: f64, locality: u32, rare: f64, form: u32): void {
  userSeeds = min(seedsMost, SEEDS);
  usersMost = min(users, MOST);
  ownersMost = owners;
  entriesMost = entries;
  userAlpha = alpha;
  userLocality = locality;
  userRarity = rare;
  rarityForm = form;
}

/** What changes from one moment to the next: everything at the landmark. */
export function setMoment(shrink: f64, k1: f64, from: f64, customers: f64): void {
  shrinkage = shrink;
  saturation = k1;
  leaveOut = from;
  customersAlive = customers;
}

/**
 * x^e for normal x > 0: 2^(e log2 x), with log2 of the mantissa by the series of atanh and 2^f by Taylor's. The relative
 * error is below 1e-8 for the exponents of norms; Math.pow takes four times as long.
 */
function power(x: f64, e: f64): f64 {
  if (e === 0.5) return Math.sqrt(x);
  if (e === 1) return x;
  const bits = reinterpret<u64>(x);
  let exponent = <f64>(<i32>((bits >> 52) & 0x7ff) - 1023);
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const s2 = s * s;
  const log2 = exponent + 2.8853900817779268 * s * (1 + s2 * (0.3333333333333333 + s2 * (0.2 + s2 * (0.14285714285714285 + s2 * 0.1111111111111111))));
  const y = log2 * e;
  const whole = Math.floor(y + 0.5);
  const f = (y - whole) * 0.6931471805599453;
  const exp = 1 + f * (1 + f * (0.5 + f * (0.16666666666666666 + f * (0.041666666666666664 + f * (0.008333333333333333 + f * (0.001388888888888889 + f * 0.0001984126984126984))))));
  return exp * pow2(<i32>whole);
}

/** A similarity to the power of `halves` / 2. */
// @ts-ignore: decorator
@inline
function local(s: f64, halves: u32): f64 {
  if (halves === 2) return s;
  if (halves === 3) return s * Math.sqrt(s);
  let product = (halves & 1) === 1 ? Math.sqrt(s) : 1;
  for (let n = halves >> 1; n > 0; n--) product *= s;
  return product;
}

/**
 * norm2(q)^(alpha locality), which every pass over candidates divides by. The last one of each item is kept beside the norm2 that it
 * is of: norms move with events, and a query asks for hundreds of them.
 */
function normaliser(q: u32, norm2: f64): f64 {
  const place = normalisers + (<usize>q << 4);
  if (load<f64>(place) === norm2) return load<f64>(place, 8);
  const value = power(norm2, itemAlpha * 0.5 * <f64>itemLocality);
  store<f64>(place, norm2);
  store<f64>(place, value, 8);
  return value;
}

/** How rare an item is among the customers, to the power of `exponent`. */
function rarity(p: u32, exponent: f64): f64 {
  if (exponent === 0) return 1;
  const n = <f64>load<u32>(cold(p), 32);
  const idf = rarityForm === 0 ? Math.log(1 + customersAlive / max(n, 1)) : Math.log(1 + (max(customersAlive - n, 0) + 0.5) / (n + 0.5));
  return exponent === 1 ? idf : <f64>NativeMathf.pow(<f32>idf, <f32>exponent);
}

// @ts-ignore: decorator
@inline
function saturated(r: f64): f64 {
  return saturation === 0 ? r : r * saturation / (r + saturation);
}

// A heap of the best: score f64, id u32, the worst on top.
let heapScores: usize = 0;
let heapIds: usize = 0;
let heapCount: u32 = 0;
let heapLimit: u32 = 0;

// By item: sum and how many were added, f64 both, 16 bytes; what the customer has (open()), 16 bytes; the items touched. Sums by customer.
let itemSums: usize = 0;
let owned: usize = 0;
/** A byte of each item, 0 but for the opened customer's: lists are matched against it, and it stays in the nearest cache. */
let marks: usize = 0;
/** By item: norm2 and its normaliser(), f64 both. Not zeroed: a value of another norm2 is not used. */
let normalisers: usize = 0;
/** Candidates: ids u32 and scores f64, of items or of customers. */
let touched: usize = 0;
let scores: usize = 0;
let buckets: usize = 0;
/** Bits of the best score, and how many candidates are certain to be among the best. */
let best: u64 = 0;
let above: u32 = 0;
/** Places of a list that count, u32[254]. */
let hits: usize = 0;
let customerSums: usize = 0;
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
  hits = at; at += 256 * 4;
  buckets = at; at += 256 * 4;
  scores = at; at += <usize>max(items, customers) << 3;
  itemSums = at; at += <usize>items << 4;
  owned = at; at += <usize>items << 4;
  normalisers = at; at += <usize>items << 4;
  customerSums = at; at += <usize>customers << 3;
  touched = at; at += <usize>(max(items, customers) + 1) << 2; // one more: a place is written before it is known to be taken
  marks = at; at = (at + items + 7) & ~7;
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

/**
 * Of the candidates[0, count) those that can be among the best `limit`: by a histogram of the sixteenths of octaves below the best
 * score. Returns the last sixteenth that is needed; `above` is how many lie before it. Offering all of them costs more than
 * ranking the few. Scores are not negative, so they are ordered as their bits are.
 */
function lastOfBest(count: u32, limit: u32): u64 {
  memory.fill(buckets, 0, 256 * 4);
  for (let i: u32 = 0; i < count; i++) {
    const bucket = buckets + (<usize>bucketOf(load<u64>(scores + (<usize>i << 3))) << 2);
    store<u32>(bucket, load<u32>(bucket) + 1);
  }
  let last: u64 = 0;
  above = 0;
  for (let here = load<u32>(buckets); last < 255 && above + here < limit; here = load<u32>(buckets + (<usize>last << 2))) {
    above += here;
    last++;
  }
  return last;
}

function bestOf(count: u32): void {
  best = 0;
  for (let i: u32 = 0; i < count; i++) best = max(best, load<u64>(scores + (<usize>i << 3)));
}

/** Puts the best of the candidates into the heap. */
function offerBest(count: u32, limit: u32): void {
  begin(limit);
  bestOf(count);
  const last = count <= 2 * limit ? 255 : lastOfBest(count, limit);
  for (let i: u32 = 0; i < count; i++) {
    const score = scores + (<usize>i << 3);
    if (bucketOf(load<u64>(score)) <= last) offer(load<f64>(score), load<u32>(touched + (<usize>i << 2)));
  }
}

/** Leaves the best of the candidates, in no order; returns how many. */
function keepBest(count: u32, limit: u32): u32 {
  if (count <= limit) return count;
  bestOf(count);
  const last = lastOfBest(count, limit);
  begin(limit - above);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const q = load<u32>(touched + (<usize>i << 2));
    const score = scores + (<usize>i << 3);
    const bucket = bucketOf(load<u64>(score));
    if (bucket === last) offer(load<f64>(score), q);
    store<u32>(touched + (<usize>kept << 2), q);
    kept += u32(bucket < last);
  }
  memory.copy(touched + (<usize>kept << 2), heapIds, <usize>heapCount << 2);
  return kept + heapCount;
}

// @ts-ignore: decorator
@inline
function bucketOf(score: u64): u64 { return min<u64>((best - score) >> 48, 255); }

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
  return dyingCount !== 0 && (load<u32>(hot(item), 28) & DYING) !== 0;
}

/** Puts the seeds' history indices into `seeds`; ties in r go to the one raised later. */
function chooseSeeds(c: u32, most: u32): u32 {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  const by = rScale(load<i32>(at, 20));
  begin(most);
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

/**
 * Marks the history of c for the queries up to close(c): at each of its items the weight r(q) / |u| (times its rarity) and the item's share
 * of the denominator of a similarity, norm2(q)^(1 - alpha). What was sent back counts for nothing and is left out; what was
 * done to an item that weighs less than `leaveOut` may be shown again.
 */
export function open(c: u32): void {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  const by = rScale(load<i32>(at, 20));
  const norm = Math.sqrt(liveNorm2(c));
  for (let i: u32 = 0; i < length; i++) {
    const q = load<u32>(items + (<usize>i << 2));
    const r = load<f64>(rs + (<usize>i << 3)) * by;
    // r = 0 is what was sent back: not to be shown again, and no reason to show anything else.
    if ((r < R_MIN && r !== 0) || dying(q)) continue;
    const norm2 = norm2Of(q);
    const counts = norm2 > 0 && r !== 0;
    const place = owned + (<usize>q << 4);
    let weight = counts ? saturated(r) / norm * rarity(q, itemRarity) : 0;
    // Without shrinkage the denominator leaves the sum: a division less for each neighbour.
    if (shrinkage !== 0) store<f64>(place, counts ? power(norm2, 1 - itemAlpha) : 1.0, 8);
    else if (counts) weight *= normaliser(q, norm2) / local(norm2, itemLocality);
    store<f64>(place, weight);
    store<u8>(marks + q, (weight > 0 ? COUNTS : 0) | (r !== 0 && r < leaveOut ? 0 : LEFT_OUT));
  }
}

/** No marks again. */
export function close(c: u32): void {
  const at = customerAt(c);
  const items = <usize>load<u32>(at, 8) + (<usize>load<u32>(at, 16) << 3);
  const length = load<u32>(at, 12);
  for (let i: u32 = 0; i < length; i++) {
    store<u8>(marks + load<u32>(items + (<usize>i << 2)), 0);
  }
}

/** Whether the opened customer has it and it is not to be shown. */
// @ts-ignore: decorator
@inline
export function leftOut(q: u32): bool {
  return (load<u8>(marks + q) & LEFT_OUT) !== 0;
}

// ---- item-item ----

/** Adds a part to a candidate's sum. Whether it is the first is a coin's toss to the processor: it is counted, not jumped over. A hole has no part. */
// @ts-ignore: decorator
@inline
function propose(q: u32, part: f64, candidates: u32): u32 {
  const place = itemSums + (<usize>q << 4);
  const sum = load<f64>(place);
  store<u32>(touched + (<usize>candidates << 2), q);
  store<f64>(place, sum + part);
  return candidates + (u32(sum === 0) & u32(part > 0));
}

export function itemItem(c: u32, limit: u32): u32 {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const seedCount = chooseSeeds(c, itemSeeds);
  if (seedCount === 0) return 0;
  let candidates: u32 = 0;
  for (let s: u32 = 0; s < seedCount; s++) {
    const p = load<u32>(items + (<usize>load<u32>(seeds + (<usize>s << 2)) << 2));
    const h = hot(p);
    const list: usize = load<u32>(h, 16);
    const ids = list + (<usize>load<u16>(h, 22) << 3);
    const length = <u32>load<u16>(h, 20);
    if ((load<u8>(marks + p) & COUNTS) === 0) continue;
    const mine = owned + (<usize>p << 4);
    const weight = load<f64>(mine);
    const by = shrinkage === 0 ? dotScale(p) : dotScale(p) / load<f64>(mine, 8);
    let i: u32 = 0;
    if (itemLocality === 3) {
      for (; i + 2 <= length; i += 2) {
        const parts = f64x2.mul(v128.load(list + (<usize>i << 3)), f64x2.splat(by));
        const added = f64x2.mul(f64x2.mul(parts, f64x2.sqrt(parts)), f64x2.splat(weight));
        candidates = propose(load<u32>(ids + (<usize>i << 2)), f64x2.extract_lane(added, 0), candidates);
        candidates = propose(load<u32>(ids + (<usize>i << 2), 4), f64x2.extract_lane(added, 1), candidates);
      }
    }
    for (; i < length; i++) {
      candidates = propose(load<u32>(ids + (<usize>i << 2)), local(load<f64>(list + (<usize>i << 3)) * by, itemLocality) * weight, candidates);
    }
  }
  let kept: u32 = 0;
  for (let i: u32 = 0; i < candidates; i++) {
    const q = load<u32>(touched + (<usize>i << 2));
    const place = itemSums + (<usize>q << 4);
    const sum = load<f64>(place);
    store<f64>(place, 0);
    const norm2 = norm2Of(q);
    if (dying(q) || norm2 === 0) continue;
    store<u32>(touched + (<usize>kept << 2), q);
    store<f64>(scores + (<usize>kept << 3), sum / normaliser(q, norm2));
    kept += u32(!leftOut(q));
  }
  const screened = keepBest(kept, screen);
  begin(limit);
  for (let i: u32 = 0; i < screened; i++) {
    const q = load<u32>(touched + (<usize>i << 2));
    const score = byOwnList(q);
    if (score > 0) offer(score, q);
  }
  return drain();
}

/** Sum over the candidate's own neighbours in the history: (dot / (norm2(q)^alpha norm2(p)^(1-alpha) + shrinkage))^locality r(p). */
function byOwnList(q: u32): f64 {
  const h = hot(q);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  const length = <u32>load<u16>(h, 20);
  const by = dotScale(q);
  let sum: f64 = 0;
  if (shrinkage === 0) {
    // Which neighbours count is a coin's toss to the processor: they are picked out without a jump, then added up.
    const picked = hits;
    const mine = marks;
    const weighed = owned;
    let count: usize = 0;
    let at: u32 = 0;
    for (; at + 4 <= length; at += 4) {
      const four = ids + (<usize>at << 2);
      store<u32>(picked + (count << 2), at);
      count += load<u8>(mine + load<u32>(four)) & COUNTS;
      store<u32>(picked + (count << 2), at + 1);
      count += load<u8>(mine + load<u32>(four, 4)) & COUNTS;
      store<u32>(picked + (count << 2), at + 2);
      count += load<u8>(mine + load<u32>(four, 8)) & COUNTS;
      store<u32>(picked + (count << 2), at + 3);
      count += load<u8>(mine + load<u32>(four, 12)) & COUNTS;
    }
    for (; at < length; at++) {
      store<u32>(picked + (count << 2), at);
      count += load<u8>(mine + load<u32>(ids + (<usize>at << 2))) & COUNTS;
    }
    let n: usize = 0;
    if (itemLocality === 3) {
      let sums = f64x2.splat(0);
      for (; n + 2 <= count; n += 2) {
        const i: usize = load<u32>(picked + (n << 2));
        const j: usize = load<u32>(picked + (n << 2), 4);
        const dots = v128.load64_lane(list + (j << 3), v128.load64_zero(list + (i << 3)), 1);
        const weights = v128.load64_lane(weighed + (<usize>load<u32>(ids + (j << 2)) << 4), v128.load64_zero(weighed + (<usize>load<u32>(ids + (i << 2)) << 4)), 1);
        sums = f64x2.add(sums, f64x2.mul(f64x2.mul(dots, f64x2.sqrt(dots)), weights));
      }
      sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
    }
    for (; n < count; n++) {
      const i: usize = load<u32>(picked + (n << 2));
      sum += local(load<f64>(list + (i << 3)), itemLocality) * load<f64>(weighed + (<usize>load<u32>(ids + (i << 2)) << 4));
    }
    return sum * local(by, itemLocality) / normaliser(q, norm2Of(q));
  }
  const mine = power(norm2Of(q), itemAlpha);
  for (let i: u32 = 0; i < length; i++) {
    const p = load<u32>(ids + (<usize>i << 2));
    if ((load<u8>(marks + p) & COUNTS) !== 0) sum += share(load<f64>(list + (<usize>i << 3)) * by, mine, p);
  }
  return sum;
}

/** What an item p of the history adds to the score of a candidate. */
// @ts-ignore: decorator
@inline
function share(dot: f64, mine: f64, p: u32): f64 {
  const place = owned + (<usize>p << 4);
  const weight = load<f64>(place);
  return local(dot / (shrinkage === 0 ? mine : mine * load<f64>(place, 8) + shrinkage), itemLocality) * weight;
}

/** The history items of the opened customer that contribute most to the score of q; they become the answer at `i`. Returns how many. */
export function explain(q: u32, i: u32): u32 {
  const h = hot(q);
  const list: usize = load<u32>(h, 16);
  const ids = list + (<usize>load<u16>(h, 22) << 3);
  const length = <u32>load<u16>(h, 20);
  const by = dotScale(q);
  const mine = power(norm2Of(q), itemAlpha);
  begin(REASONS);
  for (let j: u32 = 0; j < length; j++) {
    const p = load<u32>(ids + (<usize>j << 2));
    if ((load<u8>(marks + p) & COUNTS) === 0) continue;
    const part = share(load<f64>(list + (<usize>j << 3)) * by, mine, p);
    if (part > 0) offer(part, p);
  }
  const count = heapCount;
  const first = i * REASONS;
  while (heapCount > 0) {
    const place = <usize>(first + heapCount - 1);
    store<f64>(outWeights + (place << 3), load<f64>(heapScores));
    store<u32>(outReasons + (place << 2), load<u32>(heapIds));
    heapCount--;
    if (heapCount > 0) sink(load<f64>(heapScores + (<usize>heapCount << 3)), load<u32>(heapIds + (<usize>heapCount << 2)));
  }
  return count;
}

// ---- user-user ----

/** Adds to the sums of those who own a seed, from the newest of `count` places down to the one at `from`. Returns how many are touched. */
function owners(ring: usize, ids: usize, from: u32, count: u32, c: u32, then: f64, weight: f64, found: u32): u32 {
  const sums = customerSums;
  const list = touched;
  const saturates = saturation !== 0;
  for (let n = count; n > 0; n--) {
    const i: usize = from + n - 1;
    const v = load<u32>(ids + (i << 2));
    if (v === NONE || v === c) continue;
    const theirs = flush(load<f64>(ring + (i << 3)) * then, R_MIN);
    const part = (saturates ? saturated(theirs) : theirs) * weight;
    const place = sums + (<usize>v << 3);
    const sum = load<f64>(place);
    // As in propose(): counted, not jumped over.
    store<u32>(list + (<usize>found << 2), v);
    store<f64>(place, sum + part);
    found += u32(sum === 0) & u32(part > 0);
  }
  return found;
}

/**
 * Puts the most similar customers into the heap: (dot / (norm2(c)^alpha norm2(v)^(1-alpha)))^locality, where the dot may
 * weigh items by rarity. Of each seed the latest `owners / seeds` customers are looked at, at most.
 */
function likeMinded(c: u32, limit: u32): void {
  const at = customerAt(c);
  const rs: usize = load<u32>(at, 8);
  const items = rs + (<usize>load<u32>(at, 16) << 3);
  const by = rScale(load<i32>(at, 20));
  const seedCount = chooseSeeds(c, userSeeds);
  let found: u32 = 0;
  let left = ownersMost;
  for (let s: u32 = 0; s < seedCount; s++) {
    const index: usize = load<u32>(seeds + (<usize>s << 2));
    const p = load<u32>(items + (index << 2));
    const k = cold(p);
    const ring: usize = load<u32>(k, 8);
    const count = load<u32>(k, 12);
    const ids = ring + (<usize>load<u32>(k, 20) << 3);
    const then = rScale(load<i32>(hot(p), 24));
    const rare = rarity(p, userRarity);
    const weight = saturated(load<f64>(rs + (index << 3)) * by) * rare * rare;
    // What one seed leaves of its share is the next one's. Backwards from the newest: the ring's head is its oldest place.
    const looked = min(count, left / (seedCount - s));
    left -= looked;
    const head = load<u32>(k, 16);
    const upper = min(looked, head);
    found = owners(ring, ids, head - upper, upper, c, then, weight, found);
    found = owners(ring, ids, count - (looked - upper), looked - upper, c, then, weight, found);
  }
  const mine = power(liveNorm2(c), userAlpha);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < found; i++) {
    const v = load<u32>(touched + (<usize>i << 2));
    const sum = load<f64>(customerSums + (<usize>v << 3));
    store<f64>(customerSums + (<usize>v << 3), 0);
    const va = customerAt(v);
    const then = rScale(load<i32>(va, 20));
    const norm2 = load<f64>(va) * then * then;
    if (!(norm2 > 0)) continue;
    // In the order of their similarities before locality, which keeps it: drainLikeMinded() gives it to those that are left.
    store<u32>(touched + (<usize>kept << 2), v);
    store<f64>(scores + (<usize>kept << 3), sum / (mine * power(norm2, 1 - userAlpha)));
    kept++;
  }
  offerBest(kept, limit);
}

function drainLikeMinded(): u32 {
  const count = drain();
  for (let i: u32 = 0; i < count; i++) store<f64>(out + (<usize>i << 3), local(load<f64>(out + (<usize>i << 3)), userLocality));
  return count;
}

/** The customers most like c, with their similarity. */
export function similarCustomers(c: u32, limit: u32): u32 {
  likeMinded(c, limit);
  return drainLikeMinded();
}

export function userUser(c: u32, limit: u32): u32 {
  likeMinded(c, usersMost);
  const users = drainLikeMinded();
  if (users === 0) return 0;
  const sums = itemSums;
  const list = touched;
  const one = f64x2.splat(1);
  let candidates: u32 = 0;
  let read: u32 = 0;
  for (let n: u32 = 0; n < users && read < entriesMost; n++) {
    const v = load<u32>(outIds + (<usize>n << 2));
    const similarity = load<f64>(out + (<usize>n << 3));
    const at = customerAt(v);
    const rs: usize = load<u32>(at, 8);
    const items = rs + (<usize>load<u32>(at, 16) << 3);
    const length = load<u32>(at, 12);
    const by = rScale(load<i32>(at, 20));
    const norm = Math.sqrt(load<f64>(at)) * by;
    const weight = similarity / norm;
    read += length;
    for (let i: u32 = 0; i < length; i++) {
      const r = load<f64>(rs + (<usize>i << 3)) * by;
      if (r < R_MIN) continue;
      const q = load<u32>(items + (<usize>i << 2));
      const place = sums + (<usize>q << 4);
      const both = v128.load(place);
      store<u32>(list + (<usize>candidates << 2), q);
      candidates += u32(f64x2.extract_lane(both, 0) === 0);
      v128.store(place, f64x2.add(both, f64x2.replace_lane(one, 0, weight * r)));
    }
  }
  const none = f64x2.splat(0);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < candidates; i++) {
    const q = load<u32>(touched + (<usize>i << 2));
    const place = itemSums + (<usize>q << 4);
    if (leftOut(q) || dying(q)) {
      v128.store(place, none);
      continue;
    }
    store<u32>(touched + (<usize>kept << 2), q);
    store<f64>(scores + (<usize>kept << 3), load<f64>(place));
    kept++;
  }
  offerBest(kept, limit);
  const count = drain();
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(outCounts + (<usize>i << 2), <u32>load<f64>(itemSums + (<usize>load<u32>(outIds + (<usize>i << 2)) << 4), 8));
  }
  for (let i: u32 = 0; i < kept; i++) v128.store(itemSums + (<usize>load<u32>(touched + (<usize>i << 2)) << 4), none);
  return count;
}

// ---- popular, similar ----

/** The most popular items that the opened customer, if any, does not have; the score is the decayed sum at the landmark. */
export function popular(limit: u32): u32 {
  begin(limit);
  const count = topCount();
  for (let i: u32 = 0; i < count; i++) {
    const p = topAt(i);
    const sum = flush(popularityOf(p), R_MIN);
    if (sum > 0 && !leftOut(p)) offer(sum, p);
  }
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
