import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { ClickHouseClient } from '@clickhouse/client';
import { tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startClickHouse, type ClickHouse } from '../../servers/clickhouse.js';
import { commandLineOf } from '../../servers/process-identity.js';
import { quietClient } from './clickhouse-client.js';
import { tempDir } from './temp-dir.js';

const temp = tempDir();
const dataDir = join(temp.path, 'clickhouse');
let server: ClickHouse;
let client: ClickHouseClient;

beforeAll(async () => {
  server = await startClickHouse({ dataDir, maxBodyBytes: 4 * 1024 * 1024 });
  client = quietClient(server);
  await client.command({ query: 'CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100' });
});
afterAll(async () => { await client.close(); await server.stop(); temp.remove(); });

const rows = async (query: string, options: Partial<Parameters<ClickHouseClient['query']>[0]> = {}, from = client): Promise<unknown[]> => (await from.query({ query, ...options, format: 'JSONEachRow' })).json();
const arrow = (a: bigint[], b: string[]): Buffer => Buffer.from(tableToIPC(tableFromArrays({ a: BigUint64Array.from(a), b }), 'stream'));
const insertArrow = async (bytes: Buffer, settings: Record<string, string> = {}): Promise<void> => {
  const { stream } = await client.exec({ query: 'INSERT INTO t (a, b) FORMAT ArrowStream', values: Readable.from([bytes]), clickhouse_settings: settings });
  stream.resume();
};
const post = (query: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> => fetch(`${server.url}/?query=${encodeURIComponent(query)}&database=aftercare`, {
  method: 'POST', body: new Uint8Array(Buffer.from(body)), headers: { 'X-ClickHouse-User': server.username, 'X-ClickHouse-Key': server.password, ...headers },
});

describe('the official client', () => {
  it('pings, with and without a statement', async () => {
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
  });

  it('reads every kind of format', async () => {
    expect(await rows('SELECT 1 AS a')).toEqual([{ a: 1 }]);
    expect(await (await client.query({ query: 'SELECT 1 AS a', format: 'JSON' })).json()).toMatchObject({ data: [{ a: 1 }], rows: 1 });
    expect(await (await client.query({ query: 'SELECT 1 AS a', format: 'CSVWithNames' })).text()).toBe('"a"\n1\n');
    const { stream } = await client.exec({ query: 'SELECT 1 AS a FORMAT PrettyCompact' });
    expect(await text(stream)).toContain('┌─a─┐');
  });

  it('binds parameters of every kind, with whatever is in them', async () => {
    const odd = "it's \\ \n\t \0 {x:String}; DROP TABLE t -- ünï 退款";
    const query = 'SELECT {s:String} AS s, {n:Array(UInt32)} AS n, {d:DateTime} AS d, {o:Nullable(String)} AS o, {c:Identifier} AS c FROM (SELECT 7 AS x)';
    expect(await rows(query, { query_params: { s: odd, n: [1, 2], d: new Date(0), o: null, c: 'x' } })).toEqual([{ s: odd, n: [1, 2], d: '1970-01-01 00:00:00', o: null, c: 7 }]);
  });

  it('keeps parameters of simultaneous requests apart', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => rows('SELECT {i:UInt32} AS i, getSetting(\'max_threads\') AS t', { query_params: { i }, clickhouse_settings: { max_threads: 1 + (i % 5) } })));
    expect(answers).toEqual(Array.from({ length: 60 }, (_, i) => [{ i, t: 1 + (i % 5) }]));
  });

  it('inserts JSON and VALUES, blank lines and semicolons included', async () => {
    await client.insert({ table: 't', values: [{ a: 1, b: 'x\n\n; DROP TABLE t' }], format: 'JSONEachRow' });
    await client.command({ query: "INSERT INTO t VALUES (2, 'y\n\n;DROP TABLE t')" });
    expect((await post('INSERT INTO t FORMAT JSONEachRow', '{"a":3,"b":"z"}\n\n\nDROP TABLE t\n')).status).toBe(400);
    expect(await rows('SELECT * FROM t ORDER BY a')).toEqual([{ a: 1, b: 'x\n\n; DROP TABLE t' }, { a: 2, b: 'y\n\n;DROP TABLE t' }]);
  });

  it('inserts Arrow once for each token, and reads Arrow back', async () => {
    await client.command({ query: 'TRUNCATE TABLE t' });
    for (let i = 0; i < 3; i += 1) await insertArrow(arrow([5n, 6n], ['p', 'q']), { insert_deduplication_token: 't:5-6' });
    await insertArrow(arrow([5n, 6n], ['p', 'q']), { insert_deduplication_token: 't:7-8' });
    const { stream } = await client.exec({ query: 'SELECT a, b FROM t ORDER BY a FORMAT ArrowStream', clickhouse_settings: { output_format_arrow_compression_method: 'none' } });
    const table = tableFromIPC(await bytes(stream));
    expect([...(table.getChild('a') ?? [])]).toEqual([5n, 5n, 6n, 6n]);
  });

  it('compresses both ways', async () => {
    const zipped = quietClient(server, { compression: { request: true, response: true } });
    await zipped.insert({ table: 't', values: Array.from({ length: 1_000 }, (_, a) => ({ a, b: 'r'.repeat(50) })), format: 'JSONEachRow' });
    expect(await rows("SELECT count() AS c FROM t WHERE b LIKE 'rrr%'", {}, zipped)).toEqual([{ c: 1000 }]);
    await zipped.close();
    const answer = await post('SELECT repeat(\'x\', 1000)', '', { 'Accept-Encoding': 'identity' });
    expect(answer.headers.get('content-encoding')).toBeNull();
  });
});

describe('what must not stay behind a request', () => {
  it('settings, tokens, databases and temporary tables', async () => {
    await rows('SELECT 1', { clickhouse_settings: { max_threads: 7, max_block_size: '1234' } });
    await insertArrow(arrow([1n], ['x']), { insert_deduplication_token: 'leak' });
    await client.command({ query: 'SET max_threads = 9' });
    await client.command({ query: 'USE system' });
    await client.command({ query: 'CREATE TEMPORARY TABLE scratch (a Int8)' });
    const seen = await Promise.all(Array.from({ length: 20 }, () => rows("SELECT getSetting('insert_deduplication_token') AS token, getSetting('max_threads') != 7 AND getSetting('max_threads') != 9 AS own, currentDatabase() AS db")));
    for (const [row] of seen) expect(row).toEqual({ token: '', own: 1, db: 'aftercare' });
    await expect(rows('SELECT * FROM scratch')).rejects.toMatchObject({ code: '60' });
  });

  it('but a session keeps its temporary tables, and serves one statement at a time', async () => {
    const session = quietClient(server, { session_id: 'one' });
    await session.command({ query: 'CREATE TEMPORARY TABLE scratch (a Int8)' });
    await session.command({ query: 'INSERT INTO scratch VALUES (1)', clickhouse_settings: { max_threads: 3 } });
    expect(await rows('SELECT a FROM scratch', {}, session)).toEqual([{ a: 1 }]);
    const slow = session.command({ query: 'SELECT sleep(0.3)' });
    const second = quietClient(server, { session_id: 'one' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(second.command({ query: 'SELECT 1' })).rejects.toMatchObject({ code: '373' });
    await slow;
    await Promise.all([session.close(), second.close()]);
  });
});

describe('what is refused', () => {
  it('a wrong user, a wrong password and none', async () => {
    for (const login of [{ password: 'wrong' }, { username: 'nobody' }, { username: 'default', password: '' }]) {
      const stranger = quietClient(server, login);
      await expect(stranger.command({ query: 'SELECT 1' })).rejects.toMatchObject({ code: '516', type: 'AUTHENTICATION_FAILED' });
      await stranger.close();
    }
    expect((await fetch(`${server.url}/?query=SELECT+1`)).status).toBe(403);
    const basic = Buffer.from(`${server.username}:${server.password}`).toString('base64');
    expect(await (await fetch(`${server.url}/?query=SELECT+1`, { headers: { Authorization: `Basic ${basic}` } })).text()).toBe('1\n');
  });

  it.each([
    ['SELECT * FROM nowhere', '60', 404], ['SELECT noSuchFunction(1)', '46', 404], ['SELECT 1 +', '62', 400], ['SELECT 1; SELECT 2', '62', 400],
    ["SELECT * FROM file('/etc/passwd')", '497', 403], ["SELECT * FROM url('http://127.0.0.1:1/')", '497', 403], ["SELECT * FROM s3('http://x/y')", '497', 403],
    ["SELECT 1 INTO OUTFILE '/tmp/x'", '497', 403], ["CREATE TABLE u (a Int8) ENGINE = URL('http://x', CSV)", '497', 403], ['SELECT throwIf(1)', '395', 500],
  ])('%s, with code %s and status %i', async (query, code, status) => {
    await expect(client.command({ query })).rejects.toMatchObject({ code });
    const answer = await post(query, '');
    expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([status, code]);
    expect(await answer.text()).toMatch(new RegExp(`^Code: ${code}\\. DB::Exception: .+ \\([A-Z0-9_]+\\) \\(version [0-9.]+\\)`));
  });

  it('an unknown setting, a setting that is no name, and writing where read-only was asked for', async () => {
    await expect(rows('SELECT 1', { clickhouse_settings: { nonsense: 1 } })).rejects.toMatchObject({ code: '115' });
    expect((await post('SELECT 1', '', {})).status).toBe(200);
    expect((await fetch(`${server.url}/?query=SELECT+1&a%3D1=2&user=${server.username}&password=${server.password}`)).status).toBe(400);
    await expect(client.command({ query: 'DROP TABLE t', clickhouse_settings: { readonly: '1' } })).rejects.toMatchObject({ code: '164' });
    expect((await fetch(`${server.url}/?query=DROP+TABLE+t&user=${server.username}&password=${server.password}`)).status).toBe(500);
    expect(await rows('EXISTS TABLE t', { clickhouse_settings: { readonly: '1' } })).toEqual([{ result: 1 }]);
  });

  it('a body over the bound, also one that only unpacks to it, and leaves no file', async () => {
    const large = Buffer.alloc(5 * 1024 * 1024, 'x');
    for (const answer of [await post('INSERT INTO t FORMAT TSV', large), await post('INSERT INTO t FORMAT TSV', gzipSync(large), { 'Content-Encoding': 'gzip' })]) {
      expect(answer.status).toBe(413);
      expect(await answer.text()).toContain('The request body is larger than 4194304 bytes');
    }
    expect((await post('INSERT INTO t FORMAT TSV', 'x', { 'Content-Encoding': 'zstd' })).status).toBe(501);
    expect(readdirSync(join(dataDir, 'spool'))).toEqual([]);
  });

  it('a statement that takes too long', async () => {
    await expect(client.command({ query: 'SELECT count() FROM numbers(1000000000000)', clickhouse_settings: { max_execution_time: 0.3 } })).rejects.toMatchObject({ code: '159' });
  });
});

describe('startClickHouse', () => {
  it('keeps its password off the command line and its directory private', () => {
    expect(commandLineOf(server.pid)).not.toContain(server.password);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, 'credentials.json')).mode & 0o777).toBe(0o600);
  });

  it('refuses a second start on the same directory', async () => {
    await expect(startClickHouse({ dataDir })).rejects.toThrow(/ClickHouse already runs on/);
  });

  it('waits for the running statement when it is stopped, and keeps the data', async () => {
    await client.command({ query: 'TRUNCATE TABLE t' });
    const running = client.command({ query: 'INSERT INTO t SELECT number, toString(sleepEachRow(0.01)) FROM numbers(50)' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await server.stop();
    await running;
    server = await startClickHouse({ dataDir });
    client = quietClient(server);
    expect(await rows('SELECT count() AS c FROM t')).toEqual([{ c: 50 }]);
  });
});

async function bytes(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const text = async (stream: AsyncIterable<Buffer>): Promise<string> => (await bytes(stream)).toString('utf8');

