/**
 * Customers, devices, cards, addresses or items by the 64-bit key of their name, of which only so many are kept. The names
 * themselves are not: nobody reads them, and they were half of what an entity cost. Of n names two have the same key with a
 * chance of n^2 / 2^65: 3e-8 for a million.
 *
 *   record  key a, key b, seen | what the features know      i32; seen: tick of the latest event, by event time
 *   index   8 bits of key b, link  (u32)                     open addressing by key a, in 64 segments that grow one at a time
 *
 * A link is id + 1; 0 is none. Ids that came back are linked by NEXT, the latest first.
 *
 * Who makes room: of the SAMPLE records behind a hand that goes round, the one that was seen longest ago. A list in the order
 * of the last event would be exact, and would cost 8 bytes a record and two cache misses a touch. Of 16 drawn records the
 * oldest is on average among the oldest 6 %; where no more than 16 are kept it is the oldest.
 * Source: Redis' approximation of LRU (maxmemory-samples), with a hand instead of chance.
 */
import type { Key } from './key.js';
import { clear, createPages, loadPages, MASK, NEXT, reach, sectionsOf, SHIFT, type Pages } from './pages.js';

/** Integers of a record. */
const KEY_A = 0;
const KEY_B = 1;
export const SEEN = 2;
/** The first that is the features' own. */
export const OWN = 3;

/** Few, so that the heads of their arrays stay in the cache; each grows in a tenth of a millisecond. */
const SEGMENT_BITS = 6;
const SEGMENTS = 1 << SEGMENT_BITS;
const SLOTS_MIN = 16;
const SAMPLE = 16;
/** An id stands in 24 bits of a slot. */
export const ENTITIES_MAX = 16_000_000;
const LINK = 0xffffff;

/** What of it a snapshot's header holds. */
export interface Places {
  size: number;
  /** one past the largest id ever handed out */
  used: number;
  free: number;
  /** the id that is looked at next for who makes room */
  hand: number;
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
    ...(saved?.places ?? { size: 0, used: 0, free: 0, hand: 0, evicted: 0 }),
  };
  if (saved === undefined) return entities;
  loadPages(entities, entities.used, saved.next);
  const isFree = new Uint8Array(entities.used);
  for (let link = entities.free; link !== 0; link = intsOf(entities, link)[placeOf(entities, link) + NEXT]) isFree[link - 1] = 1;
  for (let id = 0; id < entities.used; id += 1) if (isFree[id] === 0) index(entities, id + 1);
  return entities;
}

const intsOf = ({ ints }: Pages, link: number): Int32Array => ints[(link - 1) >>> SHIFT];
const placeOf = ({ stride }: Pages, link: number): number => ((link - 1) & MASK) * stride;

/** What stands where a key is looked for first: read for several keys before the first `find`, so that their cache misses are waited for together. */
export function homeSlot({ slots }: Entities, { a }: Key): number {
  const segment = slots[a & (SEGMENTS - 1)];
  return segment[(a >>> SEGMENT_BITS) & (segment.length - 1)];
}

/** @returns the id; -1: not there */
export function find(entities: Entities, { a, b }: Key): number {
  const { ints, stride } = entities;
  const slots = entities.slots[a & (SEGMENTS - 1)];
  const mask = slots.length - 1;
  for (let at = (a >>> SEGMENT_BITS) & mask; ; at = (at + 1) & mask) {
    const slot = slots[at];
    if (slot === 0) return -1;
    // The record is a cache miss: it is read where it is likely to be the one.
    if (((slot >>> 24) ^ (b & 0xff)) !== 0) continue;
    const id = (slot & LINK) - 1;
    const page = ints[id >>> SHIFT];
    const from = (id & MASK) * stride;
    if (page[from + KEY_A] === a && page[from + KEY_B] === b) return id;
  }
}

/** A name that is not there gets an id, and a record of zeros behind its key. */
export function enter(entities: Entities, { a, b }: Key): number {
  if (entities.size >= entities.max) makeRoom(entities);
  let link = entities.free;
  if (link === 0) {
    reach(entities, entities.used);
    link = entities.used += 1;
  } else entities.free = intsOf(entities, link)[placeOf(entities, link) + NEXT];
  const page = intsOf(entities, link);
  const at = placeOf(entities, link);
  page[at + KEY_A] = a;
  page[at + KEY_B] = b;
  index(entities, link);
  entities.size += 1;
  return link - 1;
}

/** There is no free record: as many are kept as there ever were. */
function makeRoom(entities: Entities): void {
  const { ints, stride, used } = entities;
  let [oldest, oldestSeen] = [0, Infinity];
  for (let looks = Math.min(SAMPLE, used); looks > 0; looks -= 1) {
    if (entities.hand >= used) entities.hand = 0;
    const seen = ints[entities.hand >>> SHIFT][(entities.hand & MASK) * stride + SEEN];
    if (seen < oldestSeen) [oldest, oldestSeen] = [entities.hand, seen];
    entities.hand += 1;
  }
  drop(entities, oldest);
  entities.evicted += 1;
}

/** Forgets it, and tells as when it makes room. */
export function drop(entities: Entities, id: number): void {
  entities.onDrop(entities, id);
  const link = id + 1;
  removeFromIndex(entities, link);
  clear(entities, id);
  intsOf(entities, link)[placeOf(entities, link) + NEXT] = entities.free;
  entities.free = link;
  entities.size -= 1;
}

/** The records, where they lie; the index follows from them. */
export const entitySections = (entities: Entities): Uint8Array[] => sectionsOf(entities, entities.used);
export const placesOf = ({ size, used, free, hand, evicted }: Entities): Places => ({ size, used, free, hand, evicted });

function index(entities: Entities, link: number): void {
  const { slots, counts } = entities;
  const segment = intsOf(entities, link)[placeOf(entities, link) + KEY_A] & (SEGMENTS - 1);
  counts[segment] += 1;
  if (counts[segment] * 3 > slots[segment].length * 2) {
    const old = slots[segment];
    slots[segment] = new Int32Array(old.length * 2);
    for (const other of old) if (other !== 0) put(entities, slots[segment], other & LINK);
  }
  put(entities, slots[segment], link);
}

const homeOf = (entities: Entities, link: number, mask: number): number => (intsOf(entities, link)[placeOf(entities, link) + KEY_A] >>> SEGMENT_BITS) & mask;

function put(entities: Entities, slots: Int32Array, link: number): void {
  const mask = slots.length - 1;
  let at = homeOf(entities, link, mask);
  while (slots[at] !== 0) at = (at + 1) & mask;
  slots[at] = (intsOf(entities, link)[placeOf(entities, link) + KEY_B] << 24) | link;
}

/** Closing the gap: Knuth 6.4, algorithm R. */
function removeFromIndex(entities: Entities, link: number): void {
  const segment = intsOf(entities, link)[placeOf(entities, link) + KEY_A] & (SEGMENTS - 1);
  const slots = entities.slots[segment];
  const mask = slots.length - 1;
  entities.counts[segment] -= 1;
  let gap = homeOf(entities, link, mask);
  while ((slots[gap] & LINK) !== link) gap = (gap + 1) & mask;
  for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
    const home = homeOf(entities, slots[at] & LINK, mask);
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    slots[gap] = slots[at];
    gap = at;
  }
  slots[gap] = 0;
}
