/**
 * kill -9 of the shard, the sink, nats-server and the ClickHouse front, at random points of an import, with a fixed
 * seed. Afterwards no row is lost or doubled, every answer that was given is on record, and the state is the one that
 * an uninterrupted fold of the same stream has.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { storedUpTo } from '../../cli/caught-up.js';
import { withClickHouse } from '../../cli/context.js';
import { datasets } from '../../datasets/dataset.js';
import { loadKernel } from '../../models/recommend/load.js';
import { foldSettings, foldStep } from '../../pipelines/fold.js';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardStatus } from '../../pipelines/runtime/serve.js';
import type { SinkProgress } from '../../pipelines/runtime/sinks.js';
import { decode } from '../../schemas/decode.js';
import type { RecommendAnswer } from '../../schemas/services.js';
import { serviceSubject, shardServiceSubject, streams } from '../../schemas/subjects.js';
import { createRandom } from '../../simulator/random.js';
import { simulateDay } from '../../simulator/simulator.js';
import { sharedData } from '../support/datasets.js';
import { startTestSystem, type PartName, type TestSystem } from '../support/system.js';

const kills = 24;
const seed = 20_251;
const eventsMax = 120_000;
const victims: PartName[] = ['shard', 'sink', 'nats', 'clickhouse'];
const retail = sharedData('online-retail', 'online_retail.csv.gz');

/** The import: online-retail where it is, else a simulated shop. A bad line now and then, as in life. */
async function* source(): AsyncGenerator<unknown> {
  let n = 0;
  for await (const event of retail.missing ? simulated() : fromFile()) {
    if (n === eventsMax) return;
    if (++n % 1009 === 0) yield { type: 'click', id: `bad-${n}`, customer: 'c1' };
    yield event;
  }
}

async function* fromFile(): AsyncGenerator<unknown> {
  for await (const rows of datasets['online-retail'].read(retail.file)) for (const row of rows) if (row.event !== undefined) yield row.event;
}

function* simulated(): Generator<unknown> {
  yield* simulateDay({ seed, customers: 3000, items: 1000, startMs: Date.UTC(2026, 0, 15), events: eventsMax });
}

describe('kill -9', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  const sent = { events: 0, bad: 0 };
  const answered: { customer: string; seq: number }[] = [];
  const killed: PartName[] = [];

  beforeAll(async () => {
    system = await startTestSystem({ AFTERCARE_SNAPSHOT_MESSAGES: '200', AFTERCARE_SNAPSHOT_MS: '500' });
    nc = await connectNats(system.endpoints.nats, 'test');
    const stop = new AbortController();
    const asking = ask(nc, answered, stop.signal);
    const lastSeq = await importWithKills(system, nc, sent, killed);
    await storedUpTo(nc, lastSeq);
    // The shard has been killed too, and may have more to fold than the sink had to store.
    const committedTo = async () => (await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {}, 2000).catch(() => undefined))?.committedTo ?? 0;
    while ((await committedTo()) < lastSeq || answered.length < 30) await delay(50);
    stop.abort();
    await asking;
    // The answers follow the events. (The lines of the file are years old: nothing is decided about them.)
    const decided = await jetstreamLog(nc, streams.out).lastSeq();
    while (((await requestService<SinkProgress>(nc, 'aftercare.sink.status', {}, 2000).catch(() => undefined))?.outSeq ?? 0) < decided) await delay(50);
    return async () => { await nc.close(); };
  }, 300_000);

  const query = <T>(sql: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => {
    const found = await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return found.json<T>();
  });

  it('struck every part, many times', () => {
    expect(killed).toHaveLength(kills);
    for (const victim of victims) expect(killed.filter((part) => part === victim).length, victim).toBeGreaterThan(2);
  });

  it('lost no row and doubled none', async () => {
    const [rows] = await query<object>('SELECT count() AS rows, uniqExact(id) AS ids, uniqExact(shard, seq) AS places FROM events');
    // Two lines of the file have no honest price; where the simulator stands in there are none.
    const [rejects] = await query<{ rows: number; places: number }>('SELECT count() AS rows, uniqExact(seq) AS places FROM rejects');
    expect(rejects.places).toBe(rejects.rows);
    expect(rejects.rows).toBeGreaterThanOrEqual(sent.bad);
    const good = sent.events + sent.bad - rejects.rows;
    expect(rows).toEqual({ rows: good, ids: good, places: good });
  });

  it('recorded every answer that it gave, once', async () => {
    const rows = await query<{ customer: string; seq: number; answers: number; items: number; places: number }>(
      'SELECT customer, seq, uniqExact(commit_seq, answer) AS answers, count() AS items, uniqExact(commit_seq, answer, rank) AS places FROM recommendations GROUP BY customer, seq');
    const recorded = new Map(rows.map((row) => [`${row.customer}@${row.seq}`, row.answers]));
    const given = new Map<string, number>();
    for (const { customer, seq } of answered) given.set(`${customer}@${seq}`, (given.get(`${customer}@${seq}`) ?? 0) + 1);
    expect(given.size).toBeGreaterThan(20);
    for (const [key, count] of given) expect(recorded.get(key) ?? 0, key).toBeGreaterThanOrEqual(count);
    for (const row of rows) expect(row.places).toBe(row.items);
  });

  it('has the state of an uninterrupted fold', async () => {
    const { seq, hash } = await requestService<{ seq: number; hash: string }>(nc, shardServiceSubject(0, 'hash'), {}, 20_000);
    const log = jetstreamLog(nc, streams.events);
    expect(seq).toBe(await log.lastSeq());
    const step = foldStep(foldSettings(system.context.config), loadKernel());
    const state = step.empty();
    const cursor = await log.open(1);
    let receivedMs = 0;
    const target = { event: (event: never, position: number) => { step.step(state, { event, position, shard: 0, receivedMs }, () => undefined); }, reject: () => undefined };
    for (let at = 0; at < seq;) {
      for (const message of await cursor.take(1000, 1000)) {
        receivedMs = message.receivedMs;
        decode(message, 1, target);
        at = message.seq;
      }
    }
    await cursor.close();
    expect(hash).toBe(step.hash(state));
  });
});

/** Publishes everything while one part after the other is killed at a random moment. @returns the last sequence */
async function importWithKills(system: TestSystem, nc: NatsConnection, sent: { events: number; bad: number }, killed: PartName[]): Promise<number> {
  const random = createRandom(seed);
  const publisher = createPublisher(nc);
  const writer = eventWriter(publisher, 1, 20);
  let published = false;
  const striking = (async () => {
    while (killed.length < kills) {
      await delay(50 + random.below(400));
      const victim = victims[random.below(victims.length)];
      await system.killAndRestart(victim);
      killed.push(victim);
    }
  })();
  const publishing = (async () => {
    let n = 0;
    for await (const event of source()) {
      if ((event as { id: string }).id.startsWith('bad-')) sent.bad += 1;
      else sent.events += 1;
      await writer.write(event);
      // Slow enough that the kills fall into the import, and not behind it.
      if (++n % 1000 === 0) while (killed.length < kills && n / eventsMax > (killed.length + 1) / kills) await delay(10);
    }
    await writer.end();
    published = true;
  })();
  await Promise.all([striking, publishing]);
  expect(published).toBe(true);
  const { lastSeq } = await publisher.flush();
  publisher.close();
  return lastSeq;
}

/** A service of the shop that asks all the time; while a part is down it gets no answer, or a late one. */
async function ask(nc: NatsConnection, answered: { customer: string; seq: number }[], signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    const answer = await requestService<RecommendAnswer>(nc, serviceSubject('recommend'), { customer: `someone-${n}`, k: 3 }, 1000).catch(() => undefined);
    // An answer without items has no row: before the first event nothing is popular.
    if (answer !== undefined && answer.items.length > 0) answered.push({ customer: answer.customer, seq: answer.seq });
    await delay(40);
  }
}
