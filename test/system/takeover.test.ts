/** Two processes for one shard: the second stands by, takes over from a dead, a frozen and a stopping owner, and a frozen one that wakes up does no harm. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storedUpTo } from '../../cli/caught-up.js';
import { withClickHouse } from '../../cli/context.js';
import { startPart } from '../../cli/system.js';
import { decodeCommit } from '../../pipelines/runtime/commit.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardStatus } from '../../pipelines/runtime/serve.js';
import type { StoredMessage } from '../../schemas/decode.js';
import type { RecommendAnswer } from '../../schemas/services.js';
import { eventSubject, serviceSubject, shardServiceSubject, streams } from '../../schemas/subjects.js';
import type { ServerHandle } from '../../servers/process.js';
import { click } from '../support/events.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

describe('taking over a shard', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  let owner: ServerHandle;
  let published = 0;
  const started: ServerHandle[] = [];

  beforeAll(async () => {
    system = await startTestSystem({ AFTERCARE_SNAPSHOT_MS: '300' });
    nc = await connectNats(system.endpoints.nats, 'test');
    owner = system.handle('shard');
    await live(0);
    await publish(100);
  });
  afterAll(async () => {
    for (const part of started) { part.kill('SIGCONT'); await part.stop(); }
    await nc.close();
  });

  const standBy = async (): Promise<ServerHandle> => {
    const part = await startPart('shard', ['shard', '--shards', '0'], system.context, system.endpoints, { ...process.env, AFTERCARE_LEASE_MS: '2500', AFTERCARE_SNAPSHOT_MS: '300' });
    started.push(part);
    await delay(1000); // it has found the lease taken, and waits
    return part;
  };

  /** Waits until an owner of a later epoch answers. */
  async function live(afterEpoch: number): Promise<ShardStatus> {
    for (const endMs = performance.now() + 15_000; performance.now() < endMs; await delay(50)) {
      const status = await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {}, 300).catch(() => undefined);
      if (status !== undefined && status.epoch > afterEpoch) return status;
    }
    throw new Error(`nobody took over after epoch ${afterEpoch}`);
  }

  async function publish(count: number): Promise<void> {
    const publisher = createPublisher(nc);
    for (let i = 0; i < count; i++, published++) {
      const customer = `c${published % 20}`;
      await publisher.publish(eventSubject('click', customer), Buffer.from(JSON.stringify(click(`t${published}`, customer, { item: `item-${published % 30}` }))), `t${published}`);
    }
    const { lastSeq } = await publisher.flush();
    publisher.close();
    await storedUpTo(nc, lastSeq);
  }

  it.each([
    ['dead', 'SIGKILL'],
    ['stopping', 'SIGTERM'],
    ['frozen', 'SIGSTOP'],
  ] as const)('from a %s owner', async (_how, signal) => {
    const before = await live(0);
    const next = await standBy();
    const startMs = performance.now();
    owner.kill(signal);
    await publish(50);
    const after = await live(before.epoch);
    expect(performance.now() - startMs, 'within the lease, the wait for it, and the restore').toBeLessThan(10_000);
    while ((await live(before.epoch)).committedTo < published) await delay(20);
    expect((await live(before.epoch)).seq).toBe(published);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    if (signal === 'SIGSTOP') await wakeUp(owner, after.epoch);
    owner = next;
  });

  /** The frozen one comes back with a state and commits of its own: both must be worth nothing. */
  async function wakeUp(zombie: ServerHandle, epoch: number): Promise<void> {
    zombie.kill('SIGCONT');
    await delay(500);
    await publish(50);
    while ((await live(epoch - 1)).committedTo < published) await delay(20);
    const { items } = await requestService<RecommendAnswer>(nc, serviceSubject('recommend'), { customer: 'c1', k: 3 });
    expect(items.length).toBe(3);
  }

  it('left one line of commits without a gap, and each event once', async () => {
    const log = jetstreamLog(nc, streams.out);
    const [cursor, lastSeq] = [await log.open(1), await log.lastSeq()];
    const messages: StoredMessage[] = [];
    while (messages.length === 0 || messages[messages.length - 1].seq < lastSeq) messages.push(...(await cursor.take(1000, 1000)));
    const commits = messages.map((message) => decodeCommit(message.body));
    await cursor.close();
    // The sink drops what it has stored, so the line begins somewhere; the newest one is never dropped.
    let [to, epoch] = [commits[0].from - 1, commits[0].epoch];
    for (const commit of commits) {
      expect(commit.from).toBe(to + 1);
      expect(commit.epoch).toBeGreaterThanOrEqual(epoch);
      [to, epoch] = [commit.to, commit.epoch];
    }
    expect(to).toBe(published);
    const rows = await withClickHouse(system.endpoints, async (client) => (await client.query({ query: 'SELECT count() AS rows, uniqExact(id) AS ids FROM events', format: 'JSONEachRow' })).json<{ rows: number; ids: number }>());
    expect(rows.map(({ rows: count, ids }) => [Number(count), Number(ids)])).toEqual([[published, published]]);
  });
});
