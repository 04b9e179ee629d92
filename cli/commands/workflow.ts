/** `workflow run <workflow>`: starts it on Temporal now. */
import { Argument, type Command } from 'commander';
import type { Client } from '@temporalio/client';
import type * as runsModule from '../../workflows/runs.js';
import type { RunOptions, StartedExport, StartedRefresh, StartedTuning } from '../../workflows/runs.js';
import { readContext, runningEndpoints, type Context } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import { print } from '../print.js';
import { checksText } from './retrain.js';
import { exportInput, refreshInput, tuneInput } from '../workflow-inputs.js';
import type { Endpoints } from '../../servers/endpoints.js';

interface WorkflowOptions {
  dataDir?: string;
  json?: boolean;
  wait: boolean;
}

type Runs = typeof runsModule;

interface Runnable<Started> {
  run(runs: Runs, client: Client, config: Context['config'], options: RunOptions): Promise<Started>;
  describe(started: Started): string;
}

const exportNeighbours: Runnable<StartedExport> = {
  run: (runs, client, config, options) => runs.runExportNeighbours(client, exportInput(config), options),
  describe: ({ workflowId, result }) => (result === undefined ? `${workflowId} has started` : `version ${result.version}: ${result.rows} rows of ${result.items} items (${workflowId})`),
};

const refreshSvd: Runnable<StartedRefresh> = {
  run: (runs, client, config, options) => runs.runRefreshSvd(client, refreshInput(config), options),
  describe({ workflowId, result }) {
    if (result === undefined) return `${workflowId} has started`;
    if (result.sha256 === undefined) return `${result.reason ?? 'nothing to factorise'}, up to event ${result.seq} (${workflowId})`;
    if (result.live.length === 0) return `version ${result.version} did not go live: ${result.reason ?? ''} (${workflowId})\n\n${checksText(result.checks)}`;
    return `version ${result.version}: rank ${result.rank} over ${result.entries} interactions of ${result.customers} customers with ${result.items} items, better than ${result.champion ?? 'nothing'}; live from sequence ${result.live.join(', ')} (${workflowId})`;
  },
};

const tuneBlend: Runnable<StartedTuning> = {
  run: (runs, client, config, options) => runs.runTuneBlend(client, tuneInput(config), options),
  describe({ workflowId, result }) {
    if (result === undefined) return `${workflowId} has started`;
    const { version, reason, challenger, ndcg, promoted, checks } = result;
    if (reason !== undefined || challenger === undefined || ndcg === undefined) return `the live blend stays: ${reason ?? 'nothing was learnt'} (${workflowId})${checks.length === 0 ? '' : `\n\n${checksText(checks)}`}`;
    const weights = Object.entries(challenger.weights).map(([channel, weight]) => `${channel} ${weight.toFixed(2)}`).join(', ');
    return `version ${version}: nDCG ${ndcg.challenger.toFixed(4)} instead of ${ndcg.live.toFixed(4)}; ${weights}, constant ${challenger.constant}; live from sequence ${promoted.join(', ')} (${workflowId})`;
  },
};

const runnable = { exportNeighbours, refreshSvd, tuneBlend };

export function addWorkflow(program: Command): void {
  const workflow = program.command('workflow').description('Workflows on Temporal');
  workflow
    .command('run')
    .description([
      'Runs a workflow now, besides its schedule.',
      'exportNeighbours writes every item\'s neighbours to the table item_neighbours, as a new version.',
      'refreshSvd factorises what customers did, and makes the factors live in every shard where they find better what customers turn to next.',
      'tuneBlend learns from decisions and what followed how much each channel of a recommendation counts, and makes it live where that is better.',
    ].join(' '))
    .addArgument(new Argument('<workflow>').choices(Object.keys(runnable)))
    .option('--no-wait', 'return when it has started')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  $ aftercare workflow run exportNeighbours\n  $ aftercare sql "SELECT * FROM item_neighbours_latest LIMIT 5"\n  $ aftercare workflow run refreshSvd')
    .action(async (name: string, options: WorkflowOptions) => {
      const context = readContext(options.dataDir);
      const { run, describe } = runnable[name as keyof typeof runnable] as Runnable<unknown>;
      const started = await runNow(runningEndpoints(context), context.config, run, options.wait);
      print(options, started, () => describe(started));
    });
}

/** The export, awaited. */
export const exportNow = (endpoints: Endpoints, config: Context['config']): Promise<StartedExport> => runNow(endpoints, config, exportNeighbours.run, true);

async function runNow<Started>(endpoints: Endpoints, config: Context['config'], run: Runnable<Started>['run'], wait: boolean): Promise<Started> {
  const [{ connectTemporal }, runs] = await Promise.all([import('../../workflows/client.js'), import('../../workflows/runs.js')]);
  const client = await connectTemporal(endpoints.temporal);
  try {
    return await run(runs, client, config, {
      wait,
      onProgress: ({ activity, attempt, failure }) => {
        process.stderr.write(`  ${activity ?? 'waiting for a worker'}${(attempt ?? 1) > 1 ? `, attempt ${attempt}: ${failure ?? ''}` : ''}\n`);
      },
    });
  } finally {
    await client.connection.close();
  }
}
