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

export function createIntern(saved?: Uint8Array): Intern {
  const ids = new Map<string, number>();
  const names: (string | undefined)[] = [];
  const free: number[] = [];
  if (saved !== undefined) load(saved, names, free, ids);
  return {
    size: () => ids.size,
    used: () => names.length,
    free: () => free.length,
    idOf: (name) => ids.get(name),
    nameOf: (id) => names[id],
    add(name) {
      const id = free.pop() ?? names.length;
      names[id] = name;
      ids.set(name, id);
      return id;
    },
    release(id) {
      const name = names[id];
      if (name !== undefined) ids.delete(name);
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

function load(saved: Uint8Array, names: (string | undefined)[], free: number[], ids: Map<string, number>): void {
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
    ids.set(name, id);
  }
  for (let i = 0; i < freed; i += 1) free.push(head[used + i]);
}
