/** The public data sets that `aftercare import` knows, by name. Each turns the rows of a file into candidate events. */
import { movielens } from './movielens.js';
import { olist } from './olist.js';
import { onlineRetail } from './online-retail.js';
import { retailrocket } from './retailrocket.js';
import { taobaoUserBehavior } from './taobao-userbehavior.js';
import { yoochoose } from './yoochoose.js';

/** What one row of a file became: exactly one of `event` and `error`. */
export interface ImportedRow {
  /** line of the file, the header being line 1 */
  line: number;
  /** a candidate: the stream's decode judges it, so that a row with an impossible value is a reject like any other */
  event?: unknown;
  /** why no candidate could be made, with line, field and value: `line 17: InvoiceDate: ...` */
  error?: string;
}

export interface ReadOptions {
  /** bytes of the file read so far, as they lie on the disk, and in all */
  onBytes?: (done: number, total: number) => void;
}

export interface Dataset {
  name: string;
  title: string;
  /** the columns that the file must have, for an error and for the help */
  columns: string;
  /** how the times of the file are read, and the order in which events come out */
  timeNote: string;
  /** Yields batches of at most `rowsPerBatch`, since waiting for each row alone would cost more than parsing it. */
  read(file: string, options?: ReadOptions): AsyncGenerator<ImportedRow[]>;
}

export const datasets: Record<string, Dataset> = Object.fromEntries(
  [onlineRetail, taobaoUserBehavior, retailrocket, movielens, yoochoose, olist].map((dataset) => [dataset.name, dataset]),
);
