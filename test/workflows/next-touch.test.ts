/** What customers did after a recommendation, by version: the query of the watch and the view, in the real engine. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createWatchActivities, type LiveMetrics } from '../../activities/live-metrics.js';
import { clickHouseRows } from '../../pipelines/runtime/clickhouse.js';
import { memoryLiveVersions } from '../../pipelines/runtime/memory/live-versions.js';
import { arrowBatch } from '../../schemas/arrow.js';
import type { Table } from '../../schemas/columns.js';
import { eventsTable, recommendationsTable, type EventRow, type RecommendationRow } from '../../schemas/tables.js';
import { click, purchase } from '../support/events.js';
import { tempDir } from '../support/temp.js';
import { startStore, type Store } from './system.js';

const minute = 60_000;
const nowMs = Date.now() - 5 * 60 * minute;
let store: Store;

beforeAll(async () => { store = await startStore(tempDir()); }, 60_000);
afterAll(() => store.close());

const insert = async <Row>(table: Table<Row>, rows: readonly Row[], token: string): Promise<void> => {
  const batch = arrowBatch(table);
  for (const row of rows) batch.push(row);
  await clickHouseRows(store.client).insert(table.name, table.columns.map(({ name }) => name), batch.finish(), token);
};

/** The promotion of svd 7 is message 1000. */
const promotedSeq = 1000;

/**
 * Answers of two items, `each` before the promotion and as many behind it, after each of which its customer does something: the
 * recommended item `mine` times of ten. What is done too late, before the answer was given, or by others counts nothing; nor does what comes second.
 */
async function play(first: number, each: number, share: (behind: boolean) => number): Promise<void> {
  const rows: RecommendationRow[] = [];
  const events: EventRow[] = [];
  const event = (seq: number, receivedMs: number, what: ReturnType<typeof click> | ReturnType<typeof purchase>): void => { events.push({ shard: 0, position: seq * 1024, receivedMs, event: what }); };
  for (let n = 0; n < 2 * each; n += 1) {
    const behind = n >= each;
    const seq = behind ? promotedSeq + 10 * (first + n) : Math.floor((promotedSeq - 10) * (n / each));
    const [customer, atMs] = [`c${first + n}`, nowMs + n * 10];
    for (const rank of [1, 2]) {
      rows.push({ shard: 0, commitSeq: first + n + 1, answer: 0, rank, atMs, seq, customer, item: `i${rank}`, score: 1, channel: 'svd', ranks: { svd: rank }, because: [], against: [], model: behind ? 'cosine-sessions-2+svd.7+blend.70' : 'cosine-sessions-2+svd.77' });
    }
    const hit = n % 10 < share(behind);
    event(seq, atMs, click(`b${first + n}`, customer, { item: 'i1', atMs })); // of the message that the answer had seen
    if (n % 2 === 0) event(seq + 1, atMs + minute, click(`e${first + n}`, customer, { item: hit ? 'i2' : 'other', atMs }));
    else event(seq + 1, atMs + minute, purchase(`e${first + n}`, customer, { lines: [{ item: 'x', quantity: 1, unitMinor: 1 }, { item: hit ? 'i1' : 'y', quantity: 1, unitMinor: 1 }], amountMinor: 2, atMs }));
    event(seq + 2, atMs + 2 * minute, click(`s${first + n}`, customer, { item: hit ? 'other' : 'i1', atMs }));
  }
  // Followed by others, by nobody, and too late.
  for (const [n, late] of [[1, 0], [2, 90 * minute]]) {
    const customer = `late${first}-${n}`;
    rows.push({ shard: 0, commitSeq: first + 2 * each + n, answer: 3, rank: 1, atMs: nowMs, seq: promotedSeq + 1, customer, item: 'i1', score: 1, channel: 'svd', ranks: {}, because: [], against: [], model: 'cosine-sessions-2+svd.7+blend.70' });
    if (late > 0) event(promotedSeq + 5, nowMs + late, click(`l${first}`, customer, { item: 'i1', atMs: nowMs }));
  }
  await insert(recommendationsTable, rows, `r${first}`);
  await insert(eventsTable, events, `e${first}`);
}

const look = (model: string, version: number, untilSeq = promotedSeq): Promise<LiveMetrics> =>
  new MockActivityEnvironment().run(createWatchActivities({ clickhouse: store.client, liveVersions: memoryLiveVersions() }).liveMetrics, { model, version, sinceSeq: promotedSeq, untilSeq });

it('waits for enough answers, and tells what customers did next, of the version and of what was before it', async () => {
  await play(0, 100, (behind) => (behind ? 3 : 4));
  const { figures: [figure] } = await look('svd', 7);
  expect(figure).toMatchObject({ metric: 'next_hit', rows: 100, rowsBefore: 100, passed: true });
  expect(figure.value).toBeCloseTo(0.3, 12);
  expect(figure.before).toBeCloseTo(0.4, 12);
  expect(figure.limit).toBeCloseTo(0.4 / 1.25 - 0.02, 12);
  expect((await look('blend', 70)).figures).toEqual([figure]);
  // The first answers behind the promotion of an idle shard have seen nothing later, while another shard was told last.
  expect((await look('svd', 7, promotedSeq + 1500)).figures).toEqual([figure]);
  // Not what only begins alike.
  expect((await look('blend', 7)).figures).toMatchObject([{ value: null, rows: 0, rowsBefore: 100, passed: true }]);
});

it('falls where customers turn to other things, once there are answers enough to tell', async () => {
  await play(10_000, 500, (behind) => (behind ? 2 : 4));
  const { superseded, figures: [figure] } = await look('svd', 7);
  expect(superseded).toBe(false);
  expect(figure).toMatchObject({ rows: 600, rowsBefore: 600, passed: false });
  expect(figure.value).toBeCloseTo((30 + 100) / 600, 12);
});

it('is told by day and version', async () => {
  const found = await store.client.query({ query: 'SELECT model, sum(h.answers) AS answers, sum(h.followed) AS followed, sum(h.hits) AS hits FROM recommendation_hits(days = 2) AS h GROUP BY model ORDER BY model', format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
  expect(await found.json()).toEqual([
    { model: 'cosine-sessions-2+svd.7+blend.70', answers: 604, followed: 600, hits: 130 },
    { model: 'cosine-sessions-2+svd.77', answers: 600, followed: 600, hits: 240 },
  ]);
});
