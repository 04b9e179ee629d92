import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AftercareError } from '../schemas/errors.js';
import { self } from './lock.js';
import { freePorts, isFree } from './ports.js';
import { makePrivateDir, readJson, writePrivateFile } from './private-file.js';
import { commandLineOf, identify, isAlive, type ProcessIdentity } from './process-identity.js';

/** Who runs on a server's directory: the process that started it, and the server itself. */
interface Owner { supervisor: ProcessIdentity; child: ProcessIdentity }

export interface Credentials { user: string; password: string }

/**
 * Makes sure that no server runs on `dir`, which is one server's own directory. A server whose parent is dead is an
 * orphan and is stopped, if its command line names this directory; a server whose parent lives is in use.
 * @throws AftercareError `bad_config` when the directory is in use
 */
export async function claimServerDir(dir: string, name: string): Promise<void> {
  makePrivateDir(dir);
  const owner = readJson(join(dir, 'owner.json')) as Owner | undefined;
  if (owner === undefined || !isAlive(owner.child)) return;
  if (isAlive(owner.supervisor)) {
    throw new AftercareError('bad_config', `${name} already runs on ${dir} (process ${owner.child.pid}, started by ${owner.supervisor.pid}): stop it first, or choose another directory`);
  }
  const command = commandLineOf(owner.child.pid) ?? '';
  // a process that is just ending shows an empty command line and still holds its port and files: it is waited for
  if (command === '' || command.includes(dir)) await endOrphan(owner.child, dir);
}

/** Writes down that this process runs `pid` on `dir`. */
export function recordOwner(dir: string, pid: number): void {
  const child = identify(pid);
  if (child !== undefined) writePrivateFile(join(dir, 'owner.json'), JSON.stringify({ supervisor: self(), child } satisfies Owner));
}

/** Signals only a process whose command line names the directory: that proves that it is ours. */
async function endOrphan(child: ProcessIdentity, dir: string): Promise<void> {
  for (const [signal, patienceMs] of [['SIGTERM', 5_000], ['SIGKILL', 5_000]] as const) {
    if (commandLineOf(child.pid)?.includes(dir) === true) signalIfAlive(child, signal);
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(20)) {
      if (!isAlive(child)) return;
    }
  }
  throw new AftercareError('unavailable', `process ${child.pid}, left by a run that died, does not end: stop it by hand`);
}

function signalIfAlive(who: ProcessIdentity, signal: NodeJS.Signals): void {
  try {
    if (isAlive(who)) process.kill(who.pid, signal);
  } catch {
    // it went between the look and the signal, which is what was wanted
  }
}

/**
 * The server's ports by name. What the caller asks for is taken; otherwise what the last run had, so that addresses
 * outlive a restart; otherwise, or when somebody else has it now, free ones. Remembered in the directory.
 */
export async function choosePorts<Name extends string>(dir: string, wanted: Record<Name, number | undefined>): Promise<Record<Name, number>> {
  const path = join(dir, 'ports.json');
  const remembered = (readJson(path) ?? {}) as Partial<Record<Name, number>>;
  const names = Object.keys(wanted) as Name[];
  const fresh = await freePorts(names.length);
  const chosen = {} as Record<Name, number>;
  for (const [i, name] of names.entries()) {
    const before = remembered[name];
    chosen[name] = wanted[name] ?? (before !== undefined && (await becomesFree(before)) ? before : fresh[i]);
  }
  writePrivateFile(path, JSON.stringify(chosen));
  return chosen;
}

/** A client's connection may have the port for a moment: an address that others know is worth waiting for. */
async function becomesFree(port: number): Promise<boolean> {
  for (const deadline = Date.now() + 1_000; !(await isFree(port)); await sleep(50)) if (Date.now() > deadline) return false;
  return true;
}

/** The directory's user and password: the caller's, else those of an earlier run, else new ones of 192 random bits. Kept with mode 0600. */
export function chooseCredentials(dir: string, user: string | undefined, password: string | undefined): Credentials {
  const path = join(dir, 'credentials.json');
  const kept = (readJson(path) ?? {}) as Partial<Credentials>;
  const chosen = { user: user ?? kept.user ?? 'aftercare', password: password ?? kept.password ?? randomBytes(24).toString('base64url') };
  writePrivateFile(path, `${JSON.stringify(chosen)}\n`);
  return chosen;
}
