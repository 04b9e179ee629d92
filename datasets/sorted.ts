/** Data sets whose files are not in time order are put into it, since a live stream would have seen them so. */
import { AftercareError } from '../schemas/errors.js';
import type { Dataset, ImportedRow } from './dataset.js';
import { rowsPerBatch } from './rows.js';

/** Rows are held in memory to be sorted, about 300 bytes each: 1.5 GB at most. The largest of these files has 2.8 million. */
const rowsMax = 5_000_000;

/** The same data set in order of time; rows of one moment keep the order of the file, and errors come first. */
export function sortedByTime(dataset: Dataset): Dataset {
  return {
    ...dataset,
    async *read(file, options) {
      const good: ImportedRow[] = [];
      for await (const rows of dataset.read(file, options)) {
        const bad = rows.filter((row) => row.error !== undefined);
        if (bad.length > 0) yield bad;
        for (const row of rows) if (row.error === undefined) good.push(row);
        if (good.length > rowsMax) throw new AftercareError('bad_file', `${file} has more than ${rowsMax} rows, too many to sort in memory; split it by time`);
      }
      yield* inTimeOrder(good);
    },
  };
}

export function* inTimeOrder(rows: ImportedRow[]): Generator<ImportedRow[]> {
  rows.sort((a, b) => timeOf(a) - timeOf(b));
  for (let i = 0; i < rows.length; i += rowsPerBatch) yield rows.slice(i, i + rowsPerBatch);
}

const timeOf = (row: ImportedRow): number => (row.event as { atMs: number }).atMs;
