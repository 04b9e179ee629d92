import { join } from 'node:path';
import { acquire } from './binaries.js';
import { claimServerDir } from './data-dir.js';
import { isServing } from './grpc-health.js';
import { launch } from './launch.js';
import { loopback } from './ports.js';
import type { ServerHandle } from './process.js';

export interface TemporalServerOptions {
  /** The server's own directory; it takes no lock on its file itself, so this directory is guarded here. */
  dataDir: string;
  /** gRPC. Default for each port: that of the last run on this directory, else a free one. */
  port?: number;
  uiPort?: number;
  metricsPort?: number;
  env?: NodeJS.ProcessEnv;
  onProgress?: (line: string) => void;
}

export type TemporalServer = ServerHandle & { address: string; uiUrl: string };

/** The namespace that the development server makes by itself. */
export const temporalNamespace = 'default';

const readyPatienceMs = 60_000;

/**
 * Starts Temporal's development server, with its history in a file, on the loopback and waits until it serves.
 * @throws AftercareError `bad_config` when the directory is in use, `unavailable` when it cannot be got or started
 */
export async function startTemporal(o: TemporalServerOptions): Promise<TemporalServer> {
  await claimServerDir(o.dataDir, 'Temporal');
  const binary = await acquire('temporal', { ...(o.env && { env: o.env }), ...(o.onProgress && { onProgress: o.onProgress }) });
  const { server, ports } = await launch({
    dataDir: o.dataDir, ports: { port: o.port, ui: o.uiPort, metrics: o.metricsPort }, patienceMs: readyPatienceMs,
    child: ({ port, ui, metrics }) => ({ name: 'temporal', command: binary.path, port, args: argumentsFor(o.dataDir, port, ui, metrics) }),
    ready: ({ port }) => isServing(`${loopback}:${port}`, 'temporal.api.workflowservice.v1.WorkflowService'),
  });
  return { ...server, address: `${loopback}:${ports.port}`, uiUrl: `http://${loopback}:${ports.ui}` };
}

function argumentsFor(dataDir: string, port: number, ui: number, metrics: number): string[] {
  return [
    'server', 'start-dev',
    '--ip', loopback, '--ui-ip', loopback,
    // all set: the interface's port would be port + 1000, which may be taken, and the metrics' a random one
    '--port', String(port), '--ui-port', String(ui), '--metrics-port', String(metrics),
    '--db-filename', join(dataDir, 'temporal.db'),
    // without these a workflow takes 190 ms to start instead of 25
    '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL',
    '--log-level', 'error',
  ];
}
