/** `promote`, `rollback`: a version goes live, or the one before it again, because a person says so. */
import { setTimeout as delay } from 'node:timers/promises';
import { Argument, Option, type Command } from 'commander';
import type { WentLive } from '../../activities/registry.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardStatus } from '../../pipelines/runtime/serve.js';
import { AftercareError } from '../../schemas/errors.js';
import { shardServiceSubject } from '../../schemas/subjects.js';
import { readContext, runningEndpoints, withNats, type Context } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { print } from '../print.js';
import { watchPeriod } from '../workflow-inputs.js';
import { modelArgument, whoAmI, withModelRuns } from './retrain.js';

/** Of a decision that goes on the model's record. */
export interface DecisionOptions {
  dataDir?: string;
  json?: boolean;
  wait?: boolean;
  by?: string;
  reason?: string;
  instead?: number;
}

const patienceMs = 60_000;
const wholeVersion = wholeNumber(1, Number.MAX_SAFE_INTEGER);

export function addPromote(program: Command): void {
  const promote = program
    .command('promote')
    .summary('make a version live')
    .description('Makes a version of the registry live in every shard, from the same place of the stream in every replay; it is then watched. The gate is not asked.')
    .addArgument(modelArgument())
    .addArgument(new Argument('<version>', 'as "aftercare models" lists it').argParser(wholeVersion));
  withDecision(promote, `
Examples:
  $ aftercare promote risk-logistic 1764000000000 --reason "the shop knows better"
  $ aftercare promote risk-logistic 1764000000000 --instead 1763000000000 --wait`)
    .action((model: string, version: number, options: DecisionOptions) => setLive(model, version, options));
  const rollback = program
    .command('rollback')
    .summary('make the version before live again')
    .description('Makes the version live again that was live before the one that is; where there was none, the model steps aside, and what decided before its first version decides.')
    .addArgument(modelArgument());
  withDecision(rollback, `
Examples:
  $ aftercare rollback risk-logistic --reason "too many reviews" --wait
  $ aftercare sql "SELECT * FROM model_at(time = now64(3))"`)
    .action((model: string, options: DecisionOptions) => setLive(model, 'before', options));
}

export const withDecision = (command: Command, examples: string): Command => command
  .option('--by <name>', 'who decides (default: the login name)')
  .option('--reason <text>', 'why; it goes on record')
  .option('--instead <version>', 'refused where another version than this one stands in its place', wholeVersion)
  .addOption(new Option('--wait', 'wait until every shard decides by it'))
  .addOption(jsonOption())
  .addOption(dataDirOption())
  .addHelpText('after', examples);

async function setLive(model: string, to: number | 'before', { by, reason, instead, ...options }: DecisionOptions): Promise<void> {
  const context = readContext(options.dataDir);
  const input = { model, shards: context.config.AFTERCARE_SHARDS, to, by: by ?? whoAmI(), watch: watchPeriod(context.config), ...(reason !== undefined && { reason }), ...(instead !== undefined && { instead }) };
  const went = await withModelRuns(options.dataDir, `${to === 'before' ? 'rollback' : 'promote'} ${model}`, true, (runs, client, run) => runs.runSetLive(client, input, run.onProgress));
  if (options.wait === true) await decidedEverywhere(context, model, went);
  print(options, { model, ...went }, () => textOf(model, went));
}

/** @throws AftercareError unavailable when a shard has not switched within a minute */
export async function decidedEverywhere(context: Context, model: string, { live }: WentLive): Promise<void> {
  await withNats(runningEndpoints(context), 'promote', async (nc) => {
    const untilMs = performance.now() + patienceMs;
    for (let shard = 0; shard < context.config.AFTERCARE_SHARDS; shard += 1) {
      for (;;) {
        const status = await requestService<ShardStatus>(nc, shardServiceSubject(shard, 'status'), {}, 2000).catch(() => undefined);
        if (status !== undefined && status.promoted[model] === live?.version) break;
        if (performance.now() > untilMs) throw new AftercareError('unavailable', `shard ${shard} has ${status?.promoted[model] ?? 'no'} version of ${model} after a minute, instead of ${live?.version ?? 'none'}; see "aftercare status" and the table promotions`);
        await delay(100);
      }
    }
  });
}

function textOf(model: string, { live, instead, ended, seqs }: WentLive): string {
  const what = live === undefined ? `no version of ${model} is live` : `${model} ${live.version} is live`;
  return `${what} from sequence ${seqs.join(', ')}${instead === undefined ? '' : `, instead of ${instead.version}`}${ended === undefined ? '' : '; it is no challenger any more'}`;
}
