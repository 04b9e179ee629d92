/** Each activity by itself, repeated and interrupted, against the real ClickHouse and NATS. */
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memoryArtefacts } from '../../pipelines/runtime/memory/artefacts.js';
import { createExportActivities, type ExportActivities, type NeighboursRef } from '../../activities/export-neighbours.js';
import { clickHouseRows } from '../../pipelines/runtime/clickhouse.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { itemNeighboursTable } from '../../schemas/tables.js';
import { startNats, type NatsServer } from '../../servers/nats.js';
import { tempDir } from '../support/temp.js';
import { answerShards, wideAnswer, type Answer } from './shop.js';
import { startStore, storedNeighbours, type Store } from './system.js';

const directory = tempDir();
const artefacts = memoryArtefacts();
let store: Store;
let nats: NatsServer;
let nc: NatsConnection;
let activities: ExportActivities;

beforeAll(async () => {
  [store, nats] = await Promise.all([startStore(directory), startNats({ dataDir: join(directory, 'nats') })]);
  nc = await connectNats(nats, 'test');
  activities = createExportActivities({ nc, clickhouse: store.client, artefacts });
});
afterAll(async () => {
  await nc.close();
  await Promise.all([nats.stop(), store.close()]);
});

const quiet = new DefaultLogger('ERROR'); // these tests cause failures on purpose

/** As one attempt of Temporal's would run it. */
const attempt = <A, R>(activity: (input: A) => Promise<R>, input: A, heartbeatDetails?: unknown, beats?: unknown[]): Promise<R> => {
  const environment = new MockActivityEnvironment({ heartbeatDetails }, { logger: quiet });
  environment.on('heartbeat', (details) => beats?.push(details));
  return environment.run(activity, input);
};
const failureOf = (work: Promise<unknown>): Promise<ApplicationFailure> => work.then(() => { throw new Error('it did not fail'); }, (e: ApplicationFailure) => e);

let versions = Date.now(); // rows of versions older than 90 days are gone as soon as they are written
/** 2,500 items of 50 neighbours: 125,000 rows, three pages of at most 50,000 */
async function collectWide(answers: readonly Answer[] = [wideAnswer(2500, 50)], keep = 50, beats?: unknown[]): Promise<NeighboursRef> {
  const shards = answerShards(nc, answers);
  try {
    return await attempt(activities.collectNeighbours, { version: ++versions, shards: answers.length, keep }, undefined, beats);
  } finally {
    shards.close();
  }
}
const countRows = async (version: number): Promise<number> => (await storedNeighbours(store.client, version)).length;

it('collects page by page and tells how far it is', async () => {
  const beats: unknown[] = [];
  const ref = await collectWide(undefined, undefined, beats);
  expect(ref).toMatchObject({ name: 'item_neighbours', items: 2500, rows: 125_000, pages: 3 });
  expect(beats).toEqual([0, 500, 1000, 1500, 2000, 2500].map((items) => ({ shards: 0, items })));
});

it('the later of two entries counts where an item came back under a new id between two pages', async () => {
  const neighbour = { item: 'b', norm2: 4, neighbours: [] };
  const pages = [{ nextId: 1, asOfMs: 0, items: [{ item: 'a', norm2: 1, neighbours: [{ item: 'b', dot: 1, similarity: 0 }] }, neighbour] }, { nextId: -1, asOfMs: 0, items: [{ item: 'a', norm2: 4, neighbours: [{ item: 'b', dot: 2, similarity: 0 }] }] }];
  const ref = await collectWide([({ fromId }) => pages[fromId]]);
  await attempt(activities.writeNeighbours, ref);
  expect(await storedNeighbours(store.client, ref.version)).toEqual([{ item: 'a', rank: 1, neighbour: 'b', similarity: 0.5, dot: 2, norm2: 4 }]);
});

it('writing twice leaves each row once', async () => {
  const ref = await collectWide();
  const beats: unknown[] = [];
  await attempt(activities.writeNeighbours, ref, undefined, beats);
  expect(beats).toEqual([0, 1, 2, 3].map((nextPage) => ({ nextPage })));
  await attempt(activities.writeNeighbours, ref);
  expect(await countRows(ref.version)).toBe(125_000);
  await attempt(activities.checkNeighbours, ref);
});

it('a retry goes on with the page that the heartbeats named', async () => {
  const ref = await collectWide();
  await attempt(activities.writeNeighbours, ref, { nextPage: 2 });
  expect(await countRows(ref.version)).toBe(25_000);
});

it('a version that is not whole in ClickHouse fails for good', async () => {
  const ref = await collectWide();
  await attempt(activities.writeNeighbours, ref, { nextPage: 1 });
  expect(await failureOf(attempt(activities.checkNeighbours, ref))).toMatchObject({
    nonRetryable: true, type: 'rows_differ',
    message: expect.stringContaining(`holds 75000 rows of 1500 items of version ${ref.version}, and artefact item_neighbours ${ref.version}`) as unknown,
  });
});

it('a page that stands in for another is noticed, although the number of rows is right', async () => {
  const ref = await collectWide();
  await attempt(activities.writeNeighbours, ref, { nextPage: 1 });
  const doubled = await artefacts.get(ref);
  await clickHouseRows(store.client).insert('item_neighbours', itemNeighboursTable.columns.map((c) => c.name), await doubled.part(1), 'another token');
  expect(await countRows(ref.version)).toBe(ref.rows);
  expect(await failureOf(attempt(activities.checkNeighbours, ref))).toMatchObject({ type: 'rows_differ' });
});

it('a damaged artefact fails for good and names itself; nothing of it is written', async () => {
  const ref = await collectWide();
  (artefacts.bytesOf(ref) as Uint8Array)[1000] ^= 1;
  expect(await failureOf(attempt(activities.writeNeighbours, ref))).toMatchObject({
    nonRetryable: true, type: 'bad_file',
    message: expect.stringMatching(new RegExp(`artefact item_neighbours ${ref.version} .* is damaged: its checksum does not match`)) as unknown,
  });
  expect(await countRows(ref.version)).toBe(0);
});

it('a shard that does not answer may come back; one that refuses the request will not take it', async () => {
  expect(await failureOf(attempt(activities.collectNeighbours, { version: 1, shards: 1, keep: 5 }))).toMatchObject({ nonRetryable: false, type: 'unavailable' });
  const shards = answerShards(nc, [() => ({ nextId: 2 ** 30, asOfMs: 0, items: [] })]);
  const refused = await failureOf(attempt(activities.collectNeighbours, { version: 1, shards: 1, keep: 5 }));
  shards.close();
  expect(refused).toMatchObject({ nonRetryable: true, type: 'bad_request', message: expect.stringContaining('fromId') as unknown });
});

it('a table that is not there yet may come; a ClickHouse that is away comes back', async () => {
  const ref = await collectWide();
  await store.client.command({ query: 'RENAME TABLE item_neighbours TO elsewhere' });
  expect(await failureOf(attempt(activities.writeNeighbours, ref))).toMatchObject({ nonRetryable: false });
  await store.client.command({ query: 'RENAME TABLE elsewhere TO item_neighbours' });
  await store.server.stop();
  expect(await failureOf(attempt(activities.writeNeighbours, ref))).toMatchObject({ nonRetryable: false, type: 'unavailable' });
  expect(await failureOf(attempt(activities.checkNeighbours, ref))).toMatchObject({ nonRetryable: false, type: 'unavailable', message: expect.stringContaining('ClickHouse: counting item_neighbours') as unknown });
  await store.restart();
  await attempt(activities.writeNeighbours, ref);
  await attempt(activities.checkNeighbours, ref);
});

it('ends between two pages when it is cancelled', async () => {
  const ref = await collectWide();
  const environment = new MockActivityEnvironment({}, { logger: quiet });
  environment.on('heartbeat', ({ nextPage }: { nextPage: number }) => { if (nextPage === 1) environment.cancel('CANCELLED'); });
  await expect(environment.run(activities.writeNeighbours, ref)).rejects.toThrow('CANCELLED');
  expect(await countRows(ref.version)).toBe(50_000);
});
