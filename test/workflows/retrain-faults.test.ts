/** What a crash can do to a retraining: the same weights in the end, or nothing changed, and a sentence that says why. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutArtefact } from '../../activities/cut.js';
import { checkpointArtefact } from '../../activities/train.js';
import { withClickHouse } from '../../cli/context.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { streams } from '../../schemas/subjects.js';
import { pauseName, resumeName, retrainId, retrainType, stateName, taskQueue } from '../../workflows/names.js';
import type { RetrainInput, RetrainResult, RetrainState } from '../../workflows/retrain-types.js';
import { progressOf } from '../../workflows/runs.js';
import { day } from '../support/risk.js';
import { riskHistory } from './risk-history.js';
import { startWholeSystem, until, type WholeSystem } from './system.js';

const maturityDays = 5;
const model = 'risk-logistic';
const nobodys = 3_000_000;
/** Nothing is promoted, so that each run meets the same champion and the same rows. */
const input: RetrainInput = { model, shards: 1, settings: { maturityDays }, watch: { hours: 0, everyMinutes: 1 }, gate: { bytesMax: 1, margin: -100, sliceFall: 100 } };
const settings = { AFTERCARE_RISK_MATURITY_DAYS: String(maturityDays), AFTERCARE_RISK_FRESH_HOURS: '876000', AFTERCARE_CUSTOMERS_MAX: '5000', AFTERCARE_RISK_LEDGER: '20000', AFTERCARE_RISK_RULES: '[]' };

describe('a retraining', () => {
  let whole: WholeSystem;
  let temporal: Client;
  /** of an undisturbed run */
  let calm: RetrainResult;

  const start = (): Promise<WorkflowHandle> => temporal.workflow.start(retrainType, { taskQueue, workflowId: retrainId(model), args: [input] });
  const activityOf = async (handle: WorkflowHandle): Promise<string | undefined> => (await progressOf(temporal, handle.workflowId)).activity;
  const stateOf = (handle: WorkflowHandle): Promise<RetrainState> => handle.query<RetrainState>(stateName);
  const subjects = async (filter: string): Promise<string[]> => Object.keys((await (await jetstreamManager(whole.nc)).streams.info(streams.artefacts, { subjects_filter: filter })).state.subjects ?? {});
  const checkpointsOf = async (handle: WorkflowHandle): Promise<number[]> => {
    const version = (await handle.describe()).startTime.getTime();
    return (await jetstreamArtefacts(whole.nc).list(checkpointArtefact(model))).map((ref) => ref.version - version).filter((epoch) => epoch > 0);
  };
  const query = <T>(sql: string): Promise<T[]> => withClickHouse(whole.system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const command = (sql: string): Promise<unknown> => withClickHouse(whole.system.endpoints, (client) => client.command({ query: sql }));
  const expectAsCalm = (result: RetrainResult): void => {
    expect(result).toMatchObject({ outcome: 'refused', reason: 'bytes', sha256: calm.sha256 });
    expect(result.data.ref.sha256).toBe(calm.data.ref.sha256);
  };

  beforeAll(async () => {
    whole = await startWholeSystem(1, settings);
    ({ temporal } = whole);
  }, 120_000);
  afterAll(() => whole.stop());

  it('that nothing disturbs', async () => {
    await whole.publish(riskHistory({ seed: 8, fromMs: Date.now() - 90 * day, days: 80, orders: 2500 }).events);
    calm = (await (await start()).result()) as RetrainResult;
    expect(calm).toMatchObject({ outcome: 'refused', reason: 'bytes' });
    expect(await subjects(`art.${cutArtefact(model)}.>`)).not.toEqual([]);
  });

  it('whose worker is killed in the middle of training goes on from its checkpoint, to the same weights', async () => {
    const handle = await start();
    await until('two epochs are done', async () => (await checkpointsOf(handle)).length >= 2, 60_000);
    const kept = Math.max(...(await checkpointsOf(handle)));
    await whole.restartWorker();
    expectAsCalm((await handle.result()) as RetrainResult);
    const { trained } = await stateOf(handle);
    expect(trained?.resumed, 'at most one epoch is lost').toBeGreaterThanOrEqual(kept);
  });

  it('whose last checkpoint is cut short goes on from the one before, to the same weights', async () => {
    const handle = await start();
    await until('two epochs are done', async () => (await checkpointsOf(handle)).length >= 2, 60_000);
    whole.worker().kill('SIGKILL');
    await whole.worker().exited;
    const version = (await handle.describe()).startTime.getTime();
    const newest = Math.max(...(await checkpointsOf(handle)));
    const [chunk] = (await subjects(`art.${checkpointArtefact(model)}.${version + newest}.>`)).filter((subject) => subject.includes('.chunk.'));
    await jetstream(whole.nc).publish(chunk, Buffer.alloc(3)); // the newest message of a subject is the one that is read
    await whole.restartWorker();
    expectAsCalm((await handle.result()) as RetrainResult);
    expect((await stateOf(handle)).trained?.resumed).toBe(newest - 1);
  });

  it('that is paused stops at its checkpoint, and goes on when it may', async () => {
    const handle = await start();
    await until('an epoch is done', async () => (await checkpointsOf(handle)).length >= 1, 60_000);
    await handle.signal(pauseName);
    await until('it has stopped', async () => (await activityOf(handle)) === undefined && (await stateOf(handle)).paused, 30_000);
    await handle.signal(resumeName);
    expectAsCalm((await handle.result()) as RetrainResult);
    expect((await stateOf(handle)).trained?.resumed).toBeGreaterThanOrEqual(1);
  });

  it('whose Temporal is killed goes on', async () => {
    const handle = await start();
    await until('it trains', async () => (await activityOf(handle)) === 'trainModel', 60_000);
    await whole.restartTemporal();
    expectAsCalm((await temporal.workflow.getHandle(retrainId(model)).result()) as RetrainResult);
  });

  it('whose ClickHouse is killed while it answers the query of the cut waits for it, and cuts the same', async () => {
    // Verdicts of nobody's orders: the cut takes them together, which takes seconds, and they are in none of its rows.
    await command(`INSERT INTO risk_labels (customer, order_id, type, verdict, seq, outcome, at) SELECT concat('nobody', toString(number)), concat('o', toString(number)), 'purchase', 'genuine', number, 'unknown', toDateTime64('2001-01-01 00:00:00', 3, 'UTC') FROM numbers(${nobodys})`);
    const handle = await start();
    const cutting = async (): Promise<boolean> => (await query<{ runs: number }>(`SELECT count() AS runs FROM system.processes WHERE query LIKE '%fraud%' AND query LIKE '%ArrowStream%' AND query NOT LIKE '%system.processes%'`))[0].runs > 0;
    await until('the query of the cut runs', cutting, 60_000);
    whole.system.handle('clickhouse').kill('SIGKILL');
    await until('the cut is told', async () => (await progressOf(temporal, handle.workflowId)).failure !== undefined, 30_000);
    const { activity, failure } = await progressOf(temporal, handle.workflowId);
    expect({ activity, failure }).toEqual({ activity: 'cutData', failure: expect.stringContaining(`ClickHouse: reading the data set of ${model}`) as unknown });
    await whole.system.killAndRestart('clickhouse');
    expectAsCalm((await handle.result()) as RetrainResult);
    await command(`ALTER TABLE risk_labels DROP PARTITION 200101`);
  }, 150_000);

  it('that finds the artefact store full ends, says so, and leaves what is live', async () => {
    const jsm = await jetstreamManager(whole.nc);
    const { state } = await jsm.streams.info(streams.artefacts);
    await jsm.streams.update(streams.artefacts, { max_bytes: state.bytes + 100_000 });
    const handle = await start();
    await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { type: 'refused', message: expect.stringContaining('the artefact store is full') as unknown } } });
    await jsm.streams.update(streams.artefacts, { max_bytes: 2 ** 30 });
    const steps = await query('SELECT step, detail FROM training_runs ORDER BY at DESC LIMIT 1');
    expect(steps).toMatchObject([{ step: 'failed', detail: expect.stringContaining('the artefact store is full') as unknown }]);
    expect((await whole.statusOf(0)).promoted).toEqual({});
  });
});
