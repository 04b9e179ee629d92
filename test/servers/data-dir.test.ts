import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { chooseCredentials, choosePorts, claimServerDir } from '../../servers/data-dir.js';
import { lockDir, self } from '../../servers/lock.js';
import { identify, isAlive } from '../../servers/process-identity.js';
import { makePrivateDir } from '../../servers/private-file.js';
import { tempDir } from './temp-dir.js';

const temp = tempDir();
afterAll(temp.remove);
let made = 0;
const fresh = (): string => { const dir = join(temp.path, `d${(made += 1)}`); makePrivateDir(dir); return dir; };
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('lockDir', () => {
  it('refuses a directory that a living process holds, and gives it back', async () => {
    const dir = fresh();
    const lock = await lockDir(dir, 'the data directory');
    await expect(lockDir(dir, 'the data directory')).rejects.toThrow(`the data directory ${dir} is in use by process ${process.pid}: stop it first`);
    lock.release();
    (await lockDir(dir, 'the data directory')).release();
  });

  it('takes over from a dead process, and from a living one that merely has its number', async () => {
    for (const stale of [{ pid: 999_999_999, startedAt: 'boot:1' }, { pid: process.pid, startedAt: 'an earlier boot:1' }]) {
      const dir = fresh();
      writeFileSync(join(dir, 'lock.json'), JSON.stringify(stale));
      (await lockDir(dir, 'the data directory')).release();
    }
  });

  it('lets exactly one of many take over a stale lock', async () => {
    const dir = fresh();
    writeFileSync(join(dir, 'lock.json'), JSON.stringify({ pid: 999_999_999, startedAt: 'x' }));
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDir(dir, 'the data directory')));
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });
});

describe('claimServerDir', () => {
  it('stops an orphan whose command line names the directory, and leaves a stranger alone', async () => {
    for (const [ours, survives] of [[true, false], [false, true]] as const) {
      const dir = fresh();
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', ours ? dir : 'elsewhere'], { stdio: 'ignore' });
      await once(child, 'spawn');
      const dead = { pid: 999_999_999, startedAt: 'x' };
      writeFileSync(join(dir, 'owner.json'), JSON.stringify({ supervisor: dead, child: identify(child.pid ?? 0) }));
      await claimServerDir(dir, 'the server');
      expect(identify(child.pid ?? 0) !== undefined).toBe(survives);
      child.kill('SIGKILL');
    }
  });

  it('refuses a directory whose server and supervisor live', async () => {
    const dir = fresh();
    writeFileSync(join(dir, 'owner.json'), JSON.stringify({ supervisor: self(), child: self() }));
    await expect(claimServerDir(dir, 'the server')).rejects.toThrow(/the server already runs on .*: stop it first/);
  });
});

describe('what a directory remembers', () => {
  it('keeps ports, but not one that somebody else has taken', async () => {
    const dir = fresh();
    const first = await choosePorts(dir, { port: undefined, ui: undefined });
    expect(await choosePorts(dir, { port: undefined, ui: undefined })).toEqual(first);
    const squatter = createServer().listen({ host: '127.0.0.1', port: first.port });
    await once(squatter, 'listening');
    const second = await choosePorts(dir, { port: undefined, ui: undefined });
    squatter.close();
    expect(second.port).not.toBe(first.port);
    expect(second.ui).toBe(first.ui);
  });

  it('makes credentials once, for the owner alone', () => {
    const dir = fresh();
    const first = chooseCredentials(dir, undefined, undefined);
    expect(first.password.length).toBeGreaterThanOrEqual(32);
    expect(chooseCredentials(dir, undefined, undefined)).toEqual(first);
    expect(chooseCredentials(fresh(), undefined, undefined).password).not.toBe(first.password);
    expect(modeOf(join(dir, 'credentials.json'))).toBe(0o600);
    expect(modeOf(dir)).toBe(0o700);
  });
});

describe('identify', () => {
  it('tells a living process from a dead one', () => {
    expect(isAlive(self())).toBe(true);
    expect(identify(999_999_999)).toBeUndefined();
  });
});
