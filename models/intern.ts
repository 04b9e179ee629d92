/**
 * Names as dense ids: models index typed arrays by them. An id that is given back is used again, latest first, so ids
 * stay dense and the same events give the same ids.
 *
 *   serialised:  u32 used | u32 free | u32 length[used], NO_NAME for an id without one | u32 free[free] | u32 bytes | UTF-8
 */
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
/** A Map of a million strings stops the world for a tenth of a second when it grows; a segment of this index does not. */
const SEGMENTS = 256;

export function createIntern(saved?: Uint8Array): Intern {
  const index = createIndex();
  const names: (string | undefined)[] = [];
  const free: number[] = [];
  if (saved !== undefined) load(saved, names, free, index);
  return {
    size: () => index.size(),
    used: () => names.length,
    free: () => free.length,
    idOf(name) {
      const id = index.find(name, names);
      return id < 0 ? undefined : id;
    },
    nameOf: (id) => names[id],
    add(name) {
      const id = free.pop() ?? names.length;
      names[id] = name;
      index.add(name, id);
      return id;
    },
    release(id) {
      const name = names[id];
      if (name !== undefined) index.remove(name, names);
      names[id] = undefined;
    },
    recycle: (id) => void free.push(id),
    limbo() {
      const isFree = new Set(free);
      return names.flatMap((name, id) => (name === undefined && !isFree.has(id) ? [id] : []));
    },
    save: () => save(names, free),
  };
}

// ---- the index: open addressing in segments; a slot is two integers: hash, id + 1 (0: empty) ----

interface Index {
  size(): number;
  /** -1: not there. */
  find(name: string, names: (string | undefined)[]): number;
  add(name: string, id: number): void;
  remove(name: string, names: (string | undefined)[]): void;
}

/** FNV-1a over the UTF-16 units, then mixed: its low bits alone choose badly. */
function hashOf(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

function createIndex(): Index {
  const segments = Array.from({ length: SEGMENTS }, () => new Int32Array(32));
  const counts = new Uint32Array(SEGMENTS);
  let size = 0;

  /** Position of the name's slot in its segment, or of the empty one where the search ended. */
  function seek(slots: Int32Array, hash: number, name: string, names: (string | undefined)[]): number {
    const mask = slots.length - 1;
    let at = (hash >>> 8 << 1) & mask;
    while (slots[at + 1] !== 0 && (slots[at] !== hash || names[slots[at + 1] - 1] !== name)) at = (at + 2) & mask;
    return at;
  }

  function place(slots: Int32Array, hash: number, id: number): void {
    const mask = slots.length - 1;
    let at = (hash >>> 8 << 1) & mask;
    while (slots[at + 1] !== 0) at = (at + 2) & mask;
    slots[at] = hash;
    slots[at + 1] = id + 1;
  }

  return {
    size: () => size,
    find(name, names) {
      const hash = hashOf(name);
      const slots = segments[hash & 255];
      return slots[seek(slots, hash, name, names) + 1] - 1;
    },
    add(name, id) {
      const hash = hashOf(name);
      const n = hash & 255;
      size += 1;
      counts[n] += 1;
      if (counts[n] * 3 > segments[n].length) { // two thirds of the slots
        const larger = new Int32Array(segments[n].length * 2);
        const old = segments[n];
        for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) place(larger, old[at], old[at + 1] - 1);
        segments[n] = larger;
      }
      place(segments[n], hash, id);
    },
    remove(name, names) {
      const hash = hashOf(name);
      const slots = segments[hash & 255];
      const mask = slots.length - 1;
      let gap = seek(slots, hash, name, names);
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

function save(names: (string | undefined)[], free: number[]): Uint8Array {
  const head = new Uint32Array(2 + names.length + free.length + 1);
  head[0] = names.length;
  head[1] = free.length;
  for (let id = 0; id < names.length; id += 1) head[2 + id] = names[id]?.length ?? NO_NAME;
  head.set(free, 2 + names.length);
  // One join and one encoding for all: a million names take a tenth of a second so, and a second one by one.
  const text = Buffer.from(names.join(''), 'utf8');
  head[head.length - 1] = text.length;
  return Buffer.concat([new Uint8Array(head.buffer), text]);
}

function load(saved: Uint8Array, names: (string | undefined)[], free: number[], index: Index): void {
  const copy = saved.slice();
  const [used, freed] = new Uint32Array(copy.buffer, 0, 2) as unknown as [number, number];
  const head = new Uint32Array(copy.buffer, 8, used + freed + 1);
  const at = 8 + head.byteLength;
  const text = Buffer.from(copy.buffer, at, head[used + freed]).toString('utf8');
  let from = 0;
  for (let id = 0; id < used; id += 1) {
    const length = head[id];
    if (length === NO_NAME) {
      names.push(undefined);
      continue;
    }
    const name = text.slice(from, from + length);
    from += length;
    names.push(name);
    index.add(name, id);
  }
  for (let i = 0; i < freed; i += 1) free.push(head[used + i]);
}
