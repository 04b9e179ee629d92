/** What every command starts from: settings, where the servers are, and connections that are closed again. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectClickHouse } from '../pipelines/runtime/clickhouse.js';
import { connectNats } from '../pipelines/runtime/jetstream/connect.js';
import { readConfig, type Config } from '../schemas/config.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { resolveEndpoints, type Endpoints } from '../servers/endpoints.js';

/** Milliseconds that a part waits at its start for servers that are starting too. */
export const partPatienceMs = 60_000;

export interface Context {
  config: Config;
  dataDir: string;
}

/** @throws AftercareError bad_config that names every bad variable */
export function readContext(dataDir: string | undefined): Context {
  const config = withRules(readConfig(process.env));
  return { config, dataDir: resolve(dataDir ?? config.AFTERCARE_DATA_DIR) };
}

/** The rules of risk may stand in a file; what they say is checked where they are used. */
function withRules(config: Config): Config {
  const given = config.AFTERCARE_RISK_RULES.trim();
  if (given.startsWith('[')) return config;
  try {
    return { ...config, AFTERCARE_RISK_RULES: readFileSync(given, 'utf8') };
  } catch (cause) {
    throw new AftercareError('bad_config', `AFTERCARE_RISK_RULES="${given}" is neither a JSON array nor a file that can be read: ${messageOf(cause)}`, { cause });
  }
}

/** @throws AftercareError unavailable when nothing runs on the data directory and the environment names no servers */
export function runningEndpoints({ dataDir }: Context): Endpoints {
  const endpoints = resolveEndpoints(dataDir, process.env);
  if (endpoints !== undefined) return endpoints;
  throw new AftercareError('unavailable', `nothing runs on ${dataDir}: start it with "npm start" (aftercare up) in another terminal, or set NATS_URL, CLICKHOUSE_URL and TEMPORAL_ADDRESS`);
}

export async function withNats<T>(endpoints: Endpoints, name: string, work: (nc: NatsConnection) => Promise<T>): Promise<T> {
  const nc = await connectNats(endpoints.nats, `aftercare ${name}`);
  try {
    return await work(nc);
  } finally {
    await nc.close();
  }
}

export async function withClickHouse<T>(endpoints: Endpoints, work: (client: ClickHouseClient) => Promise<T>): Promise<T> {
  const client = connectClickHouse(endpoints.clickhouse);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** An abort signal that SIGINT and SIGTERM raise: the first asks for an orderly end, a second one ends at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
    });
  }
  return stop.signal;
}
