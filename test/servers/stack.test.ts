import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { identify } from '../../servers/process-identity.js';
import { endpointsFromEnv, readEndpoints, resolveEndpoints, startStack, type Endpoints, type Stack } from '../../servers/stack.js';
import { tempDir } from './temp-dir.js';

const temp = tempDir();
let made = 0;
const fresh = (): string => join(temp.path, `stack-${(made += 1)}`);
const nothingNamed = { ...process.env, NATS_URL: '', CLICKHOUSE_URL: '', TEMPORAL_ADDRESS: '' };
const running: (Stack | ChildProcess)[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await ('stop' in one ? one.stop() : Promise.resolve(one.kill('SIGKILL')));
});
afterAll(temp.remove);

async function start(dataDir: string, options: { only?: ('nats' | 'clickhouse' | 'temporal')[]; env?: NodeJS.ProcessEnv } = {}): Promise<Stack> {
  const stack = await startStack({ dataDir, env: nothingNamed, ...options });
  running.push(stack);
  return stack;
}

interface Said { processes: { name: string; pid: number }[]; endpoints: Endpoints; failure?: { name: string; lastLines: string[] } }

/** A stack in a process of its own, and each line that it prints. */
async function startProcess(dataDir: string): Promise<{ child: ChildProcess; said: Said; next: () => Promise<Said> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'stack-process.mjs'), dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Said> => JSON.parse(String((await lines.next()).value)) as Said;
  return { child, said: await next(), next };
}

/** Waits, for at most ten seconds, until none of the processes lives. */
async function allGone(processes: { pid: number }[]): Promise<boolean> {
  for (let i = 0; i < 500; i += 1) {
    if (processes.every(({ pid }) => identify(pid) === undefined)) return true;
    await sleep(20);
  }
  return false;
}

describe('startStack', () => {
  it('starts all three, tells other processes where, and stops all', async () => {
    const dataDir = fresh();
    const stack = await start(dataDir);
    expect(stack.processes().map(({ name }) => name).sort()).toEqual(['clickhouse', 'nats', 'temporal']);
    expect(readEndpoints(dataDir)).toEqual(stack.endpoints);
    expect(statSync(join(dataDir, 'endpoints.json')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    await expect(startStack({ dataDir, env: nothingNamed })).rejects.toThrow(`the data directory ${dataDir} is in use by process ${process.pid}: stop it first`);
    const processes = stack.processes();
    await Promise.all([stack.stop(), stack.stop()]);
    expect(await allGone(processes)).toBe(true);
    expect(readEndpoints(dataDir)).toBeUndefined();
    const again = await start(dataDir); // the directory was given back, and addresses and passwords are the same
    expect(again.endpoints).toEqual(stack.endpoints);
  });

  it('starts nothing for what the environment names', async () => {
    const env = { ...nothingNamed, CLICKHOUSE_URL: 'http://u:p%40ss@db.example:8123/shop', TEMPORAL_ADDRESS: 'temporal.example:7233' };
    const stack = await start(fresh(), { env });
    expect(stack.processes().map(({ name }) => name)).toEqual(['nats']);
    expect(stack.endpoints.clickhouse).toEqual({ url: 'http://db.example:8123', username: 'u', password: 'p@ss', database: 'shop' });
    expect(stack.endpoints.temporal).toEqual({ address: 'temporal.example:7233', namespace: 'default' });
  });

  it('tells which server died by itself, how, and what it said last', async () => {
    const stack = await start(fresh(), { only: ['nats'] });
    process.kill(stack.processes()[0].pid, 'SIGKILL');
    const failure = await stack.failed;
    expect(failure).toMatchObject({ name: 'nats', reason: 'ended by itself (signal SIGKILL)' });
    expect(failure.lastLines.join('\n')).toContain('Server is ready');
  });

  it('stops what had started, and gives the directory back, when one does not start', async () => {
    const dataDir = fresh();
    const env = { ...nothingNamed, NATS_SERVER_BIN: '/bin/false' };
    await expect(startStack({ dataDir, only: ['nats', 'clickhouse'], env })).rejects.toThrow('NATS_SERVER_BIN=/bin/false');
    await start(dataDir, { only: ['clickhouse'] });
  });
});

describe('a stack in a process of its own', () => {
  it('stops all on SIGTERM', async () => {
    const { child, said } = await startProcess(fresh());
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(said.processes.filter(({ pid }) => identify(pid) !== undefined)).toEqual([]);
  });

  it('comes down when a server dies', async () => {
    const { child, said, next } = await startProcess(fresh());
    process.kill(said.processes.find(({ name }) => name === 'clickhouse')?.pid ?? 0, 'SIGKILL');
    const { failure } = await next();
    expect(failure?.name).toBe('clickhouse');
    expect(failure?.lastLines.join('\n')).toContain('ClickHouse');
    expect((await once(child, 'exit'))[0]).toBe(3);
    expect(await allGone(said.processes)).toBe(true);
  });

  it('leaves no orphan after kill -9, and the next start needs no help', async () => {
    const dataDir = fresh();
    const { child, said } = await startProcess(dataDir);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const stack = await start(dataDir); // at once: orphans that are still leaving are waited for
    expect(stack.endpoints).toEqual(said.endpoints);
    expect(await allGone(said.processes)).toBe(true);
  });
});

describe('endpoints by the environment', () => {
  it('reads addresses, users and secrets, also several servers and secrets in files', async () => {
    const { writePrivateFile } = await import('../../servers/private-file.js');
    const file = join(temp.path, 'secret');
    writePrivateFile(file, 'from a file\n');
    const env = { NATS_URL: 'nats://u:p@a:4222,b:4222', NATS_PASSWORD_FILE: file, CLICKHOUSE_URL: 'https://h:8443', CLICKHOUSE_USER: 'c', TEMPORAL_ADDRESS: 't:7233', TEMPORAL_NAMESPACE: 'shop' };
    expect(endpointsFromEnv(env)).toEqual({
      nats: { url: 'nats://a:4222,nats://b:4222', user: 'u', password: 'from a file' },
      clickhouse: { url: 'https://h:8443', username: 'c', database: 'aftercare' },
      temporal: { address: 't:7233', namespace: 'shop' },
    });
    expect(resolveEndpoints(fresh(), env)).toMatchObject({ temporal: { address: 't:7233' } });
    expect(resolveEndpoints(fresh(), { NATS_URL: 'nats://a' })).toBeUndefined();
  });

  it.each([
    [{ TEMPORAL_ADDRESS: 'http://t' }, 'TEMPORAL_ADDRESS=http://t is not host:port'],
    [{ CLICKHOUSE_URL: 'nonsense' }, 'CLICKHOUSE_URL is not an address'],
    [{ NATS_URL: 'nats://a', NATS_PASSWORD_FILE: '/no/such' }, 'NATS_PASSWORD_FILE=/no/such cannot be read'],
  ])('says what is wrong with %o', (env, message) => {
    expect(() => endpointsFromEnv(env)).toThrow(message);
  });
});
