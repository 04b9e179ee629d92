import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { acquire } from './binaries.js';
import { chooseCredentials, claimServerDir } from './data-dir.js';
import { launch } from './launch.js';
import { loopback } from './ports.js';
import { writePrivateFile } from './private-file.js';
import type { ServerHandle } from './process.js';

export type { ServerHandle } from './process.js';

export interface NatsServerOptions {
  /** The server's own directory: configuration, credentials and the JetStream files. */
  dataDir: string;
  /** Default: the port of the last run on this directory, else a free one. */
  port?: number;
  user?: string;
  password?: string;
  /** Default 16 MiB: a body of 10 MB must get in, so that it is rejected by name and kept, not cut off at the door. */
  maxPayloadBytes?: number;
  env?: NodeJS.ProcessEnv;
  onProgress?: (line: string) => void;
}

export type NatsServer = ServerHandle & { url: string; user?: string; password?: string };

const readyPatienceMs = 60_000; // a large JetStream directory is checked before the port opens

/**
 * Starts nats-server with JetStream on the loopback and waits until it greets. After a kill -9 it may be started
 * again on the same directory and port at once.
 * @throws AftercareError `bad_config` when the directory is in use, `unavailable` when it cannot be got or started
 */
export async function startNats(o: NatsServerOptions): Promise<NatsServer> {
  await claimServerDir(o.dataDir, 'nats-server');
  const binary = await acquire('nats-server', { ...(o.env && { env: o.env }), ...(o.onProgress && { onProgress: o.onProgress }) });
  const { user, password } = chooseCredentials(o.dataDir, o.user, o.password);
  const config = join(o.dataDir, 'nats.conf');
  const { server, ports } = await launch({
    dataDir: o.dataDir, ports: { port: o.port }, patienceMs: readyPatienceMs,
    child: ({ port }) => {
      writePrivateFile(config, configText(port, o.maxPayloadBytes ?? 16 * 1024 * 1024, o.dataDir, user, password));
      return { name: 'nats', command: binary.path, args: ['--config', config], port, env: { GOMAXPROCS: String(processors()), ...process.env } };
    },
    ready: ({ port }) => greets(port),
  });
  return { ...server, url: `nats://${loopback}:${ports.port}`, user, password };
}

/**
 * Half of the cores: the other half is for who reads what it hands out. With as many as there are, Go's idle threads look for work
 * where the shard wants to do it: on two cores nats-server takes a third more processor time, and 28,500 events/s are folded instead of 32,000.
 */
const processors = (): number => Math.max(1, Math.floor(availableParallelism() / 2));

/** JSON strings are valid in nats.conf, which spares quoting rules of our own. */
function configText(port: number, maxPayloadBytes: number, storeDir: string, user: string, password: string): string {
  return [
    `listen: ${JSON.stringify(`${loopback}:${port}`)}`,
    'server_name: "aftercare"',
    `max_payload: ${maxPayloadBytes}`,
    `max_pending: ${Math.max(64 * 1024 * 1024, 4 * maxPayloadBytes)}`,
    `jetstream: { store_dir: ${JSON.stringify(storeDir)}, max_memory_store: 268435456 }`,
    `authorization: { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }`,
    '',
  ].join('\n');
}

/** A NATS server speaks first, `INFO {...}`, and only after JetStream has recovered its files. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: loopback, port });
    const answer = (ready: boolean): void => { socket.destroy(); resolve(ready); };
    socket.setTimeout(1_000, () => { answer(false); });
    socket.once('error', () => { answer(false); });
    socket.once('close', () => { answer(false); });
    socket.once('data', (data) => { answer(data.toString('latin1').startsWith('INFO ')); });
  });
}
