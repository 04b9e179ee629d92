import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTemporal, type TemporalServer } from '../../servers/temporal.js';
import { connectTemporal } from '../../workflows/client.js';
import { exportScheduleId, refreshSvdScheduleId } from '../../workflows/names.js';
import { progressOf, runExportNeighbours } from '../../workflows/runs.js';
import { ensureSchedule, exportSchedule, refreshSvdSchedule } from '../../workflows/schedules.js';
import { tempDir } from '../support/temp.js';

const dataDir = join(tempDir(), 'temporal');
let server: TemporalServer;
let client: Client;

beforeAll(async () => {
  server = await startTemporal({ dataDir });
  client = await connectTemporal({ address: server.address, namespace: 'default' });
});
afterAll(async () => {
  await client.connection.close();
  await server.stop();
});

it('makes the schedule once', async () => {
  expect(await ensureSchedule(client, exportSchedule({ shards: 2 }))).toBe('created');
  expect(await ensureSchedule(client, exportSchedule({ shards: 2 }))).toBe('unchanged');
  const ids: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) ids.push(scheduleId);
  const { spec, policies, action } = await client.schedule.getHandle(exportScheduleId).describe();
  expect(spec.intervals).toMatchObject([{ every: 15 * 60_000 }]);
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 60_000 });
  expect(action).toMatchObject({ workflowType: 'exportNeighbours', taskQueue: 'aftercare', args: [{ shards: 2 }] });
});

it('makes a schedule of its own for each workflow', async () => {
  const input = { shards: 2, halfLifeDays: 90, history: 500 };
  expect(await ensureSchedule(client, refreshSvdSchedule(input))).toBe('created');
  expect(await ensureSchedule(client, refreshSvdSchedule(input))).toBe('unchanged');
  const { spec, action } = await client.schedule.getHandle(refreshSvdScheduleId).describe();
  expect(spec.intervals).toMatchObject([{ every: 24 * 3600_000 }]);
  expect(action).toMatchObject({ workflowType: 'refreshSvd', taskQueue: 'aftercare', args: [input] });
});

it('keeps what an operator changed, over a restart of the server too, and brings the number of shards up to date', async () => {
  const handle = client.schedule.getHandle(exportScheduleId);
  await handle.update((previous) => ({ ...previous, spec: { intervals: [{ every: '1 hour' }] } }));
  await handle.pause('the table is being rebuilt');
  // Temporal takes changes of a schedule one after the other, some time after it has acknowledged them.
  await expect.poll(async () => (await handle.describe()).state.paused, { timeout: 10_000 }).toBe(true);
  server.kill('SIGKILL');
  await server.exited;
  server = await startTemporal({ dataDir });
  expect(await ensureSchedule(client, exportSchedule({ shards: 4 }))).toBe('updated');
  const { spec, state, action } = await handle.describe();
  expect(spec.intervals).toMatchObject([{ every: 3600_000 }]);
  expect(state).toMatchObject({ paused: true, note: 'the table is being rebuilt' });
  expect(action).toMatchObject({ args: [{ shards: 4 }] });
  expect(await ensureSchedule(client, exportSchedule({ shards: 4 }))).toBe('unchanged');
});

it('starts without waiting, and says that no worker has taken it', async () => {
  const { workflowId, runId, result } = await runExportNeighbours(client, { shards: 1 }, { wait: false });
  expect(runId).toMatch(/^[0-9a-f-]{36}$/);
  expect(result).toBeUndefined();
  expect(await progressOf(client, workflowId)).toEqual({ status: 'RUNNING' });
});

it('a run that was ended by hand is an error with the reason', async () => {
  const run = runExportNeighbours(client, { shards: 1 }, { wait: true, onProgress: () => undefined });
  run.catch(() => undefined);
  const running: string[] = [];
  await expect.poll(async () => {
    for await (const { workflowId, status } of client.workflow.list()) if (status.name === 'RUNNING') running.push(workflowId);
    return new Set(running).size;
  }, { timeout: 10_000 }).toBe(2); // the one of the test before, and this one
  for (const id of new Set(running)) await client.workflow.getHandle(id).terminate('not today');
  await expect(run).rejects.toThrow(/export-neighbours-\S+ failed: not today/);
});

it('says so, and soon, when Temporal is not there', async () => {
  await server.stop();
  const since = Date.now();
  await expect(connectTemporal({ address: server.address, namespace: 'default' })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(`Temporal at ${server.address} does not answer`) as unknown });
  await expect(runExportNeighbours(client, { shards: 1 }, { wait: true })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('is "aftercare up" running') as unknown });
  expect(Date.now() - since).toBeLessThan(20_000);
});
