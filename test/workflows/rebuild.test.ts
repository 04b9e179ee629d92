/** The live state against the stream, folded again from nothing in a process of its own; real servers. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardState } from '../../pipelines/runtime/serve.js';
import { shardFilter, shardServiceSubject, streams } from '../../schemas/subjects.js';
import { createSimulator } from '../../simulator/simulator.js';
import { progressOf, runRebuild, type StartedRebuild } from '../../workflows/runs.js';
import { aftercare } from '../support/cli.js';
import type { RebuildResult } from '../../workflows/rebuild.js';
import { historyText } from './histories.js';
import { smallShop, startWholeSystem, until, type WholeSystem } from './system.js';

const shards = 2;
const events = [...createSimulator({ seed: 3, customers: 300, items: 120, startMs: Date.now() - 20 * 3_600_000, hours: 19, events: 8000, forgets: 3 }).events()];
const half = Math.floor(events.length / 2);

describe('rebuild', () => {
  let whole: WholeSystem;
  beforeAll(async () => {
    whole = await startWholeSystem(shards, { ...smallShop, AFTERCARE_COUPON_BUDGET_MINOR: '1000000', AFTERCARE_COUPON_SECRET: 'of this test' });
  }, 120_000);
  afterAll(() => whole.stop());

  const rebuild = (input: object = {}): Promise<StartedRebuild> => runRebuild(whole.temporal, { shards, ...input }, { wait: true });
  const state = (shard: number): Promise<ShardState> => requestService<ShardState>(whole.nc, shardServiceSubject(shard, 'state'), {}, 20_000);
  const rows = (): Promise<{ run: string; shard: number; outcome: string; differing: string[]; events: string }[]> => withClickHouse(whole.system.endpoints, async (client) =>
    (await client.query({ query: 'SELECT run, shard, outcome, differing, events FROM rebuilds ORDER BY at, shard', format: 'JSONEachRow' })).json());

  it('a shard tells the hashes of every part at its sequence, and the same again while nothing comes', async () => {
    await whole.publish(events.slice(0, half));
    const told = await state(0);
    expect(Object.keys(told.parts)).toEqual(expect.arrayContaining(['models.list', 'recommend.recommender', 'recommend.sessions', 'signals', 'risk.ledger', 'coupons']));
    expect(told.seq).toBe((await whole.statusOf(0)).seq);
    expect(await state(0)).toEqual(told);
    expect(JSON.stringify(told), 'no secret is told').not.toContain('of this test');
    const [one, other] = await Promise.all([state(0), state(0)]);
    expect(one).toEqual(other);
  });

  it('the state is what the stream says, while events go on coming, and a row says so', async () => {
    const publishing = whole.publish(events.slice(half));
    const { result, workflowId } = await rebuild();
    await publishing;
    expect(result).toMatchObject({ same: true, shards: [0, 1].map((shard) => ({ shard, same: true, differing: [], gone: [] })) });
    expect(await rows()).toMatchObject([0, 1].map((shard) => ({ run: workflowId, shard, outcome: 'same', differing: [] })));
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync('test/histories/rebuild.json', historyText(await whole.temporal.workflow.getHandle(workflowId).fetchHistory()));
  });

  it('killed in the middle, the worker or the replay alone, it goes on from where its state was put down, to the same hash and one row', async () => {
    const calm = (await rebuild({ only: [1] })).result?.shards[0];
    const { workflowId } = await runRebuild(whole.temporal, { shards, only: [1], eventsPerSecond: 500 }, { wait: false });
    const folder = join(whole.system.context.dataDir, 'replays');
    const kept = (): number[] => (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []).filter((name) => name.endsWith('.snap')).map((name) => Number.parseInt(basename(name), 10));
    const folded = async (): Promise<number> => Number((await progressOf(whole.temporal, workflowId)).details?.seq ?? 0);
    const laterThan = async (seq: number): Promise<number> => {
      await until(`its state was put down behind ${seq}`, () => Math.max(0, ...kept()) > seq, 60_000);
      return Math.max(...kept());
    };
    const first = await laterThan(0);
    await whole.killWorker();
    await whole.startWorker();
    await until('the next attempt says how far it is', async () => (await folded()) >= first, 60_000);
    const second = await laterThan(first);
    const children = readFileSync(`/proc/${whole.worker().pid}/task/${whole.worker().pid}/children`, 'utf8').trim().split(' ');
    const [child] = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('replay-process'));
    process.kill(Number(child), 'SIGKILL');
    const { same, shards: [last] } = (await whole.temporal.workflow.getHandle(workflowId).result()) as RebuildResult;
    expect(same).toBe(true);
    expect(last.resumedAt).toBeGreaterThanOrEqual(second);
    expect(last, 'counted as if nobody had killed it').toMatchObject({ shard: 1, same: true, events: calm?.events, rejects: calm?.rejects, bytes: calm?.bytes });
    expect((await rows()).filter(({ run }) => run === workflowId)).toHaveLength(1);
    expect(readdirSync(folder), 'nothing is left of it').toEqual([]);
  }, 180_000);

  it('cancelled, it leaves nothing behind', async () => {
    const { workflowId } = await runRebuild(whole.temporal, { shards, only: [1], eventsPerSecond: 500 }, { wait: false });
    const folder = join(whole.system.context.dataDir, 'replays');
    await until('its state was put down', () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.snap')), 60_000);
    await whole.temporal.workflow.getHandle(workflowId).cancel();
    await expect(whole.temporal.workflow.getHandle(workflowId).result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    await until('its folder is gone', () => readdirSync(folder).length === 0);
  });

  it('refuses what is out of range', async () => {
    await expect(rebuild({ shards: 0 })).rejects.toThrow('rebuild: shards must be a whole number from 1 to 256, got 0');
    await expect(rebuild({ only: [2] })).rejects.toThrow('rebuild: only must be a list of shards from 0 to 1, got [2]');
    await expect(rebuild({ eventsPerSecond: 0 })).rejects.toThrow('rebuild: eventsPerSecond must be a whole number from 1 to 1000000000, got 0');
  });

  it('a stream that lacks a message gives another state: the parts are named, and the command fails', async () => {
    const run = (...args: string[]) => aftercare(['rebuild', '--wait', ...args], { env: { ...endpointVariables(whole.endpoints), AFTERCARE_SHARDS: String(shards) } });
    const good = await run('--shard', '0', '--json');
    expect(good).toMatchObject({ code: 0 });
    expect(JSON.parse(good.stdout)).toMatchObject({ result: { same: true } });
    const jsm = await jetstreamManager(whole.nc);
    const cursor = await jetstreamLog(whole.nc, streams.events).open(1, shardFilter(0));
    const [first] = await cursor.take(1, 5000);
    await cursor.close();
    await jsm.streams.deleteMessage(streams.events, first.seq);
    const bad = await run('--shard', '0');
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/^0 .* differs$/m);
    expect(bad.stdout).toMatch(/shard 0 differs in .*recommend\.recommender/);
    expect(bad.stdout).toContain('Messages were deleted from the stream');
    expect((await rows()).at(-1)).toMatchObject({ shard: 0, outcome: 'differs', differing: expect.arrayContaining(['recommend.recommender', 'recommend.sessions']) as unknown });
  });
});
