/**
 * Tickets as events, with their labels as they would arrive: a model is retrained through Temporal and promoted, the next ticket is
 * decided by it, at the same sequence again on replay; broken on purpose, the watch rolls it back. `intent` from bitext's tickets,
 * `entities` from drawn ones, whose labels name what they hold.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCut } from '../../activities/arrow-cut.js';
import { createCutActivities, type CutInput, type DataSet } from '../../activities/cut.js';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import { readBitext, type Bitext } from '../../datasets/bitext.js';
import { createFastEngine } from '../../models/lstm/fast.js';
import { entityDefaults, trainEntities, type EntityExample } from '../../models/support/entities-train.js';
import { entityExamples } from '../../models/support/entity-templates.js';
import { shuffle } from '../../models/support/epochs.js';
import { intentDefaults, trainIntent } from '../../models/support/intent-train.js';
import { createUniform } from '../../models/random.js';
import { clickHouseRows } from '../../pipelines/runtime/clickhouse.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { requestService } from '../../pipelines/runtime/request.js';
import { arrowBatch } from '../../schemas/arrow.js';
import type { Label, Ticket } from '../../schemas/events.js';
import { entityKinds, type EntityKind } from '../../schemas/support-words.js';
import { modelsTable } from '../../schemas/model-tables.js';
import { shardServiceSubject } from '../../schemas/subjects.js';
import { retrainId, retrainType, setLiveType, taskQueue, watchId } from '../../workflows/names.js';
import type { RetrainInput, RetrainResult } from '../../workflows/retrain-types.js';
import type { WatchResult } from '../../workflows/watch-model.js';
import type { EpochTraining } from '../../models/support/training.js';
import { aftercare } from '../support/cli.js';
import { smallShop, startWholeSystem, until, type WholeSystem } from './system.js';

const bitext: Bitext | undefined = readBitext();
const minute = 60_000;
const watch = { hours: 1, everyMinutes: 0.01 };
const env = { ...smallShop, AFTERCARE_SHARDS: '1', AFTERCARE_SUPPORT_FRESH_HOURS: '876000', AFTERCARE_WATCH_HOURS: String(watch.hours), AFTERCARE_WATCH_MINUTES: String(watch.everyMinutes) };

let whole: WholeSystem;
let temporal: Client;
const query = <T>(sql: string): Promise<T[]> => withClickHouse(whole.system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
/** A shard that lost its lease on a busy machine does not answer for a moment. */
async function promoted(model: string): Promise<unknown> {
  let status: Awaited<ReturnType<typeof whole.statusOf>> | undefined;
  await until('the shard answers', async () => (status = await whole.statusOf(0).catch(() => undefined)) !== undefined, 60_000);
  return status?.promoted[model];
}
const hash = (): Promise<unknown> => requestService(whole.nc, shardServiceSubject(0, 'hash'), {}, 20_000);

beforeAll(async () => {
  whole = await startWholeSystem(1, env);
  ({ temporal } = whole);
}, 120_000);
afterAll(() => whole.stop());

/** The state again from the events alone. */
async function foldAnew(): Promise<void> {
  whole.system.handle('shard').kill('SIGKILL');
  await whole.system.handle('shard').exited;
  rmSync(join(whole.system.context.dataDir, 'snapshots'), { recursive: true });
  await whole.system.killAndRestart('shard');
  await whole.folded();
}

function trainedTo<Result>(training: EpochTraining<Result>): Result {
  while (training.epoch < training.epochs) training.next();
  return training.finish();
}

/** On record, past every check. @returns its version */
async function register(model: string, parts: Uint8Array[]): Promise<number> {
  const version = Date.now();
  const ref = await jetstreamArtefacts(whole.nc).put(model, version, parts);
  const batch = arrowBatch(modelsTable);
  batch.push({ model, version, atMs: version, sha256: ref.sha256, bytes: ref.bytes, run: '', dataSha256: '', dataBytes: 0, dataRows: 0, dataFromMs: 0, dataToMs: 0, dataSeq: 0, trainedRows: 0, trainedToMs: version, epochs: 2, seconds: 0, card: '# broken' });
  await withClickHouse(whole.system.endpoints, (client) => clickHouseRows(client).insert('models', modelsTable.columns.map(({ name }) => name), batch.finish(), `test:${version}`));
  return version;
}

async function goLive(model: string, version: number): Promise<void> {
  await temporal.workflow.execute(setLiveType, { taskQueue, workflowId: `break-${model}`, args: [{ model, shards: 1, to: version, by: 'test', reason: 'broken on purpose', watch }] });
  expect(await promoted(model)).toBe(version);
}

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
  const model = 'intent';
  const input: RetrainInput = { model, shards: 1, watch };
  let result: RetrainResult;
  let broken: number;
  const all = bitext?.train ?? [];
  const order = Uint32Array.from(all, (_, i) => i);
  shuffle(order, createUniform(4));
  const texts = Array.from(order, (i) => all[i]);

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
    const before = await hash();
    await foldAnew();
    expect(await hash()).toEqual(before);
    expect(await promoted(model)).toBe(result.version);
  }, 120_000);

  it('is not acted on while it challenges, broken on purpose, and how it does is compared on the same tickets', async () => {
    // Trained on labels that were dealt anew: sure of itself now and then, and wrong.
    const dealt = texts.slice(0, 600).map(({ text }, i) => ({ tokens: text.toLowerCase().split(' '), intent: texts[(i * 7 + 13) % 600].label }));
    broken = await register(model, trainedTo(trainIntent({ train: dealt.slice(0, 500), validation: dealt.slice(500) }, { ...intentDefaults, epochs: 2 }, { engine: createFastEngine })));
    await temporal.workflow.execute(setLiveType, { taskQueue, workflowId: 'challenge', args: [{ model, shards: 1, to: broken, challenger: { percent: 0 }, by: 'test' }] });
    const next = texts.slice(1540, 1600);
    await whole.publish(tickets(next, 1540, Date.now() - 120 * minute));
    interface Row { model: string; intent: string; decision: string; shadow: string[]; shadow_intents: string[]; shadow_decisions: string[]; truth: string }
    const read = () => query<Row>(`SELECT model, t.intent AS intent, t.decision AS decision, shadow, shadow_intents, shadow_decisions, truth FROM tickets AS t JOIN ticket_labels AS l ON l.ticket_seq = t.seq WHERE toUInt32(substring(t.ticket, 3)) BETWEEN 1540 AND 1599`);
    await until('they are stored with their labels', async () => (await read()).length === next.length);
    const rows = await read();
    for (const row of rows) expect(row).toMatchObject({ model: `intent.${result.version}`, shadow: [`intent.${broken}`] });
    const { code, stdout, stderr } = await aftercare(['compare', 'support', '--json'], { env: endpointVariables(whole.system.endpoints) });
    expect(code, stderr).toBe(0);
    const compared = (JSON.parse(stdout) as { decided_by: string; model: string }[]).filter((row) => row.decided_by === `intent.${result.version}`);
    const count = (holds: (row: Row) => boolean): number => rows.filter(holds).length;
    const agreed = count((row) => row.intent === row.shadow_intents[0] && row.decision === row.shadow_decisions[0]);
    expect(compared.find((row) => row.model === `intent.${broken}`)).toMatchObject({ role: 'shadow', decisions: rows.length, verdicts: rows.length, positives: count((row) => row.shadow_intents[0] === row.truth), raised: count((row) => row.shadow_decisions[0] === 'hand_over'), agreement: expect.closeTo(agreed / rows.length, 9) as unknown });
    expect(agreed).toBeLessThan(rows.length);
    const champion = compared.find((row) => row.model === `intent.${result.version}`) as unknown as { decisions: number; positives: number; verdicts: number };
    expect(champion).toMatchObject({ role: 'decides', agreement: 1 });
    expect(champion.positives / champion.verdicts, 'the labels tell which is broken').toBeGreaterThan(0.3 + count((row) => row.shadow_intents[0] === row.truth) / rows.length);
  }, 180_000);

  it('is rolled back by the watch when it is broken on purpose', async () => {
    await goLive(model, broken);
    expect(await promoted(`${model}-shadow`), 'it is no challenger any more').toBeUndefined();
    await whole.publish(tickets(texts.slice(1600, 1800), 1600, Date.now() - 300 * minute));
    const watched = (await temporal.workflow.getHandle(watchId(model, broken)).result()) as WatchResult;
    expect(watched.outcome).toBe('rolled_back');
    await whole.folded();
    expect(await promoted(model)).toBe(result.version);
  }, 180_000);
});

describe('entities, from tickets whose labels name them', () => {
  const model = 'entities';
  let result: RetrainResult;
  const all = entityExamples([], 18, 12);
  const order = Uint32Array.from(all.keys());
  shuffle(order, createUniform(8));
  const texts = Array.from(order, (i) => all[i]);

  /** As `tickets`; an agent names the entities as they stand there. */
  const named = (examples: readonly EntityExample[], from: number, fromMs: number): (Ticket | Label)[] => examples.flatMap(({ text, entities }, i): (Ticket | Label)[] => {
    const [n, atMs] = [from + i, fromMs + i * minute];
    const head = { v: 1, customer: `e${n % 400}` } as const;
    return [
      { ...head, type: 'ticket', id: `et${n}`, ticket: `E-${n}`, atMs, text },
      { ...head, type: 'label', id: `el${n}`, of: 'ticket', ref: `E-${n}`, verdict: 'delivery_status', atMs: atMs + 5 * minute, entities: entities.map(({ kind, start, end }) => ({ kind: kind as EntityKind, text: text.slice(start, end) })) },
    ];
  }).sort((a, b) => a.atMs - b.atMs);
  const f1 = (where: string): Promise<{ f1: number; tickets: number }[]> => query(`SELECT 2 * sum(entities_right) / (sum(entities_found) + sum(length(entity_kinds))) AS f1, count() AS tickets FROM ticket_labels WHERE entities_outcome IN ('right', 'wrong') AND ${where}`);

  it('is retrained by a command and promoted, better than the rules', async () => {
    await whole.publish(named(texts.slice(0, 900), 0, Date.now() - 2000 * minute));
    const { code, stdout, stderr } = await aftercare(['retrain', model, '--wait', '--json'], { env: { ...endpointVariables(whole.endpoints), ...env } });
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
    result = (JSON.parse(stdout) as { result: RetrainResult }).result;
    expect(result.reason).toBeUndefined();
    expect(result).toMatchObject({ outcome: 'promoted', champion: 'recorded' });
    const outcomes = new Map((await query<{ outcome: string; n: number }>(`SELECT entities_outcome AS outcome, count() AS n FROM ticket_labels WHERE ticket LIKE 'E-%' GROUP BY outcome`)).map(({ outcome, n }) => [outcome, n]));
    const taken = (outcomes.get('right') ?? 0) + (outcomes.get('wrong') ?? 0);
    expect(taken, 'some numbers are masked, as they may be anything').toBeGreaterThan(800);
    expect(result.data.rows, 'those in a language of ours').toBeGreaterThan(taken - 60);
    const [rules] = await f1(`entities_model = 'entity-rules-1'`);
    const figures = await query<{ name: string; value: number; champion_value: number }>(`SELECT name, value, champion_value FROM evaluations WHERE model = 'entities' AND name = 'f1'`);
    expect(figures[0].value).toBeGreaterThan(0.8);
    expect(figures[0].value).toBeGreaterThan(figures[0].champion_value + 0.05);
    expect(Math.abs(figures[0].champion_value - rules.f1), 'of the newest fifth').toBeLessThan(0.1);
    const [{ card }] = await query<{ card: string }>(`SELECT card FROM models WHERE model = 'entities' AND version = ${result.version}`);
    expect(card).toContain('F1 of exact spans');
    expect(card).toContain('| slice of kind product |');
  }, 180_000);

  it('its data set can be cut again as of then; as of now the last label of a ticket counts', async () => {
    const example = texts.findIndex(({ entities }) => entities.length === 1);
    await whole.publish([{ v: 1, customer: `e${example % 400}`, type: 'label', id: 'again', of: 'ticket', ref: `E-${example}`, verdict: 'delivery_status', atMs: Date.now() - 80 * minute, entities: [] }]);
    const outcomeOf = () => query<{ outcome: string }>(`SELECT entities_outcome AS outcome FROM ticket_labels WHERE ticket = 'E-${example}' ORDER BY seq`);
    await until('it is stored', async () => (await outcomeOf()).length === 2);
    expect((await outcomeOf())[1].outcome).toBe('contradicted');
    const artefacts = jetstreamArtefacts(whole.nc);
    await withClickHouse(whole.system.endpoints, async (clickhouse) => {
      await clickhouse.command({ query: 'OPTIMIZE TABLE ticket_labels FINAL' }); // other parts, other blocks
      const { MockActivityEnvironment } = await import('@temporalio/testing');
      const { cutData } = createCutActivities({ nc: whole.nc, clickhouse, artefacts });
      const cut = (seq: number, version: number): Promise<DataSet> => new MockActivityEnvironment().run<[CutInput], DataSet, typeof cutData>(cutData, { model, version, seq, asOfMs: result.data.asOfMs });
      const truthOf = async ({ ref }: DataSet): Promise<string | undefined> => {
        const read = readCut(await artefacts.load(ref));
        return read.texts('truth')[read.texts('text').indexOf(texts[example].text)];
      };
      const again = await cut(result.data.seq, result.version + 1);
      expect(again).toMatchObject({ rows: result.data.rows, ref: { sha256: result.data.ref.sha256 } });
      const { kind, start, end } = texts[example].entities[0];
      expect(await truthOf(again)).toBe(`${kind}:${start}:${end}`);
      const now = await cut(Number.MAX_SAFE_INTEGER, result.version + 2);
      expect(now.rows).toBe(result.data.rows);
      expect(await truthOf(now)).toBe('');
    });
  }, 60_000);

  it('reads the next ticket, and every one behind its promotion in a replay from nothing', async () => {
    await whole.publish(named(texts.slice(900, 960), 900, Date.now() - 60 * minute));
    const read = () => query<{ model: string; ticket: string; entity_kinds: string[]; entity_by: string[]; stream_seq: number }>(`SELECT model, ticket, entity_kinds, entity_by, stream_seq FROM tickets WHERE ticket LIKE 'E-9__' ORDER BY seq`);
    await until('they are stored', async () => (await read()).length === 60);
    const rows = await read();
    for (const row of rows) {
      expect(row.model.split('+')).toContain(`entities.${result.version}`);
      expect(row.stream_seq).toBeGreaterThan(result.live[0]);
    }
    expect(new Set(rows.flatMap((row) => row.entity_by))).toContain('model');
    expect(rows.flatMap((row) => row.entity_kinds), 'which rules cannot find').toContain('product');
    await until('their labels are stored', async () => (await f1(`entities_model = 'entities.${result.version}'`))[0].tickets > 50);
    const [[mine], [rules]] = [await f1(`entities_model = 'entities.${result.version}'`), await f1(`entities_model = 'entity-rules-1'`)];
    expect(mine.f1).toBeGreaterThan(rules.f1);
    const before = await hash();
    await foldAnew();
    expect(await hash()).toEqual(before);
    expect(await promoted(model)).toBe(result.version);
  }, 120_000);

  it('is rolled back by the watch when it is broken on purpose', async () => {
    // Every kind is taken for another one: it is sure, and wrong.
    const wrong = (kind: string): string => entityKinds[(entityKinds.indexOf(kind as EntityKind) + 1) % entityKinds.length];
    const dealt = texts.slice(0, 300).map((one) => ({ ...one, entities: one.entities.map((entity) => ({ ...entity, kind: wrong(entity.kind) })) }));
    const version = await register(model, trainedTo(trainEntities({ train: dealt.slice(50), validation: dealt.slice(0, 50) }, { ...entityDefaults, stepsMin: 300 }, { engine: createFastEngine })));
    await goLive(model, version);
    await whole.publish(named(texts.slice(960, 1060), 960, Date.now() - 200 * minute));
    const watched = (await temporal.workflow.getHandle(watchId(model, version)).result()) as WatchResult;
    expect(watched.outcome).toBe('rolled_back');
    await whole.folded();
    expect(await promoted(model)).toBe(result.version);
    const figureOf = (metric: string) => watched.figures.find((figure) => figure.metric === metric);
    expect(figureOf('entity_f1')).toMatchObject({ passed: false });
    expect(figureOf('entity_f1')?.before).toBeGreaterThan(0.7);
    expect(figureOf('naming'), 'it names something, only what is wrong').toMatchObject({ passed: true });
    expect(figureOf('naming')?.rows).toBeGreaterThan(50);
    const [broken] = await f1(`entities_model = 'entities.${version}'`);
    expect(broken.f1).toBeLessThan(0.5);
  }, 120_000);
});
