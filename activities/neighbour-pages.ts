import type { MergedItem } from './neighbour-lists.js';
import { arrowBatch } from '../schemas/arrow.js';
import { itemNeighboursTable } from '../schemas/tables.js';

/** Rows of one insert: far below the million that ClickHouse takes as one block, so that a token stands for one part. */
export const pageRowsMax = 50_000;

export interface PageCounts {
  /** items that have a neighbour */
  items: number;
  rows: number;
  pages: number;
}

/**
 * The rows of `item_neighbours`, as Arrow IPC streams of at most `pageRowsMax` rows; none when there are no rows.
 * @param counts  grows with what was yielded: complete at the end
 */
export function* neighbourPages(items: Iterable<MergedItem>, version: number, counts: PageCounts): Generator<Uint8Array> {
  const batch = arrowBatch(itemNeighboursTable);
  const finish = (): Uint8Array => {
    counts.rows += batch.rows;
    counts.pages += 1;
    return batch.finish();
  };
  for (const { item, norm2, neighbours } of items) {
    if (neighbours.length > 0) counts.items += 1;
    for (const [i, { item: neighbour, similarity, dot }] of neighbours.entries()) {
      batch.push({ version, exportedMs: version, item, rank: i + 1, neighbour, similarity, dot, norm2 });
      if (batch.rows === pageRowsMax) yield finish();
    }
  }
  if (batch.rows > 0) yield finish();
}
