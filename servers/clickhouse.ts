import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { chooseCredentials, claimServerDir } from './data-dir.js';
import { configVariable, type FrontConfig } from './clickhouse-front/config.js';
import { compiledPath } from './compiled.js';
import { launch } from './launch.js';
import { loopback } from './ports.js';
import { behindRows } from './priority.js';
import type { ServerHandle } from './process.js';

export interface ClickHouseOptions {
  /** The engine's own directory; one process at a time. */
  dataDir: string;
  /** Default: the port of the last run on this directory, else a free one. */
  port?: number;
  username?: string;
  password?: string;
  /** Bytes of one request's body after decompression; default 512 MiB, ten times a large batch, so that a runaway insert cannot fill the disk. */
  maxBodyBytes?: number;
  onProgress?: (line: string) => void;
}

export type ClickHouse = ServerHandle & { url: string; username: string; password: string };

/** The database that is there from the start; the migrations fill it. */
export const clickHouseDatabase = 'aftercare';

const mib = 1024 * 1024;
const readyPatienceMs = 60_000; // a directory with many parts is read before the port opens

/**
 * Starts ClickHouse's engine (chdb) in a child process behind HTTP on the loopback, and waits until it answers. After
 * a kill -9 it may be started again on the same directory and port at once; no acknowledged row is lost.
 * @throws AftercareError `bad_config` when the directory is in use, `unavailable` when it does not start
 */
export async function startClickHouse(o: ClickHouseOptions): Promise<ClickHouse> {
  const dataDir = resolve(o.dataDir);
  await claimServerDir(dataDir, 'ClickHouse');
  const { user, password } = chooseCredentials(dataDir, o.username, o.password);
  const config: Omit<FrontConfig, 'port'> = {
    dataDir, username: user, password, database: clickHouseDatabase,
    maxBodyBytes: o.maxBodyBytes ?? 512 * mib,
    maxQueryBytes: 16 * mib,
    maxResultBytes: 1024 * mib,
    maxExecutionTimeS: 120,
    concurrency: Math.max(4, availableParallelism()),
  };
  o.onProgress?.('clickhouse: starting');
  const { server, ports } = await launch({
    dataDir, ports: { port: o.port }, patienceMs: readyPatienceMs,
    child: ({ port }) => ({
      name: 'clickhouse',
      command: process.execPath,
      args: [compiledPath('servers/clickhouse-front/main.js'), dataDir], // the directory, so that the command line tells whose it is
      port,
      niceness: behindRows,
      // each running statement holds one thread of the pool; files and gzip need a few beside them
      env: { ...process.env, UV_THREADPOOL_SIZE: String(config.concurrency + 8), [configVariable]: JSON.stringify({ ...config, port } satisfies FrontConfig) },
    }),
    ready: ({ port }) => answersPing(port),
  });
  return { ...server, url: `http://${loopback}:${ports.port}`, username: user, password };
}

async function answersPing(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://${loopback}:${port}/ping`, { signal: AbortSignal.timeout(1_000) });
    return response.ok && (await response.text()) === 'Ok.\n';
  } catch {
    return false;
  }
}
