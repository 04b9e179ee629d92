/**
 * The whole system on one machine: servers, streams, tables, and a process for each part.
 *
 *   nats-server, ClickHouse, Temporal -> streams and tables -> shard 0..n, sink, worker
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { ensureLiveVersions } from '../pipelines/runtime/jetstream/live-versions.js';
import { ensureStreams } from '../pipelines/runtime/jetstream/streams.js';
import { migrate } from '../pipelines/runtime/migrate.js';
import { requestService } from '../pipelines/runtime/request.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { shardServiceSubject } from '../schemas/subjects.js';
import { compiledPath } from '../servers/compiled.js';
import { behindAnswers } from '../servers/priority.js';
import { describeExit, spawnServer, type ServerHandle } from '../servers/process.js';
import { startStack, type Endpoints, type Failure, type Part } from '../servers/stack.js';
import { withClickHouse, withNats, type Context } from './context.js';
import { exportInput, refreshInput, retrainInput, tuneInput } from './workflow-inputs.js';

export interface System {
  endpoints: Endpoints;
  processes(): { name: string; pid: number }[];
  failed: Promise<Failure>;
  stop(): Promise<void>;
}

export interface SystemOptions {
  onProgress: (line: string) => void;
  /** default: all of it */
  servers?: Part[];
  worker?: boolean;
}

export async function startSystem(context: Context, options: SystemOptions): Promise<System> {
  const { onProgress } = options;
  const stack = await startStack({ dataDir: context.dataDir, onProgress, ...(options.servers === undefined ? {} : { only: options.servers }) });
  const parts: ServerHandle[] = [];
  const stopParts = async (): Promise<void> => { await Promise.all(parts.map((part) => part.stop())); };
  try {
    await prepare(context, stack.endpoints, onProgress);
    for (const { name, args } of partsOf(context, options.worker ?? true)) parts.push(await startPart(name, args, context, stack.endpoints));
    await awaitLive(context, stack.endpoints, parts);
    if (options.worker ?? true) await schedule(context, stack.endpoints);
    onProgress(`parts: ${parts.map((part) => part.name).join(', ')}`);
  } catch (error) {
    await stopParts();
    await stack.stop();
    throw error;
  }
  let stopping = false;
  return {
    endpoints: stack.endpoints,
    processes: () => [...stack.processes(), ...parts.map(({ name, pid }) => ({ name, pid }))],
    failed: Promise.race([stack.failed, firstFailure(parts, () => stopping)]),
    async stop() {
      stopping = true;
      await stopParts();
      await stack.stop();
    },
  };
}

/** Streams, buckets and tables. Safe to repeat. */
export async function prepare({ config }: Context, endpoints: Endpoints, onProgress: (line: string) => void): Promise<void> {
  await withNats(endpoints, 'set-up', async (nc) => {
    await ensureStreams(await jetstreamManager(nc), {
      shards: config.AFTERCARE_SHARDS, replicas: config.AFTERCARE_REPLICAS,
      eventsBytesMax: config.AFTERCARE_EVENTS_BYTES, artefactsBytesMax: config.AFTERCARE_ARTEFACTS_BYTES,
    });
    await ensureLiveVersions(nc, config.AFTERCARE_REPLICAS);
  });
  await withClickHouse(endpoints, async (client) => {
    for (const step of await migrate(client, endpoints.clickhouse.database)) onProgress(`tables: migration ${step}`);
  });
}

function partsOf({ config }: Context, worker: boolean): { name: string; args: string[] }[] {
  const shards = Array.from({ length: config.AFTERCARE_SHARDS }, (_, shard) => ({ name: `shard ${shard}`, args: ['shard', '--shards', String(shard)] }));
  return [...shards, { name: 'sink', args: ['sink'] }, ...(worker ? [{ name: 'worker', args: ['worker'] }] : []), ...(config.AFTERCARE_LLM_URL === '' ? [] : [{ name: 'rewriter', args: ['rewriter'] }])];
}

const program = compiledPath('cli/main.js');

/** Log lines of a part go to our stderr. Secrets go by the environment: anyone may read a command line. */
export function startPart(name: string, args: string[], { dataDir }: Context, endpoints: Endpoints, env: NodeJS.ProcessEnv = process.env): Promise<ServerHandle> {
  return spawnServer({
    name,
    command: process.execPath,
    args: [program, ...args, '--data-dir', dataDir],
    port: 0,
    niceness: args[0] === 'shard' ? 0 : behindAnswers,
    env: { ...env, ...endpointVariables(endpoints) },
    onLine: (line) => {
      if (!line.includes('"level":"info"')) process.stderr.write(`${line}\n`);
    },
  });
}

export function endpointVariables({ nats, clickhouse, temporal }: Endpoints): NodeJS.ProcessEnv {
  return {
    NATS_URL: nats.url,
    NATS_USER: nats.user,
    NATS_PASSWORD: nats.password,
    NATS_TOKEN: nats.token,
    CLICKHOUSE_URL: clickhouse.url,
    CLICKHOUSE_USER: clickhouse.username,
    CLICKHOUSE_PASSWORD: clickhouse.password,
    CLICKHOUSE_DATABASE: clickhouse.database,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
  };
}

async function schedule({ config }: Context, { temporal }: Endpoints): Promise<void> {
  const [{ connectTemporal }, { ensureSchedule, exportSchedule, refreshSvdSchedule, retrainedModels, retrainSchedule, tuneBlendSchedule }] = await Promise.all([import('../workflows/client.js'), import('../workflows/schedules.js')]);
  const client = await connectTemporal(temporal);
  const retrainings = retrainedModels.map((model) => retrainSchedule({ ...retrainInput(config, model), model }));
  try {
    for (const one of [exportSchedule(exportInput(config)), refreshSvdSchedule(refreshInput(config)), tuneBlendSchedule(tuneInput(config)), ...retrainings]) await ensureSchedule(client, one);
  } finally {
    await client.connection.close();
  }
}

const livePatienceMs = 120_000; // a large snapshot and a long replay come first

/** Waits until every shard answers. @throws AftercareError unavailable with the last lines of a part that ended */
export async function awaitLive({ config }: Context, endpoints: Endpoints, parts: readonly ServerHandle[]): Promise<void> {
  const ended = firstFailure(parts, () => false).then((failure) => {
    throw new AftercareError('unavailable', `${failure.name} ${failure.reason}; its last lines:\n${failure.lastLines.slice(-20).join('\n')}`);
  });
  await withNats(endpoints, 'set-up', async (nc) => {
    const shards = Array.from({ length: config.AFTERCARE_SHARDS }, (_, shard) => shardServiceSubject(shard, 'status'));
    for (const subject of [...shards, 'aftercare.sink.status', ...(config.AFTERCARE_LLM_URL === '' ? [] : ['aftercare.rewriter.status'])]) {
      const endMs = performance.now() + livePatienceMs;
      const answers = async (): Promise<void> => {
        while (!(await requestService(nc, subject, {}, 1000).then(() => true, (error: unknown) => retryUntil(endMs, subject, error))));
      };
      await Promise.race([answers(), ended]);
    }
  });
}

async function retryUntil(endMs: number, subject: string, error: unknown): Promise<boolean> {
  if (performance.now() > endMs) throw new AftercareError('unavailable', `${subject} was not live in time: ${messageOf(error)}`, { cause: error });
  await new Promise((resolve) => setTimeout(resolve, 50));
  return false;
}

function firstFailure(parts: readonly ServerHandle[], isStopping: () => boolean): Promise<Failure> {
  return new Promise((resolve) => {
    for (const part of parts) {
      void part.exited.then((exit) => {
        if (!isStopping()) resolve({ name: part.name, reason: `ended by itself (${describeExit(exit)})`, lastLines: part.lastLines() });
      });
    }
  });
}
