/** Commands that start a workflow and may wait for it. Temporal's packages take half a second to load: only who needs them does. */
import type { Client } from '@temporalio/client';
import { Option } from 'commander';
import type { Endpoints } from '../servers/endpoints.js';
import type * as runsModule from '../workflows/runs.js';
import type { RunOptions } from '../workflows/runs.js';
import { startProgress } from './progress.js';

export const waitOption = (): Option => new Option('--wait', 'wait for the result, with a progress bar');

export interface RunDisplay {
  title: string;
  /** what is counted */
  unit: string;
}

/** Runs `work` with a client, its progress on stderr. The activity's heartbeats say `seq` and `to`, or `epoch` and `epochs`, or `rows`. */
export async function withRun<T>(endpoints: Endpoints, { title, unit }: RunDisplay, wait: boolean, work: (client: Client, runs: typeof runsModule, options: RunOptions) => Promise<T>): Promise<T> {
  const [{ connectTemporal }, runs] = await Promise.all([import('../workflows/client.js'), import('../workflows/runs.js')]);
  const client = await connectTemporal(endpoints.temporal);
  const bar = startProgress(title, unit);
  try {
    return await work(client, runs, {
      wait,
      onProgress: ({ activity, attempt, failure, details }) => {
        const note = `${activity ?? 'waiting for a worker'}${(attempt ?? 1) > 1 ? `, attempt ${attempt}: ${failure ?? ''}` : ''}`;
        bar.update(numberOf(details?.seq ?? details?.epoch ?? details?.rows) ?? 0, numberOf(details?.to ?? details?.epochs), note);
      },
    });
  } finally {
    bar.stop();
    await client.connection.close();
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
