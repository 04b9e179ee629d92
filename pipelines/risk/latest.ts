/**
 * The latest decision of each key among those that the ledger holds: open addressing. A Map with keys of 53 bits would put each of
 * them on the heap.
 *
 *   slots  8 bits of the key, slot + 1 of the ledger (24 bits), 0 empty      the key itself is read where they agree: it is a cache miss
 */
export interface Latest {
  /** What stands where a key is looked for first: read before several others, so that their cache misses are waited for together. */
  home(key: number): number;
  /** The slot; -1: there is none. */
  find(key: number): number;
  /** The slot, whose key is in the column, is the latest of its key from here on. */
  set(slot: number): void;
  /** Forgets the key of a slot, where that slot is its latest. */
  remove(slot: number): void;
}

const LINK = 0xffffff;
/** The bits above the 32 that choose the place, as the highest of an integer. */
const tagOf = (key: number): number => (key / 4294967296) << 24;

/** @param keys  the ledger's column, by slot; whole numbers of 53 bits that are well mixed; fewer than 2^24 of them */
export function createLatest(keys: Float64Array): Latest {
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * keys.length + 1)));
  const mask = slots.length - 1;
  /** Where the key's latest is, or the empty place where the search ended. */
  function seek(key: number): number {
    const tag = tagOf(key);
    let at = key & mask;
    for (let slot = slots[at]; slot !== 0; slot = slots[at]) {
      if (((slot ^ tag) & ~LINK) === 0 && keys[(slot & LINK) - 1] === key) return at;
      at = (at + 1) & mask;
    }
    return at;
  }
  return {
    home: (key) => slots[key & mask],
    find: (key) => (slots[seek(key)] & LINK) - 1,
    set(slot) {
      const key = keys[slot];
      slots[seek(key)] = tagOf(key) | (slot + 1);
    },
    remove(slot) {
      let gap = seek(keys[slot]);
      if ((slots[gap] & LINK) !== slot + 1) return;
      // Closing the gap: Knuth 6.4, algorithm R.
      for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
        const home = keys[(slots[at] & LINK) - 1] & mask;
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        slots[gap] = slots[at];
        gap = at;
      }
      slots[gap] = 0;
    },
  };
}
