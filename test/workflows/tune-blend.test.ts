/** From decisions on record and what customers did next to the weights of the next answer, with every part as it is in production. */
import { writeFileSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClickHouse } from '../../cli/context.js';
import { equalBlend } from '../../models/recommend/fuse.js';
import { createUniform } from '../../models/random.js';
import { clickHouseRows } from '../../pipelines/runtime/clickhouse.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { requestService } from '../../pipelines/runtime/request.js';
import { arrowBatch } from '../../schemas/arrow.js';
import type { RecommendAnswer } from '../../schemas/services.js';
import { serviceSubject } from '../../schemas/subjects.js';
import { recommendationsTable, type RecommendationRow } from '../../schemas/tables.js';
import { runTuneBlend, type StartedTuning } from '../../workflows/runs.js';
import { click, purchase } from '../support/events.js';
import type { TestSystem } from '../support/system.js';
import { historyText } from './histories.js';
import { smallShop, startWholeSystem, type WholeSystem } from './system.js';

const shards = 2;
const minute = 60_000;
const startMs = Date.now() - 5 * 24 * 60 * minute;
const input = { shards, days: 30, windowHours: 24 };

interface Logged { rows: RecommendationRow[]; events: unknown[] }

/**
 * Decisions of five items, which two channels order the other way round. The customer goes for what user-user puts first, and
 * sometimes for another; a click too early, one too late and one of another customer count nothing.
 */
function logged(first: number, count: number): Logged {
  const uniform = createUniform(first + 1);
  const [rows, events]: [RecommendationRow[], unknown[]] = [[], []];
  for (let d = first; d < first + count; d += 1) {
    const [customer, atMs] = [`c${d % 50}`, startMs + d * minute];
    const item = (i: number): string => `i-${d}-${i}`;
    for (let i = 0; i < 5; i += 1) {
      rows.push({
        shard: d % shards, commitSeq: d + 1, answer: 0, rank: i + 1, atMs, seq: 0, customer, item: item(i), score: 1 - i / 10, channel: 'session',
        ranks: { session: i + 1, 'user-user': 5 - i }, because: [], against: [], model: 'cosine-sessions-2',
      });
    }
    const taken = uniform() < 0.8 ? 4 : Math.floor(5 * uniform());
    events.push(d % 5 === 0
      ? purchase(`p${d}`, customer, { lines: [{ item: item(taken), quantity: 1, unitMinor: 500 }], amountMinor: 500, atMs: atMs + minute })
      : click(`v${d}`, customer, { item: item(taken), action: d % 3 === 0 ? 'cart' : 'view', atMs: atMs + minute }));
    events.push(click(`e${d}`, customer, { item: item(0), atMs: atMs - minute }), click(`l${d}`, customer, { item: item(0), atMs: atMs + 25 * 60 * minute }));
    events.push(click(`o${d}`, `other${d}`, { item: item(0), atMs: atMs + minute }), click(`u${d}`, customer, { item: item(0), action: 'uncart', atMs: atMs + minute }));
  }
  return { rows, events };
}

describe('tuneBlend', () => {
  let whole: WholeSystem;
  let system: TestSystem;
  let nc: NatsConnection;
  let temporal: Client;
  let tuned: StartedTuning;

  beforeAll(async () => {
    whole = await startWholeSystem(shards, smallShop);
    ({ system, nc, temporal } = whole);
  }, 120_000);
  afterAll(() => whole.stop());

  const ask = (customer: string): Promise<RecommendAnswer> => requestService<RecommendAnswer>(nc, serviceSubject('recommend'), { customer, k: 5 });
  const tune = (given: object = input): Promise<StartedTuning> => runTuneBlend(temporal, given as typeof input, { wait: true });

  const rowsOf = <T>(query: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => (await client.query({ query, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());

  /** The log of a shop that is older than this test: decisions straight into their table, what followed by the stream. */
  async function play({ rows, events }: Logged): Promise<void> {
    const batch = arrowBatch(recommendationsTable);
    for (const row of rows) batch.push(row);
    const columns = recommendationsTable.columns.map(({ name }) => name);
    await withClickHouse(system.endpoints, (client) => clickHouseRows(client).insert('recommendations', columns, batch.finish(), `test:${rows[0].commitSeq}`));
    await whole.publish(events);
  }

  it('leaves all as it is where there is nothing to learn from, and refuses what is out of range', async () => {
    const { result } = await tune();
    expect(result).toMatchObject({ decisions: 0, promoted: [], reason: expect.stringContaining('too few answers') as unknown });
    expect(result).not.toHaveProperty('sha256');
    await expect(tune({ ...input, shards: 0 })).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining('shards must be a whole number from 1 to 256, got 0') as unknown });
    await expect(tune({ ...input, windowHours: 721 })).rejects.toThrow(/windowHours must be a number above 0 and at most 720, the hours of days, got 721/);
  });

  it('promotes nothing out of a few decisions, and says why', async () => {
    await play(logged(0, 50));
    const { result } = await tune();
    expect(result).toMatchObject({ decisions: 0, promoted: [] });
    expect(result?.reason).toBe('too few answers of which something was taken, and something not: 40 of 40 to learn from; 100 are needed');
    expect((await ask('c1')).model).toBe('cosine-sessions-2');
  });

  it('learns what customers go for from what they did in time, and makes it live in every shard', async () => {
    await play(logged(50, 350));
    tuned = await tune();
    const { result, workflowId } = tuned;
    expect(result).toMatchObject({ decisions: 80, champion: 'equal weights', live: equalBlend, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
    expect(result?.reason).toBeUndefined();
    const weights = result?.challenger?.weights;
    expect(weights?.['user-user']).toBeGreaterThan(2 * (weights?.session ?? Number.NaN));
    expect(weights?.svd, 'of which nothing was seen').toBeCloseTo(1, 6);
    expect(result?.ndcg?.low).toBeGreaterThan(0);
    expect(result?.ndcg?.challenger).toBeGreaterThan((result?.ndcg?.live ?? Number.NaN) + 0.1);
    const checks = await rowsOf(`SELECT champion, name, rows, passed FROM evaluations WHERE model = 'blend' AND kind = 'check' ORDER BY name`);
    expect(checks).toEqual(['bytes', 'gain', 'latency_ms_p99', 'rows', 'slice'].map((name) => ({ champion: 'equal weights', name, rows: name === 'slice' ? expect.any(Number) as unknown : 50, passed: 1 })));
    const [row] = await rowsOf<{ data_rows: number; data_sha256: string; card: string }>(`SELECT data_rows, data_sha256, card FROM models WHERE model = 'blend'`);
    expect(row).toMatchObject({ data_rows: 2000, data_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown, card: expect.stringContaining('| weight_user-user |') as unknown });
    // The artefact is what a reader of Arrow takes, without a name of a customer.
    const [cut] = await jetstreamArtefacts(nc).list('cut-blend');
    const table = tableFromIPC(await jetstreamArtefacts(nc).load(cut));
    expect([cut.sha256, table.numRows]).toEqual([row.data_sha256, 2000]);
    expect(table.schema.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['at_ms', 'customer', 'position', 'was_taken', 'rank_session']));
    expect(result?.promoted).toHaveLength(shards);
    await whole.folded();
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ blend: result?.version });
    for (const customer of ['c1', 'c2', 'c3', 'nobody']) expect((await ask(customer)).model).toBe(`cosine-sessions-2+blend.${result?.version}`);
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync('test/histories/tune-blend-recipe.json', historyText(await temporal.workflow.getHandle(workflowId).fetchHistory()));
  });

  it('does not replace what is live by what is no better', async () => {
    const live = (): Promise<unknown[]> => withClickHouse(system.endpoints, async (client) => (await client.query({ query: `SELECT shard FROM promotions WHERE model = 'blend' AND outcome = 'live'`, format: 'JSONEachRow' })).json());
    await expect.poll(async () => (await live()).length, { timeout: 20_000 }).toBe(shards);
    const { result } = await tune();
    expect(result).toMatchObject({ champion: `blend.${tuned.result?.version}`, live: tuned.result?.challenger, ndcg: { difference: 0, low: 0, high: 0 }, promoted: [], reason: 'gain' });
    for (let shard = 0; shard < shards; shard += 1) expect((await whole.statusOf(shard)).promoted).toEqual({ blend: tuned.result?.version });
  });
});
