import type { MergedItem } from '../pipelines/recommend/merge.js';
import { arrowBatch } from '../schemas/arrow.js';
import { itemNeighboursTable } from '../schemas/tables.js';

/** Rows of one insert: far below the million that ClickHouse takes as one block, so that a token stands for one part. */
export const pageRowsMax = 50_000;

/** @returns rows and the items that have any: what `neighbourPages` will write */
export function countRows(items: readonly MergedItem[]): { items: number; rows: number; pages: number } {
  const rows = items.reduce((sum, item) => sum + item.neighbours.length, 0);
  return { items: items.filter((item) => item.neighbours.length > 0).length, rows, pages: Math.ceil(rows / pageRowsMax) };
}

/** The rows of `item_neighbours`, as Arrow IPC streams of at most `pageRowsMax` rows; none when there are no rows. */
export function* neighbourPages(items: readonly MergedItem[], version: number): Generator<Uint8Array> {
  const batch = arrowBatch(itemNeighboursTable);
  for (const { item, norm2, neighbours } of items) {
    for (const [i, { item: neighbour, similarity, dot }] of neighbours.entries()) {
      batch.push({ version, exportedMs: version, item, rank: i + 1, neighbour, similarity, dot, norm2 });
      if (batch.rows === pageRowsMax) yield batch.finish();
    }
  }
  if (batch.rows > 0) yield batch.finish();
}
