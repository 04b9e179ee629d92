/**
 * What is added next: nearest baskets, after VMIS-kNN (models/sessions), with the order in which items were added.
 *
 *   n          items of the cart that are looked at; p = 0 .. n - 1 the place of one of them, the latest 0
 *   weight(p)  ln(1 + baskets / baskets with the item) / (1 + p): a rare item tells more, and so does a late one
 *   overlap    of a basket: sum of weight(p) over the items that both have, p ascending
 *   votes(i)   of a neighbour, for its item i: (overlap / sum of all weights)^2 * near(i), in units of 2^-24, rounded
 *   near(i)    1 + 10 / d for the d-th item behind the anchor, 1 + 2 / d for the d-th before it; the anchor is the cart's
 *              latest item that both have: what was added just after it is what comes next most often
 *   score(i)   sum of its votes over the neighbours * sqrt(ln(1 + baskets / baskets with i)), rounded
 *   share(i)   (score(i) / largest score)^1.5, in units of 2^-24, rounded up, over the sum of the same of all items that are not in the cart;
 *              the power spreads the shares: of what was added, log loss .1490 with it (before any calibration), .1514 with 2, .1737 without
 *
 * Neighbours are the `neighbours` baskets with the largest overlap, the later started first among equals, out of the
 * `perItem` latest ones of each of the n items. Votes, scores and the parts of a share are whole numbers: sums do not depend on their order.
 * The square, the two powers and `near` were chosen on online-retail, August and September 2011 (docs/decisions/0013).
 */
import { NONE, type Index } from '../sessions/index.js';
import { nameOf, partition } from '../sessions/query.js';
import type { BasketSettings } from './settings.js';

/** Items named as reasons. */
const REASONS = 3;
export const UNIT = 2 ** 24;
const [AFTER, BEFORE] = [10, 2];
/** How much the item at a distance from the anchor weighs: positive, it came later. */
export const near = (distance: number): number => 1 + (distance > 0 ? AFTER / distance : BEFORE / -distance);
/** Multiplications and a root: the same bits on every machine. */
export const sharpened = (part: number): number => Math.ceil(UNIT * part * Math.sqrt(part));
export const rarity = (index: { live: number }, holders: number): number => Math.log(1 + index.live / holders);

export interface Because {
  item: string;
  /** Its part of the votes; those of all items of the cart sum to 1. */
  weight: number;
}

/** What the nearest baskets propose, in no order. Views of the scratch, valid until the next question. */
export interface Proposals {
  items: Uint32Array;
  shares: Float64Array;
  /** Baskets found that hold an item of the cart. */
  support: number;
}

export interface BasketQuery {
  /** @param cart  different items, the latest last  @param self  serial of the basket that is not to answer for itself; NONE: none */
  ask(index: Index, cart: Uint32Array, self: number): Proposals;
  /** Of the last question, the cart's items that speak for each of these, the largest part first. */
  because(index: Index, items: readonly number[]): Because[][];
  /** By the baskets that hold them; a share is that of all places in baskets. */
  popular(index: Index, leftOut: Iterable<number>): Proposals;
}

/** Its arrays are scratch: zero, or without a meaning, between two queries. */
export function createBasketQuery({ limits, perItem, neighbours, recent }: BasketSettings): BasketQuery {
  const masks = new Uint16Array(2 ** Math.ceil(Math.log2(limits.baskets)));
  const found = new Uint32Array(Math.min(masks.length, perItem * recent));
  const nearest = new Uint32Array(found.length);
  const equals = new Float64Array(found.length);
  const overlaps = new Float64Array(1 << recent);
  const histogram = new Uint32Array(1 << recent);
  const [sums, shares] = [new Float64Array(limits.items), new Float64Array(limits.items)];
  const touched = new Uint32Array(limits.items);
  const bits = new Uint16Array(found.length);
  /** Of the last question: the items that were looked at, and how many neighbours there were. */
  let looked = new Uint32Array(0);
  let chosen = 0;
  const nearBy = Float64Array.from({ length: 2 * limits.length }, (_, i) => (i === limits.length ? 0 : near(i - limits.length)));

  /** The slots of all baskets that have one of the items into `found`, what they have into `masks`. */
  function gather(index: Index, items: Uint32Array, self: number): number {
    if (self !== NONE) masks[self & index.ring] = 1 << 15; // not a neighbour of itself: a bit, so that it is not found
    let count = 0;
    for (let p = 0; p < items.length; p += 1) count = index.lists.mark(items[items.length - 1 - p], 1 << p, masks, index.ring, found, count);
    if (self !== NONE) masks[self & index.ring] = 0;
    return count;
  }

  /** The overlap of each set of items. @returns that of all */
  function weigh(index: Index, items: Uint32Array): number {
    overlaps[0] = 0;
    for (let p = 0; p < items.length; p += 1) {
      const weight = rarity(index, index.holders[items[items.length - 1 - p]]) / (1 + p);
      for (let bits = 1 << p; bits < 2 << p; bits += 1) overlaps[bits] = overlaps[bits - (1 << p)] + weight;
    }
    return overlaps[(1 << items.length) - 1];
  }

  /** The best of `found` into `nearest`. */
  function choose(index: Index, n: number, count: number): number {
    if (count <= neighbours) {
      nearest.set(found.subarray(0, count));
      return count;
    }
    histogram.fill(0, 0, 1 << n);
    for (let i = 0; i < count; i += 1) histogram[masks[found[i]]] += 1;
    const present: number[] = [];
    for (let set = 1; set < 1 << n; set += 1) if (histogram[set] > 0) present.push(set);
    present.sort((a, b) => overlaps[b] - overlaps[a]);
    let above = 0;
    let at = 0;
    while (above + histogram[present[at]] < neighbours) above += histogram[present[at++]];
    const least = overlaps[present[at]];
    while (at > 0 && overlaps[present[at - 1]] === least) above -= histogram[present[--at]];
    let [chosen, equal] = [0, 0];
    const newest = (index.next - 1) & index.ring;
    for (let i = 0; i < count; i += 1) {
      const overlap = overlaps[masks[found[i]]];
      if (overlap > least) nearest[chosen++] = found[i];
      else if (overlap === least) equals[equal++] = (newest - found[i]) & index.ring; // age
    }
    partition(equals, equal, neighbours - above);
    for (let i = 0; i < neighbours - above; i += 1) nearest[chosen++] = (newest - equals[i]) & index.ring;
    return chosen;
  }

  /** Adds the votes up by item. @returns how many items `touched` holds */
  function vote(index: Index, items: Uint32Array, all: number): number {
    const { contents, counts } = index;
    let count = 0;
    for (let i = 0; i < chosen; i += 1) {
      const slot = nearest[i];
      const by = UNIT * (overlaps[masks[slot]] / all) ** 2;
      const end = slot * limits.length + counts[slot];
      const anchor = anchorOf(index, items, slot, masks[slot]);
      for (let at = slot * limits.length; at < end; at += 1) {
        const votes = (by * nearBy[at - anchor + limits.length] + 0.5) | 0; // at most 11 * 2^24
        if (votes === 0) continue;
        const item = contents[at];
        if (sums[item] === 0) touched[count++] = item;
        sums[item] += votes;
      }
    }
    return count;
  }

  return {
    ask(index, cart, self) {
      looked = cart.slice(Math.max(0, cart.length - recent));
      const count = gather(index, looked, self);
      const all = weigh(index, looked);
      chosen = choose(index, looked.length, count);
      const touchedCount = vote(index, looked, all);
      for (let i = 0; i < chosen; i += 1) bits[i] = masks[nearest[i]];
      for (let i = 0; i < count; i += 1) masks[found[i]] = 0;
      for (const item of cart) sums[item] = 0;
      let [largest, total, kept] = [0, 0, 0];
      for (let i = 0; i < touchedCount; i += 1) {
        const item = touched[i];
        const score = Math.floor(sums[item] * Math.sqrt(rarity(index, index.holders[item])) + 0.5);
        sums[item] = 0;
        if (score === 0) continue;
        largest = Math.max(largest, score);
        touched[kept] = item;
        shares[kept++] = score;
      }
      for (let i = 0; i < kept; i += 1) total += shares[i] = sharpened(shares[i] / largest);
      for (let i = 0; i < kept; i += 1) shares[i] /= total;
      return { items: touched.subarray(0, kept), shares: shares.subarray(0, kept), support: count };
    },
    because: (index, items) => because(index, looked, items, { slots: nearest.subarray(0, chosen), bits, overlaps, places: sums }),
    popular: createPopular(limits.items),
  };
}

/** All items that are not left out. */
function createPopular(most: number): BasketQuery['popular'] {
  const isOut = new Uint8Array(most);
  const [items, shares] = [new Uint32Array(most), new Float64Array(most)];
  return (index, leftOut) => {
    let [total, kept] = [0, 0];
    for (const item of leftOut) isOut[item] = 1;
    for (let item = 0; item < index.items.used(); item += 1) {
      total += index.holders[item];
      if (isOut[item] === 1 || index.holders[item] === 0) continue;
      items[kept] = item;
      shares[kept++] = index.holders[item];
    }
    for (const item of leftOut) isOut[item] = 0;
    for (let i = 0; i < kept; i += 1) shares[i] /= total;
    return { items: items.subarray(0, kept), shares: shares.subarray(0, kept), support: 0 };
  };
}

/** The k with the largest share, in order: among equals the item of the newest basket, then by name, so that no id decides. */
export function best(index: Index, { items, shares }: Pick<Proposals, 'items' | 'shares'>, k: number): { item: number; share: number }[] {
  let least = 0;
  if (items.length > k) {
    const smallest = Float64Array.from(shares, (share) => -share);
    partition(smallest, items.length, k);
    least = -smallest.subarray(0, k).reduce((a, b) => Math.max(a, b));
  }
  const chosen: { item: number; share: number; newest: number }[] = [];
  for (let i = 0; i < items.length; i += 1) {
    const item = items[i];
    if (shares[i] >= least) chosen.push({ item, share: shares[i], newest: index.lists.at(item, index.lists.count(item) - 1) });
  }
  chosen.sort((a, b) => b.share - a.share || b.newest - a.newest || (nameOf(index, a.item) < nameOf(index, b.item) ? -1 : 1));
  return chosen.slice(0, k).map(({ item, share }) => ({ item, share }));
}

/** Where the cart's latest item that both have lies in the contents. */
function anchorOf(index: Index, items: Uint32Array, slot: number, bits: number): number {
  const item = items[items.length - 1 - (31 - Math.clz32(bits & -bits))];
  let at = slot * index.settings.limits.length;
  while (index.contents[at] !== item) at += 1;
  return at;
}

/** The neighbours of one question: their slots and which of the items each has; overlaps by set of items; a place for each item, all 0. */
interface Voters {
  slots: Uint32Array;
  bits: Uint16Array;
  overlaps: Float64Array;
  places: Float64Array;
}

/** A neighbour's votes are shared out as its overlap is. One pass over the neighbours, however many items are asked for. */
function because(index: Index, looked: Uint32Array, items: readonly number[], { slots, bits, overlaps, places }: Voters): Because[][] {
  const n = looked.length;
  const { contents, counts, settings: { limits: { length } } } = index;
  const parts = new Float64Array(items.length * n);
  const totals = new Float64Array(items.length);
  for (const [i, item] of items.entries()) places[item] = i + 1;
  for (let i = 0; i < slots.length; i += 1) {
    const base = slots[i] * length;
    const anchor = anchorOf(index, looked, slots[i], bits[i]);
    for (let at = base; at < base + counts[slots[i]]; at += 1) {
      const place = places[contents[at]] - 1;
      if (place < 0) continue;
      const votes = overlaps[bits[i]] * near(at - anchor);
      for (let p = 0; p < n; p += 1) if ((bits[i] & (1 << p)) !== 0) parts[place * n + p] += votes * overlaps[1 << p];
      totals[place] += votes * overlaps[bits[i]];
    }
  }
  for (const item of items) places[item] = 0;
  return items.map((_, i) => {
    const mine = parts.subarray(i * n, (i + 1) * n);
    const named = [...mine.keys()].filter((p) => mine[p] > 0).sort((a, b) => mine[b] - mine[a] || a - b).slice(0, REASONS);
    return named.map((p) => ({ item: nameOf(index, looked[n - 1 - p]), weight: mine[p] / totals[i] }));
  });
}
