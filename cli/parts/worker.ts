/** The worker: runs the workflows and their activities until it is told to stop. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Svcm, type Service } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import { DefaultLogger, NativeConnection, Runtime, Worker, type ActivityInterceptorsFactory, type LogEntry } from '@temporalio/worker';
import { createCutActivities } from '../../activities/cut.js';
import { createExportActivities } from '../../activities/export-neighbours.js';
import { createBackfillActivities } from '../../activities/backfill.js';
import { createForgetActivities } from '../../activities/forget.js';
import { createRebuildActivities } from '../../activities/rebuild.js';
import { createWatchActivities } from '../../activities/live-metrics.js';
import { createRegistryActivities } from '../../activities/registry.js';
import { supersededActivities } from '../../activities/superseded.js';
import { createTrainActivities } from '../../activities/train.js';
import { connectClickHouse } from '../../pipelines/runtime/clickhouse.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLiveVersions } from '../../pipelines/runtime/jetstream/live-versions.js';
import type { Logger } from '../../pipelines/runtime/log-line.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { compiledPath } from '../../servers/compiled.js';
import type { Endpoints } from '../../servers/endpoints.js';
import { taskQueue } from '../../workflows/names.js';
import { version } from '../version.js';

export interface WorkerPartOptions {
  endpoints: Endpoints;
  /** the bundle made beforehand; where there is none, it is made at the start, which takes 3 s more */
  bundlePath: string;
  /** folder in which long replays put their states down, some gigabytes at most */
  stops: string;
  /** AFTERCARE_TRAIN_THREADS */
  trainThreads: number;
  /** ends it in order */
  signal: AbortSignal;
  logger: Logger;
}

export interface WorkerStatus {
  part: 'worker';
  rssBytes: number;
  /** attempts of activities that ended, and those of them that failed */
  runs: number;
  failures: number;
}

const connectPatienceMs = 60_000;

/**
 * @returns when it has stopped in order
 * @throws AftercareError unavailable when a server is not there; whatever ended the worker otherwise
 */
export async function runWorker(options: WorkerPartOptions): Promise<void> {
  const { endpoints, signal, logger } = options;
  installRuntime(logger);
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const nc = await connectNats(endpoints.nats, 'aftercare-worker');
    closers.push(() => nc.drain());
    const clickhouse = connectClickHouse(endpoints.clickhouse);
    closers.push(() => clickhouse.close());
    const connection = await connectTemporal(endpoints.temporal.address, signal);
    if (connection === undefined) return;
    closers.push(() => connection.close());
    const trainThreads = options.trainThreads === 0 ? ownThreads() : options.trainThreads;
    const effects = { nc, clickhouse, artefacts: jetstreamArtefacts(nc), liveVersions: jetstreamLiveVersions(nc), nats: endpoints.nats, store: endpoints.clickhouse, stops: options.stops, trainThreads };
    const status: WorkerStatus = { part: 'worker', rssBytes: 0, runs: 0, failures: 0 };
    const service = await addService(nc, () => ({ ...status, rssBytes: process.memoryUsage.rss() }));
    closers.push(() => service.stop());
    const worker = await Worker.create({
      connection,
      namespace: endpoints.temporal.namespace,
      taskQueue,
      activities: {
        ...supersededActivities, ...createExportActivities(effects), ...createRebuildActivities(effects),
        ...createCutActivities(effects), ...createTrainActivities(effects), ...createRegistryActivities(effects), ...createWatchActivities(effects), ...createForgetActivities(effects), ...createBackfillActivities(effects),
      },
      ...(existsSync(options.bundlePath) ? { workflowBundle: { codePath: options.bundlePath } } : { workflowsPath: compiledPath('workflows/index.js') }),
      interceptors: { activity: [countInto(status)] },
      ...modest,
    });
    logger('info', 'worker is ready', { taskQueue, temporal: endpoints.temporal.address });
    await worker.runUntil(aborted(signal));
  } finally {
    for (const close of closers.reverse()) await close().catch((error: unknown) => logger('warn', 'worker: closing', { reason: messageOf(error) }));
  }
}

/** A second thread where cores are left beside the shard and the servers: on fewer it would take theirs. */
const ownThreads = (): number => (availableParallelism() >= 4 ? 2 : 1);

/** On the NATS services protocol, so that `aftercare status` and `nats micro` see it. Only a service with an endpoint has data. */
async function addService(nc: NatsConnection, status: () => WorkerStatus): Promise<Service> {
  const service = await new Svcm(nc).add({ name: 'aftercare-worker', version, description: 'Runs workflows and their activities', statsHandler: () => Promise.resolve(status()) });
  service.addEndpoint('status', { subject: 'aftercare.worker.status', handler: (_error, message) => { message.respond(JSON.stringify(status())); } });
  return service;
}

/** One export at a time is the rule, so what the SDK sets for hundreds of runs is memory for nothing. */
const modest = {
  maxCachedWorkflows: 20,
  maxConcurrentWorkflowTaskExecutions: 4,
  maxConcurrentWorkflowTaskPolls: 2,
  maxConcurrentActivityTaskExecutions: 4,
  maxConcurrentActivityTaskPolls: 2,
  workflowThreadPoolSize: 1,
  reuseV8Context: true,
  // A retry after a crash goes on at most this far behind; by default 0.8 of the heartbeat timeout.
  maxHeartbeatThrottleInterval: '2 s',
  // A page is written within this; what takes longer is cancelled, and done again by another worker.
  shutdownGraceTime: '2 s',
  shutdownForceTime: '15 s',
} as const;

/** @returns undefined when the signal came first */
async function connectTemporal(address: string, signal: AbortSignal): Promise<NativeConnection | undefined> {
  for (const deadline = Date.now() + connectPatienceMs; !signal.aborted; await sleep(200)) {
    try {
      return await healthy(await NativeConnection.connect({ address }));
    } catch (error) {
      if (Date.now() < deadline) continue;
      throw new AftercareError('unavailable', `Temporal at ${address} does not answer: ${messageOf(error)}; is it running, and is TEMPORAL_ADDRESS right?`, { cause: error });
    }
  }
  return undefined;
}

/** gRPC's health protocol: SERVING. */
const serving = 1;

/** It takes connections before it can serve. */
async function healthy(connection: NativeConnection): Promise<NativeConnection> {
  try {
    const service = 'temporal.api.workflowservice.v1.WorkflowService';
    const { status } = await connection.withDeadline(Date.now() + 5000, () => connection.healthService.check({ service }));
    if (Number(status) !== serving) throw new Error(`its health is ${String(status)}`);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

const countInto = (status: WorkerStatus): ActivityInterceptorsFactory => () => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        status.failures += 1;
        throw error;
      } finally {
        status.runs += 1;
      }
    },
  },
});

/** The signal as a promise, for `runUntil`. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

let installed = false;

/** The SDK has one runtime for the process. It shall log as we do, and leave the signals of the process to us. */
function installRuntime(logger: Logger): void {
  if (installed) return;
  installed = true;
  const forward = ({ level, message, meta }: LogEntry): void => {
    const reason = meta?.error === undefined ? undefined : messageOf(meta.error);
    logger(level === 'ERROR' ? 'error' : 'warn', `temporal: ${message}`, { reason });
  };
  Runtime.install({ logger: new DefaultLogger('WARN', forward), shutdownSignals: [], telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } } });
}
