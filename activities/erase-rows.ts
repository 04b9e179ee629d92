/** A customer's rows out of ClickHouse: rewritten, not only hidden. */
import type { ClickHouseClient } from '@clickhouse/client';
import { tables } from '../schemas/tables.js';
import { rejectNames } from './erase-messages.js';

/** Tables by name, with what of each is a customer's up to a sequence of EVENTS. Rows that came later are of somebody who came back. */
export const customerTables: Readonly<Record<string, string>> = Object.fromEntries<string>([
  ...Object.values(tables).filter(({ columns }) => columns.some(({ name }) => name === 'customer')).map(({ name }): [string, string] => [name, `customer = {customer:String} AND ${name === 'recommendations' ? 'seq' : 'intDiv(seq, 1024)'} <= {seq:UInt64}`]),
  ['rejects', `${rejectNames} AND intDiv(seq, 1024) <= {seq:UInt64}`],
]);

/** @returns rows of each table that are the customer's now */
export async function countRows(clickhouse: ClickHouseClient, customer: string, seq: number): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [table, condition] of Object.entries(customerTables)) {
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
  await clickhouse.command({ query: `ALTER TABLE ${table} DELETE WHERE ${customerTables[table]}`, query_params: { customer, seq }, clickhouse_settings: { mutations_sync: '2' } });
}
