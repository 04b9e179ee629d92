/**
 * `shard`, `sink`, `worker`, `rewriter`: one part in this process, against servers that run already. A cluster runs these. Each is
 * loaded when it runs: Temporal's packages alone take half a second, which every other command would wait for.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { stderrLogger } from '../../pipelines/runtime/log-line.js';
import { AftercareError } from '../../schemas/errors.js';
import { readContext, runningEndpoints, stopSignal } from '../context.js';
import { dataDirOption } from '../options.js';
import { prepare } from '../system.js';

interface PartOptions {
  dataDir?: string;
  shards: string;
}

export function addParts(program: Command): void {
  program
    .command('shard')
    .description('Runs shards: folds their events, commits, snapshots, answers. A shard whose owner is alive is waited for.')
    .requiredOption('--shards <numbers>', 'which, separated by commas')
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  $ NATS_URL=nats://nats-1:4222 aftercare shard --shards 0,1')
    .action(async (options: PartOptions) => {
      const context = readContext(options.dataDir);
      const numbers = shardNumbers(options.shards, context.config.AFTERCARE_SHARDS);
      const { runShardProcess } = await import('../parts/shard.js');
      await runShardProcess(context, runningEndpoints(context), numbers, stopSignal());
    });
  program
    .command('sink')
    .description('Runs the sink: events and decisions into ClickHouse. A second one stands by.')
    .addOption(dataDirOption())
    .action(async (options: PartOptions) => {
      const context = readContext(options.dataDir);
      const { runSinkProcess } = await import('../parts/sink.js');
      await runSinkProcess(context, runningEndpoints(context), stopSignal());
    });
  program
    .command('worker')
    .description('Runs the Temporal worker')
    .addOption(dataDirOption())
    .action(async (options: PartOptions) => {
      const context = readContext(options.dataDir);
      const { runWorker } = await import('../parts/worker.js');
      await runWorker({
        endpoints: runningEndpoints(context),
        bundlePath: fileURLToPath(new URL('../../workflows/bundle.js', import.meta.url)),
        stops: join(context.dataDir, 'replays'),
        trainThreads: context.config.AFTERCARE_TRAIN_THREADS,
        signal: stopSignal(),
        logger: stderrLogger('worker'),
      });
    });
  program
    .command('rewriter')
    .description('Says replies in other words by the large model behind AFTERCARE_LLM_URL. A second one stands by.')
    .addOption(dataDirOption())
    .action(async (options: PartOptions) => {
      const context = readContext(options.dataDir);
      const { runRewriterProcess } = await import('../parts/rewriter.js');
      await runRewriterProcess(context, runningEndpoints(context), stopSignal());
    });
  program
    .command('prepare')
    .description('Makes the streams and brings the tables to the newest version; safe to repeat, and done by `up` by itself')
    .addOption(dataDirOption())
    .action(async (options: PartOptions) => {
      const context = readContext(options.dataDir);
      await prepare(context, runningEndpoints(context), (line) => process.stderr.write(`${line}\n`));
    });
}

function shardNumbers(text: string, shards: number): number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.every((n) => Number.isInteger(n) && n >= 0 && n < shards)) return numbers;
  throw new AftercareError('bad_request', `--shards must name shards from 0 to ${shards - 1} (AFTERCARE_SHARDS is ${shards}), got "${text}"`);
}
