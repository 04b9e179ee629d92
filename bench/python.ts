/** Peers in Python: a virtual environment of its own for each set of packages, under the cache directory, made when it is first asked for. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SuiteOptions } from './main.js';

const run = promisify(execFile);
const installMs = 180_000;

export interface PythonSet {
  /** with the versions: another set is another folder */
  name: string;
  /** pinned */
  packages: readonly string[];
}

/**
 * Runs a program that reads one JSON object and prints one. One thread, as ours is.
 * @param rows  names of the rows that are skipped without it
 * @returns undefined, and says why, when Python, the packages or the run fail
 */
export async function askPython<Answer>(set: PythonSet, program: string, job: unknown, rows: string, say: SuiteOptions['say']): Promise<Answer | undefined> {
  try {
    const python = await environment(set, say);
    const started = run(python, ['-c', program], { timeout: 120_000, env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' } });
    started.child.stdin?.end(JSON.stringify(job));
    return JSON.parse((await started).stdout) as Answer;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    say(`${rows}: the peer is skipped: ${(stderr === undefined || stderr === '' ? message : stderr).trim().split('\n').slice(-1).join()}`);
    return undefined;
  }
}

/** Made aside and renamed: an install that broke off is never used. Python finds its packages by its own path, wherever the folder lies. */
async function environment({ name, packages }: PythonSet, say: SuiteOptions['say']): Promise<string> {
  const base = process.env.XDG_CACHE_HOME;
  const root = join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'aftercare');
  const target = join(root, `bench-${name}`);
  const python = join(target, 'bin', 'python3');
  if (existsSync(python)) return python;
  say(`installing ${packages[0]} into a virtual environment, once`);
  mkdirSync(root, { recursive: true });
  const aside = mkdtempSync(join(root, `.bench-${name}-`));
  try {
    await run('python3', ['-m', 'venv', aside], { timeout: installMs });
    await run(join(aside, 'bin', 'python3'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', ...packages], { timeout: installMs });
    renameSync(aside, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return python;
}
