/**
 * One list of neighbours out of several shards. Customers are split among the shards, so dots and squared norms are
 * sums over the shards: dot(p,q) = sum of dot_s(p,q), norm2(p) = sum of norm2_s(p). A pair that one shard keeps in no
 * list counts with the shards that keep it.
 */
import type { NeighboursAnswer } from '../../schemas/services.js';

type Items = NeighboursAnswer['items'];
export type MergedItem = Items[number];

/** @param shards  the items of each shard  @param keep  neighbours of an item at most  @returns items by name */
export function mergeNeighbours(shards: readonly Items[], keep: number): MergedItem[] {
  const norms = new Map<string, number>();
  const dots = new Map<string, Map<string, number>>();
  for (const item of shards.flat()) {
    norms.set(item.item, (norms.get(item.item) ?? 0) + item.norm2);
    let row = dots.get(item.item);
    if (row === undefined) dots.set(item.item, (row = new Map<string, number>()));
    for (const { item: neighbour, dot } of item.neighbours) row.set(neighbour, (row.get(neighbour) ?? 0) + dot);
  }
  return [...dots]
    .map(([item, row]) => ({ item, norm2: norms.get(item) ?? 0, neighbours: ranked(item, row, norms, keep) }))
    .sort((a, b) => compareText(a.item, b.item));
}

function ranked(item: string, row: Map<string, number>, norms: Map<string, number>, keep: number): MergedItem['neighbours'] {
  const norm2 = norms.get(item) ?? 0;
  return [...row]
    .map(([neighbour, dot]) => ({ item: neighbour, dot, similarity: dot / Math.sqrt(norm2 * (norms.get(neighbour) ?? 0)) }))
    .filter((n) => n.similarity > 0 && n.similarity < Infinity) // a neighbour that no shard lists as an item has no norm
    .sort((a, b) => b.similarity - a.similarity || compareText(a.item, b.item))
    .slice(0, keep);
}

/** By code unit: the same on every machine, whatever its locale. */
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
