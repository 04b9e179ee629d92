/**
 * The answer of VMIS-kNN.
 *
 *   n          items of the session that are looked at; p = 0 .. n - 1 the place of one of them, the latest 0
 *   overlap    of a session: sum over the items that both have of (n - p)
 *   vote       of a neighbour: overlap * (10 - p of the latest item that both have)
 *   score(i)   log(sessions / sessions with i) * sum over the neighbours with i of their votes / (10 n)
 *
 * Neighbours are the `neighbours` sessions with the largest overlap, the later started first among equals, out of the
 * `perItem` latest ones of each of the n items. Overlaps and votes are whole numbers: sums do not depend on their order,
 * and the same index from scratch gives the same answer to the last bit. Which of the n items a session has is a set of
 * bits, so its overlap and its vote are looked up.
 */
import { itemsOf, NONE, type Index } from './index.js';
import type { SessionSettings } from './settings.js';

/** The longest answer. */
const MOST = 512;
/** Items named as reasons. */
const REASONS = 3;
/** Votes fall linearly to nothing at the tenth latest item (the paper's lambda). */
export const REACH = 10;

export interface Proposal {
  item: string;
  score: number;
  /** Items of the session whose shares in the score are largest; asked before the next event. */
  because(): { item: string; weight: number }[];
}

export interface Query {
  recommend(index: Index, customer: string, k: number, own: boolean): Proposal[];
}

/** The neighbours of one answer, copied out of the scratch: their slots, and which of the items each has. */
interface Voters {
  slots: Uint32Array;
  bits: Uint16Array;
}

/** By set of bits: how many items it holds, the sum of their places, the first place. */
const ITEMS = new Uint8Array(1 << REACH);
const PLACES = new Uint8Array(1 << REACH);
const FIRST = new Uint8Array(1 << REACH);
for (let bits = 1; bits < 1 << REACH; bits += 1) {
  const low = 31 - Math.clz32(bits & -bits);
  const rest = bits & (bits - 1);
  FIRST[bits] = low;
  ITEMS[bits] = ITEMS[rest] + 1;
  PLACES[bits] = PLACES[rest] + low;
}
/** n items overlap by at most n (n + 1) / 2. */
const OVERLAPS = (REACH * (REACH + 1)) / 2 + 1;

/** Its arrays are scratch: zero, or without a meaning, between two queries. */
export function createQuery(settings: SessionSettings): Query {
  const { limits, perItem, neighbours, recent } = settings;
  const masks = new Uint16Array(2 ** Math.ceil(Math.log2(limits.sessions)));
  const found = new Uint32Array(Math.min(masks.length, perItem * recent));
  const nearest = new Uint32Array(found.length);
  const equals = new Float64Array(found.length);
  const histogram = new Uint32Array(OVERLAPS);
  const sums = new Float64Array(limits.items);
  const touched = new Uint32Array(limits.items);

  /** The slots of all sessions that have one of the items into `found`, what they have into `masks`. */
  function gather(index: Index, items: Uint32Array, self: number): number {
    masks[self] = 1 << 15; // not a neighbour of itself: a bit, so that it is not found
    let count = 0;
    for (let p = 0; p < items.length; p += 1) count = index.lists.mark(items[items.length - 1 - p], 1 << p, masks, index.ring, found, count);
    masks[self] = 0;
    return count;
  }

  /** The best of `found` into `nearest`. */
  function choose(index: Index, n: number, count: number): number {
    if (count <= neighbours) {
      nearest.set(found.subarray(0, count));
      return count;
    }
    histogram.fill(0);
    for (let i = 0; i < count; i += 1) histogram[overlapOf(masks[found[i]], n)] += 1;
    let least = OVERLAPS - 1;
    let above = 0;
    while (above + histogram[least] < neighbours) above += histogram[least--];
    let [chosen, equal] = [0, 0];
    const newest = (index.next - 1) & index.ring;
    for (let i = 0; i < count; i += 1) {
      const overlap = overlapOf(masks[found[i]], n);
      if (overlap > least) nearest[chosen++] = found[i];
      else if (overlap === least) equals[equal++] = (newest - found[i]) & index.ring; // age
    }
    partition(equals, equal, neighbours - above);
    for (let i = 0; i < neighbours - above; i += 1) nearest[chosen++] = (newest - equals[i]) & index.ring;
    return chosen;
  }

  /** Adds the votes up by item. @returns how many items `touched` holds */
  function vote(index: Index, n: number, chosen: number): number {
    const { length } = limits;
    const { contents, counts } = index;
    let count = 0;
    for (let i = 0; i < chosen; i += 1) {
      const slot = nearest[i];
      const votes = overlapOf(masks[slot], n) * (REACH - FIRST[masks[slot]]);
      const base = slot * length;
      for (let at = base; at < base + counts[slot]; at += 1) {
        const item = contents[at];
        if (sums[item] === 0) touched[count++] = item;
        sums[item] += votes;
      }
    }
    return count;
  }

  return {
    recommend(index, customer, k, own) {
      if (!Number.isInteger(k) || k < 1) throw new RangeError(`sessions: k must be a whole number from 1, got ${k}`);
      const c = index.customers.idOf(customer);
      const serial = c === undefined ? NONE : index.current[c];
      if (serial === NONE) return [];
      const session = itemsOf(index, serial);
      const items = session.slice(Math.max(0, session.length - recent));
      const n = items.length;
      const count = gather(index, items, serial & index.ring);
      const chosen = choose(index, n, count);
      const ranked = createRanking(index, Math.min(k, MOST));
      const touchedCount = vote(index, n, chosen);
      for (let i = 0; i < touchedCount; i += 1) {
        const item = touched[i];
        const votes = sums[item];
        sums[item] = 0;
        if (own || !session.includes(item)) ranked.offer(item, votes * Math.log(index.live / index.holders[item]));
      }
      const voters: Voters = { slots: nearest.slice(0, chosen), bits: new Uint16Array(chosen) };
      for (let i = 0; i < chosen; i += 1) voters.bits[i] = masks[nearest[i]];
      for (let i = 0; i < count; i += 1) masks[found[i]] = 0;
      return ranked.take().map(({ item, score }) => ({
        item: nameOf(index, item),
        score: score / (REACH * n),
        because: () => because(index, items, item, voters),
      }));
    },
  };
}

const overlapOf = (bits: number, n: number): number => n * ITEMS[bits] - PLACES[bits];

export function nameOf(index: Index, item: number): string {
  const name = index.items.nameOf(item);
  if (name === undefined) throw new Error(`sessions: item ${item} has no name: the state is inconsistent`);
  return name;
}

/** A vote is a sum over the items that both have, so an item's score is one too. */
function because(index: Index, items: Uint32Array, item: number, { slots, bits }: Voters): { item: string; weight: number }[] {
  const n = items.length;
  const { contents, counts } = index;
  const shares = new Float64Array(n);
  for (let i = 0; i < slots.length; i += 1) {
    const base = slots[i] * index.settings.limits.length;
    let place = base + counts[slots[i]] - 1;
    while (place >= base && contents[place] !== item) place -= 1;
    if (place < base) continue;
    for (let p = 0; p < n; p += 1) if ((bits[i] & (1 << p)) !== 0) shares[p] += (n - p) * (REACH - FIRST[bits[i]]);
  }
  const by = Math.log(index.live / index.holders[item]) / (REACH * n);
  const parts = [...shares.keys()].filter((p) => shares[p] > 0).sort((a, b) => shares[b] - shares[a] || a - b).slice(0, REASONS);
  return parts.map((p) => ({ item: nameOf(index, items[n - 1 - p]), weight: shares[p] * by }));
}

/** The best k, in order: by score, then the item of the newest session, then by name, so that no id decides. */
function createRanking(index: Index, k: number) {
  const best: { item: number; score: number }[] = [];
  const newestOf = (item: number): number => index.lists.at(item, index.lists.count(item) - 1);
  const before = (item: number, score: number, than: { item: number; score: number }): boolean => {
    if (score !== than.score) return score > than.score;
    const newer = newestOf(item) - newestOf(than.item);
    return newer === 0 ? nameOf(index, item) < nameOf(index, than.item) : newer > 0;
  };
  return {
    offer(item: number, score: number): void {
      if (!(score > 0)) return; // every session has it: it tells nothing
      if (best.length === k) {
        if (!before(item, score, best[k - 1])) return;
        best.pop();
      }
      let [low, high] = [0, best.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (before(item, score, best[middle])) high = middle;
        else low = middle + 1;
      }
      best.splice(low, 0, { item, score });
    },
    take: () => best,
  };
}

/** Brings the `first` smallest of different numbers to the front: Hoare's selection. */
export function partition(values: Float64Array, count: number, first: number): void {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[i] < pivot) i += 1;
      while (values[j] > pivot) j -= 1;
      if (i > j) break;
      const swapped = values[i];
      values[i++] = values[j];
      values[j--] = swapped;
    }
    if (first - 1 <= j) high = j;
    else if (first - 1 >= i) low = i;
    else return;
  }
}
