/**
 * Strings by dense id, as UTF-16 units in typed arrays. A freed place is zeroed and kept for a name of about its length.
 *
 *   at a place:   id low, id high, length, unit ...     u16 each; a place is page * UNITS + offset, a multiple of GRAIN
 *   by id:        place + 1, 0 without a name           u32, in pages of ENTRIES ids
 *
 * The id stands beside the units, so that whoever holds a place reads one cache line to compare the name and to learn the id.
 */
export interface Names {
  get(id: number): string | undefined;
  lengthOf(id: number): number | undefined;
  /** Returns the place. */
  set(id: number, name: string): number;
  clear(id: number): void;
  is(place: number, name: string): boolean;
  idAt(place: number): number;
  /** Copies the units to `text` from `at`; returns how many. */
  copy(id: number, text: Uint16Array, at: number): number;
}

const ENTRIES = 1 << 15;
/** Of a page. Few and large: V8 collects when many small buffers come. */
const UNITS = 1 << 20;
const GRAIN = 4;
const HEAD = 3;

export function createNames(): Names {
  const entries: Uint32Array[] = [];
  const pages: Uint16Array[] = [];
  /** Free places by their room in GRAINs. */
  const free: number[][] = [];
  let top = UNITS;

  const grainsOf = (length: number): number => Math.ceil((length + HEAD) / GRAIN);

  function take(grains: number): number {
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

  /** The units of an id's name. */
  function units(id: number): Uint16Array | undefined {
    const place = entries[id >>> 15]?.[id & (ENTRIES - 1)] ?? 0;
    if (place === 0) return undefined;
    const page = pages[(place - 1) >>> 20];
    const offset = (place - 1) & (UNITS - 1);
    return page.subarray(offset + HEAD, offset + HEAD + page[offset + 2]);
  }

  return {
    get(id) {
      const text = units(id);
      return text === undefined ? undefined : String.fromCharCode(...text);
    },
    lengthOf: (id) => units(id)?.length,
    set(id, name) {
      if (name.length > 0xffff) throw new RangeError(`a name of ${name.length} units is too long to intern`);
      while (entries.length <= id >>> 15) entries.push(new Uint32Array(ENTRIES));
      const place = take(grainsOf(name.length));
      const page = pages[place >>> 20];
      const offset = place & (UNITS - 1);
      page[offset] = id & 0xffff;
      page[offset + 1] = id >>> 16;
      page[offset + 2] = name.length;
      for (let i = 0; i < name.length; i += 1) page[offset + HEAD + i] = name.charCodeAt(i);
      entries[id >>> 15][id & (ENTRIES - 1)] = place + 1;
      return place;
    },
    clear(id) {
      const place = entries[id >>> 15][id & (ENTRIES - 1)] - 1;
      const page = pages[place >>> 20];
      const offset = place & (UNITS - 1);
      const length = page[offset + 2];
      page.fill(0, offset, offset + HEAD + length);
      (free[grainsOf(length)] ??= []).push(place);
      entries[id >>> 15][id & (ENTRIES - 1)] = 0;
    },
    is(place, name) {
      const page = pages[place >>> 20];
      const offset = place & (UNITS - 1);
      if (page[offset + 2] !== name.length) return false;
      for (let i = 0; i < name.length; i += 1) if (page[offset + HEAD + i] !== name.charCodeAt(i)) return false;
      return true;
    },
    idAt(place) {
      const page = pages[place >>> 20];
      const offset = place & (UNITS - 1);
      return page[offset] | (page[offset + 1] << 16);
    },
    copy(id, text, at) {
      const mine = units(id);
      if (mine === undefined) return 0;
      text.set(mine, at);
      return mine.length;
    },
  };
}
