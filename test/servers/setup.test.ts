import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { tempDir } from './temp-dir.js';

const root = join(import.meta.dirname, '..', '..');
const temp = tempDir();
afterAll(temp.remove);

/** Runs a few lines as a process of their own, as the scripts are. */
async function script(code: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: root });
  return stdout + stderr;
}

interface LockFile { packages: Record<string, { version?: string; integrity?: string; optional?: boolean; os?: string[]; optionalDependencies?: Record<string, string> }> }
const lockFile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile;

describe('package-lock.json', () => {
  // `npm install` drops the builds of platforms that its registry does not answer for; then `npm ci` refuses to work
  it('names every optional build, in its exact version', () => {
    const missing = Object.values(lockFile.packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {})).filter((name) => lockFile.packages[`node_modules/${name}`]?.version === undefined);
    expect(missing).toEqual([]);
  });

  it('has a checksum for every package that this kind of machine installs', () => {
    const without = Object.entries(lockFile.packages).filter(([path, { integrity, optional }]) => path !== '' && integrity === undefined && optional !== true);
    expect(without.map(([path]) => path)).toEqual([]);
  });

  it('holds no address of a registry', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/);
  });
});

describe('the lock of the set-up', () => {
  const lockModule = JSON.stringify(join(root, 'scripts', 'build-lock.mjs'));
  const append = (lock: string, file: string): string => `
    import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { withLock } from ${lockModule};
    await withLock(${JSON.stringify(lock)}, async () => {
      appendFileSync(${JSON.stringify(file)}, '<');
      await sleep(50);
      appendFileSync(${JSON.stringify(file)}, '>');
    });`;

  it('lets one at a time work', async () => {
    const [lock, file] = [join(temp.path, 'a', 'lock'), join(temp.path, 'order')];
    await Promise.all([1, 2, 3].map(() => script(append(lock, file))));
    expect(readFileSync(file, 'utf8')).toBe('<><><>');
  });

  it('takes over from a process that died, and from one that died while it made the lock', async () => {
    for (const [name, pid] of [['dead', '999999999'], ['half-made', undefined]] as const) {
      const lock = join(temp.path, name);
      mkdirSync(lock);
      if (pid === undefined) utimesSync(lock, new Date(0), new Date(0));
      else writeFileSync(join(lock, 'pid'), pid);
      const file = join(temp.path, `${name}.order`);
      await script(append(lock, file));
      expect(readFileSync(file, 'utf8')).toBe('<>');
    }
  });
});

describe('a step of the set-up', () => {
  const progress = JSON.stringify(join(root, 'scripts', 'progress.mjs'));

  it('shows the whole output of what failed, and the remedy', async () => {
    const output = await script(`
      import { runStep } from ${progress};
      await runStep({ name: 'building', command: 'sh', args: ['-c', 'echo one; echo two >&2; exit 7'], cwd: '.', remedy: 'Do this.' }).catch((error) => console.log(error.message));`);
    expect(output).toContain('building failed (sh -c echo one; echo two >&2; exit 7, code 7):\n\none\ntwo\n\nDo this.');
  });

  it('says that it takes long, also where it was asked to be quiet', async () => {
    const output = await script(`
      import { runStep } from ${progress};
      await runStep({ name: 'sleeping', command: 'sleep', args: ['2.3'], cwd: '.', remedy: '', quiet: true });
      await runStep({ name: 'quick', command: 'true', args: [], cwd: '.', remedy: '', quiet: true });`);
    expect(output).toBe('sleeping ...\n');
  });
});
