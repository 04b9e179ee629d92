/**
 * Bitext's tickets as events, with their labels as they would arrive: `intent` is retrained through Temporal and promoted, the next
 * ticket is decided by it, at the same sequence again on replay; broken on purpose, the watch rolls it back.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClickHouse } from '../../cli/context.js';
import { readBitext, type Bitext } from '../../datasets/bitext.js';
import { shuffle } from '../../models/support/epochs.js';
import { createUniform } from '../../models/random.js';
import { clickHouseRows } from '../../pipelines/runtime/clickhouse.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { requestService } from '../../pipelines/runtime/request.js';
import { arrowBatch } from '../../schemas/arrow.js';
import type { Label, Ticket } from '../../schemas/events.js';
import { modelsTable } from '../../schemas/model-tables.js';
import { shardServiceSubject } from '../../schemas/subjects.js';
import { retrainId, retrainType, setLiveType, taskQueue, watchId } from '../../workflows/names.js';
import type { RetrainInput, RetrainResult } from '../../workflows/retrain-types.js';
import type { WatchResult } from '../../workflows/watch-model.js';
import { intentDefaults, trainIntent } from '../../models/support/intent-train.js';
import { createFastEngine } from '../../models/lstm/fast.js';
import { trainingSteps } from '../../models/support/training.js';
import { startWholeSystem, until, type WholeSystem } from './system.js';

const bitext: Bitext | undefined = readBitext();
const model = 'intent';
const minute = 60_000;
const input: RetrainInput = { model, shards: 1, watch: { hours: 1, everyMinutes: 0.01 } };

/** @param from  number of the first; each comes a minute after the one before, its label five minutes later */
function tickets(texts: readonly { text: string; label: string }[], from: number, fromMs: number): (Ticket | Label)[] {
  return texts.flatMap(({ text, label }, i): (Ticket | Label)[] => {
    const [n, atMs] = [from + i, fromMs + i * minute];
    const head = { v: 1, customer: `c${n % 400}` } as const;
    return [
      { ...head, type: 'ticket', id: `t${n}`, ticket: `T-${n}`, atMs, text },
      { ...head, type: 'label', id: `l${n}`, of: 'ticket', ref: `T-${n}`, verdict: label, atMs: atMs + 5 * minute },
    ];
  }).sort((a, b) => a.atMs - b.atMs);
}

describe.skipIf(bitext === undefined)('intent, from the tickets of bitext', () => {
  let whole: WholeSystem;
  let temporal: Client;
  let result: RetrainResult;
  const all = bitext?.train ?? [];
  const order = Uint32Array.from(all, (_, i) => i);
  shuffle(order, createUniform(4));
  const texts = Array.from(order, (i) => all[i]);

  const query = <T>(sql: string): Promise<T[]> => withClickHouse(whole.system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const promoted = async (): Promise<unknown> => (await whole.statusOf(0)).promoted[model];

  beforeAll(async () => {
    whole = await startWholeSystem(1, { AFTERCARE_SUPPORT_FRESH_HOURS: '876000' });
    ({ temporal } = whole);
  }, 120_000);
  afterAll(() => whole.stop());

  it('is retrained and promoted, better than what reads tickets until then', async () => {
    await whole.publish(tickets(texts.slice(0, 1500), 0, Date.now() - 3000 * minute));
    const handle = await temporal.workflow.start(retrainType, { taskQueue, workflowId: retrainId(model), args: [input] });
    result = (await handle.result()) as RetrainResult;
    expect(result.reason).toBeUndefined();
    expect(result).toMatchObject({ outcome: 'promoted', champion: 'recorded' });
    expect(result.data.rows, 'a few are in no language of ours').toBeGreaterThan(1480);
    const accuracy = await query<{ value: number; champion_value: number }>(`SELECT value, champion_value FROM evaluations WHERE name = 'accuracy'`);
    expect(accuracy[0].value).toBeGreaterThan(0.6);
    expect(accuracy[0].value).toBeGreaterThan(accuracy[0].champion_value + 0.2);
  }, 180_000);

  it('decides the next ticket, and every one behind its promotion in a replay from nothing', async () => {
    const next = texts.slice(1500, 1540);
    await whole.publish(tickets(next, 1500, Date.now() - 60 * minute));
    const read = () => query<{ model: string; intent: string; stream_seq: number; ticket: string }>(`SELECT model, intent, stream_seq, ticket FROM tickets WHERE toUInt32(substring(ticket, 3)) >= 1500`);
    await until('they are stored', async () => (await read()).length === next.length);
    const rows = await read();
    expect(new Set(rows.map((row) => row.model))).toEqual(new Set([`intent.${result.version}`]));
    for (const row of rows) expect(row.stream_seq).toBeGreaterThan(result.live[0]);
    const right = rows.filter(({ ticket, intent }) => next[Number(ticket.slice(2)) - 1500].label === intent).length;
    expect(right / rows.length, 'of 27 intents').toBeGreaterThan(0.5);
    const hash = (): Promise<unknown> => requestService(whole.nc, shardServiceSubject(0, 'hash'), {}, 20_000);
    const before = await hash();
    whole.system.handle('shard').kill('SIGKILL');
    await whole.system.handle('shard').exited;
    rmSync(join(whole.system.context.dataDir, 'snapshots'), { recursive: true });
    await whole.system.killAndRestart('shard');
    await whole.folded();
    expect(await hash()).toEqual(before);
    expect(await promoted()).toBe(result.version);
  }, 120_000);

  it('is rolled back by the watch when it is broken on purpose', async () => {
    // Trained on labels that were dealt anew: sure of itself now and then, and wrong.
    const dealt = texts.slice(0, 600).map(({ text }, i) => ({ tokens: text.toLowerCase().split(' '), intent: texts[(i * 7 + 13) % 600].label }));
    const steps = trainingSteps(trainIntent({ train: dealt.slice(0, 500), validation: dealt.slice(500) }, { ...intentDefaults, epochs: 2 }, { engine: createFastEngine }));
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    const version = Date.now();
    const ref = await jetstreamArtefacts(whole.nc).put(model, version, step.value);
    const batch = arrowBatch(modelsTable);
    batch.push({ model, version, atMs: version, sha256: ref.sha256, bytes: ref.bytes, run: '', dataSha256: '', dataBytes: 0, dataRows: 0, dataFromMs: 0, dataToMs: 0, dataSeq: 0, trainedRows: 0, trainedToMs: version, epochs: 2, seconds: 0, card: '# broken' });
    await withClickHouse(whole.system.endpoints, (client) => clickHouseRows(client).insert('models', modelsTable.columns.map(({ name }) => name), batch.finish(), `test:${version}`));
    await temporal.workflow.execute(setLiveType, { taskQueue, workflowId: 'break', args: [{ model, shards: 1, to: version, by: 'test', reason: 'broken on purpose', watch: input.watch }] });
    expect(await promoted()).toBe(version);
    await whole.publish(tickets(texts.slice(1600, 1800), 1600, Date.now() - 300 * minute));
    const watched = (await temporal.workflow.getHandle(watchId(model, version)).result()) as WatchResult;
    expect(watched.outcome).toBe('rolled_back');
    await whole.folded();
    expect(await promoted()).toBe(result.version);
  }, 180_000);
});
