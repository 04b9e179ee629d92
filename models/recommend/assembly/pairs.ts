/**
 * The pair table: extendible hashing over blocks of 1,024 slots of 16 bytes.
 *
 *   slot:  | 0..23 larger id | 24..47 smaller id | 48..55 place in the smaller id's list | 56..63 in the larger's |  f64 dot |
 *
 * A place is the position in that item's neighbour list plus one, 0 when the pair is not in it: an update of a listed
 * pair writes the list's copy of the dot without searching. An empty slot is all zero (the larger id is at least 1).
 * A slot whose dot is 0 is dead: it is taken out when its block next fills.
 *
 * A full block splits in two, so growth never touches more than one block (10 us). All blocks are of one size, so
 * nothing fragments. A uniform hash would fill them all at the same time, and the table would swing between 18 and 37
 * bytes a pair; the directory position is therefore a convex function of the hash, u (2 + u), whose density falls by
 * half over the table (spiral storage: Martin 1979, Mullin 1985), and at any moment blocks are in every phase: about
 * 27 bytes a pair, always.
 *
 *   directory: 3 * 2^depth block addresses      chunk of 1 MiB: 64 block places, the first holds their descriptors:
 *   descriptor: count u32, depth u32, epoch i32 (the first: blocks used u32, next chunk ptr)
 */
import { CHUNK, allocate, chunks, keepBack, pow2, release, takeKept } from './memory';
import { DOT_MIN, DYING, NONE, STEP, dyingCount, epoch, flush, hot, norm2Of, pairCount, pairLimit, setPairCount } from './records';
import { unlist } from './lists';

export const BLOCK: usize = 16384;
const IN_BLOCK: usize = BLOCK - 1;
const SLOT_MASK: u64 = 1023;
export const IDS: u64 = 0xffffffffffff;
/** 7/8: linear probing is short up to here. */
const FULL: u32 = 896;

let directory: usize = 0;
let depth: u32 = 0;
let firstChunk: usize = 0;
let lastChunk: usize = 0;
export let chunkCount: u32 = 0;
let blockCount: u32 = 0;
/** So many blocks hold as many pairs as the limit allows; without it, blocks that drop would leave room for others to split. */
let blockLimit: u32 = 0;
/** Blocks that are not at the current epoch. */
export let staleBlocks: u32 = 0;
/** Rises whenever a pair may have gone to another block: the place where its search begins is then another one. */
export let moves: u32 = 0;
/** Pairs dropped, or not admitted, because of the limit. */
export let droppedPairs: f64 = 0;
/** A block's copy while it is rebuilt. */
let copy: usize = 0;

// @ts-ignore: decorator
@inline
export function keyOf(p: u32, q: u32): u64 {
  return p < q ? (<u64>p << 24) | <u64>q : (<u64>q << 24) | <u64>p;
}

/**
 * Hash of a pair: 11 bits of the smaller id's, 13 of the larger's, and 24 of both for the place inside the block. The pairs of
 * an item with later ones therefore share a few blocks, and an event finds half of its pairs in pages that it has just touched.
 * On online-retail that is 152,000 events/s instead of 126,000; with 12 bits 157,000, but 30.7 bytes a pair instead of 27.9,
 * as groups of pairs smaller than a block leave theirs half empty.
 */
// @ts-ignore: decorator
@inline
function mix(key: u64): u64 {
  const owner = (key >> 24) * 0x9e3779b97f4a7c15;
  const other = (key & 0xffffff) * 0xd6e8feb86659fd93;
  return (owner & 0xffe0000000000000) | ((other >> 11) & 0x001fff0000000000) | (((owner ^ other) >> 32) & 0xffffff);
}

/** Position along the table in [0, 3 * 2^48): convex in the hash. */
// @ts-ignore: decorator
@inline
function along(h: u64): u64 {
  const u = h >> 40;
  return u * (u + (1 << 25));
}

// @ts-ignore: decorator
@inline
function descriptor(block: usize): usize {
  return (block & ~(CHUNK - 1)) + (((block >> 14) & 63) << 4);
}

/** The slot where the search for a key begins. */
// @ts-ignore: decorator
@inline
export function homeOf(key: u64): usize {
  const h = mix(key);
  const block: usize = load<u32>(directory + (<usize>(along(h) >> (48 - depth)) << 2));
  return block + (<usize>(h & SLOT_MASK) << 4);
}

// @ts-ignore: decorator
@inline
function after(slot: usize): usize {
  return (slot & ~IN_BLOCK) | ((slot + 16) & IN_BLOCK);
}

/** The key's slot, or the empty one where it would go. */
// @ts-ignore: decorator
@inline
export function probe(home: usize, key: u64): usize {
  let slot = home;
  let ids = load<u64>(slot) & IDS;
  while (ids !== key && ids !== 0) {
    slot = after(slot);
    ids = load<u64>(slot) & IDS;
  }
  return slot;
}

/** The key's slot, or 0. */
export function find(key: u64): usize {
  const slot = probe(homeOf(key), key);
  return load<u64>(slot) === 0 ? 0 : slot;
}

export function initPairs(scratch: usize): void {
  copy = scratch;
  blockLimit = max<u32>(3, (pairLimit + 599) / 600);
  keepBack((<usize>blockLimit / 63 + 1) * CHUNK);
}

export function emptyPairs(): void {
  depth = 0;
  directory = allocate(12);
  for (let i: usize = 0; i < 3; i++) store<u32>(directory + (i << 2), <u32>newBlock(0));
}

function newBlock(atDepth: u32): usize {
  let used: u32 = lastChunk === 0 ? 64 : load<u32>(lastChunk);
  if (used === 64) {
    const chunk = chunks(CHUNK);
    takeKept(CHUNK);
    if (lastChunk === 0) firstChunk = chunk; else store<u32>(lastChunk, <u32>chunk, 4);
    lastChunk = chunk;
    chunkCount++;
    used = 1;
  }
  store<u32>(lastChunk, used + 1);
  const block = lastChunk + <usize>used * BLOCK;
  const d = descriptor(block);
  store<u32>(d, 0);
  store<u32>(d, atDepth, 4);
  store<i32>(d, epoch, 8);
  blockCount++;
  return block;
}

/** Bytes taken by the table, unused block places and the directory included. */
export function pairBytes(): f64 {
  return <f64>chunkCount * <f64>CHUNK + <f64>(12 << depth);
}

export function landmarkMoved(): void {
  staleBlocks = blockCount;
}

/** Brings the block of a slot to the current epoch; slots stay where they are. */
export function rescaleBlock(slot: usize): void {
  const block = slot & ~IN_BLOCK;
  const d = descriptor(block);
  const steps = epoch - load<i32>(d, 8);
  if (steps === 0) return;
  store<i32>(d, epoch, 8);
  staleBlocks--;
  const by = pow2(-2 * STEP * min(steps, 8));
  for (let at = block; at < block + BLOCK; at += 16) {
    store<f64>(at, flush(load<f64>(at, 8) * by, DOT_MIN), 8);
  }
}

// ---- insertion and growth ----

/** The slot for a key that is not in the table, made at `slot` where `probe` ended; 0 when the limit refuses it. */
export function insert(slot: usize, key: u64): usize {
  let at = slot;
  if (pairCount >= pairLimit) {
    if (!dropWeakest(at & ~IN_BLOCK)) {
      droppedPairs += 1;
      return 0;
    }
    at = probe(homeOf(key), key);
  }
  while (load<u32>(descriptor(at & ~IN_BLOCK)) >= FULL) {
    if (blockCount >= blockLimit) dropWeakest(at & ~IN_BLOCK);
    else makeRoom(at & ~IN_BLOCK, key);
    at = probe(homeOf(key), key);
  }
  const dd = descriptor(at & ~IN_BLOCK);
  store<u32>(dd, load<u32>(dd) + 1);
  store<u64>(at, key);
  store<f64>(at, 0, 8);
  setPairCount(pairCount + 1);
  return at;
}

function makeRoom(block: usize, key: u64): void {
  moves++;
  rescaleBlock(block);
  unlistDead(block);
  if (load<u32>(descriptor(block)) - deadIn(block) <= FULL - FULL / 8) rebuild(block, block, 0);
  else split(block, key);
}

function deadIn(block: usize): u32 {
  let dead: u32 = 0;
  for (let at = block; at < block + BLOCK; at += 16) {
    if (load<u64>(at) !== 0 && load<f64>(at, 8) === 0) dead++;
  }
  return dead;
}

/** Takes dead pairs out of the lists that still hold them; afterwards nothing refers to their slots. */
function unlistDead(block: usize): void {
  for (let at = block; at < block + BLOCK; at += 16) {
    if (load<u64>(at) > IDS && load<f64>(at, 8) === 0) unlist(at);
  }
}

function split(block: usize, key: u64): void {
  const d = descriptor(block);
  const was = load<u32>(d, 4);
  if (was === depth) {
    const size: usize = <usize>12 << depth;
    const larger = allocate(size << 1);
    for (let i: usize = 0; i < size; i += 4) {
      const address = load<u32>(directory + i);
      store<u32>(larger + (i << 1), address);
      store<u32>(larger + (i << 1), address, 4);
    }
    release(directory, size);
    directory = larger;
    depth++;
  }
  const upper = newBlock(was + 1);
  store<u32>(d, was + 1, 4);
  // The directory entries of a block are neighbours; the upper half of them now means the new block.
  const span: usize = <usize>1 << (depth - was);
  const first = (<usize>(along(mix(key)) >> (48 - was))) << (depth - was);
  for (let i = first + (span >> 1); i < first + span; i++) store<u32>(directory + (i << 2), <u32>upper);
  rebuild(block, upper, 47 - was);
}

/** Places a block's living slots anew, in `lower` or `upper` by the bit at `shift` of their position along the table. */
function rebuild(block: usize, upper: usize, shift: u32): void {
  memory.copy(copy, block, BLOCK);
  memory.fill(block, 0, BLOCK);
  let low: u32 = 0;
  let high: u32 = 0;
  let dead: u32 = 0;
  for (let from = copy; from < copy + BLOCK; from += 16) {
    const word = load<u64>(from);
    if (word === 0) continue;
    const dot = load<f64>(from, 8);
    if (dot === 0 && word <= IDS) {
      dead++;
      continue;
    }
    const h = mix(word & IDS);
    const goesUp = upper !== block && ((along(h) >> shift) & 1) === 1;
    let at = (goesUp ? upper : block) + (<usize>(h & SLOT_MASK) << 4);
    while (load<u64>(at) !== 0) at = after(at);
    store<u64>(at, word);
    store<f64>(at, dot, 8);
    if (goesUp) high++; else low++;
  }
  store<u32>(descriptor(block), low);
  if (upper !== block) store<u32>(descriptor(upper), high);
  setPairCount(pairCount - dead);
}

// ---- deletion ----

/** Takes a slot out, closing the gap (Knuth 6.4, algorithm R). The pair must be in no list. */
function takeOut(slot: usize): void {
  const block = slot & ~IN_BLOCK;
  let gap = slot;
  let at = slot;
  for (;;) {
    at = after(at);
    const word = load<u64>(at);
    if (word === 0) break;
    const home = block + (<usize>(mix(word & IDS) & SLOT_MASK) << 4);
    if (((at - home) & IN_BLOCK) >= ((at - gap) & IN_BLOCK)) {
      store<u64>(gap, word);
      store<f64>(gap, load<f64>(at, 8), 8);
      gap = at;
    }
  }
  store<u64>(gap, 0);
  store<f64>(gap, 0, 8);
  const d = descriptor(block);
  store<u32>(d, load<u32>(d) - 1);
  setPairCount(pairCount - 1);
}

/** Removes a pair from the lists and the table. */
export function remove(slot: usize): void {
  unlist(slot);
  takeOut(slot);
}

// ---- the limit ----

/** Drops the weakest unlisted quarter of a block by cosine, or, when all are listed, the weakest of them; false when the block is empty. */
function dropWeakest(block: usize): bool {
  const count = load<u32>(descriptor(block));
  if (count === 0) return false;
  rescaleBlock(block);
  let strengths = copy;
  let unlisted: u32 = 0;
  for (let at = block; at < block + BLOCK; at += 16) {
    const word = load<u64>(at);
    if (word === 0 || word > IDS) continue;
    store<f64>(strengths + (<usize>unlisted << 3), cosine2(at));
    unlisted++;
  }
  if (unlisted === 0) {
    let weakest: usize = 0;
    let least: f64 = Infinity;
    for (let at = block; at < block + BLOCK; at += 16) {
      if (load<u64>(at) === 0) continue;
      const c2 = cosine2(at);
      if (c2 < least || weakest === 0) {
        least = c2;
        weakest = at;
      }
    }
    remove(weakest);
    droppedPairs += 1;
    return true;
  }
  const drop = max<u32>(1, unlisted / 4);
  const bar = nth(strengths, unlisted, drop - 1);
  let dropped: u32 = 0;
  for (let at = block; at < block + BLOCK && dropped < drop; at += 16) {
    const word = load<u64>(at);
    if (word === 0 || word > IDS || !(cosine2(at) <= bar)) continue;
    store<f64>(at, 0, 8); // dead and unlisted: rebuild leaves it out
    dropped++;
  }
  moves++;
  droppedPairs += <f64>dropped;
  rebuild(block, block, 0);
  return true;
}

function cosine2(slot: usize): f64 {
  const word = load<u64>(slot);
  const dot = load<f64>(slot, 8);
  const norms = norm2Of(<u32>(word >> 24) & 0xffffff) * norm2Of(<u32>word & 0xffffff);
  return norms > 0 ? (dot * dot) / norms : 0;
}

/** The n-th smallest of `count` numbers, which it reorders (Hoare's quickselect). */
export function nth(at: usize, count: u32, n: u32): f64 {
  let low: i32 = 0;
  let high: i32 = <i32>count - 1;
  while (low < high) {
    const pivot = load<f64>(at + (<usize>((low + high) >> 1) << 3));
    let i = low;
    let j = high;
    while (i <= j) {
      while (load<f64>(at + (<usize>i << 3)) < pivot) i++;
      while (load<f64>(at + (<usize>j << 3)) > pivot) j--;
      if (i <= j) {
        const x = load<f64>(at + (<usize>i << 3));
        store<f64>(at + (<usize>i << 3), load<f64>(at + (<usize>j << 3)));
        store<f64>(at + (<usize>j << 3), x);
        i++;
        j--;
      }
    }
    if (<i32>n <= j) high = j;
    else if (<i32>n >= i) low = i;
    else break;
  }
  return load<f64>(at + (<usize>n << 3));
}

// ---- the sweep: takes the pairs of dying items out, block by block ----

let sweepChunk: usize = 0;
let sweepBlock: u32 = 1;

export function startPairSweep(): void {
  sweepChunk = firstChunk;
  sweepBlock = 1;
}

/** Blocks that the sweep has still to visit, at most. */
export function pairSweepLeft(): u32 {
  if (sweepChunk === 0) return 0;
  let left: u32 = 0;
  for (let chunk = sweepChunk; chunk !== 0; chunk = load<u32>(chunk, 4)) left += load<u32>(chunk) - 1;
  return left - (sweepBlock - 1);
}

/** Cleans one block; false when none is left. */
export function sweepPairs(): bool {
  if (sweepChunk === 0) return false;
  if (sweepBlock >= load<u32>(sweepChunk)) {
    sweepChunk = load<u32>(sweepChunk, 4);
    sweepBlock = 1;
    if (sweepChunk === 0) return false;
  }
  const block = sweepChunk + <usize>sweepBlock * BLOCK;
  sweepBlock++;
  let doomed: u32 = 0;
  for (let at = block; at < block + BLOCK; at += 16) {
    const word = load<u64>(at);
    if (word === 0 || !isDying(word)) continue;
    unlist(at);
    store<f64>(at, 0, 8);
    doomed++;
  }
  if (doomed > 0) {
    moves++;
    rescaleBlock(block);
    unlistDead(block);
    rebuild(block, block, 0);
  }
  return true;
}

function isDying(word: u64): bool {
  return ((load<u32>(hot(<u32>(word >> 24) & 0xffffff), 28) | load<u32>(hot(<u32>word & 0xffffff), 28)) & DYING) !== 0;
}

export function savePairs(at: usize): usize {
  store<u32>(at, <u32>directory);
  store<u32>(at, depth, 4);
  store<u32>(at, <u32>firstChunk, 8);
  store<u32>(at, <u32>lastChunk, 12);
  store<u32>(at, chunkCount, 16);
  store<u32>(at, blockCount, 20);
  store<u32>(at, staleBlocks, 24);
  store<u32>(at, <u32>sweepChunk, 28);
  store<u32>(at, sweepBlock, 32);
  store<u32>(at, 0, 36);
  store<f64>(at, droppedPairs, 40);
  return at + 48;
}

export function loadPairs(at: usize): usize {
  directory = load<u32>(at);
  depth = load<u32>(at, 4);
  firstChunk = load<u32>(at, 8);
  lastChunk = load<u32>(at, 12);
  chunkCount = load<u32>(at, 16);
  blockCount = load<u32>(at, 20);
  staleBlocks = load<u32>(at, 24);
  sweepChunk = load<u32>(at, 28);
  sweepBlock = load<u32>(at, 32);
  droppedPairs = load<f64>(at, 40);
  return at + 48;
}
