/**
 * One linear memory, laid out once from the limits, then a heap of 1 MiB chunks:
 *
 *   0        static   STATE     scratch (never in a snapshot)   hot items  cold items  customers   heap ...
 *   |--------|--------|---------|-------------------------------|----------|-----------|-----------|--------->
 *
 * Regions of records are reserved for the whole limit: address space, not resident memory, as untouched pages cost
 * nothing. The heap hands out blocks in size classes four to a power of two (an eighth wasted on average) and keeps
 * freed ones in a list for each class. A freed block is zeroed: what was forgotten must not be found in a snapshot.
 *
 * The heap has a ceiling. Pairs and neighbour lists have limits of their own, and what they may still take is kept for
 * them; histories and postings share the rest, ask with `fits` before they grow, and do with what they have when it
 * does not: so nothing ever runs into the end of the memory.
 */

export const CHUNK: usize = 1 << 20;
/** Blocks from this size on get chunks of their own. */
const LARGE: usize = 1 << 18;
/**
 * The least that the memory grows by, besides a quarter of what it is. V8 answers to growth with full collections of its own
 * heap, a tenth of a second each with a million names in it: what the limits foresee is therefore reserved at creation.
 * Pages that are not touched are not resident.
 */
const GROW_PAGES: i32 = 256;

/** First byte of the heads of the free lists (128 classes, u32 each), inside STATE. */
let freeHeads: usize = 0;
export let heapBase: usize = 0;
export let heapTop: usize = 0;
let arenaTop: usize = 0;
let arenaEnd: usize = 0;
/** Address that the heap stays below, and the bytes up to there that pairs and lists may still ask for. */
let ceiling: usize = 0;
let keptBack: usize = 0;
/** Rounding of chunks, and the directory of the pair table. */
const SLACK: usize = 8 * CHUNK;

export function initHeap(heads: usize, base: usize): void {
  freeHeads = heads;
  heapBase = (base + CHUNK - 1) & ~(CHUNK - 1);
  heapTop = heapBase;
  arenaTop = 0;
  arenaEnd = 0;
  ensure(heapTop);
}

export function initCeiling(bytes: f64): void {
  ceiling = <usize>min<f64>(bytes, 4294901760); // the last page of 4 GiB cannot be named by an end address
}

/** Keeps bytes for pairs and lists, or gives them back as they are taken. */
export function keepBack(bytes: usize): void { keptBack += bytes; }
export function takeKept(bytes: usize): void { keptBack -= min(bytes, keptBack); }

/** Whether a block can be had without touching what is kept back. */
export function fits(bytes: usize): bool {
  const k = classOf(bytes);
  if (load<u32>(freeHeads + (k << 2)) !== 0) return true;
  const size = sizeOf(k);
  if (size < LARGE && arenaTop + size <= arenaEnd) return true;
  return <u64>heapTop + max(size, CHUNK) + keptBack + SLACK <= <u64>ceiling;
}

/** Bytes of the smallest freed block of at least `bytes` that a request of at most `most` would take, or 0. */
export function freed(bytes: usize, most: usize): usize {
  const last = classOf(most);
  for (let k = classOf(bytes); k <= last; k++) if (load<u32>(freeHeads + (k << 2)) !== 0) return sizeOf(k);
  return 0;
}

/** Takes the address space that will be needed, if the machine gives it; without it, growth comes later and in steps. */
export function reserve(bytes: f64): void {
  const pages = <i32>(min<f64>(<f64>ceiling, bytes) / 65536) - memory.size();
  if (pages > 0) memory.grow(pages);
}

/** Makes the memory reach to `end`. Running into 4 GiB traps: the limits are checked against it at creation. */
export function ensure(end: usize): void {
  const have = <usize>memory.size() << 16;
  if (end <= have) return;
  const need = <i32>((end - have + 0xffff) >> 16);
  const room = 65536 - memory.size();
  const ask = min(max(need, max(GROW_PAGES, memory.size() / 4)), room);
  if (ask < need || memory.grow(ask) < 0) unreachable();
}

/** Whole chunks from the end of the heap, aligned to a chunk. */
export function chunks(bytes: usize): usize {
  const at = heapTop;
  heapTop = (at + bytes + CHUNK - 1) & ~(CHUNK - 1);
  ensure(heapTop);
  return at;
}

function classOf(bytes: usize): u32 {
  const n = <u32>max<usize>(bytes, 32) - 1;
  const e = 31 - clz(n);
  return (e << 2) | ((n >> (e - 2)) & 3);
}

function sizeOf(k: u32): usize {
  return <usize>(5 + (k & 3)) << ((k >> 2) - 2);
}

/** The number of bytes that a request of `bytes` takes. */
export function roundUp(bytes: usize): usize {
  return sizeOf(classOf(bytes));
}

/** A zeroed block of at least `bytes`, aligned to 8. */
export function allocate(bytes: usize): usize {
  const k = classOf(bytes);
  const head = freeHeads + (k << 2);
  const free: usize = load<u32>(head);
  if (free !== 0) {
    store<u32>(head, load<u32>(free));
    store<u32>(free, 0);
    return free;
  }
  const size = sizeOf(k);
  if (size >= LARGE) return chunks(size);
  if (arenaTop + size > arenaEnd) {
    const at = chunks(CHUNK);
    if (at !== arenaEnd) arenaTop = at; // else the chunk continues the arena, and its tail is not lost
    arenaEnd = at + CHUNK;
  }
  const at = arenaTop;
  arenaTop = at + size;
  return at;
}

export function release(at: usize, bytes: usize): void {
  if (at === 0) return;
  const k = classOf(bytes);
  const head = freeHeads + (k << 2);
  memory.fill(at, 0, sizeOf(k));
  store<u32>(at, load<u32>(head));
  store<u32>(head, <u32>at);
}

export function saveHeap(at: usize): usize {
  store<u32>(at, <u32>heapTop);
  store<u32>(at, <u32>arenaTop, 4);
  store<u32>(at, <u32>arenaEnd, 8);
  store<u32>(at, <u32>keptBack, 12);
  return at + 16;
}

export function loadHeap(at: usize): usize {
  heapTop = load<u32>(at);
  arenaTop = load<u32>(at, 4);
  arenaEnd = load<u32>(at, 8);
  keptBack = load<u32>(at, 12);
  ensure(heapTop);
  return at + 16;
}

/** 2^n exactly; 0 below the normal range, where every value here has long been flushed. */
// @ts-ignore: decorator
@inline
export function pow2(n: i32): f64 {
  return n < -1022 ? 0 : reinterpret<f64>(<u64>(1023 + n) << 52);
}
