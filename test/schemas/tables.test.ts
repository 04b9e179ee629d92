/** The released steps of the schema add up to the tables of schemas/tables.ts, in the real engine. */
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clickHouseRows, connectClickHouse } from '../../pipelines/runtime/clickhouse.js';
import { migrate } from '../../pipelines/runtime/migrate.js';
import { arrowBatch } from '../../schemas/arrow.js';
import { clickHouseType } from '../../schemas/columns.js';
import { migrations } from '../../schemas/migrations/index.js';
import { eventsTable, promotionsTable, rejectsTable, tables, type PromotionRow } from '../../schemas/tables.js';
import { startClickHouse } from '../../servers/clickhouse.js';
import { purchase } from '../support/events.js';
import { tempDir } from '../support/temp.js';

let server: Awaited<ReturnType<typeof startClickHouse>>;
let client: ClickHouseClient;
const database = 'aftercare';

beforeAll(async () => {
  server = await startClickHouse({ dataDir: join(tempDir(), 'clickhouse') });
  client = connectClickHouse({ ...server, database });
});
afterAll(async () => {
  await client.close();
  await server.stop();
});

const query = async <T>(sql: string): Promise<T[]> => (await client.query({ query: sql, format: 'JSONEachRow' })).json<T>();

describe('migrations', () => {
  it('are taken once, in order', async () => {
    expect(await migrate(client, database)).toEqual(migrations.map((m) => `${m.version} ${m.name}`));
    expect(await migrate(client, database)).toEqual([]);
    const versions = migrations.map((m) => m.version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  it.each(Object.values(tables))('add up to $name', async (table) => {
    const found = await query<{ name: string; type: string; comment: string }>(
      `SELECT name, type, comment FROM system.columns WHERE database = '${database}' AND table = '${table.name}' ORDER BY position`);
    const wanted = [
      ...table.columns.map((c) => ({ name: c.name, type: clickHouseType(c.kind), comment: c.comment })),
      ...(table.aliases ?? []).map((a) => ({ name: a.name, type: a.type, comment: a.comment })),
    ];
    expect(found).toEqual(wanted);
    const [{ comment, engine, sorting }] = await query<{ comment: string; engine: string; sorting: string }>(
      `SELECT comment, engine, sorting_key AS sorting FROM system.tables WHERE database = '${database}' AND name = '${table.name}'`);
    expect({ comment, engine, sorting }).toEqual({ comment: table.comment, engine: 'MergeTree', sorting: table.orderBy.join(', ') });
  });

  it('refuse a database of a newer program', async () => {
    await client.insert({ table: 'schema_migrations', values: [{ version: 999, name: 'from the future' }], format: 'JSONEachRow' });
    await expect(migrate(client, database)).rejects.toThrow(/schema version 999.*run the newer program/);
    await client.command({ query: 'ALTER TABLE schema_migrations DELETE WHERE version = 999', clickhouse_settings: { mutations_sync: '2' } });
  });
});

it('model_at tells the version that was live in each shard at a moment', async () => {
  const batch = arrowBatch(promotionsTable);
  const promoted = (version: number, seq: number, atMs: number, more: Partial<PromotionRow> = {}): void =>
    batch.push({ model: 'svd', version, sha256: `sha-${version}`, bytes: 10, outcome: 'live', detail: '', shard: 0, seq, atMs, ...more });
  const noon = Date.UTC(2026, 0, 15, 12);
  promoted(16, 1024, noon);
  promoted(17, 2048, noon + 1000);
  promoted(16, 3072, noon + 2000); // rolled back
  promoted(18, 4096, noon + 3000, { outcome: 'missing' });
  promoted(17, 1024, noon, { shard: 1 });
  promoted(3, 5120, noon + 500, { model: 'blend' });
  promoted(9, 6144, noon + 5000, { model: 'risk-svm-shadow', percent: 10 });
  promoted(9, 7168, noon + 6000, { model: 'risk-svm-shadow', percent: 30 });
  promoted(9, 8192, noon + 7000, { model: 'risk-svm-shadow', percent: 30, outcome: 'retired' });
  await clickHouseRows(client).insert('promotions', promotionsTable.columns.map((c) => c.name), batch.finish(), 'promotions:1');
  const at = (time: string) => query<{ model: string; shard: number; version: number }>(`SELECT model, shard, version FROM model_at(time = '${time}') ORDER BY model, shard`);
  expect(await at('2026-01-15 11:59:59')).toEqual([]);
  expect(await at('2026-01-15 12:00:00')).toEqual([{ model: 'svd', shard: 0, version: 16 }, { model: 'svd', shard: 1, version: 17 }]);
  expect((await at('2026-01-15 12:00:01.5')).find(({ model, shard }) => model === 'svd' && shard === 0)?.version).toBe(17);
  const share = (time: string) => query<{ percent: number }>(`SELECT version, percent FROM model_at(time = '${time}') WHERE model = 'risk-svm-shadow'`);
  expect([await share('2026-01-15 12:00:05'), await share('2026-01-15 12:00:06'), await share('2026-01-15 12:00:07')]).toEqual([[{ version: 9, percent: 10 }], [{ version: 9, percent: 30 }], []]);
  expect(await at('2026-01-16 00:00:00')).toEqual([{ model: 'blend', shard: 0, version: 3 }, { model: 'svd', shard: 0, version: 16 }, { model: 'svd', shard: 1, version: 17 }]);
});

describe('Arrow bytes', () => {
  it('arrive as they were', async () => {
    const batch = arrowBatch(eventsTable);
    const long = 'ß茶☕'.repeat(5000);
    const lines = [{ item: 'Teekanne "für" 2 ☕', quantity: 3, unitMinor: 900_000_000_000 }, { item: '茶壶', quantity: 1, unitMinor: 0 }];
    // More rows than a buffer holds at first, so that every kind of column has grown.
    for (let i = 0; i < 3000; i++) {
      batch.push({ shard: 65_535, position: 2 ** 52 + i, receivedMs: 1_700_000_000_456, event: purchase(`p${i}`, 'c1', { lines, amountMinor: 1_000_000_000_000, device: long, atMs: 631_152_000_000 + i }) });
    }
    await clickHouseRows(client).insert('events', eventsTable.columns.map((c) => c.name), batch.finish(), 'arrow:1');
    const [row] = await query<object>(`SELECT count() AS rows, min(seq) AS first, max(seq) AS last, toUnixTimestamp64Milli(max(at)) AS at, sum(amount_minor) AS amount,
      any(line_items) AS items, sum(arraySum(line_quantities)) AS units, any(line_units_minor) AS prices, uniqExact(device) AS devices, any(length(device)) AS bytes, any(session) AS session, any(stream_seq) AS stream_seq FROM events`);
    expect(row).toMatchObject({
      rows: 3000, first: 2 ** 52, last: 2 ** 52 + 2999, at: 631_152_002_999, amount: 3_000_000_000_000_000, items: [lines[0].item, lines[1].item],
      units: 12_000, prices: [900_000_000_000, 0], devices: 1, bytes: Buffer.byteLength(long), session: '', stream_seq: 2 ** 42,
    });
  });

  it('keep bytes that are no text, and drop a repeated token', async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    for (let repeat = 0; repeat < 2; repeat++) {
      const batch = arrowBatch(rejectsTable);
      batch.push({ position: 1024, receivedMs: 1, subject: 'x', reason: 'not_utf8', detail: '', bytes: body.length, body });
      await clickHouseRows(client).insert('rejects', rejectsTable.columns.map((c) => c.name), batch.finish(), 'arrow:2');
    }
    expect(await query('SELECT count() AS rows, any(hex(body)) AS body FROM rejects')).toEqual([{ rows: 1, body: body.toString('hex').toUpperCase() }]);
  });

  it('of a wrong insert are refused with ClickHouse\'s words', async () => {
    await expect(clickHouseRows(client).insert('nothing', ['a'], new Uint8Array(8), 'arrow:3')).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(/nothing/) as string });
  });
});
