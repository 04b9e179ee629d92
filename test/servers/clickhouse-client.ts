import { ClickHouseLogLevel, createClient, type ClickHouseClient, type ClickHouseClientConfigOptions } from '@clickhouse/client';
import type { ClickHouse } from '../../servers/clickhouse.js';

type Options = NonNullable<ClickHouseClientConfigOptions>;

/** The official client on this server; silent, since these tests cause errors on purpose. */
export function quietClient(server: Pick<ClickHouse, 'url' | 'username' | 'password'>, options: Options = {}): ClickHouseClient {
  return createClient({ url: server.url, username: server.username, password: server.password, database: 'aftercare', log: { level: ClickHouseLogLevel.OFF }, ...options });
}
