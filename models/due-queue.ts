/**
 * What is to be looked at again, by the time when: a binary heap in typed arrays, with each slot in it at most once.
 *
 *   keys   due time by place in the heap, f64, milliseconds; no child before its parent
 *   slots  whose it is
 *   place  by slot: its place in the heap + 1, 0 when it is not queued
 *
 * A slot whose time moves back need not be told: it is looked at early and queued again, which costs one visit instead of
 * a move for each event.
 */
export interface DueQueue {
  size(): number;
  /** When the first one is due; Infinity when there is none. */
  nextMs(): number;
  /** Makes sure that the slot is looked at no later than `dueMs`. */
  push(slot: number, dueMs: number): void;
  /** Takes the first one out. The queue must not be empty. */
  pop(): number;
  remove(slot: number): void;
  /** The two sections of a snapshot. */
  save(): [keys: Uint8Array, slots: Uint8Array];
}

/** @param slots  how many there are, and the most that are queued */
export function createDueQueue(slotsMax: number, saved?: [keys: Uint8Array, slots: Uint8Array]): DueQueue {
  const keys = new Float64Array(slotsMax);
  const slots = new Uint32Array(slotsMax);
  const place = new Uint32Array(slotsMax);
  let size = 0;

  function put(at: number, key: number, slot: number): void {
    keys[at] = key;
    slots[at] = slot;
    place[slot] = at + 1;
  }

  function up(from: number, key: number, slot: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      put(at, keys[parent], slots[parent]);
      at = parent;
    }
    put(at, key, slot);
  }

  function down(from: number, key: number, slot: number): void {
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && keys[child + 1] < keys[child]) child += 1;
      if (key <= keys[child]) break;
      put(at, keys[child], slots[child]);
      at = child;
    }
    put(at, key, slot);
  }

  /** Takes the entry at a place out; the last one fills the gap. */
  function take(at: number): number {
    const slot = slots[at];
    place[slot] = 0;
    size -= 1;
    if (at === size) return slot;
    const key = keys[size];
    const last = slots[size];
    if (at > 0 && keys[(at - 1) >> 1] > key) up(at, key, last);
    else down(at, key, last);
    return slot;
  }

  if (saved !== undefined) {
    const [savedKeys, savedSlots] = [new Float64Array(saved[0].slice().buffer), new Uint32Array(saved[1].slice().buffer)];
    size = savedKeys.length;
    for (let at = 0; at < size; at += 1) put(at, savedKeys[at], savedSlots[at]);
  }

  return {
    size: () => size,
    nextMs: () => (size === 0 ? Infinity : keys[0]),
    push(slot, dueMs) {
      const at = place[slot] - 1;
      if (at < 0) up(size++, dueMs, slot);
      else if (dueMs < keys[at]) up(at, dueMs, slot);
    },
    pop: () => take(0),
    remove(slot) {
      if (place[slot] !== 0) take(place[slot] - 1);
    },
    save: () => [new Uint8Array(keys.slice(0, size).buffer), new Uint8Array(slots.slice(0, size).buffer)],
  };
}
