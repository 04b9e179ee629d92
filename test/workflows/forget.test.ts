/** A customer out of everything, and the proof that nothing is left: real servers, and a fold that never met the customer. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import { loadKernel } from '../../models/recommend/load.js';
import { foldSettings, foldStep } from '../../pipelines/fold.js';
import { keyOfCustomer } from '../../pipelines/runtime/jetstream/forgotten.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardState } from '../../pipelines/runtime/serve.js';
import { partHashes } from '../../pipelines/runtime/state-hashes.js';
import { decode, type StoredMessage } from '../../schemas/decode.js';
import { partitionOf, serviceSubject, shardFilter, shardServiceSubject, streams } from '../../schemas/subjects.js';
import { tables } from '../../schemas/tables.js';
import { createSimulator } from '../../simulator/simulator.js';
import { runRebuild, type StartedForget } from '../../workflows/runs.js';
import { aftercare } from '../support/cli.js';
import { click, purchase } from '../support/events.js';
import { historyText } from './histories.js';
import { smallShop, startWholeSystem, until, type WholeSystem } from './system.js';

const shards = 2;
const nowMs = Date.now();
const settings = { ...smallShop, AFTERCARE_COUPON_BUDGET_MINOR: '100000000', AFTERCARE_COUPON_SECRET: 'of this test', AFTERCARE_COUPON_CART_HOURS: '1', AFTERCARE_RISK_RULES: '[{"name":"every","when":"amount > 1","then":"review"}]' };
const simulated = [...createSimulator({ seed: 9, customers: 250, items: 120, startMs: nowMs - 20 * 3_600_000, hours: 19, events: 6000, forgets: 1 }).events()];
/** Named as nothing else is, so that a search through files finds only them. */
const [one, two, three] = ['forget-me-1', 'forget-me-2', 'forget-me-3'];

function* withThem() {
  let n = 0;
  for (const event of simulated) {
    yield event;
    n += 1;
    const [customer, atMs] = [[one, two, three][n % 3], event.atMs];
    if (n % 20 === 0) yield click(`fc${n}`, customer, { item: `special-${n % 7}`, action: 'cart', atMs });
    if (n % 110 === 0) yield purchase(`fp${n}`, customer, { lines: [{ item: 'special-1', quantity: 1, unitMinor: 900 }], amountMinor: 900, atMs });
    if (n % 500 === 0) yield { v: 1, type: 'ticket', id: `ft${n}`, customer, atMs, ticket: `tk${n}`, text: 'My kettle arrived broken, what now?' };
    if (n % 700 === 0) yield { v: 1, type: 'click', id: `bad${n}`, customer, atMs, action: 'no such action', item: 'x' };
  }
}

describe('forget', () => {
  let whole: WholeSystem;
  /** everything as it was before anybody was forgotten */
  let original: StoredMessage[];
  beforeAll(async () => { whole = await startWholeSystem(shards, settings); }, 120_000);
  afterAll(() => whole.stop());

  const query = <T>(sql: string): Promise<T[]> => withClickHouse(whole.system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const state = (shard: number): Promise<ShardState> => requestService<ShardState>(whole.nc, shardServiceSubject(shard, 'state'), {}, 20_000);
  const command = (...args: string[]) => aftercare(args, { env: { ...endpointVariables(whole.endpoints), ...settings, AFTERCARE_SHARDS: String(shards) } });

  /** The state of a shard that never met them, by another way: from the messages as they were, line by line. */
  async function neverMet(shard: number, names: readonly string[], told: ShardState) {
    const step = foldStep(foldSettings({ ...told.settings, AFTERCARE_COUPON_SECRET: 'another' }), loadKernel());
    const fresh = step.empty();
    for (const message of original) {
      if (!message.subject.startsWith(`ev.${shard}.`) || message.seq > told.seq) continue;
      const { receivedMs } = message;
      decode(message, shards, { event: (event, position) => { if (!names.includes(event.customer)) step.step(fresh, { event, shard, position, receivedMs }, () => undefined); }, reject: () => undefined });
    }
    return (await partHashes(told.seq, step.snapshot(fresh))).parts;
  }
  async function readAll(): Promise<StoredMessage[]> {
    const log = jetstreamLog(whole.nc, streams.events);
    const found: StoredMessage[] = [];
    for (let shard = 0; shard < shards; shard += 1) {
      const [cursor, last] = [await log.open(1, shardFilter(shard)), await log.lastSeq(shardFilter(shard))];
      for (let seq = 0; seq < last; seq = found.at(-1)?.seq ?? last) found.push(...(await cursor.take(1000, 2000)));
      await cursor.close();
    }
    return found;
  }
  /** Where a name stands in the files of a folder, as the bytes of any of the encodings that are in use. */
  function filesWith(folder: string, name: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)).filter((file) => {
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return false;
      const bytes = readFileSync(file);
      return bytes.includes(Buffer.from(name, 'utf8')) || bytes.includes(Buffer.from(name, 'utf16le'));
    });
  }
  const streamFolder = (stream: string): string => join(whole.system.context.dataDir, 'nats', 'jetstream', '$G', 'streams', stream);
  /** Without OUT: the sink drops what it has stored by a purge, which frees the space and leaves the bytes. */
  const erased = [streams.events, streams.remains, streams.decisions, streams.dlq, 'KV_aftercare-forgotten'];
  const rowsOf = async (name: string): Promise<Record<string, number>> => {
    const found: Record<string, number> = {};
    for (const { name: table, columns } of Object.values(tables)) {
      const has = columns.some((column) => column.name === 'customer') ? `customer = '${name}'` : table === 'rejects' ? `position(body, '"${name}"') > 0` : '0';
      found[table] = (await query<{ rows: number }>(`SELECT count() AS rows FROM ${table} WHERE ${has}`))[0].rows;
    }
    return Object.fromEntries(Object.entries(found).filter(([, rows]) => rows > 0));
  };

  it('the customer is everywhere before', async () => {
    await whole.publish(withThem()); // envelopes, shared with others
    const publisher = createPublisher(whole.nc);
    for (let n = 0; n < 5; n += 1) await publisher.publish(`events.click.${one}`, Buffer.from(JSON.stringify(click(`alone${n}`, one, { atMs: nowMs }))), `alone${n}`);
    await publisher.flush();
    publisher.close();
    await requestService(whole.nc, serviceSubject('recommend'), { customer: one });
    await whole.publish([click('last', 'somebody', { atMs: nowMs })]);
    original = await readAll();
    await expect.poll(async () => Object.keys(await rowsOf(one)).sort(), { timeout: 20_000 }).toEqual(expect.arrayContaining(['coupons', 'events', 'recommendations', 'rejects', 'risk_decisions']));
    for (const stream of [streams.events, streams.decisions, streams.dlq]) expect(filesWith(streamFolder(stream), one).length, stream).toBeGreaterThan(0);
    expect(filesWith(join(whole.system.context.dataDir, 'snapshots'), one).length).toBeGreaterThan(0);
  });

  it('is nowhere afterwards, while everybody else is as before', async () => {
    const others = (await query<{ rows: number }>(`SELECT count() AS rows FROM events WHERE customer != '${one}'`))[0].rows;
    const mine = (await rowsOf(one)).events;
    const { dataDir } = whole.system.context;
    // What a rebuild leaves whose worker was killed, and that nobody has gone on with.
    mkdirSync(join(dataDir, 'replays', 'left', 'shard-0'), { recursive: true });
    writeFileSync(join(dataDir, 'replays', 'left', 'shard-0', '0000000000000001.snap'), one);
    const ran = await command('forget', one, '--wait', '--json');
    expect(ran.code, ran.stderr).toBe(0);
    const { result } = JSON.parse(ran.stdout) as StartedForget;
    expect(result).toMatchObject({ exact: true, customers: [{ customerSha256: keyOfCustomer(one), shard: partitionOf(one, shards) }] });
    const receipt = Object.fromEntries((result?.customers[0].removed ?? []).map(({ place, removed }) => [place, removed]));
    expect(receipt).toMatchObject({ 'state, folded again': 1, 'table events': mine + 1, 'stream EVENTS': 6 });
    expect(receipt['stream EVENTS, shared']).toBeGreaterThan(50);
    expect(receipt['stream DECISIONS']).toBeGreaterThan(1);
    expect(receipt.replays).toBe(1);
    expect(receipt['stream DLQ']).toBeGreaterThan(0);

    expect(await rowsOf(one)).toEqual({});
    expect((await query<{ rows: number }>('SELECT count() AS rows FROM events'))[0].rows).toBe(others);
    await expect(requestService(whole.nc, serviceSubject('profile'), { customer: one })).rejects.toThrow('is unknown');
    const stored = await query<{ place: string; removed: number }>(`SELECT place, removed FROM forget_receipts WHERE customer_sha256 = lower(hex(SHA256('${one}')))`);
    expect(Object.fromEntries(stored.map(({ place, removed }) => [place, removed]))).toEqual(receipt);
    for (const folder of ['snapshots', 'replays']) expect(filesWith(join(dataDir, folder), one), folder).toEqual([]);
    expect(filesWith(join(dataDir, 'temporal'), one), 'Temporal was told a hash').toEqual([]);
    for (const stream of erased) expect(filesWith(streamFolder(stream), one), `${stream} is overwritten, not only passed over`).toEqual([]);
    if (process.env.RECORD_HISTORIES !== undefined) writeFileSync('test/histories/forget.json', historyText(await whole.temporal.workflow.getHandle('forget').fetchHistory()));
  });

  it('the live state is that of a shard that never met the customer, and a rebuild says so', async () => {
    for (let shard = 0; shard < shards; shard += 1) {
      const told = await state(shard);
      expect(await neverMet(shard, [one], told)).toEqual(told.parts);
    }
    const mine = partitionOf(one, shards);
    expect((await runRebuild(whole.temporal, { shards, only: [mine] }, { wait: true })).result).toMatchObject({ same: true });
    const before = await state(mine);
    await whole.system.killAndRestart('shard');
    await whole.folded();
    expect(await state(mine)).toEqual(before);
  });

  it('killed in the middle it goes on, and others who shared messages with the first go too', async () => {
    const started = await command('forget', two, three, '--json');
    const { workflowId } = JSON.parse(started.stdout) as StartedForget;
    expect((await command('forget', two)).stderr).toContain('another run is under way');
    await until('messages are being erased', async () => (await rowsOf(two)).events === undefined);
    await whole.killWorker();
    await whole.startWorker();
    const result = (await whole.temporal.workflow.getHandle(workflowId).result()) as NonNullable<StartedForget['result']>;
    expect(result).toMatchObject({ exact: true });
    for (const name of [two, three]) {
      expect(await rowsOf(name)).toEqual({});
      for (const stream of erased) expect(filesWith(streamFolder(stream), name), stream).toEqual([]);
      const [{ places, rows }] = await query<{ places: number; rows: number }>(`SELECT count() AS rows, uniqExact(place) AS places FROM forget_receipts WHERE customer_sha256 = lower(hex(SHA256('${name}')))`);
      expect(rows, 'one receipt').toBe(places);
    }
    for (let shard = 0; shard < shards; shard += 1) {
      const told = await state(shard);
      expect(await neverMet(shard, [one, two, three], told)).toEqual(told.parts);
    }
  });

  it('who comes back is somebody new, and a name that is none is refused', async () => {
    await whole.publish([click('back', one, { item: 'special-1', atMs: Date.now() })]);
    expect(await rowsOf(one)).toMatchObject({ events: 1 });
    expect(await requestService(whole.nc, serviceSubject('profile'), { customer: one })).toMatchObject({ items: [{ item: 'special-1' }] });
    expect((await runRebuild(whole.temporal, { shards, only: [partitionOf(one, shards)] }, { wait: true })).result).toMatchObject({ same: true });
    const bad = await command('forget', 'a.b', '--wait');
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('"a.b" is no customer: customer must match pattern') as unknown });
  });
});
