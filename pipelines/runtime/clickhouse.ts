/** ClickHouse as the sink sees it: one insert of an Arrow stream, dropped when its token was seen before. */
import { Readable } from 'node:stream';
import { ClickHouseError, ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import type { RowStore } from './ports.js';

export interface ClickHouseEndpoint {
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  database: string;
}

export function connectClickHouse(endpoint: ClickHouseEndpoint): ClickHouseClient {
  return createClient({
    url: endpoint.url,
    ...(endpoint.username === undefined ? {} : { username: endpoint.username }),
    ...(endpoint.password === undefined ? {} : { password: endpoint.password }),
    database: endpoint.database,
    application: 'aftercare',
    request_timeout: 120_000,
    // Its warnings are advice about this configuration, on stdout; errors are thrown.
    log: { level: ClickHouseLogLevel.OFF },
  });
}

export function clickHouseRows(client: ClickHouseClient): RowStore {
  return {
    async insert(table, columns, arrow, token) {
      try {
        const result = await client.exec({
          query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT ArrowStream`,
          values: Readable.from([arrow], { objectMode: false }),
          // One thread: a pool would take every core at once for rows that nobody waits for.
          clickhouse_settings: { insert_deduplication_token: token, insert_deduplicate: 1, max_threads: 1, max_insert_threads: '1' },
        });
        result.stream.resume();
        await new Promise<void>((resolve, reject) => result.stream.on('end', resolve).on('error', reject));
      } catch (error) {
        // ClickHouse itself said no: the same insert would fail again. Anything else is the way to it.
        const code = error instanceof ClickHouseError ? 'refused' : 'unavailable';
        throw new AftercareError(code, `ClickHouse: insert of ${token}: ${messageOf(error)}`, { cause: error });
      }
    },
  };
}
