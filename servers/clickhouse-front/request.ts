import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ClickHouseException, refuse } from './exception.js';
import type { FrontConfig } from './config.js';

/** What the address says about a request; the names are those of ClickHouse's HTTP interface. */
export interface Request {
  query: string | undefined;
  database: string;
  format: string;
  queryId: string | undefined;
  sessionId: string | undefined;
  sessionTimeoutMs: number;
  readonly: boolean;
  settings: Record<string, string>;
}

/** Parameters of the interface itself; whatever else stands in the address is a setting, as in ClickHouse. */
const reserved = new Set([
  'query', 'database', 'default_format', 'query_id', 'session_id', 'session_timeout', 'session_check', 'user', 'password', 'quota_key', 'stacktrace', 'role',
  'compress', 'decompress', 'buffer_size', 'wait_end_of_query', 'client_protocol_version', 'close_session',
]);

const sessionTimeoutSDefault = 60;
const sessionTimeoutSMax = 3_600;

/** @throws ClickHouseException for a setting whose name is no name, and for the native compression, which is not served */
export function readRequest(message: IncomingMessage, url: URL, config: FrontConfig): Request {
  const params = url.searchParams;
  if (params.get('compress') === '1' || params.get('decompress') === '1') throw refuse.unsupported('compress=1 and decompress=1 (the native format) are not served here: use HTTP compression (gzip)');
  if (message.headers['content-type']?.startsWith('multipart/') === true) throw refuse.unsupported('multipart bodies are not served here: send parameters in the address and the data as the body');
  const settings: Record<string, string> = {
    max_execution_time: String(config.maxExecutionTimeS),
    max_result_bytes: String(config.maxResultBytes),
  };
  for (const [key, value] of params) {
    if (reserved.has(key)) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) throw refuse.argument(`"${key.slice(0, 100)}" is not the name of a setting`);
    settings[key] = value;
  }
  const readonly = settings.readonly !== undefined && settings.readonly !== '0';
  delete settings.readonly; // the embedded engine does not enforce it; the policy does
  return {
    query: params.get('query') ?? undefined,
    database: headerOf(message, 'x-clickhouse-database') ?? params.get('database') ?? 'default',
    format: headerOf(message, 'x-clickhouse-format') ?? params.get('default_format') ?? 'TabSeparated',
    queryId: params.get('query_id') ?? undefined,
    sessionId: params.get('session_id') ?? undefined,
    sessionTimeoutMs: Math.min(Number(params.get('session_timeout') ?? sessionTimeoutSDefault) || sessionTimeoutSDefault, sessionTimeoutSMax) * 1_000,
    readonly: readonly || message.method === 'GET' || message.method === 'HEAD',
    settings,
  };
}

/** Checks user and password in constant time, from the headers, HTTP basic or the address. @throws ClickHouseException AUTHENTICATION_FAILED */
export function authenticate(message: IncomingMessage, url: URL, config: FrontConfig): void {
  const basic = /^Basic\s+(\S+)$/i.exec(message.headers.authorization ?? '')?.[1];
  const [basicUser, ...basicPassword] = basic === undefined ? [] : Buffer.from(basic, 'base64').toString('utf8').split(':');
  const user = headerOf(message, 'x-clickhouse-user') ?? (basic === undefined ? url.searchParams.get('user') ?? 'default' : basicUser);
  const password = headerOf(message, 'x-clickhouse-key') ?? (basic === undefined ? url.searchParams.get('password') ?? '' : basicPassword.join(':'));
  if (!same(user, config.username) || !same(password, config.password)) {
    throw new ClickHouseException(516, 'AUTHENTICATION_FAILED', `${user.slice(0, 100)}: Authentication failed: password is incorrect, or there is no user with such name.`);
  }
}

function same(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function headerOf(message: IncomingMessage, name: string): string | undefined {
  const value = message.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
