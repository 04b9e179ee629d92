/** The life of a model: how fast a data set is cut, how long a retraining takes until it decides, how long a roll-back, and what a run leaves behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Client } from '@temporalio/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { createCutActivities, type DataSet } from '../activities/cut.js';
import { recipeOf } from '../activities/recipes/index.js';
import { storedUpTo } from '../cli/caught-up.js';
import { withClickHouse, withNats, type Context } from '../cli/context.js';
import type { WorkerStatus } from '../cli/parts/worker.js';
import { startSystem, type System } from '../cli/system.js';
import { retrainInput } from '../cli/workflow-inputs.js';
import { readBitext } from '../datasets/bitext.js';
import { createUniform } from '../models/random.js';
import { shuffle } from '../models/support/epochs.js';
import { riskFeatures } from '../pipelines/risk/features.js';
import { eventWriter } from '../pipelines/runtime/envelopes.js';
import { jetstreamArtefacts } from '../pipelines/runtime/jetstream/artefacts.js';
import { createPublisher } from '../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardStatus } from '../pipelines/runtime/serve.js';
import { readConfig } from '../schemas/config.js';
import { shardServiceSubject } from '../schemas/subjects.js';
import { connectTemporal } from '../workflows/client.js';
import { runRetrain, runSetLive } from '../workflows/model-runs.js';
import type { SuiteOptions } from './main.js';
import { runParts } from './parts.js';
import { row, type Row } from './report.js';

/** Rows of risk: as many as a cut of it takes. */
const decisions = 40_000;
const rounds = 3;
/** MiB that the worker may take for the cut, the training and the judging of bitext. */
const workerMiBMax = 1024;

type Say = SuiteOptions['say'];

async function withSystem<T>(worker: boolean, work: (system: System, context: Context, nc: NatsConnection) => Promise<T>): Promise<T> {
  process.env.AFTERCARE_SUPPORT_FRESH_HOURS ??= '876000'; // bitext's tickets have no time: they are dealt over the last days
  const context: Context = { dataDir: mkdtempSync(join(tmpdir(), 'aftercare-bench-')), config: readConfig(process.env) };
  const system = await startSystem(context, { onProgress: () => undefined, worker, ...(worker ? {} : { servers: ['nats', 'clickhouse'] }) });
  try {
    return await withNats(system.endpoints, 'bench', (nc) => work(system, context, nc));
  } finally {
    await system.stop();
    rmSync(context.dataDir, { recursive: true, force: true });
  }
}

/** The same rows, read as JSON objects and written as one JSON document, are the baseline. */
const cutRows = (say: Say): Promise<Row[]> => withSystem(false, (system, _context, nc) => withClickHouse(system.endpoints, async (clickhouse) => {
  const names = riskFeatures.map(({ name }) => name);
  await clickhouse.command({
    query: `INSERT INTO risk_decisions (shard, seq, at, type, customer, order_id, amount_minor, decision, probability, model, feature_names, features)
      SELECT 0, number * 1024, now64(3) - toIntervalSecond(8000000 - number * 60), 'purchase', concat('c', toString(number % 5000)), concat('o', toString(number)), number % 100000, 'allow', 0.01, 'risk-online-1', {names:Array(String)},
        arrayMap(i -> if(cityHash64(number, i) % 7 = 0, nan, toFloat64(cityHash64(number, i) % 100000) / 1000), range(${names.length}))
      FROM numbers(${decisions})`,
    query_params: { names },
  });
  const { cutData } = createCutActivities({ nc, clickhouse, artefacts: jetstreamArtefacts(nc) });
  const input = { model: 'risk-logistic', seq: Number.MAX_SAFE_INTEGER, asOfMs: Date.now(), settings: { maturityDays: 1 } };
  const cuts: { s: number; data: DataSet }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    const data: DataSet = await new MockActivityEnvironment().run(cutData as (given: object) => Promise<DataSet>, { ...input, version: round + 1 });
    cuts.push({ s: (performance.now() - startMs) / 1000, data });
  }
  const [{ data }] = cuts;
  if (data.rows !== decisions || cuts.some((cut) => cut.data.ref.sha256 !== data.ref.sha256)) throw new Error(`lifecycle: cuts have ${cuts.map((cut) => `${cut.data.rows} rows ${cut.data.ref.sha256.slice(0, 8)}`).join(', ')}, instead of ${decisions} of one hash`);
  const { plan } = recipeOf('risk-logistic');
  const startMs = performance.now();
  const found = await clickhouse.query({ query: plan.query, format: 'JSONEachRow', query_params: { ...plan.settings, ...plan.parameters, ...input.settings, seq: input.seq, asOf: input.asOfMs, most: plan.rowsMax } });
  const json = JSON.stringify(await found.json());
  const naive = decisions / ((performance.now() - startMs) / 1000);
  const best = decisions / Math.min(...cuts.map(({ s }) => s));
  say(`cut: ${decisions} rows of ${names.length} features, ${data.ref.bytes} bytes of Arrow beside ${json.length} of JSON; ${cuts.map(({ s }) => s.toFixed(2)).join(', ')} s`);
  return [row('lifecycle.cut.rows_per_s', best, 'rows/s', naive, 'the same rows as JSON, not yet stored')];
}));

const minute = 60_000;

/** @returns the sequence of the last event */
async function publishBitext(nc: NatsConnection, texts: readonly { text: string; label: string }[]): Promise<number> {
  const publisher = createPublisher(nc);
  const writer = eventWriter(publisher, 1, 20);
  const fromMs = Date.now() - (texts.length + 10) * minute;
  for (const [n, { text, label }] of texts.entries()) {
    const head = { v: 1, customer: `c${n % 1000}` };
    await writer.write({ ...head, type: 'ticket', id: `t${n}`, ticket: `T-${n}`, atMs: fromMs + n * minute, text });
    await writer.write({ ...head, type: 'label', id: `l${n}`, of: 'ticket', ref: `T-${n}`, verdict: label, atMs: fromMs + n * minute + 1 });
  }
  await writer.end();
  const { lastSeq } = await publisher.flush();
  publisher.close();
  return lastSeq;
}

async function decidedBy(nc: NatsConnection, version: number | undefined): Promise<void> {
  while ((await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {}, 10_000)).promoted.intent !== version) await delay(5);
}

/** The most that the worker holds while `work` runs. */
async function peakOf<T>(nc: NatsConnection, work: () => Promise<T>): Promise<{ result: T; mib: number }> {
  let mib = 0;
  const timer = setInterval(() => {
    requestService<WorkerStatus>(nc, 'aftercare.worker.status', {}, 1000).then(({ rssBytes }) => { mib = Math.max(mib, rssBytes / 2 ** 20); }, () => undefined);
  }, 200);
  try {
    return { result: await work(), mib };
  } finally {
    clearInterval(timer);
  }
}

const bitextRows = (say: Say): Promise<Row[]> => withSystem(true, async (system, context, nc) => {
  const bitext = readBitext();
  if (bitext === undefined) {
    say('lifecycle.retrain_bitext_s is skipped: bitext-support is not here');
    return [];
  }
  const order = Uint32Array.from(bitext.train, (_, i) => i);
  shuffle(order, createUniform(7));
  await storedUpTo(nc, await publishBitext(nc, Array.from(order, (i) => bitext.train[i])));
  const temporal = await connectTemporal(system.endpoints.temporal);
  try {
    return await lifeRows(say, context, nc, temporal);
  } finally {
    await temporal.connection.close();
  }
});

async function lifeRows(say: Say, { config }: Context, nc: NatsConnection, temporal: Client): Promise<Row[]> {
  const startMs = performance.now();
  const { result: { workflowId, result }, mib } = await peakOf(nc, async () => {
    const started = await runRetrain(temporal, { ...retrainInput(config, 'intent'), watch: { hours: 0, everyMinutes: 1 } }, { wait: true });
    if (started.result?.outcome === 'promoted') await decidedBy(nc, started.result.version);
    return started;
  });
  const retrainS = (performance.now() - startMs) / 1000;
  if (result?.outcome !== 'promoted') throw new Error(`lifecycle: intent was not promoted: ${result?.outcome ?? ''} ${result?.reason ?? ''}`);
  const { raw } = await temporal.workflow.getHandle(workflowId).describe();
  const historyKb = Number(raw.workflowExecutionInfo?.historySizeBytes ?? NaN) / 1000;
  const rolledMs = performance.now();
  const went = await runSetLive(temporal, { model: 'intent', shards: 1, to: 'before', by: 'bench' });
  await decidedBy(nc, went.live?.version);
  const rollbackS = (performance.now() - rolledMs) / 1000;
  say(`retrain: ${result.data.rows} tickets, ${retrainS.toFixed(1)} s until the shard decides by it; rolled back in ${rollbackS.toFixed(2)} s; worker ${mib.toFixed(0)} MiB at most, ${workerMiBMax} allowed`);
  return [
    row('lifecycle.retrain_bitext_s', retrainS, 's'),
    row('lifecycle.rollback_s', rollbackS, 's'),
    row('lifecycle.history_kb', historyKb, 'kB'),
    row('lifecycle.worker_rss_mib', mib, 'MiB', workerMiBMax, 'what it may take'),
  ];
}

export const lifecycle = (options: SuiteOptions): Promise<Row[]> => runParts('lifecycle', { cut: cutRows, bitext: bitextRows }, options);
