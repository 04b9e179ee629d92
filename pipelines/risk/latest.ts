/**
 * The latest decision of each key among those that the ledger holds: open addressing, slot + 1 of the ledger, 0 empty. A Map with
 * keys of 53 bits would put each of them on the heap.
 */
export interface Latest {
  /** The slot; -1: there is none. */
  find(key: number): number;
  /** The slot, whose key is in the column, is the latest of its key from here on. */
  set(slot: number): void;
  /** Forgets the key of a slot, where that slot is its latest. */
  remove(slot: number): void;
}

/** @param keys  the ledger's column, by slot; whole numbers whose low 32 bits are well mixed */
export function createLatest(keys: Float64Array): Latest {
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * keys.length + 1)));
  const mask = slots.length - 1;
  /** Where the key's latest is, or the empty place where the search ended. */
  function seek(key: number): number {
    let at = key & mask;
    while (slots[at] !== 0 && keys[slots[at] - 1] !== key) at = (at + 1) & mask;
    return at;
  }
  return {
    find: (key) => slots[seek(key)] - 1,
    set(slot) {
      slots[seek(keys[slot])] = slot + 1;
    },
    remove(slot) {
      let gap = seek(keys[slot]);
      if (slots[gap] !== slot + 1) return;
      // Closing the gap: Knuth 6.4, algorithm R.
      for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
        const home = keys[slots[at] - 1] & mask;
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        slots[gap] = slots[at];
        gap = at;
      }
      slots[gap] = 0;
    },
  };
}
