import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AftercareError } from '../schemas/errors.js';
import { giveWay } from './priority.js';

export interface Exit { code: number | null; signal: string | null }

/** A running server: how to reach it, what it said last, and how to end it. */
export interface ServerHandle {
  name: string;
  pid: number;
  port: number;
  /** Resolves, never rejects, when the process is gone, whoever ended it. */
  exited: Promise<Exit>;
  /** The last lines of its output, oldest first; at most 200. */
  lastLines(): string[];
  /** SIGTERM, and SIGKILL when it has not gone after ten seconds. Resolves when it is gone; repeated calls are harmless. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  port: number;
  env?: NodeJS.ProcessEnv;
  /** How far it stands behind other processes, 0 to 19; default 0. */
  niceness?: number;
  /** Called for each line of output as it comes. */
  onLine?: (line: string) => void;
}

const linesKept = 200;
const termPatienceMs = 10_000; // a ClickHouse that is merging needs a few seconds to leave in order

/**
 * Starts a child in a process group of its own, so that Ctrl-C reaches only the parent and the parent stops its
 * children in order, and with a guardian, so that it does not outlive a parent that was killed.
 * @throws AftercareError `unavailable` when the program cannot be started at all
 */
export async function spawnServer(options: ChildOptions): Promise<ServerHandle> {
  const { name, command, args, port } = options;
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: options.env ?? process.env });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => { reject(new AftercareError('unavailable', `${name}: cannot start ${command}: is it an executable file for this machine?`, { cause })); });
  });
  const pid = child.pid;
  if (pid === undefined) throw new AftercareError('unavailable', `${name}: ${command} started without a process id`);
  if (options.niceness !== undefined) giveWay(pid, options.niceness);
  const lines: string[] = [];
  const keep = (line: string): void => {
    if (lines.push(line) > linesKept) lines.shift();
    options.onLine?.(line);
  };
  followLines(child.stdout, keep);
  followLines(child.stderr, keep);
  const guardian = guard(pid);
  const exited = exitOf(child).finally(() => guardian.kill('SIGKILL'));
  const kill = (signal: NodeJS.Signals): void => { child.kill(signal); };
  return { name, pid, port, exited, lastLines: () => [...lines], stop: () => endGently(kill, exited), kill };
}

/**
 * Polls `ready` every few milliseconds until it answers true.
 * @throws AftercareError `unavailable`, with the server's last lines, when it exits or the time is over; it is stopped then
 */
export async function awaitReady(server: ServerHandle, ready: () => Promise<boolean>, patienceMs: number): Promise<void> {
  let exit: Exit | undefined;
  void server.exited.then((end) => { exit = end; });
  const deadline = Date.now() + patienceMs;
  while (!(await ready())) {
    if (exit !== undefined) throw failure(server, `exited (${describeExit(exit)}) before it was ready`);
    if (Date.now() > deadline) {
      await server.stop();
      throw failure(server, `was not ready after ${patienceMs / 1000} s`);
    }
    await sleep(15);
  }
  if (exit !== undefined) throw failure(server, `exited (${describeExit(exit)}) before it was ready`);
}

/** `code 1`, `signal SIGKILL`: an exit in words. */
export function describeExit(exit: Exit): string {
  return exit.signal === null ? `code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`;
}

function failure(server: ServerHandle, what: string): AftercareError {
  const tail = server.lastLines().slice(-20).map((line) => `    ${line}`).join('\n');
  return new AftercareError('unavailable', `${server.name} on port ${server.port} ${what}; its last lines:\n${tail === '' ? '    (none)' : tail}`);
}

function followLines(stream: Readable, keep: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', keep);
}

/** `close`, not `exit`: it comes after the pipes are drained, so the last lines are complete. */
function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => child.once('close', (code, signal) => { resolve({ code, signal }); }));
}

async function endGently(kill: (signal: NodeJS.Signals) => void, exited: Promise<Exit>): Promise<void> {
  kill('SIGTERM');
  const patience = new AbortController();
  const overdue = sleep(termPatienceMs, true, { signal: patience.signal, ref: false }).catch(() => false);
  const gone = await Promise.race([exited.then(() => true), overdue.then(() => false)]);
  patience.abort();
  if (!gone) kill('SIGKILL');
  await exited;
}

/**
 * A parent that is killed with SIGKILL cannot stop anybody. This shell waits on a pipe that only the parent holds;
 * when the parent is gone, however that happened, the pipe ends and the shell stops the child. `read` is built into
 * the shell, so the guardian is one process of about a megabyte.
 */
function guard(pid: number): ChildProcess {
  const script = 'read _; kill -TERM "$1"; n=0; while [ $n -lt 100 ]; do kill -0 "$1" || exit 0; sleep 0.1; n=$((n+1)); done; kill -KILL "$1"';
  const guardian = spawn('/bin/sh', ['-c', script, 'aftercare-guardian', String(pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guardian.on('error', () => undefined); // without a shell the child is merely unguarded; the next start cleans up
  guardian.stdin.on('error', () => undefined);
  (guardian.stdin as Socket).unref();
  guardian.unref();
  return guardian;
}
