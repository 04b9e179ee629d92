/**
 * Strings by dense id, as UTF-16 units in typed arrays. A freed place is zeroed and kept for a name of about its length.
 *
 *   entry of an id, u32[2]:   place + 1 in units (0: no name) | length in units        in pages of ENTRIES ids
 *   place:                    page of UNITS units * UNITS + offset, a multiple of GRAIN
 */
export interface Names {
  get(id: number): string | undefined;
  is(id: number, name: string): boolean;
  lengthOf(id: number): number | undefined;
  set(id: number, name: string): void;
  clear(id: number): void;
  /** Copies the units to `text` from `at`; returns how many. */
  copy(id: number, text: Uint16Array, at: number): number;
}

const ENTRIES = 1 << 15;
/** Of a page; a name is at most this long. Few and large: V8 collects when many small buffers come. */
const UNITS = 1 << 20;
const GRAIN = 4;

export function createNames(): Names {
  const entries: Uint32Array[] = [];
  const pages: Uint16Array[] = [];
  /** Free places by their room in GRAINs. */
  const free: number[][] = [];
  let top = UNITS;

  function take(length: number): number {
    if (length > UNITS) throw new RangeError(`a name of ${length} units is too long to intern`);
    const grains = Math.ceil(length / GRAIN);
    const again = free[grains]?.pop();
    if (again !== undefined) return again;
    if (top + grains * GRAIN > UNITS) {
      pages.push(new Uint16Array(UNITS));
      top = 0;
    }
    const place = (pages.length - 1) * UNITS + top;
    top += grains * GRAIN;
    return place;
  }

  const entryOf = (id: number): Uint32Array | undefined => entries[id >>> 15];
  const slot = (id: number): number => (id & (ENTRIES - 1)) * 2;

  return {
    get(id) {
      const entry = entryOf(id);
      const at = slot(id);
      if (entry === undefined || entry[at] === 0) return undefined;
      const place = entry[at] - 1;
      const offset = place & (UNITS - 1);
      return String.fromCharCode(...pages[place >>> 20].subarray(offset, offset + entry[at + 1]));
    },
    is(id, name) {
      const entry = entries[id >>> 15];
      const at = slot(id);
      if (entry[at + 1] !== name.length) return false;
      const place = entry[at] - 1;
      const page = pages[place >>> 20];
      const offset = place & (UNITS - 1);
      for (let i = 0; i < name.length; i += 1) if (page[offset + i] !== name.charCodeAt(i)) return false;
      return true;
    },
    lengthOf(id) {
      const entry = entryOf(id);
      return entry === undefined || entry[slot(id)] === 0 ? undefined : entry[slot(id) + 1];
    },
    set(id, name) {
      while (entries.length <= id >>> 15) entries.push(new Uint32Array(ENTRIES * 2));
      const place = take(name.length);
      const page = pages[place >>> 20];
      const offset = place & (UNITS - 1);
      for (let i = 0; i < name.length; i += 1) page[offset + i] = name.charCodeAt(i);
      entries[id >>> 15].set([place + 1, name.length], slot(id));
    },
    clear(id) {
      const entry = entries[id >>> 15];
      const place = entry[slot(id)] - 1;
      const length = entry[slot(id) + 1];
      const offset = place & (UNITS - 1);
      pages[place >>> 20].fill(0, offset, offset + length);
      const grains = Math.ceil(length / GRAIN);
      (free[grains] ??= []).push(place);
      entry.fill(0, slot(id), slot(id) + 2);
    },
    copy(id, text, at) {
      const entry = entryOf(id);
      if (entry === undefined || entry[slot(id)] === 0) return 0;
      const place = entry[slot(id)] - 1;
      const offset = place & (UNITS - 1);
      text.set(pages[place >>> 20].subarray(offset, offset + entry[slot(id) + 1]), at);
      return entry[slot(id) + 1];
    },
  };
}
