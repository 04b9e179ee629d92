/**
 * The effects of the workflow `rebuild`. Each may be repeated after any crash: asking reads, a replay that was killed goes on
 * from where it last put its state down (replay-stops.ts), and a row that is written again has the token of the first time.
 */
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { clickHouseRows } from '../pipelines/runtime/clickhouse.js';
import type { NatsEndpoint } from '../pipelines/runtime/jetstream/connect.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardState } from '../pipelines/runtime/serve.js';
import { differing } from '../pipelines/runtime/state-hashes.js';
import { arrowBatch } from '../schemas/arrow.js';
import { rebuildsTable, type RebuildRow } from '../schemas/ops-tables.js';
import { AftercareError } from '../schemas/errors.js';
import { shardServiceSubject } from '../schemas/subjects.js';
import { withPulse } from './pulse.js';
import { replayInProcess, type ReplayProgress, type ReplayResult } from './replay-child.js';
import { dropStops, sweepStops } from './replay-stops.js';

export interface ReplayDependencies {
  nc: NatsConnection;
  clickhouse: ClickHouseClient;
  /** for processes that connect by themselves */
  nats: NatsEndpoint;
}

export interface RebuildDependencies extends ReplayDependencies {
  /** folder of this machine in which replays put their states down */
  stops: string;
}

export interface FoldAgainInput {
  shards: number;
  live: ShardState;
  eventsPerSecond?: number;
}

export interface Compared extends Pick<ReplayResult, 'events' | 'rejects' | 'seconds' | 'gone' | 'resumedAt'> {
  shard: number;
  seq: number;
  /** bytes of the live state's snapshot */
  bytes: number;
  same: boolean;
  /** names of the parts that differ, such as recommend.sessions */
  differing: string[];
}

/** A shard that is saving a large state answers late: it hashes a gigabyte in two seconds, and others want its loop too. */
const stateTimeoutMs = 120_000;

export function createRebuildActivities({ nc, clickhouse, nats, stops }: RebuildDependencies) {
  const rows = clickHouseRows(clickhouse);
  return {
    /** The live shard's sequence, hashes and settings: what the whole run compares with, in every attempt. */
    askState(shard: number): Promise<ShardState> {
      return withPulse({}, () => requestService<ShardState>(nc, shardServiceSubject(shard, 'state'), {}, stateTimeoutMs));
    },

    /** Folds the shard's stream from nothing up to the sequence that it told, and compares. */
    foldAgain({ shards, live, eventsPerSecond }: FoldAgainInput): Promise<Compared> {
      return withPulse<ReplayProgress & { to: number }, Compared>({ seq: 0, events: 0, to: live.seq }, async (pulse) => {
        const { shard, settings, seq } = live;
        const stopsIn = join(stops, activityInfo().workflowExecution?.runId ?? 'by-itself');
        await sweepStops(stops, Date.now());
        const replayed = await replayInProcess({ nats, shard, shards, settings, to: seq, eventsPerSecond, stopsIn }, (progress) => pulse.tell({ ...progress, to: seq }))
          .catch(async (error: unknown) => {
            if (nobodyComesBack(error)) await dropStops(stopsIn);
            throw error;
          });
        await dropStops(stopsIn);
        const { events, rejects, seconds, gone, resumedAt } = replayed;
        const parts = differing(live.parts, replayed.parts);
        return { shard, seq, bytes: live.bytes, same: parts.length === 0, differing: parts, events, rejects, seconds, gone, resumedAt };
      });
    },

    recordRebuild({ run, atMs, compared }: { run: string; atMs: number; compared: Compared }): Promise<void> {
      return withPulse({}, async () => {
        const batch = arrowBatch(rebuildsTable);
        const row: RebuildRow = { run, atMs, ...compared };
        batch.push(row);
        await rows.insert(rebuildsTable.name, rebuildsTable.columns.map(({ name }) => name), batch.finish(), `${rebuildsTable.name}:${run}:${compared.shard}`);
      });
    },
  };
}

/** Cancelled, or the workflow is gone; a worker that stops is followed by another one. */
const nobodyComesBack = (error: unknown): boolean => error instanceof CancelledFailure ? ['CANCELLED', 'NOT_FOUND'].includes(error.message) : error instanceof AftercareError && error.disposition === 'poison';

export type RebuildActivities = ReturnType<typeof createRebuildActivities>;
