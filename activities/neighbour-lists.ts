/**
 * The lists of all shards in 12 bytes an entry, and one list out of them, item by item. It gives, bit for bit, what
 * a merge of plain objects gives (test/support/merge-neighbours.ts); that takes 3.7 GB and 17 s without a pause for 200,000 items of 100 neighbours.
 *
 * Each answer becomes one page; an item's row is a run of its entries.
 *
 *   ids   Uint32   [ 7 9 2 | 4 | 1 7 ... ]      neighbours, as numbers of the interned names
 *   dots  Float64  [ . . . | . | . . ... ]
 */

import type { NeighboursAnswer } from '../schemas/services.js';

type Items = NeighboursAnswer['items'];
/** An item with its neighbours, best first. */
export type MergedItem = Items[number];

interface Row {
  ids: Uint32Array;
  dots: Float64Array;
  start: number;
  end: number;
  norm2: number;
}

export interface NeighbourLists {
  /**
   * Takes one answer of a shard. The shard goes on learning between two of them, and an item that was evicted and came
   * back under a new id may be in both: the later one counts, once.
   */
  add(shard: number, items: Items): void;
  /** Items by name, each with its closest `keep`. Nothing may be added meanwhile. */
  merged(keep: number): Generator<MergedItem>;
}

export function neighbourLists(shards: number): NeighbourLists {
  const names: string[] = [];
  const idOf = new Map<string, number>();
  const rowsOf = Array.from({ length: shards }, () => new Map<number, Row>());
  const intern = (name: string): number => {
    let id = idOf.get(name);
    if (id === undefined) {
      id = names.push(name) - 1;
      idOf.set(name, id);
    }
    return id;
  };
  return {
    add(shard, items) {
      const entries = items.reduce((sum, item) => sum + item.neighbours.length, 0);
      const [ids, dots] = [new Uint32Array(entries), new Float64Array(entries)];
      let end = 0;
      for (const { item, norm2, neighbours } of items) {
        const start = end;
        for (const neighbour of neighbours) {
          ids[end] = intern(neighbour.item);
          dots[end++] = neighbour.dot;
        }
        rowsOf[shard].set(intern(item), { ids, dots, start, end, norm2 });
      }
    },
    merged: (keep) => merge(names, rowsOf, keep),
  };
}

function* merge(names: readonly string[], rowsOf: readonly Map<number, Row>[], keep: number): Generator<MergedItem> {
  const norm2 = new Float64Array(names.length);
  const listed = new Set<number>();
  for (const rows of rowsOf) {
    for (const [id, row] of rows) {
      norm2[id] += row.norm2;
      listed.add(id);
    }
  }
  const byName = (a: number, b: number): number => (names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : 0);
  const dot = new Float64Array(names.length);
  for (const id of [...listed].sort(byName)) {
    const near = sumDots(rowsOf, id, dot);
    const neighbours = near.map((n) => ({ id: n, dot: dot[n], similarity: dot[n] / Math.sqrt(norm2[id] * norm2[n]) }))
      .filter((n) => n.similarity > 0 && n.similarity < Infinity) // a neighbour that no shard lists as an item has no norm
      .sort((a, b) => b.similarity - a.similarity || byName(a.id, b.id))
      .slice(0, keep)
      .map((n) => ({ item: names[n.id], dot: n.dot, similarity: n.similarity }));
    yield { item: names[id], norm2: norm2[id], neighbours };
    for (const n of near) dot[n] = 0;
  }
}

/** @param dot  all zero; gets the item's sums  @returns where they are, in the order of the shards */
function sumDots(rowsOf: readonly Map<number, Row>[], id: number, dot: Float64Array): number[] {
  const near = new Set<number>();
  for (const rows of rowsOf) {
    const row = rows.get(id);
    if (row === undefined) continue;
    for (let e = row.start; e < row.end; e++) {
      near.add(row.ids[e]);
      dot[row.ids[e]] += row.dots[e];
    }
  }
  return [...near];
}
