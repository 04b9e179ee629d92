/** A data set that is one file whose rows are judged one by one; most are. */
import { AftercareError } from '../schemas/errors.js';
import type { Dataset, ImportedRow, ReadOptions } from './dataset.js';
import { readRows, type Row } from './rows.js';

export interface Table extends Omit<Dataset, 'read' | 'columns'> {
  delimiter: ',' | '\t';
  /** the columns in the file's order; the ones that follow them are let through unread */
  header: readonly string[];
  /** where the published file has no first line of names: whether a row looks like one of its rows */
  isRow?: (fields: readonly string[]) => boolean;
  /** the candidate event, or a string that names the field and what is wrong with it */
  toEvent(fields: string[], line: number): object | string;
}

export function tableDataset(table: Table): Dataset {
  return {
    name: table.name,
    title: table.title,
    columns: table.header.join(', '),
    timeNote: table.timeNote,
    async *read(file: string, options: ReadOptions = {}): AsyncGenerator<ImportedRow[]> {
      for await (const rows of readTable(file, table, options)) yield rows.map((row) => imported(row, table));
    },
  };
}

/** The rows below the header, once the header is known to be this table's. */
export async function* readTable(
  file: string,
  table: Pick<Table, 'name' | 'delimiter' | 'header' | 'isRow'>,
  options: ReadOptions = {},
): AsyncGenerator<Row[]> {
  let width: number | undefined;
  for await (let rows of readRows(file, table.delimiter, options)) {
    if (rows.length === 0) continue;
    if (width === undefined) {
      width = rows[0].fields.length;
      if (sniff(file, rows[0].fields, table) === 'header') rows = rows.slice(1);
    }
    for (const row of rows) checkWidth(row, width, table.header);
    yield rows;
  }
  if (width === undefined) throw new AftercareError('bad_file', `${file} is empty; ${expectation(table)}`);
}

/** @throws AftercareError bad_file when the first line belongs to some other file */
function sniff(file: string, first: readonly string[], table: Pick<Table, 'name' | 'header' | 'isRow'>): 'header' | 'row' {
  if (table.header.every((name, i) => first[i]?.trim() === name)) return 'header';
  if (table.isRow?.(first)) return 'row';
  throw new AftercareError('bad_file', `${file}: line 1 is "${first.join(',').slice(0, 100)}"; ${expectation(table)}`);
}

const expectation = (table: Pick<Table, 'name' | 'header'>): string => `${table.name} expects the columns ${table.header.join(', ')}`;

function checkWidth(row: Row, width: number, header: readonly string[]): void {
  const { line, fields } = row;
  if (row.error !== undefined || fields.length === width) return;
  const missing = header[fields.length];
  const where = fields.length < width && missing !== undefined ? `${missing}: missing, ` : '';
  row.error = `line ${line}: ${where}${fields.length} fields, expected ${width}`;
}

function imported(row: Row, table: Table): ImportedRow {
  if (row.error !== undefined) return { line: row.line, error: row.error };
  const made = table.toEvent(row.fields, row.line);
  return typeof made === 'string' ? { line: row.line, error: `line ${row.line}: ${made}` } : { line: row.line, event: made };
}

/** The sentence about one field, for `toEvent` to return. */
export const badField = (field: string, value: string, rule: string): string =>
  `${field}: ${rule}, got ${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)}`;
