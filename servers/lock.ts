import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AftercareError } from '../schemas/errors.js';
import { makePrivateDir, readJson } from './private-file.js';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

export interface DirLock { release(): void }

const takeoverStaleMs = 5_000; // taking over takes microseconds; a guard this old belongs to a process that died inside

/**
 * Takes the directory for this process. A lock whose process is dead is taken over.
 * @param what  the directory in the user's words, for the message
 * @throws AftercareError `bad_config` when a living process holds it, this one included
 */
export async function lockDir(dir: string, what: string): Promise<DirLock> {
  makePrivateDir(dir);
  const path = join(dir, 'lock.json');
  const own = JSON.stringify(self());
  while (!tryLock(dir, path, own)) {
    const holder = holderOf(path);
    if (holder !== undefined && isAlive(holder)) {
      throw new AftercareError('bad_config', `${what} ${dir} is in use by process ${holder.pid}: stop it first, or choose another directory`);
    }
    if (!dropStale(path)) await sleep(20);
  }
  return { release: () => { if (readText(path) === own) rmSync(path, { force: true }); } };
}

/** The identity of this very process. */
export function self(): ProcessIdentity {
  return identify(process.pid) ?? { pid: process.pid, startedAt: 'unknown' };
}

/** `link` fails when the name exists and shows the whole content at once, which `open(wx)` followed by a write does not. */
function tryLock(dir: string, path: string, own: string): boolean {
  const aside = join(dir, `lock.${process.pid}.tmp`);
  writeFileSync(aside, own, { mode: 0o600 });
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Removes a dead process's lock, under a guard: two starters must not each remove what the other has just written. */
function dropStale(path: string): boolean {
  const guard = `${path}.takeover`;
  try {
    writeFileSync(guard, String(process.pid), { flag: 'wx', mode: 0o600 });
  } catch {
    removeOld(guard);
    return false;
  }
  try {
    const holder = holderOf(path);
    if (holder === undefined || !isAlive(holder)) rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(guard, { force: true });
  }
}

function removeOld(guard: string): void {
  const modifiedAtMs = statSync(guard, { throwIfNoEntry: false })?.mtimeMs;
  if (modifiedAtMs !== undefined && Date.now() - modifiedAtMs > takeoverStaleMs) rmSync(guard, { force: true });
}

function holderOf(path: string): ProcessIdentity | undefined {
  const value = readJson(path) as Partial<ProcessIdentity> | undefined;
  return typeof value?.pid === 'number' && typeof value.startedAt === 'string' ? { pid: value.pid, startedAt: value.startedAt } : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
