/** `workflow run exportNeighbours`: starts a workflow on Temporal now. */
import { Argument, type Command } from 'commander';
import type { StartedExport } from '../../workflows/runs.js';
import { readContext, runningEndpoints } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import { print } from '../print.js';
import type { Endpoints } from '../../servers/endpoints.js';

interface WorkflowOptions {
  dataDir?: string;
  json?: boolean;
  wait: boolean;
}

export function addWorkflow(program: Command): void {
  const workflow = program.command('workflow').description('Workflows on Temporal');
  workflow
    .command('run')
    .description('Runs a workflow now, besides its schedule. exportNeighbours writes every item\'s neighbours to the table item_neighbours, as a new version.')
    .addArgument(new Argument('<workflow>').choices(['exportNeighbours']))
    .option('--no-wait', 'return when it has started')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  $ aftercare workflow run exportNeighbours\n  $ aftercare sql "SELECT * FROM item_neighbours_latest LIMIT 5"')
    .action(async (_name: string, options: WorkflowOptions) => {
      const context = readContext(options.dataDir);
      const started = await exportNow(runningEndpoints(context), context.config.AFTERCARE_SHARDS, options.wait);
      print(options, started, () => describe(started));
    });
}

export async function exportNow(endpoints: Endpoints, shards: number, wait: boolean): Promise<StartedExport> {
  const [{ connectTemporal }, { runExportNeighbours }] = await Promise.all([import('../../workflows/client.js'), import('../../workflows/runs.js')]);
  const client = await connectTemporal(endpoints.temporal);
  try {
    return await runExportNeighbours(client, { shards }, {
      wait,
      onProgress: ({ activity, attempt, failure }) => {
        process.stderr.write(`  ${activity ?? 'waiting for a worker'}${(attempt ?? 1) > 1 ? `, attempt ${attempt}: ${failure ?? ''}` : ''}\n`);
      },
    });
  } finally {
    await client.connection.close();
  }
}

function describe({ workflowId, result }: StartedExport): string {
  return result === undefined ? `${workflowId} has started` : `version ${result.version}: ${result.rows} rows of ${result.items} items (${workflowId})`;
}
