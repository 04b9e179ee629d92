/**
 * Records of a fixed size in typed arrays, a page at a time: growing copies nothing, and V8 sees few objects.
 *
 *   record r stands in page r >>> SHIFT; ints and floats are two views of the same bytes
 *
 * A pool gives records out and takes them back; those that are free are linked by their second integer. A link is record + 1,
 * so that 0 is none and a record of zeros is an empty one.
 */
export const SHIFT = 12;
export const MASK = (1 << SHIFT) - 1;
/** The integer by which records are linked. */
export const NEXT = 1;

export interface Pages {
  /** integers of a record, even */
  readonly stride: number;
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

export const createPages = (stride: number): Pages => ({ stride, ints: [], floats: [] });
export const createPool = (stride: number): Pool => ({ ...createPages(stride), used: 0, free: 0, held: 0 });

/** Makes room for a record. */
export function reach({ stride, ints, floats }: Pages, record: number): void {
  while (ints.length <= record >>> SHIFT) {
    const page = new Int32Array((1 << SHIFT) * stride);
    ints.push(page);
    floats.push(new Float64Array(page.buffer));
  }
}

/** @returns the link of a record of zeros */
export function take(pool: Pool): number {
  pool.held += 1;
  if (pool.free === 0) {
    reach(pool, pool.used);
    return ++pool.used;
  }
  const link = pool.free;
  const page = pool.ints[(link - 1) >>> SHIFT];
  const at = ((link - 1) & MASK) * pool.stride;
  pool.free = page[at + NEXT];
  page[at + NEXT] = 0;
  return link;
}

export function give(pool: Pool, link: number): void {
  clear(pool, link - 1);
  pool.ints[(link - 1) >>> SHIFT][((link - 1) & MASK) * pool.stride + NEXT] = pool.free;
  pool.free = link;
  pool.held -= 1;
}

/** Gives a whole chain back. */
export function giveAll(pool: Pool, first: number): void {
  for (let link = first; link !== 0;) {
    const next = pool.ints[(link - 1) >>> SHIFT][((link - 1) & MASK) * pool.stride + NEXT];
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
  return ints[record >>> SHIFT][(record & MASK) * stride + NEXT] & some;
}

export function clear({ stride, ints }: Pages, record: number): void {
  const at = (record & MASK) * stride;
  ints[record >>> SHIFT].fill(0, at, at + stride);
}

/** The bytes of the first `records`, where they lie. */
export function sectionsOf({ stride, ints }: Pages, records: number): Uint8Array[] {
  const sections: Uint8Array[] = [];
  for (let from = 0; from < records; from += 1 << SHIFT) {
    const bytes = Math.min(records - from, 1 << SHIFT) * stride * 4;
    sections.push(new Uint8Array(ints[from >>> SHIFT].buffer, 0, bytes));
  }
  return sections;
}

/** Fills the first `records` from a snapshot's sections. */
export function loadPages(pages: Pages, records: number, next: (into: (bytes: number) => Uint8Array) => Uint8Array): void {
  for (let from = 0; from < records; from += 1 << SHIFT) {
    reach(pages, from);
    next((bytes) => new Uint8Array(pages.ints[from >>> SHIFT].buffer, 0, bytes));
  }
}
