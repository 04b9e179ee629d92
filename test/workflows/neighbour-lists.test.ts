import { expect, it } from 'vitest';
import { neighbourLists } from '../../activities/neighbour-lists.js';
import { mergeNeighbours, type MergedItem } from '../support/merge-neighbours.js';
import { createRandom } from '../../simulator/random.js';

const random = createRandom(5);

/** Lists as shards give them: not symmetric, with neighbours that are in no list, ties, and items that only some know. */
function randomShard(items: number): MergedItem[] {
  return Array.from({ length: items }, (_, i) => `item-${i}`).filter(() => random.chance(0.7)).map((item) => ({
    item,
    norm2: random.chance(0.1) ? 0 : 10 * random.uniform(),
    neighbours: [...new Set(Array.from({ length: 8 }, () => random.below(items + 5)))].map((n) => ({ item: `item-${n}`, dot: random.chance(0.2) ? 1 : random.uniform() - 0.1, similarity: 0 })),
  }));
}

function compact(shards: readonly MergedItem[][], keep: number, pageItems: number): MergedItem[] {
  const lists = neighbourLists(shards.length);
  shards.forEach((items, shard) => {
    for (let start = 0; start < items.length; start += pageItems) lists.add(shard, items.slice(start, start + pageItems));
  });
  return [...lists.merged(keep)];
}

it.each([1, 2, 3, 7])('gives the lists of %i shards bit for bit as the plain merge does', (count) => {
  for (let round = 0; round < 20; round++) {
    const shards = Array.from({ length: count }, () => randomShard(30));
    for (const keep of [3, 100]) expect(compact(shards, keep, 1 + random.below(10))).toEqual(mergeNeighbours(shards, keep));
  }
});

it('the later of two entries of a shard counts', () => {
  const a = (norm2: number, dot: number): MergedItem => ({ item: 'a', norm2, neighbours: [{ item: 'b', dot, similarity: 0 }] });
  const b: MergedItem = { item: 'b', norm2: 4, neighbours: [] };
  expect(compact([[a(1, 1), b, a(4, 2)]], 10, 2)).toEqual([{ item: 'a', norm2: 4, neighbours: [{ item: 'b', dot: 2, similarity: 0.5 }] }, b]);
});

it('nothing merges to nothing', () => {
  expect(compact([[], []], 10, 1)).toEqual([]);
});
