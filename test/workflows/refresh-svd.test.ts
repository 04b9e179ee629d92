/** The factorisation from the table `events` to the answers, with every part as it is in production. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutEvents, readPage } from '../../activities/interactions.js';
import { createRowReader } from '../../activities/interaction-rows.js';
import { withClickHouse } from '../../cli/context.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { requestService } from '../../pipelines/runtime/request.js';
import { readSvd } from '../../pipelines/recommend/svd.js';
import type { ProfileAnswer, RecommendAnswer } from '../../schemas/services.js';
import { serviceSubject, shardServiceSubject } from '../../schemas/subjects.js';
import { createRandom } from '../../simulator/random.js';
import { runSetLive } from '../../workflows/model-runs.js';
import { runRefreshSvd, type StartedRefresh } from '../../workflows/runs.js';
import { click, purchase } from '../support/events.js';
import type { TestSystem } from '../support/system.js';
import { historyText } from './histories.js';
import { startWholeSystem, type WholeSystem } from './system.js';

const shards = 2;
const day = 24 * 3_600_000;
const endMs = Date.now() - 2 * day; // sessions are over: what a customer looks at now has no say
const kinds = ['tea', 'lamp', 'rug'];
const customers = Array.from({ length: 150 }, (_, n) => `c${n}`);
const input = { shards, halfLifeDays: 90, history: 500, rank: 8 };

/** Customers of one kind each, a refund for some, and two who asked to be forgotten, one of whom came back. */
function* shop() {
  const random = createRandom(5);
  let n = 0;
  const at = (): number => endMs - Math.floor(100 * day * random.uniform());
  for (const [c, customer] of customers.entries()) {
    for (let i = 0; i < 9; i += 1) {
      const item = `${kinds[c % 3]}-${Math.floor(20 * random.skewed())}`;
      n += 1;
      if (i % 4 === 3) yield purchase(`p${n}`, customer, { lines: [{ item, quantity: 1, unitMinor: 500 }, { item: `${kinds[c % 3]}-${i}`, quantity: 2, unitMinor: 100 }], amountMinor: 700, atMs: at() });
      else yield click(`v${n}`, customer, { item, action: (['view', 'favourite', 'cart', 'uncart'] as const)[random.below(4)], atMs: at() });
    }
    if (c % 10 === 0) {
      yield { v: 1, type: 'refund', id: `r${n}`, customer, atMs: endMs, order: `o${n}`, lines: [{ item: `${kinds[c % 3]}-3`, quantity: 1, unitMinor: 100 }], amountMinor: 100, currency: 'EUR' };
      if (c % 20 === 0) yield click(`again${n}`, customer, { item: `${kinds[c % 3]}-3`, atMs: endMs - day });
    }
    if (c === 7 || c === 8) yield { v: 1, type: 'control', id: `f${n}`, customer, atMs: endMs, command: 'forget' };
    if (c === 8) yield click(`back${n}`, customer, { item: 'rug-1', atMs: endMs - day });
  }
}

describe('refreshSvd', () => {
  let whole: WholeSystem;
  let system: TestSystem;
  let nc: NatsConnection;
  let temporal: Client;
  let refreshed: StartedRefresh;

  beforeAll(async () => {
    whole = await startWholeSystem(shards);
    ({ system, nc, temporal } = whole);
  }, 120_000);
  afterAll(() => whole.stop());

  const ask = <T>(endpoint: string, body: unknown): Promise<T> => requestService<T>(nc, serviceSubject(endpoint), body);
  const refresh = (given: object = input): Promise<StartedRefresh> => runRefreshSvd(temporal, given as typeof input, { wait: true });

  it('has nothing to do in a shop without customers, and refuses what is out of range', async () => {
    const { result } = await refresh();
    expect(result).toMatchObject({ seq: 0, customers: 0, entries: 0, rank: 0, live: [] });
    expect(result).not.toHaveProperty('sha256');
    expect((await ask<RecommendAnswer>('recommend', { customer: 'c1' })).model).toBe('cosine-sessions-2');
    await expect(refresh({ ...input, shards: 0 })).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining('shards must be a whole number from 1 to 256, got 0') as unknown });
    await expect(refresh({ ...input, halfLifeDays: 'x' })).rejects.toThrow(/halfLifeDays must be a number from 0.01 to 36500, got "x"/);
  });

  it('reads what the shards hold: faded, without what was sent back or forgotten', async () => {
    await whole.publish(shop());
    const found = new Map<string, Map<string, number>>();
    await withClickHouse(system.endpoints, async (client) => {
      const reader = createRowReader((customer, item, strength) => {
        const own = found.get(customer) ?? new Map<string, number>();
        found.set(customer, own.set(item, strength));
      });
      const cut = await cutEvents(client);
      expect(cut.touches).toBeGreaterThan(1000);
      for await (const bytes of await readPage(client, 0, { ...cut, halfLifeMs: 90 * day, history: 500 })) reader.push(bytes as Uint8Array);
      reader.end();
    });
    // The live model is the other implementation; it tells strengths as of its shard's newest event.
    let compared = 0;
    for (const customer of customers) {
      const live = await ask<ProfileAnswer>('profile', { customer }).catch(() => undefined);
      const mine = found.get(customer) ?? new Map<string, number>();
      expect([...mine.keys()].sort(), customer).toEqual((live?.items ?? []).map(({ item }) => item).sort());
      const scale = live === undefined || live.items.length === 0 ? 1 : live.items[0].strength / (mine.get(live.items[0].item) ?? Number.NaN);
      for (const { item, strength } of live?.items ?? []) {
        expect(Math.abs((mine.get(item) ?? Number.NaN) * scale / strength - 1) < 1e-5, `${customer} ${item}`).toBe(true);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(700);
    expect(found.has('c7')).toBe(false);
    expect([...(found.get('c8') ?? []).keys()]).toEqual(['rug-1']);
    expect(found.get('c10')?.has('lamp-3')).toBe(false);
    expect(found.get('c20')?.has('rug-3')).toBe(true);
  });

  it('makes factors and sets them live in every shard', async () => {
    refreshed = await refresh();
    const { result, workflowId } = refreshed;
    expect(result).toMatchObject({ customers: 149, rank: 8, share: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    expect(result?.live).toHaveLength(shards);
    await whole.folded();
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ svd: result?.version });
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync('test/histories/refresh-svd-registered.json', historyText(await temporal.workflow.getHandle(workflowId).fetchHistory()));
    const answers = await Promise.all(customers.slice(0, 40).map((customer) => ask<RecommendAnswer>('recommend', { customer, k: 5 })));
    for (const { model } of answers) expect(model).toBe(`cosine-sessions-2+svd.${result?.version}`);
    const channels = answers.flatMap(({ items }) => items.map(({ channel }) => channel));
    expect(channels.filter((channel) => channel === 'svd').length).toBeGreaterThan(10);
    const rows = (): Promise<unknown[]> => withClickHouse(system.endpoints, async (client) => {
      const stored = await client.query({ query: 'SELECT model, outcome, shard FROM promotions ORDER BY shard', format: 'JSONEachRow' });
      return stored.json();
    });
    await expect.poll(rows, { timeout: 20_000 }).toEqual([0, 1].map((shard) => ({ model: 'svd', outcome: 'live', shard })));
  });

  it('folds in a customer who came after it, with the reasons', async () => {
    const customer = 'newcomer';
    await whole.publish([click('n1', customer, { item: 'lamp-0', atMs: endMs }), click('n2', customer, { item: 'lamp-1', atMs: endMs, action: 'cart' })]);
    const { items } = await ask<RecommendAnswer>('recommend', { customer, k: 5 });
    const svd = items.filter(({ channel }) => channel === 'svd');
    expect(svd.length).toBeGreaterThan(0);
    for (const { item, because } of svd) {
      expect(item).toMatch(/^lamp-/);
      expect(because.some((reason) => reason.item === 'lamp-0' || reason.item === 'lamp-1')).toBe(true);
    }
  });

  it('replays from nothing to the same state, and a snapshot holds the factors', async () => {
    const hashes = (): Promise<unknown[]> => Promise.all(Array.from({ length: shards }, (_, shard) => requestService(nc, shardServiceSubject(shard, 'hash'), {}, 20_000)));
    const before = await hashes();
    await delay(1000); // snapshots come every half second
    await system.killAndRestart('shard');
    await whole.folded();
    expect(await hashes(), 'from its snapshot').toEqual(before);
    system.handle('shard').kill('SIGKILL');
    await system.handle('shard').exited;
    rmSync(join(system.context.dataDir, 'snapshots'), { recursive: true });
    await system.killAndRestart('shard');
    await whole.folded();
    expect(await hashes(), 'from the first event').toEqual(before);
    expect((await ask<RecommendAnswer>('recommend', { customer: 'newcomer' })).model).toContain(`+svd.${refreshed.result?.version}`);
  });

  it('makes the same bytes of the same events, and the next version takes the place of the last', async () => {
    const artefacts = jetstreamArtefacts(nc);
    const [one, two] = [await refresh(), await refresh()];
    expect(two.result?.sha256).toBe(one.result?.sha256);
    expect(two.result?.sha256).not.toBe(refreshed.result?.sha256); // a customer came since
    await whole.folded();
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ svd: two.result?.version });
    const { version = 0, sha256 = '', bytes = 0 } = two.result ?? {};
    const { factors } = readSvd(await artefacts.load({ name: 'svd', version, sha256, bytes }));
    expect(factors).toMatchObject({ rank: 8, customers: two.result?.customers, entries: two.result?.entries });
    expect(Buffer.from(JSON.stringify(factors)).includes('newcomer'), 'no customer is kept').toBe(false);
  });

  it('is in the registry with its card and its checks, and is rolled back like every model', async () => {
    const rows = await withClickHouse(system.endpoints, async (client) => {
      const found = await client.query({ query: `SELECT version, trained_rows, card FROM models WHERE model = 'svd' ORDER BY version`, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
      return found.json<{ version: number; trained_rows: number; card: string }>();
    });
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({ version: refreshed.result?.version, trained_rows: 149, card: expect.stringContaining('| customers | 149 |') as unknown });
    const went = await runSetLive(temporal, { model: 'svd', shards, to: 'before', by: 'test', reason: 'to see that it can be' });
    expect(went).toMatchObject({ live: { version: rows[1].version }, instead: { version: rows[2].version } });
    await whole.folded();
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ svd: rows[1].version });
  });
});
