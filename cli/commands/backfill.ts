/** `backfill`: what another version of a model would have decided about the same events. */
import type { Command } from 'commander';
import { readContext, runningEndpoints } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';
import { waitOption, withRun } from '../temporal.js';

interface BackfillOptions {
  dataDir?: string;
  json?: boolean;
  from?: number;
  to?: number;
  eventsPerSecond?: number;
  wait?: boolean;
}

const sequence = wholeNumber(1, Number.MAX_SAFE_INTEGER);

export function addBackfill(program: Command): void {
  program
    .command('backfill')
    .summary('let a version of a model decide the same events again, into shadow tables')
    .description('Folds the stream of each shard again in a process of its own, and from a sequence on with the given version of the model, whose own and rivals\' promotions on the stream are passed over. What comes of it goes into shadow_<table> under the name of the run; nothing live changes. Killed in the middle it goes on where its rows end. Answers on request (recommendations) are not asked again.')
    .argument('<model>', 'name of the model, such as risk-logistic')
    .argument('<version>', 'its version', sequence)
    .option('--from <sequence>', 'of EVENTS, from which the version decides (default: the first)', sequence)
    .option('--to <sequence>', 'of EVENTS, the last (default: what the shard has folded)', sequence)
    .option('--events-per-second <n>', 'fold no faster than this', wholeNumber(1, 1e9))
    .addOption(waitOption())
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', `
Examples:
  $ aftercare backfill risk-logistic 1764000000000 --wait
  $ aftercare backfill risk-svm 1764000000000 --from 120000 --to 250000 --events-per-second 5000
  $ aftercare sql "SELECT l.decision AS live, s.decision AS shadow, count() FROM risk_decisions l JOIN shadow_risk_decisions s
                   ON s.shard = l.shard AND s.seq = l.seq WHERE s.run = '<run>' GROUP BY live, shadow"`)
    .action(async (model: string, version: number, options: BackfillOptions) => {
      const context = readContext(options.dataDir);
      const { from, to, eventsPerSecond } = options;
      const input = { shards: context.config.AFTERCARE_SHARDS, model, version, ...(from !== undefined && { from }), ...(to !== undefined && { to }), ...(eventsPerSecond !== undefined && { eventsPerSecond }) };
      const started = await withRun(runningEndpoints(context), { title: 'backfill', unit: 'messages' }, options.wait === true, (client, runs, run) => runs.runBackfill(client, input, run));
      const { result } = started;
      print(options, started, () => (result === undefined ? `${started.workflowId} has started` : `run ${result.run}\n${columns(
        ['shard', 'from', 'to', 'events', 'seconds', 'rows'],
        result.shards.map((one) => [String(one.shard), one.from, one.to, one.events, one.seconds, Object.entries(one.rows).map(([table, rows]) => `${table} ${rows}`).join(', ') || 'none']),
      )}`));
    });
}
