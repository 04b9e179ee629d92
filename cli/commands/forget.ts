/** `forget`: customers out of everything that holds something of them, with a receipt. */
import type { Command } from 'commander';
import { jetstreamForgotten } from '../../pipelines/runtime/jetstream/forgotten.js';
import { checkEvent } from '../../schemas/decode.js';
import { AftercareError } from '../../schemas/errors.js';
import { readContext, runningEndpoints, withNats } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import { columns, print } from '../print.js';
import { waitOption, withRun } from '../temporal.js';

interface ForgetOptions {
  dataDir?: string;
  json?: boolean;
  refold: boolean;
  wait?: boolean;
}

export function addForget(program: Command): void {
  program
    .command('forget')
    .summary('take customers out of every model, table and stream')
    .description('Takes what customers taught the models back, deletes their messages and rows, folds their shard\'s stream again without them and puts that state in the live one\'s place. What was removed where is in the table forget_receipts, under a hash. One run at a time; several customers of one run cost one fold.')
    .argument('<customers...>')
    .option('--no-refold', 'only subtract from the live models: quick, but sums over all customers keep what they added')
    .addOption(waitOption())
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', `
Examples:
  $ aftercare forget c0042 --wait
  $ aftercare forget c0042 c0043 --wait --json
  $ aftercare sql "SELECT place, removed, note FROM forget_receipts WHERE customer_sha256 = lower(hex(SHA256('c0042')))"
  $ aftercare rebuild --wait        # the proof: a stream without them gives the live state`)
    .action(async (customers: string[], options: ForgetOptions) => {
      const context = readContext(options.dataDir);
      const endpoints = runningEndpoints(context);
      for (const customer of customers) check(customer);
      const started = await withNats(endpoints, 'forget', async (nc) => {
        const forgotten = await jetstreamForgotten(nc, context.config.AFTERCARE_REPLICAS);
        const asked = await Promise.all(customers.map((customer) => forgotten.ask(customer)));
        const input = { shards: context.config.AFTERCARE_SHARDS, keys: asked.map(({ key }) => key), refold: options.refold };
        return withRun(endpoints, { title: 'forget', unit: 'messages' }, options.wait === true, async (client, runs, run) => {
          try {
            return await runs.runForget(client, input, run);
          } catch (error) {
            // The run that is under way may be about some of them.
            if (error instanceof AftercareError && error.code === 'refused') for (const { key, before } of asked) if (!before) await forgotten.withdraw(key);
            throw error;
          }
        });
      });
      const { result } = started;
      print(options, started, () => (result === undefined ? `${started.workflowId} has started` : result.customers
        .map(({ customerSha256, removed }) => `${customerSha256}\n${columns(['removed', 'where', 'note'], removed.map((one) => [one.removed, one.place, one.note]))}`).join('\n\n')));
    });
}

function check(customer: string): void {
  const checked = checkEvent({ v: 1, type: 'control', id: 'x', customer, atMs: Date.UTC(2026, 0, 1), command: 'forget' });
  if ('error' in checked) throw new AftercareError('bad_request', `"${customer}" is no customer: ${checked.error}`);
}
