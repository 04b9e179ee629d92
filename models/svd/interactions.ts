/**
 * What customers did with items, gathered row by row for the factorisation: a customer's entries come one after the other,
 * so nothing but the entries themselves is held, 8 bytes each. Customers stay nameless.
 */
import { checkSvdSettings, type SvdSettings } from './settings.js';
import type { SparseMatrix } from './matrix.js';

/** A matrix whose columns are the items kept, the most supported first. */
export interface Cut {
  matrix: SparseMatrix;
  names: string[];
  /** [n] customers of each item, of all rows */
  support: Uint32Array;
}

export interface Interactions {
  /** @param strength  finite and above 0; an item comes once for a customer */
  add(item: string, strength: number): void;
  /** What follows is another customer's. */
  endCustomer(): void;
  readonly entries: number;
  /** Leaves the gathered entries as they are. */
  cut(settings: SvdSettings): Cut;
}

/** @param entriesMost  beyond it `add` throws: 20 million are 160 MB here and as much again in the kernel */
export function createInteractions(entriesMost = 20_000_000): Interactions {
  const ids = new Map<string, number>();
  let items = new Uint32Array(1 << 12);
  let values = new Float32Array(1 << 12);
  let starts = new Uint32Array(1 << 10);
  let entries = 0;
  let rows = 0;
  return {
    get entries() { return entries; },
    add(item, strength) {
      if (!(strength > 0 && Number.isFinite(strength))) throw new RangeError(`svd: the strength of ${JSON.stringify(item)} must be finite and above 0, got ${strength}`);
      if (entries === entriesMost) throw new RangeError(`svd: more than ${entriesMost} interactions; take a shorter window`);
      if (entries === items.length) {
        items = grown(items, new Uint32Array(entries * 2));
        values = grown(values, new Float32Array(entries * 2));
      }
      const id = ids.get(item) ?? ids.set(item, ids.size).size - 1;
      items[entries] = id;
      values[entries] = strength;
      entries += 1;
    },
    endCustomer() {
      if (entries === starts[rows]) return;
      rows += 1;
      if (rows === starts.length) starts = grown(starts, new Uint32Array(rows * 2));
      starts[rows] = entries;
    },
    cut(settings) {
      checkSvdSettings(settings);
      if (entries !== starts[rows]) throw new RangeError('svd: the last customer has not ended');
      return cutOf({ rows, columns: ids.size, starts: starts.subarray(0, rows + 1), items: items.subarray(0, entries), values: values.subarray(0, entries) }, [...ids.keys()], settings);
    },
  };
}

function grown<A extends Uint32Array | Float32Array>(from: A, into: A): A {
  into.set(from);
  return into;
}

/** Weighted, and without the items that too few customers have; ties of support by name, so that the order of arrival does not matter. */
function cutOf(all: SparseMatrix, names: string[], { items: most, supportMin, itemPower, customerPower }: SvdSettings): Cut {
  const support = new Uint32Array(all.columns);
  for (const item of all.items) support[item] += 1;
  const kept = [...support.keys()].filter((item) => support[item] >= supportMin);
  kept.sort((a, b) => support[b] - support[a] || (names[a] < names[b] ? -1 : 1));
  kept.length = Math.min(kept.length, most);
  const placeOf = new Int32Array(all.columns).fill(-1);
  for (const [place, item] of kept.entries()) placeOf[item] = place;
  const weights = Float64Array.from(kept, (item) => weightOf(support[item], itemPower));
  const starts = new Uint32Array(all.rows + 1);
  const [items, values] = [new Uint32Array(all.items.length), new Float32Array(all.items.length)];
  let [rows, at] = [0, 0];
  for (let u = 0; u < all.rows; u += 1) {
    const own = weightOf(all.starts[u + 1] - all.starts[u], customerPower);
    for (let e = all.starts[u]; e < all.starts[u + 1]; e += 1) {
      const place = placeOf[all.items[e]];
      if (place < 0) continue;
      items[at] = place;
      values[at] = all.values[e] * weights[place] * own;
      at += 1;
    }
    if (at === starts[rows]) continue;
    rows += 1;
    starts[rows] = at;
  }
  return {
    matrix: { rows, columns: kept.length, starts: starts.slice(0, rows + 1), items: items.slice(0, at), values: values.slice(0, at) },
    names: kept.map((item) => names[item]),
    support: Uint32Array.from(kept, (item) => support[item]),
  };
}

/** What an item of so many customers, or a customer of so many items, weighs. */
export function weightOf(count: number, power: number): number {
  return power === 0 ? 1 : count ** -power;
}
