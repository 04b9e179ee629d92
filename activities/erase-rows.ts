/** A customer's rows out of ClickHouse: rewritten, not only hidden. */
import type { ClickHouseClient } from '@clickhouse/client';
import { shadowName } from '../schemas/shadow-tables.js';
import { tables } from '../schemas/tables.js';
import { eventNames, rejectNames } from './erase-messages.js';

/** What of each table is a customer's up to a sequence of EVENTS. Rows that came later are of somebody who came back. */
const conditions: Readonly<Record<string, string>> = Object.fromEntries<string>([
  ...Object.values(tables).filter(({ columns }) => columns.some(({ name }) => name === 'customer')).map(({ name }): [string, string] => [name, `customer = {customer:String} AND ${name === 'recommendations' ? 'seq' : 'intDiv(seq, 1024)'} <= {seq:UInt64}`]),
  ['events', eventNames],
  ['rejects', `${rejectNames} AND intDiv(seq, 1024) <= {seq:UInt64}`],
]);

/** The tables that there are, and those of backfills. */
async function conditionsOf(clickhouse: ClickHouseClient): Promise<Record<string, string>> {
  const names = Object.keys(conditions).map(shadowName);
  const result = await clickhouse.query({ query: 'SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN {names:Array(String)}', query_params: { names }, format: 'JSONEachRow' });
  const shadows = (await result.json<{ name: string }>()).map(({ name }) => name);
  const ofShadows = Object.entries(conditions).map(([name, condition]): [string, string] => [shadowName(name), condition]).filter(([name]) => shadows.includes(name));
  return { ...conditions, ...Object.fromEntries<string>(ofShadows) };
}

/** @returns rows of each table that are the customer's now */
export async function countRows(clickhouse: ClickHouseClient, customer: string, seq: number): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [table, condition] of Object.entries(await conditionsOf(clickhouse))) {
    const result = await clickhouse.query({
      query: `SELECT count() AS rows FROM ${table} WHERE ${condition}`, query_params: { customer, seq }, format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    found[table] = (await result.json<{ rows: number }>())[0].rows;
  }
  return found;
}

/** Returns when the parts have been written again without the rows, on every replica. */
export async function eraseRows(clickhouse: ClickHouseClient, table: string, customer: string, seq: number): Promise<void> {
  const condition = (await conditionsOf(clickhouse))[table];
  await clickhouse.command({ query: `ALTER TABLE ${table} DELETE WHERE ${condition}`, query_params: { customer, seq }, clickhouse_settings: { mutations_sync: '2' } });
}
