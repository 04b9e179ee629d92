/**
 * Where a backfill leaves its decisions: beside the live table, the same columns behind the run's name. They are made when the first
 * run needs them and follow their table, as what they hold can be made again:
 *
 *   risk_decisions      what was decided         shadow_risk_decisions    what would have been, by each run
 */
import { clickHouseType, column, createTable, type Table } from './columns.js';

export const shadowName = (table: string): string => `shadow_${table}`;

/** @param run  of every row; a table that is only created needs none */
export function shadowOf<Row>(table: Table<Row>, run = ''): Table<Row> {
  return {
    ...table,
    name: shadowName(table.name),
    comment: `Of backfills: ${table.comment}`,
    columns: [column<Row, 'label'>('run', 'label', 'The backfill', () => run), ...table.columns],
    orderBy: ['run', ...table.orderBy],
  };
}

/** Each may be run twice. A column that the table has got since is added. */
export function ensureShadow<Row>(table: Table<Row>): string[] {
  const shadow = shadowOf(table);
  const added = shadow.columns.map(({ name, kind }) => `ADD COLUMN IF NOT EXISTS ${name} ${clickHouseType(kind)}`);
  return [createTable(shadow), `ALTER TABLE ${shadow.name} ${added.join(', ')}`];
}
