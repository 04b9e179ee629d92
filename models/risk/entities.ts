/**
 * Customers, devices, cards, addresses or items by the 64-bit key of their name, of which only so many are kept: the one that
 * was touched longest ago makes room. The names themselves are not kept: nobody reads them, and they were half of what an
 * entity cost. Of n names two have the same key with a chance of n^2 / 2^65: 3e-8 for a million.
 *
 *   record  key a, key b, older, newer | what the features know   i32; older and newer are links, in the order of the last touch
 *   index   link by key, open addressing, in 256 segments that grow one at a time
 *
 * Ids that came back are linked by NEXT, the latest first. A link is id + 1; 0 is none.
 */
import type { Key } from './key.js';
import { clear, createPages, loadPages, MASK, NEXT, reach, sectionsOf, SHIFT, type Pages } from './pages.js';

/** Integers of a record. */
const KEY_A = 0;
const KEY_B = 1;
const OLDER = 2;
const NEWER = 3;
/** The first that is the features' own. */
export const OWN = 4;

const SEGMENTS = 256;
const SLOTS_MIN = 16;

/** What of it a snapshot's header holds. */
export interface Places {
  size: number;
  /** one past the largest id ever handed out */
  used: number;
  free: number;
  oldest: number;
  latest: number;
  evicted: number;
}

export interface Entities extends Pages, Places {
  readonly max: number;
  readonly slots: Int32Array[];
  readonly counts: Uint32Array;
  /** Called for an id that goes, while its record is still there. */
  readonly onDrop: (entities: Entities, id: number) => void;
}

export interface SavedEntities {
  places: Places;
  next: (into: (bytes: number) => Uint8Array) => Uint8Array;
}

/** @param stride  integers of a record, even and at least OWN */
export function createEntities(stride: number, max: number, onDrop: Entities['onDrop'], saved?: SavedEntities): Entities {
  const entities: Entities = {
    ...createPages(stride), max, onDrop, counts: new Uint32Array(SEGMENTS), slots: Array.from({ length: SEGMENTS }, () => new Int32Array(SLOTS_MIN)),
    ...(saved?.places ?? { size: 0, used: 0, free: 0, oldest: 0, latest: 0, evicted: 0 }),
  };
  if (saved === undefined) return entities;
  loadPages(entities, entities.used, saved.next);
  for (let link = entities.oldest; link !== 0; link = intsOf(entities, link)[placeOf(entities, link) + NEWER]) index(entities, link);
  return entities;
}

const intsOf = ({ ints }: Pages, link: number): Int32Array => ints[(link - 1) >>> SHIFT];
const placeOf = ({ stride }: Pages, link: number): number => ((link - 1) & MASK) * stride;

/** @returns the id; -1: not there */
export function find(entities: Entities, { a, b }: Key): number {
  const { ints, stride } = entities;
  const slots = entities.slots[a & (SEGMENTS - 1)];
  const mask = slots.length - 1;
  for (let at = (a >>> 8) & mask; ; at = (at + 1) & mask) {
    const id = slots[at] - 1;
    if (id < 0) return -1;
    const page = ints[id >>> SHIFT];
    const from = (id & MASK) * stride;
    if (page[from + KEY_A] === a && page[from + KEY_B] === b) return id;
  }
}

/** It is the latest from here on. */
export function touch(entities: Entities, id: number): void {
  const link = id + 1;
  if (link === entities.latest) return;
  unlink(entities, link);
  append(entities, link);
}

/** A name that is not there gets an id, and a record of zeros behind its key. */
export function enter(entities: Entities, { a, b }: Key): number {
  if (entities.size >= entities.max) {
    drop(entities, entities.oldest - 1);
    entities.evicted += 1;
  }
  let link = entities.free;
  if (link === 0) {
    reach(entities, entities.used);
    link = entities.used += 1;
  } else {
    const page = intsOf(entities, link);
    const at = placeOf(entities, link);
    entities.free = page[at + NEXT];
  }
  const page = intsOf(entities, link);
  const at = placeOf(entities, link);
  page[at + KEY_A] = a;
  page[at + KEY_B] = b;
  append(entities, link);
  index(entities, link);
  entities.size += 1;
  return link - 1;
}

/** Forgets it, and tells as when it makes room. */
export function drop(entities: Entities, id: number): void {
  entities.onDrop(entities, id);
  const link = id + 1;
  unlink(entities, link);
  removeFromIndex(entities, link);
  clear(entities, id);
  intsOf(entities, link)[placeOf(entities, link) + NEXT] = entities.free;
  entities.free = link;
  entities.size -= 1;
}

/** Records, keys and order, where they lie; the index follows from them. */
export const entitySections = (entities: Entities): Uint8Array[] => sectionsOf(entities, entities.used);
export const placesOf = ({ size, used, free, oldest, latest, evicted }: Entities): Places => ({ size, used, free, oldest, latest, evicted });

function append(entities: Entities, link: number): void {
  const page = intsOf(entities, link);
  const at = placeOf(entities, link);
  const before = entities.latest;
  page[at + OLDER] = before;
  page[at + NEWER] = 0;
  if (before === 0) entities.oldest = link;
  else intsOf(entities, before)[placeOf(entities, before) + NEWER] = link;
  entities.latest = link;
}

function unlink(entities: Entities, link: number): void {
  const page = intsOf(entities, link);
  const at = placeOf(entities, link);
  const [older, newer] = [page[at + OLDER], page[at + NEWER]];
  if (older === 0) entities.oldest = newer;
  else intsOf(entities, older)[placeOf(entities, older) + NEWER] = newer;
  if (newer === 0) entities.latest = older;
  else intsOf(entities, newer)[placeOf(entities, newer) + OLDER] = older;
}

function index(entities: Entities, link: number): void {
  const { slots, counts } = entities;
  const segment = intsOf(entities, link)[placeOf(entities, link) + KEY_A] & (SEGMENTS - 1);
  counts[segment] += 1;
  if (counts[segment] * 3 > slots[segment].length * 2) {
    const old = slots[segment];
    slots[segment] = new Int32Array(old.length * 2);
    for (const other of old) if (other !== 0) put(entities, slots[segment], other);
  }
  put(entities, slots[segment], link);
}

const homeOf = (entities: Entities, link: number, mask: number): number => (intsOf(entities, link)[placeOf(entities, link) + KEY_A] >>> 8) & mask;

function put(entities: Entities, slots: Int32Array, link: number): void {
  const mask = slots.length - 1;
  let at = homeOf(entities, link, mask);
  while (slots[at] !== 0) at = (at + 1) & mask;
  slots[at] = link;
}

/** Closing the gap: Knuth 6.4, algorithm R. */
function removeFromIndex(entities: Entities, link: number): void {
  const segment = intsOf(entities, link)[placeOf(entities, link) + KEY_A] & (SEGMENTS - 1);
  const slots = entities.slots[segment];
  const mask = slots.length - 1;
  entities.counts[segment] -= 1;
  let gap = homeOf(entities, link, mask);
  while (slots[gap] !== link) gap = (gap + 1) & mask;
  for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
    const home = homeOf(entities, slots[at], mask);
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    slots[gap] = slots[at];
    gap = at;
  }
  slots[gap] = 0;
}
