/** Promotions through the real servers: during an import with kill -9 of the shards, and into the tables. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storedUpTo } from '../../cli/caught-up.js';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import type { Artefacts, ArtefactRef } from '../../pipelines/runtime/artefacts.js';
import { decodeCommit } from '../../pipelines/runtime/commit.js';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { jetstreamCommits } from '../../pipelines/runtime/jetstream/commits.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { promote, promotionEvent } from '../../pipelines/runtime/jetstream/promote.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { ensureStreams } from '../../pipelines/runtime/jetstream/streams.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardStatus } from '../../pipelines/runtime/serve.js';
import { silentLogger } from '../../pipelines/runtime/log-line.js';
import { snapshotFiles } from '../../pipelines/runtime/snapshot-files.js';
import { decode, promotionOf, type StoredMessage } from '../../schemas/decode.js';
import { eventSubject, partitionOf, shardFilter, shardServiceSubject, shardToken, streams } from '../../schemas/subjects.js';
import { compiledPath } from '../../servers/compiled.js';
import { startNats } from '../../servers/nats.js';
import { spawnServer, type ServerHandle } from '../../servers/process.js';
import { createRandom } from '../../simulator/random.js';
import { aftercare } from '../support/cli.js';
import { click, purchase } from '../support/events.js';
import { startTestSystem, type TestSystem } from '../support/system.js';
import { tempDir } from '../support/temp.js';
import { toyStep, type Toy } from '../support/toy-step.js';

const shards = 2;
const kills = 12;
const atMs = Date.UTC(2026, 0, 15);

const modelParts = (version: number): Uint8Array[] => [Buffer.from(`model ${version}`), Buffer.alloc(2_000_000, version)];

describe('kill -9 of the shards while models go live', () => {
  const directory = tempDir();
  const snapshots = join(directory, 'snapshots');
  let server: Awaited<ReturnType<typeof startNats>>;
  let nc: NatsConnection;
  let artefacts: Artefacts;
  let shard: ServerHandle;
  let lastSeq = 0;

  const startShards = (): Promise<ServerHandle> => spawnServer({
    name: 'shards', port: 0, command: process.execPath, args: [compiledPath('test/system/shard-process.js')],
    env: { ...process.env, TEST_SHARDS: JSON.stringify({ nats: { url: server.url, user: server.user, password: server.password }, snapshots, shards }) },
  });
  const committed = async (n: number): Promise<number> => {
    const commit = await jetstreamCommits(nc).last(n);
    return commit === undefined ? 0 : decodeCommit(commit.body).to;
  };

  beforeAll(async () => {
    server = await startNats({ dataDir: join(directory, 'nats') });
    nc = await connectNats(server, 'test');
    await ensureStreams(await jetstreamManager(nc), { shards, replicas: 1, eventsBytesMax: 2 ** 28, artefactsBytesMax: 2 ** 30 });
    artefacts = jetstreamArtefacts(nc);
    shard = await startShards();
    lastSeq = await importWithKills();
    const lastOf = async (n: number): Promise<number> => (await (await jetstreamManager(nc)).streams.getMessage(streams.events, { last_by_subj: shardFilter(n) }))?.seq ?? 0;
    for (let n = 0; n < shards; n++) for (const to = await lastOf(n); (await committed(n)) < to;) await delay(20);
    await shard.stop();
  }, 120_000);
  afterAll(async () => {
    await shard.stop();
    await nc.close();
    await server.stop();
  });

  /** Every fifth promotion's artefact is gone and every fifth damaged, before anyone could fetch it: else a replay may find less than the first time. */
  async function importWithKills(): Promise<number> {
    const random = createRandom(7);
    const publisher = createPublisher(nc);
    const writer = eventWriter(publisher, shards, 5);
    let killed = 0;
    const striking = (async () => {
      for (; killed < kills; killed++) {
        await delay(100 + random.below(500));
        shard.kill('SIGKILL');
        await shard.exited;
        shard = await startShards();
      }
    })();
    let version = 0;
    for (let n = 0; killed < kills || version < 10; n++) {
      await writer.write(n % 9 === 0 ? purchase(`p${n}`, `c${n % 50}`) : click(`e${n}`, `c${n % 50}`));
      if (n % 200 !== 199) continue;
      await writer.end();
      version += 1;
      await promoteOne(version);
      await delay(20);
    }
    await striking;
    await writer.end();
    await publisher.flush();
    publisher.close();
    return jetstreamLog(nc, streams.events).lastSeq();
  }

  async function promoteOne(version: number): Promise<void> {
    // Each a model of its own: versions of one would be dropped before a shard that was killed often has folded them.
    const ref = await artefacts.put(`toy-${version}`, version, modelParts(version));
    if (version % 5 !== 0 && version % 5 !== 1) {
      await promote(nc, artefacts, shards, { ref, atMs: atMs + version });
      return;
    }
    const jsm = await jetstreamManager(nc);
    await jsm.streams.purge(streams.artefacts, { filter: version % 5 === 0 ? `art.${ref.name}.${version}.>` : `art.${ref.name}.${version}.chunk.*.3` });
    const publisher = createPublisher(nc);
    for (let n = 0; n < shards; n++) {
      const event = promotionEvent({ ref, atMs: atMs + version }, n, shards);
      await publisher.publish(eventSubject('control', event.customer), Buffer.from(JSON.stringify(event)), event.id);
    }
    await publisher.flush();
    publisher.close();
  }

  const messagesOf = async (stream: string, to: number, filter?: string): Promise<StoredMessage[]> => {
    const cursor = await jetstreamLog(nc, stream).open(1, filter);
    const found: StoredMessage[] = [];
    for (let at = 0; at < to;) {
      const taken = await cursor.take(1000, 500);
      if (taken.length === 0) break; // the last one is another shard's
      found.push(...taken);
      at = found[found.length - 1].seq;
    }
    await cursor.close();
    return found;
  };

  it('each shard has the state of a fold that nobody interrupted', async () => {
    const promotions: number[] = [];
    for (let n = 0; n < shards; n++) {
      const state = toyStep.empty();
      for (const message of await messagesOf(streams.events, lastSeq, shardFilter(n))) {
        const promotion = promotionOf(message, shards);
        if (promotion !== undefined) promotions.push(promotion.version);
        const artefact = promotion === undefined || promotion.version % 5 < 2 ? undefined : modelParts(promotion.version);
        const target = { event: (event: never, position: number) => { toyStep.step(state, { event, position, shard: n, receivedMs: 0, artefact }, () => undefined); }, reject: () => expect.unreachable() };
        decode(message, shards, target);
      }
      const snapshot = await snapshotFiles(snapshots, silentLogger).newest(n, lastSeq);
      expect(toyStep.restore(snapshot?.chunks ?? [])).toEqual(state satisfies Toy);
    }
    expect(promotions.length, 'each shard got each').toBeGreaterThanOrEqual(20);
    expect(promotions.filter((version) => promotions.filter((v) => v === version).length !== shards)).toEqual([]);
  });

  it('each promotion has one outcome in each shard', async () => {
    const commits = (await messagesOf(streams.out, await jetstreamLog(nc, streams.out).lastSeq())).map((m) => decodeCommit(m.body));
    const rows = commits.flatMap((c) => c.decisions.filter((d) => d.table === 'promotions').map((d) => ({ shard: c.shard, ...(d.value as { version: number; outcome: string }) })));
    for (let n = 0; n < shards; n++) {
      const own = rows.filter((row) => row.shard === n);
      expect(own.map(({ version }) => version)).toEqual(own.map((_, i) => i + 1));
      expect(own.map(({ outcome }) => outcome)).toEqual(own.map((_, i) => ((i + 1) % 5 < 2 ? 'missing' : 'live')));
    }
    expect(rows.length).toBeGreaterThanOrEqual(20);
  });
});

describe('the whole system', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  let ref: ArtefactRef;
  beforeAll(async () => {
    system = await startTestSystem({ AFTERCARE_SHARDS: String(shards) });
    nc = await connectNats(system.endpoints.nats, 'test');
    ref = await jetstreamArtefacts(nc).put('nonesuch', 17, modelParts(17));
    return async () => { await nc.close(); };
  });
  const query = <T>(sql: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) =>
    (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());

  it('a promotion reaches each shard once, however often it is repeated, and is a row of each', async () => {
    const artefacts = jetstreamArtefacts(nc);
    const first = await promote(nc, artefacts, shards, { ref, atMs });
    expect(first).toMatchObject({ seqs: [expect.any(Number), expect.any(Number)], duplicates: 0 });
    expect(await promote(nc, artefacts, shards, { ref, atMs })).toEqual({ seqs: first.seqs, duplicates: 2 });
    await storedUpTo(nc, Math.max(...first.seqs));
    const events = await query<object>('SELECT shard, stream_seq, customer, command, model, version, sha256, bytes FROM events ORDER BY shard');
    expect(events).toEqual(first.seqs.map((seq, shard) => ({
      shard, stream_seq: seq, customer: shardToken(shard, shards), command: 'promote', model: 'nonesuch', version: 17, sha256: ref.sha256, bytes: ref.bytes,
    })));
    const rows = () => query<object>('SELECT shard, seq, model, version, outcome FROM promotions ORDER BY shard');
    // A model of another program: what each shard makes of it is a row all the same.
    await expect.poll(rows).toEqual(first.seqs.map((seq, shard) => ({ shard, seq: seq * 1024, model: 'nonesuch', version: 17, outcome: 'unknown_model' })));
    expect(await query('SELECT * FROM model_at(time = now64(3))')).toEqual([]);
  });

  it('stands in the status of each shard, once it is live', async () => {
    for (let n = 0; n < shards; n++) expect((await requestService<ShardStatus>(nc, shardServiceSubject(n, 'status'), {}, 2000)).promoted).toEqual({});
    const ran = await aftercare(['status'], { env: endpointVariables(system.endpoints) });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/ARTEFACTS +\d+/);
  });

  it('is refused with the name of the field, before anything is published', async () => {
    const artefacts = jetstreamArtefacts(nc);
    const before = await jetstreamLog(nc, streams.events).lastSeq();
    for (const [bad, said] of [[{ version: 0 }, 'version'], [{ name: 'Svd' }, 'model'], [{ sha256: 'x' }, 'sha256'], [{ bytes: 2 ** 40 }, 'bytes']] as const) {
      await expect(promote(nc, artefacts, shards, { ref: { ...ref, ...bad }, atMs })).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining(said) as unknown });
    }
    await expect(promote(nc, artefacts, shards, { ref: { ...ref, version: 18 }, atMs })).rejects.toMatchObject({ code: 'bad_file', message: expect.stringContaining('is not there') as unknown });
    expect(await jetstreamLog(nc, streams.events).lastSeq()).toBe(before);
  });

  it('published by hand goes to its own shard; in an envelope it becomes a reject that says so', async () => {
    const event = promotionEvent({ ref, atMs: atMs + 1 }, 1, shards);
    const published = await aftercare(['publish', 'control', '--json'], { env: endpointVariables(system.endpoints), input: JSON.stringify(event) });
    expect(published, published.stderr).toMatchObject({ code: 0 });
    expect(await query(`SELECT shard, customer FROM events WHERE id = '${event.id}'`)).toEqual([{ shard: 1, customer: event.customer }]);
    const publisher = createPublisher(nc);
    const customer = ['a', 'b', 'c', 'd'].find((name) => partitionOf(name, shards) === 1) ?? '';
    await publisher.publish(eventSubject('batch', customer), Buffer.from(`${JSON.stringify(click('e1', customer))}\n${JSON.stringify(event)}`), 'envelope');
    const { lastSeq } = await publisher.flush();
    publisher.close();
    await storedUpTo(nc, lastSeq);
    expect(await query(`SELECT reason, detail FROM rejects WHERE stream_seq = ${lastSeq}`)).toEqual([
      { reason: 'not_alone', detail: `a promotion is a message of its own; publish it to events.control.${event.customer} without other lines` },
    ]);
  });
});
