/**
 * Rows of the kernel matrix, kept within a number of bytes; the least recently used one goes.  N = rows of the data, S = slots.
 *
 *   slots      Float32Array(N) x S, made when first used
 *   slotOf     Int32Array(N)    the slot of a row, -1 where it is not kept
 *   rowOf      Int32Array(S)
 *   newer, older  Int32Array(S)   a list by use
 */
export interface RowCache {
  /** The row of kernel values; stays valid until S - 1 other rows have been asked for. */
  get(row: number): Float32Array;
  /** rows computed so far */
  misses(): number;
}

/**
 * @param fill  computes a row
 * @throws RangeError when the bytes do not hold the two rows that a step needs at once
 */
export function createRowCache(N: number, bytes: number, fill: (row: number, out: Float32Array) => void): RowCache {
  const S = Math.min(N, Math.floor(bytes / (4 * N)));
  if (!(S >= 2)) throw new RangeError(`svm: cacheBytes must hold two rows of ${N} kernel values (${8 * N} bytes), got ${bytes}`);
  const slots: Float32Array[] = [];
  const slotOf = new Int32Array(N).fill(-1);
  const rowOf = new Int32Array(S);
  const [newer, older] = [new Int32Array(S).fill(-1), new Int32Array(S).fill(-1)];
  let [newest, oldest, misses] = [-1, -1, 0];
  const unlink = (slot: number): void => {
    if (newer[slot] >= 0) older[newer[slot]] = older[slot];
    else newest = older[slot];
    if (older[slot] >= 0) newer[older[slot]] = newer[slot];
    else oldest = newer[slot];
  };
  const push = (slot: number): void => {
    newer[slot] = -1;
    older[slot] = newest;
    if (newest >= 0) newer[newest] = slot;
    else oldest = slot;
    newest = slot;
  };
  return {
    misses: () => misses,
    get(row) {
      let slot = slotOf[row];
      if (slot === newest && slot >= 0) return slots[slot];
      if (slot >= 0) unlink(slot);
      else {
        misses += 1;
        if (slots.length < S) slot = slots.push(new Float32Array(N)) - 1;
        else {
          slot = oldest;
          unlink(slot);
          slotOf[rowOf[slot]] = -1;
        }
        fill(row, slots[slot]);
        [slotOf[row], rowOf[slot]] = [slot, row];
      }
      push(slot);
      return slots[slot];
    },
  };
}
