/**
 * Names as dense ids: models index typed arrays by them. An id that is given back is used again, latest first, so ids
 * stay dense and the same events give the same ids.
 *
 * Neither names nor index live on V8's heap: with a million strings on it, a full collection stops the world for a tenth of a
 * second, and so does a Map of a million entries when it grows.
 *
 *   serialised:  u32 used | u32 free | u32 length[used], NO_NAME for an id without one | u32 free[free] | UTF-16 units by id
 */
import { createNames, type Names } from './names.js';

export interface Intern {
  /** Names held. */
  size(): number;
  /** One past the largest id ever handed out. */
  used(): number;
  /** Ids that have been given back and wait to be used again. */
  free(): number;
  idOf(name: string): number | undefined;
  nameOf(id: number): string | undefined;
  add(name: string): number;
  /** Forgets the name; the id stays taken until `recycle`. */
  release(id: number): void;
  recycle(id: number): void;
  /** Ids that are neither named nor free, ascending. */
  limbo(): number[];
  save(): Uint8Array;
}

const NO_NAME = 0xffffffff;
/** Each grows by itself, in a fraction of a millisecond. */
const SEGMENTS = 256;

export function createIntern(saved?: Uint8Array): Intern {
  const names = createNames();
  const index = createIndex(names);
  const free: number[] = [];
  let used = 0;
  if (saved !== undefined) used = load(saved, names, free, index);
  return {
    size: () => index.size(),
    used: () => used,
    free: () => free.length,
    idOf(name) {
      const id = index.find(name);
      return id < 0 ? undefined : id;
    },
    nameOf: (id) => names.get(id),
    add(name) {
      const id = free.pop() ?? used++;
      index.add(name, names.set(id, name));
      return id;
    },
    release(id) {
      const name = names.get(id);
      if (name === undefined) return;
      index.remove(name);
      names.clear(id);
    },
    recycle: (id) => void free.push(id),
    limbo() {
      const isFree = new Set(free);
      return Array.from({ length: used }, (_, id) => id).filter((id) => names.lengthOf(id) === undefined && !isFree.has(id));
    },
    save: () => save(names, used, free),
  };
}

// ---- the index: open addressing in segments; a slot is two integers: hash, place + 1 (0: empty) ----

interface Index {
  size(): number;
  /** The id; -1: not there. */
  find(name: string): number;
  add(name: string, place: number): void;
  remove(name: string): void;
}

/** FNV-1a over the UTF-16 units, then mixed: its low bits alone choose badly. */
function hashOf(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

function createIndex(names: Names): Index {
  const segments = Array.from({ length: SEGMENTS }, () => new Int32Array(32));
  const counts = new Uint32Array(SEGMENTS);
  let size = 0;

  /** Position of the name's slot in its segment, or of the empty one where the search ended. */
  function seek(slots: Int32Array, hash: number, name: string): number {
    const mask = slots.length - 1;
    let at = (hash >>> 8 << 1) & mask;
    while (slots[at + 1] !== 0 && (slots[at] !== hash || !names.is(slots[at + 1] - 1, name))) at = (at + 2) & mask;
    return at;
  }

  function put(slots: Int32Array, hash: number, place: number): void {
    const mask = slots.length - 1;
    let at = (hash >>> 8 << 1) & mask;
    while (slots[at + 1] !== 0) at = (at + 2) & mask;
    slots[at] = hash;
    slots[at + 1] = place + 1;
  }

  return {
    size: () => size,
    find(name) {
      const hash = hashOf(name);
      const slots = segments[hash & 255];
      const place = slots[seek(slots, hash, name) + 1] - 1;
      return place < 0 ? -1 : names.idAt(place);
    },
    add(name, place) {
      const hash = hashOf(name);
      const n = hash & 255;
      size += 1;
      counts[n] += 1;
      if (counts[n] * 3 > segments[n].length) { // two thirds of the slots
        const larger = new Int32Array(segments[n].length * 2);
        const old = segments[n];
        for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) put(larger, old[at], old[at + 1] - 1);
        segments[n] = larger;
      }
      put(segments[n], hash, place);
    },
    remove(name) {
      const hash = hashOf(name);
      const slots = segments[hash & 255];
      const mask = slots.length - 1;
      let gap = seek(slots, hash, name);
      if (slots[gap + 1] === 0) return;
      size -= 1;
      counts[hash & 255] -= 1;
      // Closing the gap: Knuth 6.4, algorithm R.
      for (let at = (gap + 2) & mask; slots[at + 1] !== 0; at = (at + 2) & mask) {
        const home = (slots[at] >>> 8 << 1) & mask;
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        slots[gap] = slots[at];
        slots[gap + 1] = slots[at + 1];
        gap = at;
      }
      slots[gap] = 0;
      slots[gap + 1] = 0;
    },
  };
}

function save(names: Names, used: number, free: number[]): Uint8Array {
  const head = new Uint32Array(2 + used + free.length);
  head[0] = used;
  head[1] = free.length;
  let units = 0;
  for (let id = 0; id < used; id += 1) {
    const length = names.lengthOf(id);
    head[2 + id] = length ?? NO_NAME;
    units += length ?? 0;
  }
  head.set(free, 2 + used);
  const bytes = new Uint8Array(head.byteLength + units * 2);
  bytes.set(new Uint8Array(head.buffer));
  const text = new Uint16Array(bytes.buffer, head.byteLength);
  let at = 0;
  for (let id = 0; id < used; id += 1) at += names.copy(id, text, at);
  return bytes;
}

function load(saved: Uint8Array, names: Names, free: number[], index: Index): number {
  const bytes = saved.slice(); // aligned
  const [used, freed] = new Uint32Array(bytes.buffer, 0, 2) as unknown as [number, number];
  const head = new Uint32Array(bytes.buffer, 8, used + freed);
  const text = Buffer.from(bytes.buffer, 8 + head.byteLength);
  let at = 0;
  for (let id = 0; id < used; id += 1) {
    if (head[id] === NO_NAME) continue;
    const name = text.toString('utf16le', at, at + head[id] * 2);
    at += head[id] * 2;
    index.add(name, names.set(id, name));
  }
  for (let i = 0; i < freed; i += 1) free.push(head[used + i]);
  return used;
}
