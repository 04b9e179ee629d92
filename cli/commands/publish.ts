/** `publish`: events from standard input, checked before they are sent. */
import { createInterface } from 'node:readline';
import { Argument, type Command } from 'commander';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { checkEvent } from '../../schemas/decode.js';
import { eventTypes } from '../../schemas/events.js';
import { storedUpTo } from '../caught-up.js';
import { readContext, runningEndpoints, withNats } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import { print } from '../print.js';

interface PublishOptions {
  dataDir?: string;
  json?: boolean;
  check: boolean;
  wait: boolean;
}

export function addPublish(program: Command): void {
  program
    .command('publish')
    .summary('publish events from standard input')
    .description('Publishes one event for each line of JSON on standard input. `v` and `type` may be left out. A line that does not fit the contract is named on stderr and not sent; the exit code is then 1.')
    .addArgument(new Argument('<type>', 'type of the events').choices(eventTypes))
    .option('--no-check', 'send what does not fit too, and let it become a reject')
    .option('--no-wait', 'return before they are in ClickHouse')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', `\nExample:\n  $ echo '{"id":"e1","customer":"c42","atMs":${Date.UTC(2026, 0, 15)},"action":"view","item":"kettle"}' | aftercare publish click`)
    .action(async (type: string, options: PublishOptions) => {
      const context = readContext(options.dataDir);
      const result = await withNats(runningEndpoints(context), 'publish', async (nc) => {
        const publisher = createPublisher(nc);
        const writer = eventWriter(publisher, context.config.AFTERCARE_SHARDS, 1);
        const counts = { sent: 0, bad: 0, lastSeq: 0, duplicates: 0 };
        let number = 0;
        for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
          number += 1;
          if (line.trim() === '') continue;
          const event = read(line, type);
          const error = typeof event === 'string' ? event : options.check ? errorOf(event) : undefined;
          if (error !== undefined) {
            counts.bad += 1;
            process.stderr.write(`line ${number}: ${error}\n`);
            continue;
          }
          counts.sent += 1;
          await writer.write(event);
        }
        Object.assign(counts, await publisher.flush());
        publisher.close();
        if (options.wait && counts.sent > 0) await storedUpTo(nc, counts.lastSeq);
        return counts;
      });
      print(options, result, () => `${result.sent} sent, ${result.bad} bad, ${result.duplicates} known before`);
      if (result.bad > 0) process.exitCode = 1;
    });
}

function read(line: string, type: string): object | string {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { v: 1, type, ...value } : 'must be a JSON object';
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
}

function errorOf(event: unknown): string | undefined {
  const checked = checkEvent(event);
  return 'error' in checked ? checked.error : undefined;
}
