import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { clickHouseDatabase, startClickHouse } from './clickhouse.js';
import { endpointsFromEnv, writeEndpoints, type Endpoints } from './endpoints.js';
import { lockDir } from './lock.js';
import { startNats } from './nats.js';
import { describeExit, type ServerHandle } from './process.js';
import { startTemporal, temporalNamespace } from './temporal.js';

export { endpointsFromEnv, readEndpoints, resolveEndpoints, type Endpoints } from './endpoints.js';

export type Part = 'nats' | 'clickhouse' | 'temporal';

export interface Failure { name: string; reason: string; lastLines: string[] }

export interface Stack {
  endpoints: Endpoints;
  dataDir: string;
  /** The servers that were started here; those that the environment names are not among them. */
  processes(): { name: string; pid: number }[];
  /** Resolves when a server ended by itself, with its name, why, and its last lines of output. Stays open after `stop`. */
  failed: Promise<Failure>;
  /** Stops temporal, then clickhouse, then nats, and gives the directory back. Repeated calls wait for the first. */
  stop(): Promise<void>;
}

export interface StackOptions {
  dataDir: string;
  /** The parts that are needed; default all. */
  only?: Part[];
  /** NATS_URL, CLICKHOUSE_URL and TEMPORAL_ADDRESS in it name servers that run already; nothing is started for those. */
  env?: NodeJS.ProcessEnv;
  onProgress?: (line: string) => void;
}

/** The order of stopping: what depends on others goes first. */
const stopOrder: Part[] = ['temporal', 'clickhouse', 'nats'];

/**
 * Starts the servers on one data directory, all at the same time, and waits until each answers.
 * @throws AftercareError `bad_config` when the directory is in use; `unavailable` when a server cannot be got or
 *   started, in which case the others have been stopped
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = resolve(options.dataDir);
  const env = options.env ?? process.env;
  const parts = options.only ?? stopOrder;
  const endpoints: Endpoints = {
    nats: { url: '' },
    clickhouse: { url: '', database: clickHouseDatabase },
    temporal: { address: '', namespace: temporalNamespace },
    ...endpointsFromEnv(env),
  };
  const wanted = parts.filter((part) => (part === 'temporal' ? endpoints.temporal.address : endpoints[part].url) === '');
  const lock = await lockDir(dataDir, 'the data directory');
  const running = new Map<Part, ServerHandle>();
  const common = { env, ...(options.onProgress && { onProgress: options.onProgress }) };
  const stopAll = async (): Promise<void> => {
    for (const part of stopOrder) await running.get(part)?.stop();
    rmSync(join(dataDir, 'endpoints.json'), { force: true });
    lock.release();
  };
  const starts = await Promise.allSettled(wanted.map(async (part) => { running.set(part, await start(part, dataDir, endpoints, common)); }));
  const broken = starts.find((one) => one.status === 'rejected');
  if (broken !== undefined) {
    await stopAll();
    throw broken.reason;
  }
  writeEndpoints(dataDir, endpoints);
  let stopped: Promise<void> | undefined;
  return {
    endpoints,
    dataDir,
    processes: () => [...running.values()].map(({ name, pid }) => ({ name, pid })),
    failed: firstFailure([...running.values()], () => stopped !== undefined),
    stop: () => (stopped ??= stopAll()),
  };
}

interface Common { env: NodeJS.ProcessEnv; onProgress?: (line: string) => void }

/** Starts one part on its own directory and fills in where it is. */
async function start(part: Part, dataDir: string, endpoints: Endpoints, common: Common): Promise<ServerHandle> {
  const own = { ...common, dataDir: join(dataDir, part) };
  const report = elapsedSince(common.onProgress);
  switch (part) {
    case 'nats': {
      const server = await startNats(own);
      const { url, user, password } = server;
      endpoints.nats = { url, ...(user !== undefined && { user }), ...(password !== undefined && { password }) };
      report(`nats: ${url}`);
      return server;
    }
    case 'clickhouse': {
      const server = await startClickHouse(own);
      endpoints.clickhouse = { url: server.url, username: server.username, password: server.password, database: clickHouseDatabase };
      report(`clickhouse: ${server.url}`);
      return server;
    }
    case 'temporal': {
      const server = await startTemporal(own);
      endpoints.temporal = { address: server.address, namespace: temporalNamespace, uiUrl: server.uiUrl };
      report(`temporal: ${server.address}, web page ${server.uiUrl}`);
      return server;
    }
  }
}

function elapsedSince(onProgress: ((line: string) => void) | undefined): (line: string) => void {
  const startedAt = performance.now();
  return (line) => onProgress?.(`${line} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
}

function firstFailure(servers: ServerHandle[], isStopping: () => boolean): Promise<Failure> {
  return new Promise((resolveFailure) => {
    for (const server of servers) {
      void server.exited.then((exit) => {
        if (!isStopping()) resolveFailure({ name: server.name, reason: `ended by itself (${describeExit(exit)})`, lastLines: server.lastLines() });
      });
    }
  });
}
