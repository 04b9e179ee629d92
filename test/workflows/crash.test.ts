/** Killed in the middle, and still each row once: the worker, ClickHouse, both servers' patience. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ServerHandle } from '../../servers/process.js';
import { progressOf, runExportNeighbours, type StartedExport } from '../../workflows/runs.js';
import { tempDir } from '../support/temp.js';
import { answerShards, wideAnswer, type Shards } from './shop.js';
import { startSystem, until, type System } from './system.js';

const items = 6000;
const each = 50;
const wide = wideAnswer(items, each);

let system: System;
let worker: ServerHandle;
let shards: Shards;

beforeAll(async () => {
  system = await startSystem(tempDir());
  worker = await system.startWorker();
  shards = answerShards(system.nc, [wide, wide]);
});
afterAll(async () => {
  shards.close();
  await system.stop();
});

const start = (): Promise<StartedExport> => runExportNeighbours(system.temporal, { shards: 2 }, { wait: false });

interface Counts { rows: number; places: number; versions: number }
async function counts(): Promise<Counts> {
  const result = await system.store.client.query({
    query: 'SELECT count() AS rows, uniqExact(version, item, rank, neighbour) AS places, uniqExact(version) AS versions FROM item_neighbours',
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  });
  return (await result.json<Counts>())[0];
}

/** Cheap: ClickHouse has the number without looking at rows. A dear one would come when all pages are in. */
async function written(): Promise<number> {
  const result = await system.store.client.query({ query: 'SELECT count() AS rows FROM item_neighbours', format: 'JSONEachRow' });
  return Number((await result.json<{ rows: string }>())[0].rows);
}

/** The engine stands still with some pages in and an insert under way: nobody can tell whether that one will count. */
async function freezeInTheMiddle({ workflowId }: StartedExport, before: number): Promise<void> {
  await until('a page is written', async () => (await written()) > before);
  system.store.server.kill('SIGSTOP');
  await until('the writer waits', async () => (await progressOf(system.temporal, workflowId)).activity === 'writeNeighbours', 5000);
}

async function expectWhole({ workflowId }: StartedExport, versions: number): Promise<void> {
  const result: unknown = await system.temporal.workflow.getHandle(workflowId).result();
  expect(result).toMatchObject({ items, rows: items * each });
  expect(await counts()).toEqual({ rows: versions * items * each, places: versions * items * each, versions });
}

it('ClickHouse is killed while pages are written, and comes back', async () => {
  const run = await start();
  await freezeInTheMiddle(run, 0);
  await system.store.restart();
  await expectWhole(run, 1);
});

it('the worker is killed while pages are written, and another one finishes', async () => {
  const run = await start();
  await freezeInTheMiddle(run, items * each);
  worker.kill('SIGKILL');
  await worker.exited;
  system.store.server.kill('SIGCONT');
  worker = await system.startWorker();
  await expectWhole(run, 2);
});

it('the worker is told to end while pages are written, and another one finishes', async () => {
  const run = await start();
  await freezeInTheMiddle(run, 2 * items * each);
  const stopped = worker.stop();
  system.store.server.kill('SIGCONT');
  await stopped;
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  worker = await system.startWorker();
  await expectWhole(run, 3);
});
