/** Brings a database to the newest version of the schema, one recorded step at a time. */
import type { ClickHouseClient } from '@clickhouse/client';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { migrations } from '../../schemas/migrations/index.js';

const versionsTable = `CREATE TABLE IF NOT EXISTS schema_migrations (
  version UInt32 COMMENT 'Number of the step',
  name String COMMENT 'What it did',
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When'
) ENGINE = MergeTree ORDER BY version COMMENT 'Steps of the schema that this database has taken'`;

/** @returns the steps taken now  @throws AftercareError refused, with the step's name; running it again goes on there */
export async function migrate(client: ClickHouseClient, database: string): Promise<string[]> {
  await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database} ENGINE = Atomic` });
  await client.command({ query: versionsTable });
  const result = await client.query({ query: 'SELECT max(version) AS version FROM schema_migrations', format: 'JSONEachRow' });
  const [{ version }] = await result.json<{ version: number }>();
  const newest = migrations[migrations.length - 1].version;
  if (version > newest) {
    throw new AftercareError('bad_config', `the database has schema version ${version}, and this program knows ${newest}; run the newer program`);
  }
  const taken: string[] = [];
  for (const migration of migrations.filter((m) => m.version > version)) {
    for (const statement of migration.statements) {
      await client.command({ query: statement }).catch((error: unknown) => {
        throw new AftercareError('refused', `migration ${migration.version} (${migration.name}): ${messageOf(error)}`, { cause: error });
      });
    }
    await client.insert({ table: 'schema_migrations', values: [{ version: migration.version, name: migration.name }], format: 'JSONEachRow' });
    taken.push(`${migration.version} ${migration.name}`);
  }
  return taken;
}
