/** The life of a risk model with every part as it is in production: retrained, promoted, watched, broken on purpose, rolled back. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowExecutionAlreadyStartedError, WorkflowUpdateFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointVariables } from '../../cli/system.js';
import { createCutActivities } from '../../activities/cut.js';
import type { WentLive } from '../../activities/registry.js';
import { withClickHouse } from '../../cli/context.js';
import { loadLogistic, saveLogistic } from '../../models/linear/batch.js';
import { clickHouseRows } from '../../pipelines/runtime/clickhouse.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { jetstreamLiveVersions } from '../../pipelines/runtime/jetstream/live-versions.js';
import { requestService } from '../../pipelines/runtime/request.js';
import { arrowBatch } from '../../schemas/arrow.js';
import { modelsTable, type ModelRow } from '../../schemas/model-tables.js';
import { shardServiceSubject } from '../../schemas/subjects.js';
import { approveName, retrainId, retrainType, scheduledRetrainType, setLiveType, stateName, taskQueue, watchId, watchModelType } from '../../workflows/names.js';
import type { RetrainInput, RetrainResult, RetrainState } from '../../workflows/retrain-types.js';
import type { SetLiveInput } from '../../workflows/set-live.js';
import type { WatchInput, WatchResult, WatchState } from '../../workflows/watch-model.js';
import { ensureSchedule, retrainSchedule } from '../../workflows/schedules.js';
import { aftercare } from '../support/cli.js';
import { buy, day } from '../support/risk.js';
import { historyText } from './histories.js';
import { riskHistory } from './risk-history.js';
import { startWholeSystem, until, type WholeSystem } from './system.js';

const shards = 2;
const maturityDays = 5;
const model = 'risk-logistic';
const input: RetrainInput = { model, shards, settings: { maturityDays }, watch: { hours: 1, everyMinutes: 0.01 } };
const startMs = Date.now() - 90 * day;
const settings = {
  AFTERCARE_SHARDS: String(shards), AFTERCARE_RISK_MATURITY_DAYS: String(maturityDays), AFTERCARE_RISK_FRESH_HOURS: '876000', AFTERCARE_CUSTOMERS_MAX: '5000', AFTERCARE_RISK_LEDGER: '5000', AFTERCARE_RISK_RULES: '[]',
  AFTERCARE_RISK_TRUST: '100000', // what learns online is hardly trusted yet: there is something to gain
  AFTERCARE_WATCH_HOURS: '1', AFTERCARE_WATCH_MINUTES: '0.01',
};

describe('retrain', { timeout: 150_000 }, () => {
  let whole: WholeSystem;
  let temporal: Client;
  let first: RetrainResult;
  /** registered, and refused since the champion had changed */
  let other: RetrainResult;

  const query = <T>(sql: string): Promise<T[]> => withClickHouse(whole.system.endpoints, async (client) => {
    const found = await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return found.json<T>();
  });
  /** The command as a user runs it. @returns its JSON */
  const cli = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await aftercare([...args, '--json'], { env: { ...endpointVariables({ ...whole.system.endpoints, temporal: whole.temporalEndpoint() }), ...settings } });
    if (code === 1) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const start = (given: object = input): Promise<WorkflowHandle> => temporal.workflow.start(retrainType, { taskQueue, workflowId: retrainId(model), args: [given] });
  const retrain = async (given: object = input): Promise<RetrainResult> => (await (await start(given)).result()) as RetrainResult;
  /** @param history  under which name it is kept where histories are recorded */
  const setLive = async (given: Partial<SetLiveInput>, history?: string): Promise<WentLive> => {
    const handle = await temporal.workflow.start(setLiveType, { taskQueue, workflowId: `set-live-${Math.random()}`, args: [{ model, shards, by: 'test', ...given }] });
    const went = (await handle.result()) as WentLive;
    if (history !== undefined) await record(handle, history);
    return went;
  };
  const promoted = (): Promise<unknown[]> => Promise.all(Array.from({ length: shards }, async (_, shard) => (await whole.statusOf(shard)).promoted[model]));
  const record = async (handle: WorkflowHandle, name: string): Promise<void> => {
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync(`test/histories/${name}.json`, historyText(await handle.fetchHistory()));
  };
  /** What decided about an order of each shard that comes now. */
  const decidedBy = async (name: string): Promise<string[]> => {
    const orders = Array.from({ length: 8 }, (_, n) => buy(`${name}-${n}`, Date.now(), { order: `${name}-${n}` }));
    await whole.publish(orders);
    const rows = () => query<{ model: string }>(`SELECT model FROM risk_decisions WHERE order_id LIKE '${name}-%'`);
    await until('the decisions are stored', async () => (await rows()).length === orders.length);
    return [...new Set((await rows()).map((row) => row.model))];
  };

  beforeAll(async () => {
    whole = await startWholeSystem(shards, settings);
    ({ temporal } = whole);
  }, 120_000);
  afterAll(() => whole.stop());

  it('refuses what is out of range, and a model without a recipe', async () => {
    await expect(retrain({ ...input, shards: 0 })).rejects.toMatchObject({ cause: { type: 'bad_request', message: 'retrain: shards must be a whole number from 1 to 256, got 0' } });
    await expect(retrain({ ...input, model: 'Nobody!' })).rejects.toMatchObject({ cause: { message: expect.stringContaining('model must be a model\'s name') as unknown } });
    await expect(temporal.workflow.execute(retrainType, { taskQueue, workflowId: 'retrain-nobody', args: [{ ...input, model: 'nobody' }] })).rejects.toMatchObject({ cause: { cause: { type: 'bad_request', message: expect.stringContaining('model "nobody" has no recipe; there are ') as unknown } } });
  });

  it('promotes nothing out of a few verdicts, and says why', async () => {
    await whole.publish(riskHistory({ seed: 5, fromMs: startMs, days: 10, orders: 300 }).events);
    const result = await retrain();
    expect(result).toMatchObject({ outcome: 'refused', reason: expect.stringMatching(/^too few decisions with a final verdict: \d+ with \d+ frauds/) as unknown, checks: [], live: [] });
    expect(await promoted()).toEqual([undefined, undefined]);
    expect(await query(`SELECT step FROM training_runs WHERE version = ${result.version} ORDER BY at`)).toEqual([{ step: 'started' }, { step: 'cut' }, { step: 'refused' }]);
  });

  it('makes, judges and promotes; from the promotion on it decides', async () => {
    await whole.publish(riskHistory({ seed: 6, fromMs: startMs + 10 * day, days: 75, orders: 2500 }).events);
    const handle = await start();
    await expect(start()).rejects.toBeInstanceOf(WorkflowExecutionAlreadyStartedError);
    first = (await handle.result()) as RetrainResult;
    expect(first.reason).toBeUndefined();
    expect(first).toMatchObject({ outcome: 'promoted', champion: 'recorded' });
    expect(first.checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['rows', 'positives', 'gain', 'slice', 'calibration_error', 'latency_ms_p99', 'bytes']));
    expect(await promoted()).toEqual([first.version, first.version]);
    expect(await decidedBy('after')).toEqual([`${model}.${first.version}`]);
    // The last decision before it, and the first behind it: the promotion's own sequence is the border.
    const borders = await query<{ shard: number; before: number; behind: number }>(`SELECT shard, maxIf(stream_seq, model != '${model}.${first.version}') AS before, minIf(stream_seq, model = '${model}.${first.version}') AS behind FROM risk_decisions GROUP BY shard ORDER BY shard`);
    for (const { shard, before, behind } of borders) {
      expect(before).toBeLessThan(first.live[shard]);
      expect(behind).toBeGreaterThan(first.live[shard]);
    }
    await record(handle, 'retrain');
  });

  it('has a card, a row for each check, and a data set that can be cut again to the same bytes', async () => {
    const [row] = await query<{ card: string; data_sha256: string; data_rows: number; sha256: string; trained_rows: number }>(`SELECT * FROM models WHERE version = ${first.version}`);
    expect(row).toMatchObject({ sha256: first.sha256, data_sha256: first.data.ref.sha256, data_rows: first.data.rows });
    for (const text of ['## Data', '## Judged', '## Limits', `sha256 ${first.data.ref.sha256}`, '| gain |']) expect(row.card).toContain(text);
    const checks = await query<{ name: string; slice: string; passed: number; value: number }>(`SELECT name, slice, passed, value FROM evaluations WHERE version = ${first.version} AND kind = 'check'`);
    expect(checks).toHaveLength(first.checks.length);
    const artefacts = jetstreamArtefacts(whole.nc);
    const table = tableFromIPC(await artefacts.load(first.data.ref));
    expect(table.numRows).toBe(first.data.rows);
    await withClickHouse(whole.system.endpoints, async (clickhouse) => {
      await clickhouse.command({ query: 'OPTIMIZE TABLE risk_decisions FINAL' }); // other parts, other blocks
      const { MockActivityEnvironment } = await import('@temporalio/testing');
      const again = await new MockActivityEnvironment().run(createCutActivities({ nc: whole.nc, clickhouse, artefacts }).cutData, { model, version: first.version + 1, settings: { maturityDays }, seq: first.data.seq, asOfMs: first.data.asOfMs });
      expect(again).toMatchObject({ rows: first.data.rows, fromMs: first.data.fromMs, toMs: first.data.toMs, ref: { sha256: first.data.ref.sha256 } });
    });
  });

  it('replays from nothing to the same state: the same version decides from the same sequence on', async () => {
    const hashes = (): Promise<unknown[]> => Promise.all(Array.from({ length: shards }, (_, shard) => requestService(whole.nc, shardServiceSubject(shard, 'hash'), {}, 20_000)));
    const before = await hashes();
    whole.system.handle('shard').kill('SIGKILL');
    await whole.system.handle('shard').exited;
    rmSync(join(whole.system.context.dataDir, 'snapshots'), { recursive: true });
    await whole.system.killAndRestart('shard');
    await whole.folded();
    expect(await hashes()).toEqual(before);
    expect(await promoted()).toEqual([first.version, first.version]);
  });

  it('does not replace the champion by what is no better', async () => {
    const result = await retrain();
    expect(result).toMatchObject({ outcome: 'refused', champion: `${model}.${first.version}`, reason: expect.stringContaining('gain') as unknown });
    expect(await promoted()).toEqual([first.version, first.version]);
  });

  it('is led from the command line: registry, card, schedule, a decision by hand', async () => {
    expect(await cli('models', '--model', model)).toMatchObject([{ checks: 9 }, { version: first.version, sha256: first.sha256, champion: 'recorded', live: [0, 1], rows: first.data.rows }]);
    expect(await cli('models', 'card', model, String(first.version))).toMatchObject({ version: first.version, card: expect.stringContaining('## Judged') as unknown });
    await ensureSchedule(temporal, retrainSchedule({ model, shards }));
    expect(await cli('schedule', 'set', 'scheduled-risk-logistic', '--cron', '30 3 * * 0')).toMatchObject({ when: '30 3 * * 0' });
    expect(await cli('schedule', 'set', 'scheduled-risk-logistic', '--every', '12h')).toMatchObject({ when: 'every 12 hours' });
    await cli('schedule', 'pause', 'scheduled-risk-logistic', '--reason', 'holidays');
    await whole.restartTemporal();
    expect(await ensureSchedule(temporal, retrainSchedule({ model, shards: 3 }))).toBe('updated');
    expect(await cli('schedule', 'list')).toMatchObject([{ when: 'every 12 hours', paused: true, note: 'holidays' }]);
    await expect(cli('schedule', 'resume', 'nothing')).rejects.toThrow('there is no schedule "nothing"');
  });

  it('what a schedule starts waits for the retraining, and is skipped where one runs', async () => {
    const handle = await start({ ...input, approval: true, gate: { margin: -1, sliceFall: 1 } });
    const skipped: unknown = await temporal.workflow.execute(scheduledRetrainType, { taskQueue, workflowId: 'scheduled-risk-logistic-now', args: [input] });
    expect(skipped).toMatchObject({ outcome: 'skipped' });
    await until('it waits', async () => (await handle.query<RetrainState>(stateName)).phase === 'approval', 90_000);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await query(`SELECT step FROM training_runs WHERE workflow = 'retrain-risk-logistic' ORDER BY at DESC LIMIT 1`)).toEqual([{ step: 'cancelled' }]);
    expect(await promoted(), 'nothing is half live').toEqual([first.version, first.version]);
    const scheduled = await temporal.workflow.start(scheduledRetrainType, { taskQueue, workflowId: 'scheduled-risk-logistic-later', args: [input] });
    expect(await scheduled.result()).toMatchObject({ outcome: 'refused' });
    await record(scheduled, 'scheduled-retrain');
  });

  it('waits for a person, who must name the version that waits; a rejection leaves all as it is', async () => {
    const handle = await start({ ...input, approval: true, gate: { margin: -1, sliceFall: 1 } });
    const state = (): Promise<RetrainState> => handle.query<RetrainState>(stateName);
    await until('it waits', async () => (await state()).phase === 'approval', 90_000);
    await expect(handle.executeUpdate(approveName, { args: [{ by: 'ann', version: 1 }] })).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    await expect(cli('approve', model, '--candidate', '1')).rejects.toThrow(/waits for the approval of version \d+, not of 1/);
    expect(await cli('reject', model, '--by', 'ann', '--reason', 'not today', '--wait')).toMatchObject({ outcome: 'rejected' });
    expect(await handle.result()).toMatchObject({ outcome: 'rejected', reason: 'rejected by ann: not today' });
    expect(await promoted()).toEqual([first.version, first.version]);
    await record(handle, 'retrain-rejected');
  });

  it('refuses a promotion when the champion has changed since it was judged', async () => {
    const handle = await start({ ...input, approval: true, gate: { margin: -1, sliceFall: 1 } });
    await until('it waits', async () => (await handle.query<RetrainState>(stateName)).phase === 'approval', 90_000);
    const went = (await cli('rollback', model, '--reason', 'by hand', '--wait')) as WentLive;
    expect(went).toMatchObject({ instead: { version: first.version } });
    expect(went.live).toBeUndefined();
    expect(await promoted(), 'nothing was before it').toEqual([undefined, undefined]);
    expect(await decidedBy('retired')).toEqual(['risk-online-1']);
    await handle.executeUpdate(approveName, { args: [{ by: 'bob' }] });
    other = (await handle.result()) as RetrainResult;
    expect(other).toMatchObject({ outcome: 'champion_changed', live: [] });
    expect(await promoted()).toEqual([undefined, undefined]);
    await record(handle, 'retrain-changed');
  });

  it('a challenger goes on the same record: who was judged before it is refused, and its promotion ends it', async () => {
    const handle = await start({ ...input, approval: true, gate: { margin: -1, sliceFall: 1 } });
    await until('it waits', async () => (await handle.query<RetrainState>(stateName)).phase === 'approval', 90_000);
    const challenges = async (): Promise<unknown[]> => Promise.all(Array.from({ length: shards }, async (_, shard) => (await whole.statusOf(shard)).promoted[`${model}-shadow`]));
    const kept = async () => (await jetstreamLiveVersions(whole.nc).read(model)).record;
    const before = await kept();
    expect(await setLive({ to: other.version, challenger: { percent: 30 }, reason: 'try' }, 'set-live-challenger')).toMatchObject({ live: { version: other.version } });
    await whole.folded();
    expect(await challenges()).toEqual([other.version, other.version]);
    expect(await kept(), 'what is live, and since when, stays').toEqual({ ...before, challenger: { version: other.version, sha256: other.sha256, bytes: other.bytes, percent: 30, atMs: expect.any(Number) as unknown, by: 'test', reason: 'try' } });
    await until('it is stored', async () => (await query(`SELECT shard FROM model_at(time = now64(3)) WHERE model = '${model}-shadow' AND version = ${other.version} AND percent = 30`)).length === shards);
    expect(((await cli('models', '--model', model)) as { version: number }[]).find(({ version }) => version === other.version)).toMatchObject({ live: [], challenges: [0, 1], percent: 30 });
    await handle.executeUpdate(approveName, { args: [{ by: 'bob' }] });
    expect(await handle.result()).toMatchObject({ outcome: 'champion_changed', reason: expect.stringContaining('what is live of risk-logistic has changed meanwhile') as unknown });
    await expect(setLive({ to: other.version, challenger: { percent: 10 }, instead: 7 })).rejects.toMatchObject({ cause: { cause: { type: 'champion_changed', message: expect.stringContaining(`version ${other.version} is its challenger, not 7`) as unknown } } });
    expect(await cli('canary', model, String(other.version), '--percent', '60', '--wait')).toMatchObject({ model: 'risk-logistic-shadow', percent: 60 });
    expect(await setLive({ to: other.version })).toMatchObject({ live: { version: other.version }, ended: { version: other.version } });
    await expect(setLive({ to: other.version, challenger: { percent: 10 } })).rejects.toMatchObject({ cause: { cause: { message: expect.stringContaining('is live: it cannot challenge itself') as unknown } } });
    await whole.folded();
    expect([await promoted(), await challenges()]).toEqual([[other.version, other.version], [undefined, undefined]]);
    await setLive({ to: first.version, challenger: { percent: 0 } });
    await setLive({ to: 'before' });
    await whole.folded();
    expect([await promoted(), await challenges()], 'a roll-back leaves the challenger').toEqual([[undefined, undefined], [first.version, first.version]]);
    expect(await cli('canary', model, '--end', '--wait')).toMatchObject({ instead: { version: first.version } });
    expect(await challenges()).toEqual([undefined, undefined]);
    expect((await kept()).challenger).toBeUndefined();
    await expect(setLive({ to: 'none', challenger: { percent: 0 } })).rejects.toMatchObject({ cause: { cause: { message: 'risk-logistic has no challenger to end' } } });
    expect(await query(`SELECT count() AS rows FROM training_runs WHERE model = '${model}' AND step = 'challenged'`)).toEqual([{ rows: 4 }]);
  });

  it('rolls back by itself what was broken on purpose', async () => {
    await expect(cli('promote', model, String(first.version), '--instead', '7')).rejects.toThrow(/version none is live, not 7/);
    expect(await cli('promote', model, String(first.version), '--reason', 'again', '--wait')).toMatchObject({ live: { version: first.version } });
    const artefacts = jetstreamArtefacts(whole.nc);
    const good = loadLogistic(await artefacts.load({ name: model, version: first.version, sha256: first.sha256 ?? '', bytes: first.bytes ?? 0 }));
    const version = Date.now();
    const ref = await artefacts.put(model, version, saveLogistic({ ...good, platt: { a: -1, b: 2 } }));
    const row: ModelRow = {
      model, version, atMs: version, sha256: ref.sha256, bytes: ref.bytes, run: '', dataSha256: '', dataBytes: 0, dataRows: 0, dataFromMs: 0, dataToMs: 0, dataSeq: 0, trainedRows: 0, trainedToMs: version, epochs: 0, seconds: 0, card: '# broken',
    };
    const batch = arrowBatch(modelsTable);
    batch.push(row);
    await withClickHouse(whole.system.endpoints, (client) => clickHouseRows(client).insert('models', modelsTable.columns.map(({ name }) => name), batch.finish(), `test:${version}`));
    await setLive({ to: version, reason: 'broken on purpose', watch: { hours: 1, everyMinutes: 0.01 } }, 'set-live');
    const watch = temporal.workflow.getHandle(watchId(model, version));
    await whole.publish(Array.from({ length: 400 }, (_, n) => buy(`w${n % 50}`, Date.now())));
    const result = (await watch.result()) as WatchResult;
    expect(result).toMatchObject({ outcome: 'rolled_back', reason: expect.stringContaining('raised is ') as unknown });
    await whole.folded();
    expect(await promoted()).toEqual([first.version, first.version]);
    expect(await decidedBy('well')).toEqual([`${model}.${first.version}`]);
    expect((await jetstreamLiveVersions(whole.nc).read(model)).record).toMatchObject({ live: { version: first.version }, by: 'watch' });
    await record(watch, 'watch-model');
  });

  it('risk-svm is retrained and promoted through the same servers, and decides the next purchase', async () => {
    // A kernel's training takes the square of its rows: a quarter of them is enough to be another model.
    const svm: RetrainInput = { ...input, model: 'risk-svm', holdout: 0.75, watch: { hours: 0, everyMinutes: 1 }, gate: { margin: -10, sliceFall: 10, calibrationMax: 1 } };
    const result = (await temporal.workflow.execute(retrainType, { taskQueue, workflowId: retrainId('risk-svm'), args: [svm] })) as RetrainResult;
    expect(result).toMatchObject({ outcome: 'promoted', champion: `${model}.${first.version}` });
    expect(await decidedBy('kernel')).toEqual([`risk-svm.${result.version}`]);
    expect(await query(`SELECT DISTINCT version FROM model_at(time = now64(3)) WHERE model = 'risk-svm'`)).toEqual([{ version: result.version }]);
    await setLive({ model: 'risk-svm', to: 'before' });
    expect(await decidedBy('linear')).toEqual([`${model}.${first.version}`]);
  }, 120_000);

  it('a long watch continues as new before its history grows, and ends when another version takes its place', async () => {
    const { live: [sinceSeq] } = first;
    const watch: WatchInput = { model, version: first.version, shards, sinceSeq, untilSeq: sinceSeq, everyMs: 1, untilMs: Date.now() + 3_600_000, looks: 7, looksOfARun: 4 };
    const handle = await temporal.workflow.start(watchModelType, { taskQueue, workflowId: 'watch-long', args: [watch] });
    const looked = async (): Promise<number> => (await temporal.workflow.getHandle('watch-long').query<WatchState>(stateName).catch(() => ({ looks: 0 }))).looks;
    await until('a run of looks is over', async () => (await looked()) > 12, 40_000);
    const { runId, historyLength } = await temporal.workflow.getHandle('watch-long').describe();
    expect(runId).not.toBe(handle.firstExecutionRunId);
    expect(historyLength, 'of the last run alone').toBeLessThan(80);
    await setLive({ to: 'before' });
    expect(await temporal.workflow.getHandle('watch-long').result()).toMatchObject({ outcome: 'superseded' });
  });
});
