import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AftercareError } from '../schemas/errors.js';
import { clickHouseDatabase } from './clickhouse.js';
import { self } from './lock.js';
import { readJson, writePrivateFile } from './private-file.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';
import { temporalNamespace } from './temporal.js';

/** Where the three servers are, with what it takes to enter. A part that was left out of `only` has an empty address. */
export interface Endpoints {
  nats: { url: string; user?: string; password?: string; token?: string };
  clickhouse: { url: string; username?: string; password?: string; database: string };
  temporal: { address: string; namespace: string; uiUrl?: string };
}

/**
 * The servers that the environment names. A secret may stand in a file, `NATS_PASSWORD_FILE` for `NATS_PASSWORD`, or in the address.
 *
 * | NATS_URL | NATS_USER, NATS_PASSWORD, NATS_TOKEN |
 * | CLICKHOUSE_URL | CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_DATABASE (aftercare) |
 * | TEMPORAL_ADDRESS | TEMPORAL_NAMESPACE (default), TEMPORAL_UI_URL |
 * @throws AftercareError `bad_config` for an address that is none and a file that cannot be read
 */
export function endpointsFromEnv(env: NodeJS.ProcessEnv): Partial<Endpoints> {
  const found: Partial<Endpoints> = {};
  if (present(env.NATS_URL)) found.nats = natsFrom(env.NATS_URL, env);
  if (present(env.CLICKHOUSE_URL)) found.clickhouse = clickHouseFrom(env.CLICKHOUSE_URL, env);
  if (present(env.TEMPORAL_ADDRESS)) {
    if (!/^[^/\s]+:\d+$/.test(env.TEMPORAL_ADDRESS)) throw new AftercareError('bad_config', `TEMPORAL_ADDRESS=${env.TEMPORAL_ADDRESS} is not host:port: write it like temporal:7233`);
    found.temporal = { address: env.TEMPORAL_ADDRESS, namespace: env.TEMPORAL_NAMESPACE ?? temporalNamespace, ...(present(env.TEMPORAL_UI_URL) && { uiUrl: env.TEMPORAL_UI_URL }) };
  }
  return found;
}

/** Several NATS servers may be named, `nats://a:4222,nats://b:4222`; the user of the first address counts for all. */
function natsFrom(value: string, env: NodeJS.ProcessEnv): Endpoints['nats'] {
  const urls = value.split(',').map((one) => parse('NATS_URL', one.includes('://') ? one : `nats://${one}`));
  const first = urls[0];
  const user = env.NATS_USER ?? (decodeURIComponent(first.username) || undefined);
  const password = secret('NATS_PASSWORD', env) ?? (decodeURIComponent(first.password) || undefined);
  const token = secret('NATS_TOKEN', env);
  const url = urls.map((one) => `${one.protocol}//${one.host}`).join(',');
  return { url, ...(user !== undefined && { user }), ...(password !== undefined && { password }), ...(token !== undefined && { token }) };
}

function clickHouseFrom(value: string, env: NodeJS.ProcessEnv): Endpoints['clickhouse'] {
  const url = parse('CLICKHOUSE_URL', value);
  const username = env.CLICKHOUSE_USER ?? (decodeURIComponent(url.username) || undefined);
  const password = secret('CLICKHOUSE_PASSWORD', env) ?? (decodeURIComponent(url.password) || undefined);
  const database = env.CLICKHOUSE_DATABASE ?? (url.pathname.replace(/^\//, '') || clickHouseDatabase);
  return { url: `${url.protocol}//${url.host}`, database, ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

function parse(variable: string, value: string): URL {
  try {
    return new URL(value.trim());
  } catch (cause) {
    throw new AftercareError('bad_config', `${variable} is not an address: write it like ${variable === 'NATS_URL' ? 'nats://host:4222' : 'http://host:8123'}`, { cause });
  }
}

function secret(variable: string, env: NodeJS.ProcessEnv): string | undefined {
  const file = env[`${variable}_FILE`];
  if (!present(file)) return env[variable];
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new AftercareError('bad_config', `${variable}_FILE=${file} cannot be read: name a file that this user may read`, { cause });
  }
}

function present(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

interface Written { writer: ProcessIdentity; endpoints: Endpoints }

/** Tells other processes of this user, through a file of mode 0600, where this stack is. */
export function writeEndpoints(dataDir: string, endpoints: Endpoints): void {
  writePrivateFile(join(dataDir, 'endpoints.json'), JSON.stringify({ writer: self(), endpoints } satisfies Written));
}

/** Where the stack that runs on this directory is; undefined when none runs, whatever a dead one has left. */
export function readEndpoints(dataDir: string): Endpoints | undefined {
  const written = readJson(join(dataDir, 'endpoints.json')) as Written | undefined;
  return written !== undefined && isAlive(written.writer) ? written.endpoints : undefined;
}

/** What a command that starts nothing should talk to: what the environment names, and for the rest the stack that runs on `dataDir`. */
export function resolveEndpoints(dataDir: string, env: NodeJS.ProcessEnv): Endpoints | undefined {
  const { nats, clickhouse, temporal } = { ...readEndpoints(dataDir), ...endpointsFromEnv(env) };
  return nats && clickhouse && temporal ? { nats, clickhouse, temporal } : undefined;
}
