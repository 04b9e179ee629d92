/** The factorisation from the table `events` to the answers, with every part as it is in production. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MockActivityEnvironment } from '@temporalio/testing';
import { readCut } from '../../activities/arrow-cut.js';
import { createCutActivities, type CutInput, type CutPosition, type DataSet } from '../../activities/cut.js';
import { historiesOf, readSvdRows } from '../../activities/recipes/svd-data.js';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import { decidesFor } from '../../pipelines/canary.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { requestService } from '../../pipelines/runtime/request.js';
import { readSvd } from '../../pipelines/recommend/svd.js';
import type { ProfileAnswer, RecommendAnswer } from '../../schemas/services.js';
import { serviceSubject, shardServiceSubject } from '../../schemas/subjects.js';
import { createRandom } from '../../simulator/random.js';
import { runSetLive } from '../../workflows/model-runs.js';
import { watchId } from '../../workflows/names.js';
import type { RefreshSvdInput } from '../../workflows/refresh-svd.js';
import { runRefreshSvd, type StartedRefresh } from '../../workflows/runs.js';
import type { WatchResult } from '../../workflows/watch-model.js';
import { aftercare } from '../support/cli.js';
import { click, purchase } from '../support/events.js';
import type { TestSystem } from '../support/system.js';
import { historyText } from './histories.js';
import { smallShop, startWholeSystem, type WholeSystem } from './system.js';

const shards = 2;
const day = 24 * 3_600_000;
const endMs = Date.now() - 2 * day; // sessions are over: what a customer looks at now has no say
const kinds = ['tea', 'lamp', 'rug'];
const customers = Array.from({ length: 150 }, (_, n) => `c${n}`);
const settings = { halfLifeDays: 90, history: 500, rank: 8 };
const input: RefreshSvdInput = { shards, halfLifeDays: 90, history: 500, rank: 8, holdout: 0.2, watch: { hours: 0, everyMinutes: 1 } };

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
  let data: DataSet;
  let rows: { version: number; data_rows: number; data_sha256: string; epochs: number; card: string }[];

  beforeAll(async () => {
    whole = await startWholeSystem(shards, smallShop);
    ({ system, nc, temporal } = whole);
  }, 120_000);
  afterAll(() => whole.stop());

  const ask = <T>(endpoint: string, body: unknown): Promise<T> => requestService<T>(nc, serviceSubject(endpoint), body);
  const rowsOf = <T>(query: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => (await client.query({ query, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const refresh = (given: object = input): Promise<StartedRefresh> => runRefreshSvd(temporal, given as typeof input, { wait: true });

  it('has nothing to do in a shop without customers, and refuses what is out of range', async () => {
    const { result } = await refresh();
    expect(result).toMatchObject({ customers: 0, entries: 0, rank: 0, checks: [], live: [], reason: 'nothing to factorise: no item has two customers, in 0 rows' });
    expect(result).not.toHaveProperty('sha256');
    expect((await ask<RecommendAnswer>('recommend', { customer: 'c1' })).model).toBe('cosine-sessions-2');
    await expect(refresh({ ...input, shards: 0 })).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining('shards must be a whole number from 1 to 256, got 0') as unknown });
    await expect(refresh({ ...input, halfLifeDays: 'x' })).rejects.toThrow(/halfLifeDays must be a number from 0.01 to 36500, got "x"/);
  });

  it('reads what the shards hold: faded, without what was sent back or forgotten', async () => {
    await whole.publish(shop());
    const found = new Map<string, Map<string, number>>();
    await withClickHouse(system.endpoints, async (clickhouse) => {
      const artefacts = jetstreamArtefacts(nc);
      const { cutPosition, cutData } = createCutActivities({ nc, clickhouse, artefacts });
      const attempt = <A, R>(activity: (given: A) => Promise<R>, given: A): Promise<R> => new MockActivityEnvironment().run(activity, given);
      const position = await attempt<{ shards: number }, CutPosition>(cutPosition, { shards });
      const cutAs = (version: number): Promise<DataSet> => attempt<CutInput, DataSet>(cutData, { model: 'svd', version, settings, ...position });
      data = await cutAs(1);
      expect(data.rows).toBeGreaterThan(1000);
      expect((await cutAs(2)).ref, 'the same cut again').toMatchObject({ sha256: data.ref.sha256, bytes: data.ref.bytes });
      const cut = readCut(await artefacts.load(data.ref));
      const table = readSvdRows(cut, settings);
      const { starts, items, strengths } = historiesOf(table, { from: 0, to: cut.rows });
      // Of a customer the cut knows a number alone.
      const numbered = await clickhouse.query({ query: 'SELECT DISTINCT customer, toInt64(bitAnd(cityHash64(customer), 9007199254740991)) AS number FROM events', format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
      const nameOf = new Map((await numbered.json<{ customer: string; number: number }>()).map(({ customer, number }) => [number, customer]));
      for (const [row, number] of cut.numbers('customer').entries()) {
        const u = table.customer[row];
        const own = Array.from(items.subarray(starts[u], starts[u + 1]), (item, i): [string, number] => [table.items[item], strengths[starts[u] + i]]);
        if (own.length > 0) found.set(nameOf.get(number) ?? '', new Map(own));
      }
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
    expect(result).toMatchObject({ champion: 'popularity', rank: 8, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    expect(result?.reason).toBeUndefined();
    expect(result?.customers).toBeGreaterThan(120);
    expect(result?.live).toHaveLength(shards);
    await whole.folded();
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ svd: result?.version });
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync('test/histories/refresh-svd-recipe.json', historyText(await temporal.workflow.getHandle(workflowId).fetchHistory()));
    const answers = await Promise.all(customers.slice(0, 40).map((customer) => ask<RecommendAnswer>('recommend', { customer, k: 5 })));
    for (const { model } of answers) expect(model).toBe(`cosine-sessions-2+svd.${result?.version}`);
    const channels = answers.flatMap(({ items }) => items.map(({ channel }) => channel));
    expect(channels.filter((channel) => channel === 'svd').length).toBeGreaterThan(10);
    await expect.poll(() => rowsOf('SELECT model, outcome, shard FROM promotions ORDER BY shard'), { timeout: 20_000 }).toEqual([0, 1].map((shard) => ({ model: 'svd', outcome: 'live', shard })));
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

  it('makes the same bytes of the same events, and what is no better than the live one does not go live', async () => {
    const [one, two] = [await refresh(), await refresh()];
    expect(two.result?.sha256).toBe(one.result?.sha256);
    expect(two.result).toMatchObject({ champion: `svd.${refreshed.result?.version}`, live: [], reason: expect.stringContaining('gain') as unknown });
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ svd: refreshed.result?.version });
    const { version = 0, sha256 = '', bytes = 0 } = two.result ?? {};
    const { factors } = readSvd(await jetstreamArtefacts(nc).load({ name: 'svd', version, sha256, bytes }));
    expect(factors).toMatchObject({ rank: 8, customers: two.result?.customers, entries: two.result?.entries });
    expect(Buffer.from(JSON.stringify(factors)).includes('newcomer'), 'no customer is kept').toBe(false);
  });

  it('is in the registry with its card, its data set and its checks', async () => {
    rows = await rowsOf(`SELECT version, trained_rows, data_rows, data_sha256, epochs, card FROM models WHERE model = 'svd' ORDER BY version`);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({ version: refreshed.result?.version, data_rows: data.rows, data_sha256: data.ref.sha256, epochs: 11 });
    expect(rows[0].card).toContain('beside popularity. Score: nDCG');
    const checks = await rowsOf<{ name: string; slice: string; passed: number }>(`SELECT name, slice, passed FROM evaluations WHERE model = 'svd' AND version = ${refreshed.result?.version} AND kind = 'check'`);
    expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['rows', 'gain', 'slice', 'latency_ms_p99', 'bytes']));
    expect(checks.every(({ passed }) => passed === 1)).toBe(true);
    const second = await rowsOf<{ name: string }>(`SELECT name FROM evaluations WHERE model = 'svd' AND version = ${rows[2].version} AND kind = 'check'`);
    expect(second.map(({ name }) => name)).toEqual(expect.arrayContaining(['customers', 'items']));
  });

  it('is rolled back by itself when customers turn to other things than it recommends', async () => {
    const askers = Array.from({ length: 510 }, (_, n) => customers[n % 100]);
    /** Each asks, and then does something: with what was recommended, or with something else. */
    const play = async (name: string, taken: boolean): Promise<void> => {
      const events: unknown[] = [];
      for (let from = 0; from < askers.length; from += 30) {
        const asking = askers.slice(from, from + 30);
        const answers = await Promise.all(asking.map((customer) => ask<RecommendAnswer>('recommend', { customer, k: 3 })));
        events.push(...answers.map(({ items }, i) => click(`${name}${from + i}`, asking[i], { item: taken && i % 2 === 0 ? items[0].item : `${name}-${from + i}`, atMs: Date.now() })));
      }
      await whole.publish(events);
    };
    await play('before', true);
    const [, , { version }] = rows;
    const went = await runSetLive(temporal, { model: 'svd', shards, to: version, by: 'test', reason: 'to see that it falls', watch: { hours: 1, everyMinutes: 0.01 } });
    expect(went).toMatchObject({ live: { version }, instead: { version: refreshed.result?.version } });
    await whole.folded();
    await play('after', false);
    const result = (await temporal.workflow.getHandle(watchId('svd', version)).result()) as WatchResult;
    expect(result).toMatchObject({ outcome: 'rolled_back', reason: expect.stringMatching(/^next_hit is 0 and was 0\.[345]\d* before/) as unknown });
    await whole.folded();
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ svd: refreshed.result?.version });
    expect((await ask<RecommendAnswer>('recommend', { customer: 'c1' })).model).toBe(`cosine-sessions-2+svd.${refreshed.result?.version}`);
  }, 180_000);

  it('its challenger decides for a share of the customers, and the command compares what they did next', async () => {
    const [, , { version }] = rows;
    await runSetLive(temporal, { model: 'svd', shards, to: version, challenger: { percent: 50 }, by: 'test' });
    await whole.folded();
    const share = { version, sha256: '', bytes: 0, seq: 0, percent: 50 };
    const asking = customers.slice(0, 60);
    const answers = await Promise.all(asking.map((customer) => ask<RecommendAnswer>('recommend', { customer, k: 3 })));
    for (const [n, { model }] of answers.entries()) expect(model).toBe(`cosine-sessions-2+svd.${decidesFor(share, 'svd-shadow', asking[n]) ? version : refreshed.result?.version}`);
    const compare = async (): Promise<{ model: string; answers: number }[]> => {
      const { code, stdout, stderr } = await aftercare(['compare', 'recommend', '--days', '1', '--json'], { env: endpointVariables(system.endpoints) });
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout) as { model: string; answers: number }[];
    };
    const stored = (): Promise<unknown[]> => rowsOf(`SELECT uniqExact(shard, commit_seq, answer) AS answers FROM recommendations WHERE model LIKE '%svd.${version}'`);
    const his = asking.filter((customer) => decidesFor(share, 'svd-shadow', customer)).length;
    await expect.poll(stored, { timeout: 20_000 }).toEqual([{ answers: 510 + his }]);
    const found = await compare();
    expect(found.map(({ model }) => model)).toEqual([`cosine-sessions-2+svd.${refreshed.result?.version}`, `cosine-sessions-2+svd.${version}`]);
    expect(found[1]).toMatchObject({ answers: 510 + his, followed: 510, hits: 0, hit_share: 0, low: expect.closeTo(0, 6) as unknown });
    const { code, stderr } = await aftercare(['canary', 'svd', String(version), '--percent', '0'], { env: endpointVariables(system.endpoints) });
    expect([code, stderr]).toEqual([1, expect.stringContaining('svd has no shadow') as unknown]);
  });
});
