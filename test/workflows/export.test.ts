/** The whole export against the real servers. */
import { writeFileSync } from 'node:fs';
import { Svcm } from '@nats-io/services';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ServerHandle } from '../../servers/process.js';
import { progressQuery, type ExportProgress } from '../../workflows/export-neighbours.js';
import { runExportNeighbours, type RunProgress } from '../../workflows/runs.js';
import { tempDir } from '../support/temp.js';
import { historyText } from './histories.js';
import { answerShards, createShop } from './shop.js';
import { startSystem, storedNeighbours, type StoredNeighbour, type System } from './system.js';

let system: System;
let worker: ServerHandle;
const shop = createShop(2);

beforeAll(async () => {
  system = await startSystem(tempDir());
  worker = await system.startWorker();
});
afterAll(() => system.stop());

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b));

function expectSame(found: StoredNeighbour[], truth: StoredNeighbour[]): void {
  const place = ({ item, rank, neighbour }: StoredNeighbour): string => `${item} ${rank} ${neighbour}`;
  const inOrder = [...truth].sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : a.rank - b.rank));
  expect(found.map(place)).toEqual(inOrder.map(place));
  const wrong = found.filter((row, i) => !(near(row.similarity, inOrder[i].similarity) && near(row.dot, inOrder[i].dot) && near(row.norm2, inOrder[i].norm2)));
  expect(wrong).toEqual([]);
}

it('writes what two shards know, merged, as brute force over all customers has it', async () => {
  const shards = answerShards(system.nc, shop.answers);
  const seen: RunProgress[] = [];
  const started = Date.now();
  const { workflowId, result } = await runExportNeighbours(system.temporal, { shards: 2, keep: 100 }, { wait: true, onProgress: (p) => seen.push(p) });
  shards.close();
  const rows = await storedNeighbours(system.store.client, result?.version ?? 0);
  expect(shop.truth.length).toBeGreaterThan(1000);
  expectSame(rows, shop.truth);
  expect(result).toMatchObject({ rows: rows.length, items: 40, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
  expect(Math.abs((result?.version ?? 0) - started)).toBeLessThan(10_000);
  expect(workflowId).toMatch(/^export-neighbours-\d{4}-\d\d-\d\dT[\d:.]+Z$/);

  const handle = system.temporal.workflow.getHandle(workflowId);
  expect(await handle.query<ExportProgress, []>(progressQuery.name)).toMatchObject({ step: 'done', version: result?.version, artefact: { rows: rows.length, pages: 1 } });
  if (process.env.RECORD_HISTORIES !== undefined) {
    writeFileSync('test/histories/export-neighbours.json', historyText(await handle.fetchHistory()));
  }
});

it('keeps as many neighbours of an item as were asked for', async () => {
  const shards = answerShards(system.nc, shop.answers);
  const { result } = await runExportNeighbours(system.temporal, { shards: 2, keep: 3 }, { wait: true });
  shards.close();
  expectSame(await storedNeighbours(system.store.client, result?.version ?? 0), shop.truth.filter(({ rank }) => rank <= 3));
});

it('shards that know nothing make a version without rows', async () => {
  const shards = answerShards(system.nc, [() => ({ nextId: -1, asOfMs: 0, items: [] }), () => ({ nextId: -1, asOfMs: 0, items: [] })]);
  const { result } = await runExportNeighbours(system.temporal, { shards: 2 }, { wait: true });
  shards.close();
  expect(result).toMatchObject({ items: 0, rows: 0 });
});

it('a bad request fails at once and names the field', async () => {
  const fails = (input: object): Promise<unknown> => runExportNeighbours(system.temporal, input as { shards: number }, { wait: true });
  await expect(fails({ shards: 0 })).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining('shards must be a whole number from 1 to 256, got 0') as unknown });
  await expect(fails({})).rejects.toThrow(/shards must be .* got undefined/);
  await expect(fails({ shards: 1, keep: 1.5 })).rejects.toThrow(/keep must be .* got 1.5/);
});

it('waits for shards that do not answer, saying so, and for those that answer with errors', async () => {
  const seen: RunProgress[] = [];
  const run = runExportNeighbours(system.temporal, { shards: 2, keep: 100 }, { wait: true, onProgress: (p) => seen.push(p) });
  await expect.poll(() => seen.find((p) => (p.attempt ?? 0) > 1)?.failure, { timeout: 10_000 })
    .toMatch(/aftercare\.shard\.\d\.neighbours does not answer: .*; is "aftercare up" running\?/);
  const shards = answerShards(system.nc, shop.answers, 2);
  const { result } = await run;
  shards.close();
  expect(shards.failures).toBeLessThanOrEqual(0);
  expectSame(await storedNeighbours(system.store.client, result?.version ?? 0), shop.truth);
});

it('the worker tells how it is, and ends in order when it is told to', async () => {
  const stats: unknown[] = [];
  for await (const one of await new Svcm(system.nc).client({ maxWait: 500, strategy: 'stall', stall: 200 } as never).stats('aftercare-worker')) stats.push(one.endpoints?.[0].data);
  expect(stats).toEqual([{ part: 'worker', rssBytes: expect.any(Number) as unknown, runs: expect.any(Number) as unknown, failures: expect.any(Number) as unknown }]);
  expect((stats[0] as { runs: number }).runs).toBeGreaterThanOrEqual(12);
  expect((stats[0] as { failures: number }).failures).toBeGreaterThanOrEqual(2);
  expect((stats[0] as { rssBytes: number }).rssBytes).toBeLessThan(400 * 2 ** 20);
  await worker.stop();
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  const lines = worker.lastLines().map((line) => JSON.parse(line) as { level: string; part: string; message: string; reason?: string });
  expect(lines.filter(({ level, part }) => level === 'error' || part !== 'worker')).toEqual([]);
  expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', message: 'temporal: Activity failed', reason: expect.stringContaining('does not answer') as unknown }));
});

