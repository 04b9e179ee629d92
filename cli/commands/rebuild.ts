/** `rebuild`: is the live state what the stream says? */
import type { Command } from 'commander';
import type { Compared } from '../../activities/rebuild.js';
import { readContext, runningEndpoints } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';
import { waitOption, withRun } from '../temporal.js';

interface RebuildOptions {
  dataDir?: string;
  json?: boolean;
  shard?: number[];
  eventsPerSecond?: number;
  wait?: boolean;
}

export function addRebuild(program: Command): void {
  program
    .command('rebuild')
    .summary('fold the stream again from nothing, and compare with the live state')
    .description('Folds the whole stream of each shard from nothing, in a process of its own, up to a sequence at which the live shard told the hashes of its state, and compares part by part. The outcome is a row of the table rebuilds. With --wait the exit code is 1 where a state differs.')
    .option('--shard <number>', 'only this shard; may be given several times', (text: string, others: number[] = []) => [...others, wholeNumber(0, 255)(text)])
    .option('--events-per-second <n>', 'fold no faster than this', wholeNumber(1, 1e9))
    .addOption(waitOption())
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', `
Examples:
  $ aftercare rebuild --wait
  $ aftercare rebuild --shard 3 --events-per-second 20000 --wait --json
  $ aftercare sql "SELECT at, shard, seq, outcome, differing FROM rebuilds ORDER BY at DESC LIMIT 5"`)
    .action(async (options: RebuildOptions) => {
      const context = readContext(options.dataDir);
      const { shard: only, eventsPerSecond } = options;
      const input = { shards: context.config.AFTERCARE_SHARDS, ...(only !== undefined && { only }), ...(eventsPerSecond !== undefined && { eventsPerSecond }) };
      const started = await withRun(runningEndpoints(context), { title: 'rebuild', unit: 'messages' }, options.wait === true, (client, runs, run) => runs.runRebuild(client, input, run));
      const { result } = started;
      print(options, started, () => (result === undefined ? `${started.workflowId} has started` : text(result.shards)));
      if (result?.same === false) process.exitCode = 1;
    });
}

function text(shards: readonly Compared[]): string {
  const table = columns(
    ['shard', 'sequence', 'events', 'seconds', 'state'],
    shards.map(({ shard, seq, events, seconds, same }) => [String(shard), seq, events, seconds, same ? 'the same' : 'differs']),
  );
  return [table, ...shards.filter(({ same }) => !same).map(why)].join('\n\n');
}

function why({ shard, differing, gone }: Compared): string {
  const cause = gone.length === 0
    ? 'Messages were deleted from the stream, its settings or its program changed while it ran, or its memory was damaged.'
    : `Promotions whose artefact is gone, so that the rebuild went on with the model before: ${gone.join(', ')}.`;
  return `shard ${shard} differs in ${differing.join(', ')}.\n${cause}\nTo make the live state what the stream says, stop the shard, remove its snapshots and start it again.`;
}
