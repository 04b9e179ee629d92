import { Option, type Command } from 'commander';
import { datasets, type Dataset } from '../../datasets/dataset.js';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { AftercareError } from '../../schemas/errors.js';
import type { NatsConnection } from '@nats-io/transport-node';
import { storedUpTo } from '../caught-up.js';
import { readContext, runningEndpoints, withNats } from '../context.js';
import { print } from '../print.js';
import { startProgress } from '../progress.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';

interface ImportOptions {
  dataDir?: string;
  json?: boolean;
  envelope: number;
  wait: boolean;
}

export interface ImportResult {
  dataset: string;
  /** rows of the file */
  rows: number;
  /** events that were sent; the stream's own rejects are among them */
  events: number;
  messages: number;
  /** rows of which no event could be made; each was named on stderr */
  badRows: number;
  /** messages that the stream knew already from an import just before */
  duplicates: number;
  lastSeq: number;
  seconds: number;
}

const known = Object.values(datasets).map((d) => `  ${d.name.padEnd(20)} ${d.title}`).join('\n');

export function addImport(program: Command): void {
  program
    .command('import')
    .summary('put a public data set through the system')
    .description(`Reads a data set (gz too) and publishes each of its rows as an event.\n\nData sets:\n${known}`)
    .argument('<dataset>', 'name of the data set')
    .argument('<file>', 'its file (olist: its folder, or the orders file)')
    .addOption(new Option('--envelope <events>', 'events of one message; 1 publishes each alone').default(100).argParser(wholeNumber(1, 1000)))
    .option('--no-wait', 'return when all is published, before it is in ClickHouse')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare import online-retail online_retail.csv.gz\n  $ aftercare import movielens u.data.gz --envelope 1 --json')
    .action(async (name: string, file: string, options: ImportOptions) => {
      const dataset = datasets[name];
      if (dataset === undefined) throw new AftercareError('bad_request', `unknown data set "${name}"; known are ${Object.keys(datasets).join(', ')}`);
      const context = readContext(options.dataDir);
      const result = await withNats(runningEndpoints(context), 'import', (nc) => importDataset(nc, dataset, file, { ...options, shards: context.config.AFTERCARE_SHARDS }));
      print(options, result, () => `${result.rows} rows of ${name}: ${result.events} events in ${result.messages} messages, ${result.badRows} bad rows, ${result.seconds.toFixed(1)} s`);
      if (result.badRows > 0) process.exitCode = 1;
    });
}

/** Bad rows that are named one by one; a wrong file has millions. */
const badRowsShown = 20;

export async function importDataset(nc: NatsConnection, dataset: Dataset, file: string, options: { envelope: number; wait: boolean; shards: number }): Promise<ImportResult> {
  const startMs = performance.now();
  const progress = startProgress(`import ${dataset.name}`, 'rows');
  const publisher = createPublisher(nc);
  const writer = eventWriter(publisher, options.shards, options.envelope);
  const result: ImportResult = { dataset: dataset.name, rows: 0, events: 0, messages: 0, badRows: 0, duplicates: 0, lastSeq: 0, seconds: 0 };
  let share = 0;
  try {
    for await (const rows of dataset.read(file, { onBytes: (done, total) => { share = total === 0 ? 1 : done / total; } })) {
      for (const row of rows) {
        result.rows += 1;
        if (row.error !== undefined) {
          if (++result.badRows <= badRowsShown) process.stderr.write(`${row.error}\n`);
          continue;
        }
        result.events += 1;
        await writer.write(row.event);
      }
      progress.update(result.rows, share === 0 ? undefined : Math.round(result.rows / share), 'published');
    }
    await writer.end();
    const flushed = await publisher.flush();
    Object.assign(result, { messages: writer.messages, duplicates: flushed.duplicates, lastSeq: flushed.lastSeq });
    if (options.wait) await storedUpTo(nc, flushed.lastSeq, (seq) => { progress.update(seq, flushed.lastSeq, 'messages stored'); });
  } finally {
    progress.stop();
    publisher.close();
  }
  if (result.badRows > badRowsShown) process.stderr.write(`... and ${result.badRows - badRowsShown} more bad rows\n`);
  return { ...result, seconds: (performance.now() - startMs) / 1000 };
}
