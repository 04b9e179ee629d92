/** The real servers, and workers as processes: what the tests of the export run against. */
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Client } from '@temporalio/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'vitest';
import { connectClickHouse } from '../../pipelines/runtime/clickhouse.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { ensureStreams } from '../../pipelines/runtime/jetstream/streams.js';
import { migrate } from '../../pipelines/runtime/migrate.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardStatus } from '../../pipelines/runtime/serve.js';
import { shardServiceSubject, streams } from '../../schemas/subjects.js';
import { startClickHouse, type ClickHouse } from '../../servers/clickhouse.js';
import { compiledPath } from '../../servers/compiled.js';
import type { Endpoints } from '../../servers/endpoints.js';
import { startNats } from '../../servers/nats.js';
import { awaitReady, spawnServer, type ServerHandle } from '../../servers/process.js';
import { startTemporal } from '../../servers/temporal.js';
import { connectTemporal } from '../../workflows/client.js';
import { publishAll, startTestSystem, type TestSystem } from '../support/system.js';

export interface Store {
  server: ClickHouse;
  client: ClickHouseClient;
  /** kill -9, and a new one on the same directory and port */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startStore(directory: string): Promise<Store> {
  const dataDir = join(directory, 'clickhouse');
  const server = await startClickHouse({ dataDir });
  const client = connectClickHouse({ ...server, database: 'aftercare' });
  await migrate(client, 'aftercare');
  const store: Store = {
    server,
    client,
    async restart() {
      store.server.kill('SIGKILL');
      await store.server.exited;
      store.server = await startClickHouse({ dataDir });
    },
    async close() {
      await client.close();
      await store.server.stop();
    },
  };
  return store;
}

export interface System {
  store: Store;
  nc: NatsConnection;
  temporal: Client;
  /** resolves when it takes work */
  startWorker(): Promise<ServerHandle>;
  stop(): Promise<void>;
}

const workerPatienceMs = 30_000;

/** Resolves when it takes work. */
async function spawnWorker(endpoints: Endpoints, dataDir: string): Promise<ServerHandle> {
  const worker = await spawnServer({
    name: 'worker', port: 0, command: process.execPath, args: [compiledPath('test/workflows/worker-process.js')],
    env: { ...process.env, TEST_WORKER: JSON.stringify({ endpoints, bundlePath: compiledPath('workflows/bundle.js'), stops: join(dataDir, 'replays') }) },
  });
  await awaitReady(worker, () => Promise.resolve(worker.lastLines().some((line) => line.includes('worker is ready'))), workerPatienceMs);
  return worker;
}

export async function startSystem(directory: string): Promise<System> {
  const [store, nats, server] = await Promise.all([startStore(directory), startNats({ dataDir: join(directory, 'nats') }), startTemporal({ dataDir: join(directory, 'temporal') })]);
  const endpoints: Endpoints = { nats, clickhouse: { ...store.server, database: 'aftercare' }, temporal: { address: server.address, namespace: 'default' } };
  const [nc, temporal] = await Promise.all([connectNats(nats, 'test'), connectTemporal(endpoints.temporal)]);
  await ensureStreams(await jetstreamManager(nc), { shards: 2, replicas: 1, eventsBytesMax: 2 ** 28, artefactsBytesMax: 2 ** 28 });
  const workers: ServerHandle[] = [];
  return {
    store,
    nc,
    temporal,
    async startWorker() {
      const worker = await spawnWorker(endpoints, directory);
      workers.push(worker);
      return worker;
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await temporal.connection.close();
      await nc.close();
      await Promise.all([server.stop(), nats.stop(), store.close()]);
    },
  };
}

/** Every part as it is in production: shards, sink, worker and the servers. */
export interface WholeSystem {
  system: TestSystem;
  nc: NatsConnection;
  temporal: Client;
  /** with that of Temporal */
  endpoints: Endpoints;
  /** kill -9 of the worker; the next one takes what it left */
  killWorker(): Promise<void>;
  startWorker(): Promise<void>;
  /** Resolves when every event is stored, and folded by its shard. */
  publish(events: Iterable<unknown>): Promise<void>;
  /** Of a shard. @throws what the request fails with while it does not answer */
  statusOf(shard: number): Promise<ShardStatus>;
  /** Each shard has committed what is its own of everything that is stored. */
  folded(): Promise<void>;
  /** kill -9, and a new one */
  restartWorker(): Promise<void>;
  worker(): ServerHandle;
  temporalEndpoint(): Endpoints['temporal'];
  /** kill -9, and a new one on the same file and port */
  restartTemporal(): Promise<void>;
  /** The worker, the server of Temporal and the connections; the rest stops itself. */
  stop(): Promise<void>;
}

/** Limits of a small shop: states are made, copied and hashed in milliseconds, and a shard that starts on a busy machine keeps its lease. */
export const smallShop = {
  AFTERCARE_CUSTOMERS_MAX: '20000', AFTERCARE_ITEMS_MAX: '5000', AFTERCARE_PAIRS_MAX: '1000000', AFTERCARE_MEMORY_MIB: '256', AFTERCARE_RISK_LEDGER: '20000', AFTERCARE_LEASE_MS: '5000',
};

/** In a beforeAll: the parts that it starts end with the file. @param env  AFTERCARE_ settings besides */
export async function startWholeSystem(shards: number, env: NodeJS.ProcessEnv = {}): Promise<WholeSystem> {
  const system = await startTestSystem({ AFTERCARE_SHARDS: String(shards), AFTERCARE_SNAPSHOT_MS: '500', ...env });
  const dataDir = join(system.context.dataDir, 'temporal');
  let server = await startTemporal({ dataDir });
  const endpoints = { ...system.endpoints, temporal: { address: server.address, namespace: 'default' } };
  const temporal = await connectTemporal(endpoints.temporal);
  const nc = await connectNats(system.endpoints.nats, 'test');
  const startWorker = () => spawnWorker(endpoints, system.context.dataDir);
  let worker = await startWorker();
  const statusOf = (shard: number): Promise<ShardStatus> => requestService<ShardStatus>(nc, shardServiceSubject(shard, 'status'), {}, 5000);
  const folded = async (): Promise<void> => {
    const jsm = await jetstreamManager(nc);
    for (let shard = 0; shard < shards; shard += 1) {
      const last = await jsm.streams.getMessage(streams.events, { last_by_subj: `ev.${shard}.>` });
      await expect.poll(async () => (await statusOf(shard).catch(() => undefined))?.committedTo ?? 0, { timeout: 30_000 }).toBeGreaterThanOrEqual(last?.seq ?? 0);
    }
  };
  return {
    system, nc, temporal, endpoints, statusOf, folded,
    async killWorker() {
      worker.kill('SIGKILL');
      await worker.exited;
    },
    async startWorker() { worker = await startWorker(); },
    async publish(events) {
      await publishAll(nc, shards, events, 20);
      await folded();
    },
    worker: () => worker,
    temporalEndpoint: () => ({ address: server.address, namespace: 'default' }),
    async restartWorker() {
      worker.kill('SIGKILL');
      await worker.exited;
      worker = await startWorker();
    },
    async restartTemporal() {
      const port = Number(server.address.split(':')[1]);
      server.kill('SIGKILL');
      await server.exited;
      server = await startTemporal({ dataDir, port });
    },
    async stop() {
      await worker.stop();
      await temporal.connection.close();
      await nc.close();
      await server.stop();
    },
  };
}

export interface StoredNeighbour {
  item: string;
  rank: number;
  neighbour: string;
  similarity: number;
  dot: number;
  norm2: number;
}

export async function storedNeighbours(client: ClickHouseClient, version: number): Promise<StoredNeighbour[]> {
  const result = await client.query({
    query: 'SELECT item, rank, neighbour, similarity, dot, norm2 FROM item_neighbours WHERE version = {version:UInt64} ORDER BY item, rank, neighbour',
    query_params: { version },
    format: 'JSONEachRow',
  });
  return result.json<StoredNeighbour>();
}

/** Polls until it is true. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, patienceMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await condition());) {
    if (Date.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
