import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { expect, it } from 'vitest';
import { startClickHouse, type ClickHouse } from '../../servers/clickhouse.js';
import { quietClient } from './clickhouse-client.js';
import { tempDir } from './temp-dir.js';

const kills = 8;
const rowsInBatch = 2_000;

/** A small generator with a fixed seed (Numerical Recipes' constants), so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

/** Sends batch after batch, each again with its token until it is acknowledged, as the sink does after a crash. */
it('loses no acknowledged row and doubles none over kill -9 in the middle of inserts', async () => {
  const temp = tempDir();
  const dataDir = join(temp.path, 'clickhouse');
  let server: ClickHouse = await startClickHouse({ dataDir });
  const random = seeded(7);
  const setUp = quietClient(server);
  await setUp.command({ query: 'CREATE TABLE t (seq UInt64, b String) ENGINE = MergeTree ORDER BY seq SETTINGS non_replicated_deduplication_window = 1000' });
  await setUp.close();

  let acknowledged = 0;
  let retried = 0;
  const acknowledgedRows = async (): Promise<{ rows: number; different: number }[]> => {
    const client = quietClient(server);
    const answer = await (await client.query({ query: 'SELECT count() AS rows, uniqExact(seq) AS different FROM t', format: 'JSONEachRow' })).json<{ rows: number; different: number }>();
    await client.close();
    return answer;
  };
  let done = false;
  const writer = (async () => {
    while (!done) {
      const from = acknowledged * rowsInBatch;
      try {
        await insertBatch(server, from);
        acknowledged += 1;
      } catch {
        retried += 1;
        await sleep(20);
      }
    }
  })();
  for (let i = 0; i < kills; i += 1) {
    await sleep(50 + random() * 250);
    server.kill('SIGKILL');
    await server.exited;
    const startedAt = performance.now();
    server = await startClickHouse({ dataDir, port: server.port });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  }
  done = true;
  await writer;
  const total = acknowledged * rowsInBatch;
  expect(await acknowledgedRows()).toEqual([{ rows: total, different: total }]);
  expect(acknowledged).toBeGreaterThan(kills);
  expect(retried).toBeGreaterThan(0); // otherwise no kill met an insert, and nothing was shown
  await server.stop();
  temp.remove();
});

async function insertBatch(server: ClickHouse, from: number): Promise<void> {
  const seq = BigUint64Array.from({ length: rowsInBatch }, (_, i) => BigInt(from + i));
  const bytes = Buffer.from(tableToIPC(tableFromArrays({ seq, b: Array.from(seq, (n) => `row ${n}`) }), 'stream'));
  const client = quietClient(server, { request_timeout: 5_000 });
  try {
    const { stream } = await client.exec({
      query: 'INSERT INTO t (seq, b) FORMAT ArrowStream',
      values: Readable.from([bytes]),
      clickhouse_settings: { insert_deduplication_token: `t:${from}-${from + rowsInBatch - 1}` },
    });
    for await (const chunk of stream) void chunk; // the answer's end is the acknowledgement
  } finally {
    await client.close();
  }
}
