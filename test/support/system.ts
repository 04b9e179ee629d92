/** A running system for a test file: real servers, and shard and sink as the processes they are in production. */
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll } from 'vitest';
import { storedUpTo } from '../../cli/caught-up.js';
import type { Context } from '../../cli/context.js';
import { awaitLive, prepare, startPart } from '../../cli/system.js';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { readConfig } from '../../schemas/config.js';
import { startClickHouse } from '../../servers/clickhouse.js';
import { startNats } from '../../servers/nats.js';
import type { ServerHandle } from '../../servers/process.js';
import type { Endpoints } from '../../servers/stack.js';
import { tempDir } from './temp.js';

export type PartName = 'nats' | 'clickhouse' | 'shard' | 'sink';

export interface TestSystem {
  context: Context;
  endpoints: Endpoints;
  /** kill -9, then the same part again on the same folder and port */
  killAndRestart(part: PartName): Promise<void>;
  handle(part: PartName): ServerHandle;
}

/** Publishes events and waits until they are in ClickHouse. @param size  events of a message  @returns the sequence of the last one */
export async function publishAll(nc: NatsConnection, shards: number, events: Iterable<unknown>, size = 1): Promise<number> {
  const publisher = createPublisher(nc);
  const writer = eventWriter(publisher, shards, size);
  for (const event of events) await writer.write(event);
  await writer.end();
  const { lastSeq } = await publisher.flush();
  publisher.close();
  await storedUpTo(nc, lastSeq);
  return lastSeq;
}

/** @param env  AFTERCARE_ settings of this system, besides a short lease */
export async function startTestSystem(env: NodeJS.ProcessEnv = {}): Promise<TestSystem> {
  const dataDir = tempDir();
  const settings = { AFTERCARE_LEASE_MS: '2500', AFTERCARE_SINK_LINGER_MS: '200', ...env };
  const context: Context = { dataDir, config: readConfig(settings) };
  const nats = await startNats({ dataDir: join(dataDir, 'nats') });
  const clickhouse = await startClickHouse({ dataDir: join(dataDir, 'clickhouse') });
  const endpoints: Endpoints = {
    nats: { url: nats.url, ...(nats.user === undefined ? {} : { user: nats.user }), ...(nats.password === undefined ? {} : { password: nats.password }) },
    clickhouse: { url: clickhouse.url, username: clickhouse.username, password: clickhouse.password, database: 'aftercare' },
    temporal: { address: '127.0.0.1:1', namespace: 'default' },
  };
  const start: Record<PartName, () => Promise<ServerHandle>> = {
    nats: () => startNats({ dataDir: join(dataDir, 'nats'), port: nats.port }),
    clickhouse: () => startClickHouse({ dataDir: join(dataDir, 'clickhouse'), port: clickhouse.port }),
    shard: () => startPart('shard', ['shard', '--shards', Array.from({ length: context.config.AFTERCARE_SHARDS }, (_, n) => n).join(',')], context, endpoints, { ...process.env, ...settings }),
    sink: () => startPart('sink', ['sink'], context, endpoints, { ...process.env, ...settings }),
  };
  await prepare(context, endpoints, () => undefined);
  const running = new Map<PartName, ServerHandle>([['nats', nats], ['clickhouse', clickhouse], ['shard', await start.shard()], ['sink', await start.sink()]]);
  // What asks a shard finds it: reading its libraries and building its first models takes longer than a test's first request.
  await awaitLive(context, endpoints, [...running.values()]);
  const handle = (part: PartName): ServerHandle => running.get(part) as ServerHandle;
  afterAll(async () => {
    for (const part of ['shard', 'sink', 'clickhouse', 'nats'] as const) await handle(part).stop();
  });
  return {
    context,
    endpoints,
    handle,
    async killAndRestart(part) {
      handle(part).kill('SIGKILL');
      await handle(part).exited;
      running.set(part, await start[part]());
    },
  };
}
