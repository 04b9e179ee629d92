/**
 * For each item a ring of the serials of its most recent sessions, ascending, at most `most`.
 *
 * A ring takes a block of 4, 8, 16 ... places and moves to the next size when it is full. Blocks of one size share pages,
 * which are never copied: a popular item among many rare ones costs neither memory for all nor a pause.
 */
const PAGE = 1 << 16;
const SMALLEST = 2; // log2 of the places of the smallest block
const NO_BLOCK = 255;

export interface Lists {
  count(item: number): number;
  /** The serial at a place, 0 the oldest. */
  at(item: number, place: number): number;
  /** In order; drops the oldest when the ring is full, or leaves out this one when it is older still. */
  insert(item: number, serial: number): void;
  /** When it is there. */
  remove(item: number, serial: number): void;
  clear(item: number): void;
  /**
   * The inner loop of a query: sets `bit` in `masks` at the slot (serial & ring) of each session of the item, and appends
   * the slots that had no bit yet to `found`. @returns how many `found` holds then
   */
  mark(item: number, bit: number, masks: Uint16Array, ring: number, found: Uint32Array, used: number): number;
  bytes(): number;
}

interface Size {
  pages: Uint32Array[];
  free: number[];
  used: number;
}

export function createLists(items: number, most: number): Lists {
  const sizes: Size[] = [];
  for (let log = SMALLEST; log === SMALLEST || 1 << (log - 1) < most; log += 1) sizes.push({ pages: [], free: [], used: 0 });
  const size = new Uint8Array(items).fill(NO_BLOCK);
  const block = new Uint32Array(items);
  const first = new Uint16Array(items);
  const counts = new Uint16Array(items);

  function take(of: number): number {
    const { pages, free } = sizes[of];
    const id = free.pop() ?? sizes[of].used++;
    if (id << (SMALLEST + of) >= pages.length * PAGE) pages.push(new Uint32Array(PAGE));
    return id;
  }

  const pageOf = (item: number): Uint32Array => sizes[size[item]].pages[block[item] >>> (16 - SMALLEST - size[item])];
  const baseOf = (item: number): number => (block[item] << (SMALLEST + size[item])) & (PAGE - 1);
  const maskOf = (item: number): number => (1 << (SMALLEST + size[item])) - 1;

  function grow(item: number): void {
    const count = counts[item];
    const kept = new Uint32Array(count);
    for (let place = 0; place < count; place += 1) kept[place] = at(item, place);
    const larger = size[item] === NO_BLOCK ? 0 : size[item] + 1;
    if (larger > 0) sizes[size[item]].free.push(block[item]);
    size[item] = larger;
    block[item] = take(larger);
    first[item] = 0;
    pageOf(item).set(kept, baseOf(item));
  }

  function at(item: number, place: number): number {
    return pageOf(item)[baseOf(item) + ((first[item] + place) & maskOf(item))];
  }

  return {
    count: (item) => counts[item],
    at,
    insert(item, serial) {
      if (counts[item] === most) {
        if (serial < at(item, 0)) return;
        first[item] = (first[item] + 1) & maskOf(item);
        counts[item] -= 1;
      } else if (size[item] === NO_BLOCK || counts[item] > maskOf(item)) {
        grow(item);
      }
      const [page, base, mask, from] = [pageOf(item), baseOf(item), maskOf(item), first[item]];
      let place = counts[item]++;
      for (; place > 0; place -= 1) { // an older session that comes to the item late: newer ones make room
        const before = page[base + ((from + place - 1) & mask)];
        if (before < serial) break;
        page[base + ((from + place) & mask)] = before;
      }
      page[base + ((from + place) & mask)] = serial;
    },
    remove(item, serial) {
      const count = counts[item];
      if (count === 0) return;
      const [page, base, mask, from] = [pageOf(item), baseOf(item), maskOf(item), first[item]];
      let place = 0; // from the oldest: that is what goes nearly always
      while (place < count && page[base + ((from + place) & mask)] < serial) place += 1;
      if (place === count || page[base + ((from + place) & mask)] !== serial) return;
      for (; place > 0; place -= 1) page[base + ((from + place) & mask)] = page[base + ((from + place - 1) & mask)];
      page[base + from] = 0;
      first[item] = (from + 1) & mask;
      counts[item] -= 1;
    },
    clear(item) {
      if (size[item] === NO_BLOCK) return;
      sizes[size[item]].free.push(block[item]);
      size[item] = NO_BLOCK;
      counts[item] = 0;
    },
    mark(item, bit, masks, ring, found, used) {
      if (counts[item] === 0) return used;
      const [page, base, mask, from] = [pageOf(item), baseOf(item), maskOf(item), first[item]];
      for (let place = counts[item] - 1; place >= 0; place -= 1) {
        const slot = page[base + ((from + place) & mask)] & ring;
        if (masks[slot] === 0) found[used++] = slot;
        masks[slot] |= bit;
      }
      return used;
    },
    bytes: () => sizes.reduce((sum, { pages }) => sum + pages.length * PAGE * 4, 0),
  };
}
