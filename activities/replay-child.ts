/** Starting a replay in a process of its own (replay-process.ts), and hearing from it. */
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ArtefactRef } from '../pipelines/runtime/artefacts.js';
import type { NatsEndpoint } from '../pipelines/runtime/jetstream/connect.js';
import type { ClickHouseEndpoint } from '../pipelines/runtime/clickhouse.js';
import type { PartHashes } from '../pipelines/runtime/state-hashes.js';
import type { PublicConfig } from '../schemas/config.js';
import { AftercareError, type ErrorCode } from '../schemas/errors.js';
import type { BackfillDone, BackfillOptions } from './backfill-run.js';

export interface ReplayRequest {
  nats: NatsEndpoint;
  shard: number;
  shards: number;
  /** what the shard folds with, as it tells itself */
  settings: PublicConfig;
  /** sequence of the last message that is folded */
  to: number;
  eventsPerSecond?: number | undefined;
  /** leaves the state as this artefact */
  keepAs?: { name: string; version: number } | undefined;
  /** folder in which it puts its state down now and then, and from which it goes on */
  stopsIn?: string | undefined;
  /** leaves decisions in shadow tables, and no hashes */
  backfill?: (BackfillOptions & { clickhouse: ClickHouseEndpoint }) | undefined;
}

export interface ReplayResult extends PartHashes {
  events: number;
  rejects: number;
  /** of this attempt */
  seconds: number;
  /** sequence up to which an earlier attempt had folded; 0: it began from nothing */
  resumedAt: number;
  /** promotions on the way whose artefact is gone, as `model version`: there the replay went on with the model before */
  gone: string[];
  /** of the state, where it was to be kept */
  ref?: ArtefactRef;
  /** of each table, that a backfill wrote or found written */
  rows?: Record<string, number>;
}

export type ReplayAnswer =
  | { type: 'progress'; progress: ReplayProgress }
  | { type: 'done'; result: ReplayResult }
  | { type: 'failed'; code: ErrorCode; message: string };

export interface ReplayProgress {
  seq: number;
  events: number;
  /** of a backfill: everything up to here is stored, and what was decided so far by table */
  done?: BackfillDone;
}

/** Compiled, beside this file in dist/, or in dist/ seen from the sources: a process has no compiler of the tests. */
const places = ['./replay-process.js', '../dist/activities/replay-process.js'];

/**
 * @param onProgress  about twice a second; when it throws, the replay ends, and that is what is thrown
 * @throws AftercareError with the process's own code and words; unavailable when it was killed
 */
export function replayInProcess(request: ReplayRequest, onProgress: (progress: ReplayProgress) => Promise<void>): Promise<ReplayResult> {
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((candidate) => existsSync(candidate));
  if (path === undefined) return Promise.reject(new AftercareError('bad_config', 'activities/replay-process.js is not built: run npm run build'));
  const child: ChildProcess = fork(path, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return new Promise<ReplayResult>((resolve, reject) => {
    child.on('message', (answer: ReplayAnswer) => {
      if (answer.type === 'done') resolve(answer.result);
      else if (answer.type === 'failed') reject(new AftercareError(answer.code, answer.message));
      else onProgress(answer.progress).catch(reject);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new AftercareError('unavailable', `the replay of shard ${request.shard} ended by itself (${signal ?? `exit code ${code}`}); it may have run out of memory`)));
    child.send(request, (error) => {
      if (error !== null) reject(error);
    });
  }).finally(async () => {
    // Gone before anybody removes its files. One that never began has no id, and does not end.
    if (child.pid === undefined) return;
    child.kill('SIGKILL');
    await exited;
  });
}
