/**
 * Records of a fixed size in typed arrays, a page at a time: growing copies nothing, and V8 sees few objects.
 *
 *   record r stands in page r >>> shift; ints and floats are two views of the same bytes
 *
 * A pool gives records out and takes them back; those that are free are linked by their second integer. A link is record + 1,
 * so that 0 is none and a record of zeros is an empty one.
 */
export const SHIFT = 12;
export const MASK = (1 << SHIFT) - 1;
/** Of pools of 16 bytes a record, of which there are many: as few pages as the heads of their arrays can stay in the cache. */
export const SMALL_SHIFT = 15;
export const SMALL_MASK = (1 << SMALL_SHIFT) - 1;
/** The integer by which records are linked. */
export const NEXT = 1;

export interface Pages {
  /** integers of a record, even */
  readonly stride: number;
  readonly shift: number;
  readonly ints: Int32Array[];
  readonly floats: Float64Array[];
}

export interface Pool extends Pages {
  /** records ever given out */
  used: number;
  /** of those that came back, the link of the first */
  free: number;
  /** given out and not back */
  held: number;
}

export const createPages = (stride: number, shift = SHIFT): Pages => ({ stride, shift, ints: [], floats: [] });
export const createPool = (stride: number, shift = SHIFT): Pool => ({ ...createPages(stride, shift), used: 0, free: 0, held: 0 });

/** Makes room for a record. */
export function reach({ stride, shift, ints, floats }: Pages, record: number): void {
  while (ints.length <= record >>> shift) {
    const page = new Int32Array(stride << shift);
    ints.push(page);
    floats.push(new Float64Array(page.buffer));
  }
}

const placeOf = ({ stride, shift }: Pages, record: number): number => (record & ((1 << shift) - 1)) * stride;

/** @returns the link of a record of zeros */
export function take(pool: Pool): number {
  pool.held += 1;
  if (pool.free === 0) {
    reach(pool, pool.used);
    return ++pool.used;
  }
  const link = pool.free;
  const page = pool.ints[(link - 1) >>> pool.shift];
  const at = placeOf(pool, link - 1);
  pool.free = page[at + NEXT];
  page[at + NEXT] = 0;
  return link;
}

export function give(pool: Pool, link: number): void {
  clear(pool, link - 1);
  pool.ints[(link - 1) >>> pool.shift][placeOf(pool, link - 1) + NEXT] = pool.free;
  pool.free = link;
  pool.held -= 1;
}

/** Gives a whole chain back. */
export function giveAll(pool: Pool, first: number): void {
  for (let link = first; link !== 0;) {
    const next = pool.ints[(link - 1) >>> pool.shift][placeOf(pool, link - 1) + NEXT];
    give(pool, link);
    link = next;
  }
}

/**
 * Walks up to eight chains of a pool side by side, so that they are in the cache when they are read. One after the other each step
 * waits for memory; side by side they wait together. Without branches but for the end: which of them goes on is not to be guessed.
 * @param links  the first of each, 0: none; all 0 afterwards
 */
export function fetchChains({ stride, ints }: Pool, links: Int32Array): void {
  let [a, b, c, d, e, f, g, h] = [links[0], links[1], links[2], links[3], links[4], links[5], links[6], links[7]];
  while ((a | b | c | d | e | f | g | h) !== 0) {
    a = follow(ints, stride, a);
    b = follow(ints, stride, b);
    c = follow(ints, stride, c);
    d = follow(ints, stride, d);
    e = follow(ints, stride, e);
    f = follow(ints, stride, f);
    g = follow(ints, stride, g);
    h = follow(ints, stride, h);
  }
}

/** The next link; 0 for 0. */
function follow(ints: readonly Int32Array[], stride: number, link: number): number {
  const some = -link >> 31; // all ones where there is one
  const record = (link - 1) & some;
  return ints[record >>> SMALL_SHIFT][(record & SMALL_MASK) * stride + NEXT] & some;
}

export function clear(pages: Pages, record: number): void {
  const at = placeOf(pages, record);
  pages.ints[record >>> pages.shift].fill(0, at, at + pages.stride);
}

/** The bytes of the first `records`, where they lie; in pieces of the same size whatever that of the pages is. */
export function sectionsOf(pages: Pages, records: number): Uint8Array[] {
  const { stride, shift, ints } = pages;
  const sections: Uint8Array[] = [];
  for (let from = 0; from < records; from += 1 << SHIFT) {
    const bytes = Math.min(records - from, 1 << SHIFT) * stride * 4;
    sections.push(new Uint8Array(ints[from >>> shift].buffer, placeOf(pages, from) * 4, bytes));
  }
  return sections;
}

/** Fills the first `records` from a snapshot's sections. */
export function loadPages(pages: Pages, records: number, next: (into: (bytes: number) => Uint8Array) => Uint8Array): void {
  for (let from = 0; from < records; from += 1 << SHIFT) {
    reach(pages, from);
    next((bytes) => new Uint8Array(pages.ints[from >>> pages.shift].buffer, placeOf(pages, from) * 4, bytes));
  }
}
