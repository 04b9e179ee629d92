/** Every port, the real adapter and the in-memory twin, keeps the same promises. */
import { randomUUID } from 'node:crypto';
import { writeFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clickHouseRows, connectClickHouse } from '../../pipelines/runtime/clickhouse.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamCommits } from '../../pipelines/runtime/jetstream/commits.js';
import { jetstreamCuts } from '../../pipelines/runtime/jetstream/cuts.js';
import { jetstreamMessages } from '../../pipelines/runtime/jetstream/messages.js';
import { jetstreamLeases } from '../../pipelines/runtime/jetstream/leases.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { ensureStreams } from '../../pipelines/runtime/jetstream/streams.js';
import { silentLogger } from '../../pipelines/runtime/log-line.js';
import { memoryCommits, memoryLog, memoryMessages } from '../../pipelines/runtime/memory/log.js';
import { migrate } from '../../pipelines/runtime/migrate.js';
import { memoryCuts, memoryLeases, memoryRows, memorySnapshots } from '../../pipelines/runtime/memory/stores.js';
import type { CommitLog, CutStore, Leases, MessageLog, Messages, RowStore, Snapshots } from '../../pipelines/runtime/ports.js';
import { snapshotFiles } from '../../pipelines/runtime/snapshot-files.js';
import { arrowBatch } from '../../schemas/arrow.js';
import { rejectsTable } from '../../schemas/tables.js';
import { eventSubject, outSubject, shardFilter, streams } from '../../schemas/subjects.js';
import type { StoredMessage } from '../../schemas/decode.js';
import { startClickHouse } from '../../servers/clickhouse.js';
import { startNats } from '../../servers/nats.js';
import { tempDir } from '../support/temp.js';

const ttlMs = 1200;
const directory = tempDir();
let server: Awaited<ReturnType<typeof startNats>>;
let nc: NatsConnection;
let clickhouse: Awaited<ReturnType<typeof startClickHouse>>;
let client: ClickHouseClient;

beforeAll(async () => {
  server = await startNats({ dataDir: join(directory, 'nats') });
  nc = await connectNats(server, 'test');
  await ensureStreams(await jetstreamManager(nc), { shards: 1, replicas: 1, eventsBytesMax: 2 ** 30, artefactsBytesMax: 2 ** 28 });
  clickhouse = await startClickHouse({ dataDir: join(directory, 'clickhouse') });
  client = connectClickHouse({ ...clickhouse, database: 'aftercare' });
  await migrate(client, 'aftercare');
});
afterAll(async () => {
  await nc.close();
  await client.close();
  await clickhouse.stop();
  await server.stop();
});

interface Ports {
  log: MessageLog;
  /** as a producer would */
  publish(type: string, body: Uint8Array): Promise<void>;
  commits: CommitLog;
  leases: Leases;
  cuts: CutStore;
  messages: Messages;
  letterCount(): Promise<number>;
  snapshots: Snapshots;
  rows: RowStore;
  rowCount(): Promise<number>;
}

function twins(): Ports {
  const log = memoryLog();
  const messages = memoryMessages();
  const rows = memoryRows();
  return {
    log,
    publish: (type, body) => { log.append(`ev.0.${type}`, body, Date.now()); return Promise.resolve(); },
    commits: memoryCommits(memoryLog()),
    leases: memoryLeases(ttlMs),
    cuts: memoryCuts(),
    messages,
    letterCount: () => Promise.resolve(messages.sent.length),
    snapshots: memorySnapshots(),
    rows,
    rowCount: () => Promise.resolve((rows.stored.get('rejects') ?? []).reduce((sum, arrow) => sum + tableFromIPC(arrow).numRows, 0)),
  };
}

async function real(): Promise<Ports> {
  return {
    log: jetstreamLog(nc, streams.events),
    publish: async (type, body) => { await jetstream(nc).publish(eventSubject(type as 'click', 'c1'), body); },
    commits: jetstreamCommits(nc),
    leases: await jetstreamLeases(nc, ttlMs, 1),
    cuts: await jetstreamCuts(nc, 1),
    messages: jetstreamMessages(nc),
    letterCount: async () => (await (await jetstreamManager(nc)).streams.info(streams.dlq)).state.messages,
    snapshots: snapshotFiles(join(directory, randomUUID()), silentLogger),
    rows: clickHouseRows(client),
    rowCount: async () => {
      const [{ rows }] = await (await client.query({ query: 'SELECT count() AS rows FROM rejects', format: 'JSONEachRow' })).json<{ rows: number }>();
      return Number(rows);
    },
  };
}

const body = (text: string): Uint8Array => Buffer.from(text);
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

/** As the sink reads. */
const inPortions = async (): Promise<Ports> => ({ ...(await real()), log: jetstreamLog(nc, streams.events, 20) });

describe.each([['in memory', () => Promise.resolve(twins())], ['real', real], ['real, logs in portions', inPortions]] as const)('%s: a log', (_name, make) => {
  let ports: Ports;
  beforeAll(async () => { ports = await make(); });

  it('a log gives messages in order, from a sequence, and waits for the next', async () => {
    const { log } = ports;
    const before = await log.lastSeq();
    for (const letter of ['a', 'b', 'c']) await ports.publish('click', body(letter));
    const cursor = await log.open(before + 2, shardFilter(0));
    const taken = await takeCount(cursor, 2);
    expect(taken.map((m) => [m.seq - before, m.subject, text(m.body)])).toEqual([[2, 'ev.0.click', 'b'], [3, 'ev.0.click', 'c']]);
    expect(Math.abs(taken[0].receivedMs - Date.now())).toBeLessThan(60_000);
    expect(await cursor.take(10, 30)).toEqual([]);
    const later = cursor.take(10, 5000);
    await ports.publish('click', body('d'));
    expect((await later).map((m) => text(m.body))).toEqual(['d']);
    expect(await log.lastSeq()).toBe(before + 4);
    await cursor.close();
    await expect(cursor.take(1, 10)).rejects.toMatchObject({ code: 'closed' });
  });

  it('a log never gives more than was asked for, and nothing twice', async () => {
    const { log } = ports;
    const before = await log.lastSeq();
    for (let i = 0; i < 25; i++) await ports.publish('click', body(String(i)));
    const cursor = await log.open(before + 1);
    const seen: string[] = [];
    while (seen.length < 25) {
      const taken = await cursor.take(7, 1000);
      expect(taken.length).toBeLessThanOrEqual(7);
      seen.push(...taken.map((m) => text(m.body)));
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => String(i)));
    await cursor.close();
  });

  it('a cursor closes while more waits than it holds', async () => {
    const { log } = ports;
    const before = await log.lastSeq();
    // More than the reader keeps ahead: it once waited for room that nobody would make any more.
    await Promise.all(Array.from({ length: 3000 }, (_, i) => ports.publish('click', body(String(i)))));
    const cursor = await log.open(before + 1);
    expect(await cursor.take(1, 5000)).toHaveLength(1);
    await delay(200);
    await cursor.close();
    await expect(cursor.take(1, 10)).rejects.toMatchObject({ code: 'closed' });
  });

  it('tells the newest message of a subject, and 0 where there is none', async () => {
    const { log } = ports;
    expect(await log.lastSeq('ev.99.>')).toBe(0);
    const newest = await log.lastSeq('ev.0.>');
    expect(newest).toBeGreaterThan(0);
    expect(newest).toBeLessThanOrEqual(await log.lastSeq());
  });
});

describe.each([['in memory', () => Promise.resolve(twins())], ['real', real]] as const)('%s', (_name, make) => {
  let ports: Ports;
  beforeAll(async () => { ports = await make(); });

  it('a commit is refused when another was made meanwhile', async () => {
    const { commits } = ports;
    const newest = (await commits.last(3))?.seq ?? 0;
    const first = await commits.append(3, body('one'), newest);
    expect(await commits.last(3)).toMatchObject({ seq: first });
    await expect(commits.append(3, body('zombie'), newest)).rejects.toMatchObject({ code: 'fenced' });
    const second = await commits.append(3, body('two'), first);
    expect(text((await commits.last(3))?.body)).toBe('two');
    await commits.trim(3, second);
    expect(await commits.last(3), 'the newest commit must survive').toMatchObject({ seq: second });
    expect(await commits.last(4)).toBeUndefined();
  });

  it('answers stand beside the commits, each once by its id, and go when they are stored', async () => {
    const { commits } = ports;
    const newest = (await commits.last(5))?.seq ?? 0;
    const commit = await commits.append(5, body('one'), newest);
    const id = randomUUID();
    const answered = await commits.answers(5, body('answer'), id);
    expect(await commits.answers(5, body('answer'), id), 'again').toBe(answered);
    expect(await commits.answers(5, body('another'), randomUUID())).toBe(answered + 1);
    expect(await commits.last(5), 'no commit').toMatchObject({ seq: commit });
    await commits.append(5, body('two'), commit);
    await commits.trim(5, answered);
    expect(text((await commits.last(5))?.body)).toBe('two');
    expect(await commits.answers(5, body('late'), id), 'known although it is stored and dropped').toBe(answered);
  });

  it('a lease has one owner, grows its epoch, and is free after it was given up or not renewed', async () => {
    const { leases } = ports;
    const first = await leases.acquire('shard-9', 'a');
    expect(first?.held()).toBe(true);
    expect(await leases.acquire('shard-9', 'b')).toBeUndefined();
    await delay(ttlMs * 1.5);
    expect(first?.held(), 'renewed meanwhile').toBe(true);
    expect(await leases.acquire('shard-9', 'b')).toBeUndefined();
    await first?.release();
    expect(first?.held()).toBe(false);
    const second = await leases.acquire('shard-9', 'b');
    expect(second?.epoch).toBeGreaterThan(first?.epoch ?? Infinity);
    await second?.release();
  });

  it('a cut is read back, and a second writer is refused', async () => {
    const { cuts } = ports;
    expect(await cuts.read('T')).toBeUndefined();
    const revision = await cuts.write('T', { done: 0, cut: { from: 1, to: 10 } }, 0);
    const newer = await cuts.write('T', { done: 10 }, revision);
    await expect(cuts.write('T', { done: 5 }, revision)).rejects.toMatchObject({ code: 'fenced' });
    await expect(cuts.write('T', { done: 5 }, 0)).rejects.toMatchObject({ code: 'fenced' });
    expect(await cuts.read('T')).toEqual({ record: { done: 10 }, revision: newer });
  });

  it('a message with a known id is dropped', async () => {
    const { messages } = ports;
    const before = await ports.letterCount();
    const letter = { subject: 'dlq.not_json', id: randomUUID(), headers: { 'Aftercare-Detail': 'körper\nis not JSON' }, body: Buffer.from([0, 255, 10]) };
    await messages.publish(letter);
    await messages.publish(letter);
    expect(await ports.letterCount()).toBe(before + 1);
  });

  it('an insert with a known token is dropped, whatever it holds; another token is another insert', async () => {
    const { rows } = ports;
    const arrow = (count: number): Uint8Array => {
      const batch = arrowBatch(rejectsTable);
      for (let i = 0; i < count; i++) batch.push({ position: i, receivedMs: 1, subject: 'x', reason: 'not_json', detail: '', bytes: 3, body: body('x') });
      return batch.finish();
    };
    const columns = rejectsTable.columns.map((c) => c.name);
    await rows.insert('rejects', columns, arrow(3), 'rejects:1-3');
    await rows.insert('rejects', columns, arrow(3), 'rejects:1-3');
    expect(await ports.rowCount()).toBe(3);
    await rows.insert('rejects', columns, arrow(2), 'rejects:4-5');
    expect(await ports.rowCount()).toBe(5);
  });

  it('a snapshot comes back whole, the newest at or below a sequence', async () => {
    const { snapshots } = ports;
    expect(await snapshots.newest(0, 100)).toBeUndefined();
    const big = new Uint8Array(3_000_000).map((_, i) => i % 251);
    await snapshots.save(0, { seq: 10, chunks: [body('ten')] });
    await snapshots.save(0, { seq: 20, chunks: [body('twenty'), new Uint8Array(0), big] });
    expect((await snapshots.newest(0, 19))?.seq).toBe(10);
    const newest = await snapshots.newest(0, 1e9);
    expect(newest?.seq).toBe(20);
    expect(newest?.chunks.map((c) => c.byteLength)).toEqual([6, 0, 3_000_000]);
    expect(Buffer.compare(newest?.chunks[2] ?? body(''), big)).toBe(0);
    expect(await snapshots.newest(1, 1e9)).toBeUndefined();
    await snapshots.save(0, { seq: 30, chunks: [body('thirty')] });
    await snapshots.replace(0, { seq: 25, chunks: [body('instead')] });
    expect(await snapshots.newest(0, 1e9).then((found) => found?.seq), 'a newer one would be taken first').toBe(25);
    expect(await snapshots.newest(0, 24)).toBeUndefined();
    await snapshots.save(0, { seq: 31, chunks: [body('next')] });
    expect((await snapshots.newest(0, 30))?.seq).toBe(25);
  });
});

it('a damaged snapshot file is passed over for the one before it', async () => {
  const folder = join(directory, 'damaged');
  const said: string[] = [];
  const snapshots = snapshotFiles(folder, (_level, message, fields) => said.push(`${message} ${String(fields?.reason)}`));
  for (const seq of [1, 2, 3]) await snapshots.save(0, { seq, chunks: [body(`state ${seq}`)] });
  const files = readdirSync(join(folder, 'shard-0'));
  expect(files, 'two are kept').toHaveLength(2);
  const newest = join(folder, 'shard-0', files[1]);
  const whole = readFileSync(newest);
  writeFileSync(newest, whole.subarray(0, 40));
  expect((await snapshots.newest(0, 10))?.seq).toBe(2);
  whole[30] ^= 1;
  writeFileSync(newest, whole);
  expect((await snapshots.newest(0, 10))?.seq).toBe(2);
  expect(said).toEqual([expect.stringContaining('cut short'), expect.stringContaining('checksum')]);
});

it('streams that were made for another number of shards are refused', async () => {
  const jsm = await jetstreamManager(nc);
  await expect(ensureStreams(jsm, { shards: 2, replicas: 1, eventsBytesMax: 2 ** 30, artefactsBytesMax: 2 ** 28 })).rejects.toThrow(/2 shards need/);
  expect(outSubject(0)).toBe('out.0');
});

async function takeCount(cursor: { take(max: number, waitMs: number): Promise<StoredMessage[]> }, count: number) {
  const taken: StoredMessage[] = [];
  while (taken.length < count) taken.push(...(await cursor.take(count - taken.length, 1000)));
  return taken;
}
