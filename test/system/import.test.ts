/** Online-retail, all of it, through NATS, the shard and the sink; then ClickHouse is compared with the file. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { importDataset, type ImportResult } from '../../cli/commands/import.js';
import { withClickHouse, withNats } from '../../cli/context.js';
import { datasets } from '../../datasets/dataset.js';
import { sharedData } from '../support/datasets.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

const { file, missing } = sharedData('online-retail', 'online_retail.csv.gz');

interface Counts {
  lines: number;
  customers: Set<string>;
  purchases: number;
  refunds: number;
  purchasedPence: bigint;
  refundedPence: bigint;
  rejected: string[];
}

/** Counts the file by itself, with none of the importer's code: fields by a small automaton, money as whole numbers. */
function count(text: string): Counts {
  const counts: Counts = { lines: 0, customers: new Set(), purchases: 0, refunds: 0, purchasedPence: 0n, refundedPence: 0n, rejected: [] };
  for (const fields of records(text).slice(1)) {
    counts.lines += 1;
    const [invoice, , , quantityText, , priceText, customer] = fields;
    const quantity = BigInt(quantityText);
    if (priceText.startsWith('-') || quantity === 0n) {
      counts.rejected.push(`${invoice}-${counts.lines + 1}`);
      continue;
    }
    counts.customers.add(customer === '' ? `guest-${invoice}` : customer.replace(/\.0$/, ''));
    const [whole, fraction = ''] = priceText.split('.');
    const tenThousandths = BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0').slice(0, 4));
    const pence = ((quantity < 0n ? -quantity : quantity) * tenThousandths + 50n) / 100n;
    if (quantity > 0n) { counts.purchases += 1; counts.purchasedPence += pence; }
    else { counts.refunds += 1; counts.refundedPence += pence; }
  }
  return counts;
}

function records(text: string): string[][] {
  const found: string[][] = [[]];
  let field = '';
  let quoted = false;
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) { found[found.length - 1].push(field); field = ''; }
    else if (char === '\n' && !quoted) { found[found.length - 1].push(field.replace(/\r$/, '')); field = ''; found.push([]); }
    else field += char;
  }
  return found.filter((fields) => fields.length > 1);
}

describe.skipIf(missing)('online-retail', () => {
  let system: TestSystem;
  let result: ImportResult;
  let counts: Counts;

  beforeAll(async () => {
    system = await startTestSystem();
    result = await withNats(system.endpoints, 'test', (nc) => importDataset(nc, datasets['online-retail'], file, { envelope: 100, wait: true, shards: 1 }));
    counts = count(gunzipSync(readFileSync(file)).toString('utf8'));
  }, 180_000);

  const query = <T>(sql: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => {
    const found = await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return found.json<T>();
  });

  it('sends every line', () => {
    expect(counts.lines).toBe(541_909);
    expect(result).toMatchObject({ rows: 541_909, events: 541_909, badRows: 0, duplicates: 0 });
  });

  it('stores as many rows, customers and pence as the file has', async () => {
    const [sums] = await query<object>(`SELECT countIf(type = 'purchase') AS purchases, countIf(type = 'refund') AS refunds, uniqExact(customer) AS customers,
      sumIf(amount_minor, type = 'purchase') AS purchased, sumIf(amount_minor, type = 'refund') AS refunded FROM events`);
    expect(sums).toEqual({
      purchases: counts.purchases, refunds: counts.refunds, customers: counts.customers.size,
      purchased: Number(counts.purchasedPence), refunded: Number(counts.refundedPence),
    });
    expect(counts.refunds, 'negative quantities are refunds').toBeGreaterThan(9000);
  });

  it('rejects what has no honest price, each line once, and says why', async () => {
    const rows = await query<{ reason: string; detail: string; body: string }>('SELECT reason, detail, body FROM rejects ORDER BY seq');
    expect(rows.map((row) => (JSON.parse(row.body) as { id: string }).id)).toEqual(counts.rejected);
    expect(counts.rejected.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatchObject({ reason: 'bad_event', detail: expect.stringMatching(/unitMinor|amountMinor/) as string });
  });

  it('holds no place of the stream twice', async () => {
    expect(await query('SELECT shard, seq FROM events GROUP BY shard, seq HAVING count() > 1 LIMIT 5')).toEqual([]);
    expect(await query('SELECT count() AS rows FROM events WHERE shard != 0')).toEqual([{ rows: 0 }]);
  });

  it('keeps the order of the file within a customer', async () => {
    const [row] = await query<{ wrong: number }>(`SELECT countIf(at < before) AS wrong FROM (
      SELECT at, lagInFrame(at, 1, at) OVER (PARTITION BY customer ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before FROM events)`);
    expect(row.wrong).toBe(0);
  });
});
