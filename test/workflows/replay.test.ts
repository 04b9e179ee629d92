/**
 * A run that started under older code goes on under newer: saved histories still lead where they led. Record anew, after
 * a change that is meant to be incompatible, with RECORD_HISTORIES=1 npx vitest run test/workflows/export.test.ts test/workflows/refresh-svd.test.ts test/workflows/tune-blend.test.ts test/workflows/retrain.test.ts
 */
import { readdirSync, readFileSync } from 'node:fs';
import { DeterminismViolationError } from '@temporalio/workflow';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { compiledPath } from '../../servers/compiled.js';
import { historyFrom } from './histories.js';

// The second test causes a warning on purpose.
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } } });

interface History {
  events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
}

const saved = (name = 'export-neighbours'): History => JSON.parse(readFileSync(new URL(`../histories/${name}.json`, import.meta.url), 'utf8')) as History;
const replay = (history: History, name = 'export-neighbours'): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: { codePath: compiledPath('workflows/bundle.js') } }, historyFrom(history), `${name}-2024-01-01T00:00:00.000Z`);

it.each(readdirSync(new URL('../histories', import.meta.url)).map((file) => file.replace(/\.json$/, '')))('%s replays its saved history', async (name) => {
  await replay(saved(name), name);
});

it('a workflow that would have gone another way is caught', async () => {
  const history = saved();
  const scheduled = history.events.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  expect(scheduled.map(({ activityType }) => activityType.name)).toEqual(['collectNeighbours', 'writeNeighbours', 'checkNeighbours']);
  scheduled[1].activityType.name = 'writeElsewhere';
  await expect(replay(history)).rejects.toBeInstanceOf(DeterminismViolationError);
});
