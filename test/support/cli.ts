/** The `aftercare` command as a user runs it: its own process, its output and its exit code. */
import { spawn } from 'node:child_process';
import { compiledPath } from '../../servers/compiled.js';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function aftercare(args: string[], options: { env?: NodeJS.ProcessEnv; input?: string } = {}): Promise<Ran> {
  const child = spawn(process.execPath, [compiledPath('cli/main.js'), ...args], { env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const ran: Ran = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { ran.stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { ran.stderr += chunk.toString(); });
  child.stdin.on('error', () => undefined); // a command that failed at once has not read it
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => { resolve({ ...ran, code }); });
  });
}
