import type { DataFormat } from '@clickhouse/client';
import type { Command } from 'commander';
import { readContext, runningEndpoints, withClickHouse } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';

interface SqlOptions {
  dataDir?: string;
  json?: boolean;
  format: string;
}

export function addSql(program: Command): void {
  program
    .command('sql')
    .description('Runs a query in ClickHouse and prints the result')
    .argument('<query>')
    .option('--format <format>', 'any text format of ClickHouse', 'PrettyCompactMonoBlock')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare sql "SELECT type, count() FROM events GROUP BY type"\n  $ aftercare sql "DESCRIBE events" --format TSV')
    .action(async (query: string, options: SqlOptions) => {
      const endpoints = runningEndpoints(readContext(options.dataDir));
      await withClickHouse(endpoints, async (client) => {
        const format = options.json === true ? 'JSONEachRow' : options.format;
        // exec, not query: the client knows only some of the formats, and ClickHouse all of them.
        const { stream } = await client.exec({ query, clickhouse_settings: { default_format: format as DataFormat } });
        for await (const chunk of stream) process.stdout.write(chunk as Buffer);
      });
    });
}
