/**
 * A stream folded again beside the live system. rebuild: the live state is what the stream says; backfill: another version over the same
 * events gives what it would have given live; canary: it gives so for a share of the customers. Real servers, one system for all.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import { placeOf } from '../../pipelines/canary.js';
import type { ArtefactRef } from '../../pipelines/runtime/artefacts.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { promote } from '../../pipelines/runtime/jetstream/promote.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardState } from '../../pipelines/runtime/serve.js';
import { limits } from '../../schemas/limits.js';
import { shardFilter, shardServiceSubject, streams } from '../../schemas/subjects.js';
import { createSimulator } from '../../simulator/simulator.js';
import type { RebuildResult } from '../../workflows/rebuild.js';
import { progressOf, runBackfill, runRebuild, type StartedBackfill, type StartedRebuild } from '../../workflows/runs.js';
import { aftercare } from '../support/cli.js';
import { purchase } from '../support/events.js';
import { riskLogisticArtefact } from '../support/risk-models.js';
import { historyText } from './histories.js';
import { smallShop, startWholeSystem, until, type WholeSystem } from './system.js';
import { publishAll } from '../support/system.js';

const shards = 2;
const events = [...createSimulator({ seed: 4, customers: 300, items: 120, startMs: Date.now() - 20 * 3_600_000, hours: 19, events: 9000, forgets: 3 }).events()];
const half = Math.floor(events.length / 2);
const model = 'risk-logistic';

describe('operations on the stream', () => {
  let whole: WholeSystem;
  let refs: ArtefactRef[];
  let promotedAt: number[];
  beforeAll(async () => { whole = await startWholeSystem(shards, { ...smallShop, AFTERCARE_SINK_LINGER_MS: '20', AFTERCARE_COUPON_BUDGET_MINOR: '1000000', AFTERCARE_COUPON_SECRET: 'of this test' }); }, 120_000);
  afterAll(() => whole.stop());

  const query = <T>(sql: string): Promise<T[]> => withClickHouse(whole.system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const backfill = (input: object): Promise<StartedBackfill> => runBackfill(whole.temporal, { shards, model, ...input } as never, { wait: true });
  const rebuild = (input: object = {}): Promise<StartedRebuild> => runRebuild(whole.temporal, { shards, ...input }, { wait: true });
  const state = (shard: number): Promise<ShardState> => requestService<ShardState>(whole.nc, shardServiceSubject(shard, 'state'), {}, 20_000);
  const rebuilds = (): Promise<{ run: string; shard: number; outcome: string; differing: string[] }[]> => query('SELECT run, shard, outcome, differing FROM rebuilds ORDER BY at, shard');
  const promoteAll = async (ref: ArtefactRef, atMs: number): Promise<number[]> => (await promote(whole.nc, jetstreamArtefacts(whole.nc), shards, { ref, atMs })).seqs;
  /** Each event alone, so that a backfill makes several cuts. */
  const publish = async (some: readonly object[]): Promise<void> => {
    await publishAll(whole.nc, shards, some);
    await whole.folded();
  };
  /** All columns of the decisions of a shard behind a sequence. */
  const decisions = (table: string, shard: number, after: number, and = '1'): Promise<object[]> =>
    query(`SELECT * EXCEPT (${table.startsWith('shadow') ? 'run' : ''}) FROM ${table} WHERE shard = ${shard} AND intDiv(seq, 1024) > ${after} AND ${and} ORDER BY seq`.replace('* EXCEPT ()', '*'));

  it('backfill: finds nothing to decide by where there is no such version', async () => {
    const artefacts = jetstreamArtefacts(whole.nc);
    refs = [];
    for (const [version, dear] of [[1, 50_000], [2, 9000]]) refs.push(await artefacts.put(model, version, riskLogisticArtefact(dear)));
    expect(refs[0].sha256).not.toBe(refs[1].sha256);
    await expect(backfill({ version: 3 })).rejects.toThrow('risk-logistic has no artefact of version 3; there are 2, 1');
    await expect(backfill({ version: 1, from: 9, to: 5 })).rejects.toThrow('backfill: to must be a sequence from 9 on, got 5');
    await expect(backfill({ version: 0 })).rejects.toThrow('backfill: version must be a whole number from 1 to');
  });

  it('rebuild: a shard tells the hashes of every part at its sequence, and the same again while nothing comes', async () => {
    await publish(events.slice(0, half));
    const told = await state(0);
    expect(Object.keys(told.parts)).toEqual(expect.arrayContaining(['models.list', 'recommend.recommender', 'recommend.sessions', 'signals', 'risk.ledger', 'coupons']));
    expect(told.seq).toBe((await whole.statusOf(0)).seq);
    expect(await state(0)).toEqual(told);
    expect(JSON.stringify(told), 'no secret is told').not.toContain('of this test');
    const [one, other] = await Promise.all([state(0), state(0)]);
    expect(one).toEqual(other);
  });

  it('rebuild: the state is what the stream says, while events go on coming, and a row says so', async () => {
    promotedAt = await promoteAll(refs[0], limits.atMsMin);
    const publishing = publish(events.slice(half));
    const { result, workflowId } = await rebuild();
    await publishing;
    expect(result).toMatchObject({ same: true, shards: [0, 1].map((shard) => ({ shard, same: true, differing: [], gone: [] })) });
    expect(await rebuilds()).toMatchObject([0, 1].map((shard) => ({ run: workflowId, shard, outcome: 'same', differing: [] })));
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync('test/histories/rebuild.json', historyText(await whole.temporal.workflow.getHandle(workflowId).fetchHistory()));
  });

  it('backfill: the version that was live gives the same rows again, in every column', async () => {
    const { result, workflowId } = await backfill({ version: 1, from: Math.min(...promotedAt) });
    for (let shard = 0; shard < shards; shard += 1) {
      const live = await decisions('risk_decisions', shard, promotedAt[shard]);
      expect(live.length).toBeGreaterThan(50);
      expect(live[0]).toMatchObject({ model: 'risk-logistic.1' });
      expect(await decisions('shadow_risk_decisions', shard, promotedAt[shard], `run = '${workflowId}'`)).toEqual(live);
    }
    expect(result).toMatchObject({ run: workflowId, version: 1 });
    const rows = (await query<{ rows: number }>(`SELECT count() AS rows FROM shadow_risk_decisions WHERE run = '${workflowId}'`))[0].rows;
    expect(result?.shards.reduce((sum, one) => sum + (one.rows.shadow_risk_decisions ?? 0), 0)).toBe(rows);
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync('test/histories/backfill.json', historyText(await whole.temporal.workflow.getHandle(workflowId).fetchHistory()));
  });

  it('backfill: another version decides from the given sequence on, whatever was promoted, and nothing live changes', async () => {
    const before = await decisions('risk_decisions', 0, 0);
    const hash = await whole.statusOf(0);
    const [from, to] = [Math.floor(promotedAt[0] / 2), promotedAt[0] + 1000];
    const ran = await aftercare(['backfill', model, '2', '--from', String(from), '--to', String(to), '--wait', '--json'], { env: { ...endpointVariables(whole.endpoints), AFTERCARE_SHARDS: String(shards) } });
    expect(ran.code, ran.stderr).toBe(0);
    const { workflowId } = JSON.parse(ran.stdout) as StartedBackfill;
    const found = await query<{ model: string; first: number; last: number }>(`SELECT model, min(stream_seq) AS first, max(stream_seq) AS last FROM shadow_risk_decisions WHERE run = '${workflowId}' GROUP BY model`);
    expect(found).toMatchObject([{ model: 'risk-logistic.2' }]);
    expect(found[0].first).toBeGreaterThanOrEqual(from);
    expect(found[0].last).toBeLessThanOrEqual(to);
    const wanted = (await query<{ rows: number }>(`SELECT count() AS rows FROM risk_decisions WHERE stream_seq BETWEEN ${from} AND ${to}`))[0].rows;
    const compared = await query<{ rows: number; moved: number }>(`SELECT count() AS rows, countIf(s.probability != l.probability) AS moved FROM risk_decisions l JOIN shadow_risk_decisions s ON s.shard = l.shard AND s.seq = l.seq WHERE s.run = '${workflowId}'`);
    expect(compared[0].rows).toBe(wanted);
    expect(compared[0].moved).toBeGreaterThan(wanted / 2);
    expect(await decisions('risk_decisions', 0, 0)).toEqual(before);
    expect((await whole.statusOf(0)).seq).toBe(hash.seq);
  });

  it('canary: a challenger decides for its share of the customers on live traffic, the same in a replay, and both are compared on the same events', async () => {
    const command = (...args: string[]) => aftercare(args, { env: { ...endpointVariables(whole.endpoints), AFTERCARE_SHARDS: String(shards) } });
    expect((await command('canary', model, '2', '--percent', '40')).stderr, 'it is not in the registry').toContain('has no version 2');
    await withClickHouse(whole.system.endpoints, (client) => client.insert({ table: 'models', values: [{ model, version: 2, at: '2026-01-15 12:00:00', sha256: refs[1].sha256, bytes: refs[1].bytes }], format: 'JSONEachRow' }));
    const ran = await command('canary', model, '2', '--percent', '40', '--json');
    expect(ran.code, ran.stderr).toBe(0);
    const { seqs } = JSON.parse(ran.stdout) as { seqs: number[] };
    expect((await command('canary', 'language', '2', '--percent', '40')).stderr).toContain('"language" has no place for a challenger');
    expect((await command('canary', 'svd', '2', '--percent', '0')).stderr).toContain('svd has no shadow');
    expect((await command('canary', model, '77', '--percent', '40')).stderr).toContain('has no version 77');
    const nowMs = Date.now();
    const orders = Array.from({ length: 200 }, (_, n) => purchase(`canary${n}`, `k${n}`, { order: `canary-o${n}`, amountMinor: 2000 + 100 * n, atMs: nowMs }));
    const truth = orders.slice(0, 60).map(({ customer, order }, n) => ({ v: 1, type: 'label', id: `canary-l${n}`, customer, atMs: nowMs, of: 'purchase', ref: order, verdict: n % 4 === 0 ? 'chargeback' : 'genuine' }));
    await publish([...orders, ...truth]);
    await until('they are stored', async () => (await query<{ rows: number }>(`SELECT count() AS rows FROM risk_decisions WHERE order_id LIKE 'canary-o%'`))[0].rows === 200);
    const decided = await query<{ customer: string; model: string; scored: string[] }>(`SELECT customer, model, shadow AS scored FROM risk_decisions WHERE order_id LIKE 'canary-o%'`);
    for (const one of decided) {
      const isIn = placeOf('risk-logistic-shadow', one.customer) < 40;
      expect(one.model, one.customer).toBe(isIn ? 'risk-logistic-shadow.2' : 'risk-logistic.1');
      expect(one.scored).toContain(isIn ? 'risk-logistic.1' : 'risk-logistic-shadow.2');
    }
    expect(new Set(decided.map((one) => one.model)).size).toBe(2);
    expect((await query<object>(`SELECT model, version, percent, outcome FROM promotions WHERE seq >= ${Math.min(...seqs)} * 1024`)).slice(0, 1)).toEqual([{ model: 'risk-logistic-shadow', version: 2, percent: 40, outcome: 'live' }]);
    const compared = JSON.parse((await command('compare', 'risk', '--json')).stdout) as { decided_by: string; model: string; role: string; decisions: number; verdicts: number; brier: number | null }[];
    const of = (decidedBy: string, scorer: string) => compared.find((row) => row.decided_by === decidedBy && row.model === scorer);
    const [mine, beside] = [of('risk-logistic-shadow.2', 'risk-logistic-shadow.2'), of('risk-logistic-shadow.2', 'risk-logistic.1')];
    expect(mine).toMatchObject({ role: 'decides', decisions: decided.filter((one) => one.model === 'risk-logistic-shadow.2').length });
    expect(beside).toMatchObject({ role: 'shadow', decisions: mine?.decisions, verdicts: mine?.verdicts });
    expect(mine?.verdicts).toBeGreaterThan(5);
    expect(mine?.brier).not.toBe(beside?.brier);
    // The oracle of one Brier score: from the rows themselves.
    const truths = new Map(truth.map(({ customer, verdict }) => [customer, verdict === 'chargeback' ? 1 : 0]));
    const rows = await query<{ customer: string; probability: number }>(`SELECT customer, probability FROM risk_decisions WHERE model = 'risk-logistic-shadow.2'`);
    const judged = rows.filter(({ customer }) => truths.has(customer));
    expect(mine?.brier).toBeCloseTo(judged.reduce((sum, { customer, probability }) => sum + (probability - (truths.get(customer) ?? NaN)) ** 2, 0) / judged.length, 9);
    expect((await runRebuild(whole.temporal, { shards }, { wait: true })).result).toMatchObject({ same: true });
  });

  it('killed in the middle, with the worker and alone, each goes on where it was: no row is doubled or missing, and the hash is the same', async () => {
    const calm = (await rebuild({ only: [1] })).result?.shards[0];
    const filling = (await runBackfill(whole.temporal, { shards, model, version: 2, eventsPerSecond: 1000 }, { wait: false })).workflowId;
    const folding = (await runRebuild(whole.temporal, { shards, only: [1], eventsPerSecond: 500 }, { wait: false })).workflowId;
    const resultOf = (workflowId: string): Promise<unknown> => whole.temporal.workflow.getHandle(workflowId).result();
    const filled = async () => (await query<{ rows: number; places: number }>(`SELECT count() AS rows, uniqExact(shard, seq) AS places FROM shadow_risk_decisions WHERE run = '${filling}'`))[0];
    const folder = join(whole.system.context.dataDir, 'replays');
    const kept = (): number[] => (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []).filter((name) => name.endsWith('.snap')).map((name) => Number.parseInt(basename(name), 10));
    const laterThan = async (seq: number): Promise<number> => {
      await until(`the rebuild's state was put down behind ${seq}`, () => Math.max(0, ...kept()) > seq, 60_000);
      return Math.max(...kept());
    };
    await Promise.all([laterThan(0), until('a cut of the backfill is stored', async () => (await filled()).rows > 0, 60_000)]);
    await whole.killWorker();
    const all = (await query<{ rows: number }>('SELECT count() AS rows FROM risk_decisions'))[0].rows;
    expect((await filled()).rows).toBeLessThan(all);
    await whole.startWorker();
    const first = Math.max(...kept());
    await until('the next attempt is under way', async () => ((await progressOf(whole.temporal, folding)) as { attempt?: number }).attempt === 2, 60_000);
    const second = await laterThan(first);
    const children = readFileSync(`/proc/${whole.worker().pid}/task/${whole.worker().pid}/children`, 'utf8').trim().split(' ');
    const replays = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('replay-process'));
    expect(replays.length).toBeGreaterThan(0);
    for (const pid of replays) process.kill(Number(pid), 'SIGKILL');

    const { same, shards: [last] } = (await resultOf(folding)) as RebuildResult;
    expect(same).toBe(true);
    expect(last.resumedAt).toBeGreaterThanOrEqual(second);
    expect(last, 'counted as if nobody had killed it').toMatchObject({ shard: 1, same: true, events: calm?.events, rejects: calm?.rejects, bytes: calm?.bytes });
    expect((await rebuilds()).filter(({ run }) => run === folding)).toHaveLength(1);
    expect(readdirSync(folder), 'nothing is left of it').toEqual([]);

    await resultOf(filling);
    expect(await filled()).toEqual({ rows: all, places: all });
    expect(await query(`SELECT DISTINCT model FROM shadow_risk_decisions WHERE run = '${filling}'`), 'no challenger has a share of it').toEqual([{ model: 'risk-logistic.2' }]);
    const labels = await query<{ live: number; shadow: number }>(`SELECT (SELECT count() FROM risk_labels) AS live, (SELECT count() FROM shadow_risk_labels WHERE run = '${filling}') AS shadow`);
    expect(labels[0].shadow).toBe(labels[0].live);
  }, 240_000);

  it('rebuild: cancelled, it leaves nothing behind', async () => {
    const { workflowId } = await runRebuild(whole.temporal, { shards, only: [1], eventsPerSecond: 500 }, { wait: false });
    const folder = join(whole.system.context.dataDir, 'replays');
    await until('its state was put down', () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.snap')), 60_000);
    await whole.temporal.workflow.getHandle(workflowId).cancel();
    await expect(whole.temporal.workflow.getHandle(workflowId).result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    await until('its folder is gone', () => readdirSync(folder).length === 0);
  });

  it('rebuild: refuses what is out of range', async () => {
    await expect(rebuild({ shards: 0 })).rejects.toThrow('rebuild: shards must be a whole number from 1 to 256, got 0');
    await expect(rebuild({ only: [2] })).rejects.toThrow('rebuild: only must be a list of shards from 0 to 1, got [2]');
    await expect(rebuild({ eventsPerSecond: 0 })).rejects.toThrow('rebuild: eventsPerSecond must be a whole number from 1 to 1000000000, got 0');
  });

  it('rebuild: a stream that lacks a message gives another state: the parts are named, and the command fails', async () => {
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
    expect((await rebuilds()).at(-1)).toMatchObject({ shard: 0, outcome: 'differs', differing: expect.arrayContaining(['recommend.recommender', 'recommend.sessions']) as unknown });
  });
});
