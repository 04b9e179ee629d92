/**
 * The effects of the workflow `rebuild`. Each may be repeated after any crash: asking reads, a replay that was killed starts
 * from nothing again, and a row that is written again has the token of the first time.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { clickHouseRows } from '../pipelines/runtime/clickhouse.js';
import type { NatsEndpoint } from '../pipelines/runtime/jetstream/connect.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardState } from '../pipelines/runtime/serve.js';
import { differing } from '../pipelines/runtime/state-hashes.js';
import { arrowBatch } from '../schemas/arrow.js';
import { rebuildsTable, type RebuildRow } from '../schemas/ops-tables.js';
import { shardServiceSubject } from '../schemas/subjects.js';
import { withPulse } from './pulse.js';
import { replayInProcess, type ReplayProgress, type ReplayResult } from './replay-child.js';

export interface ReplayDependencies {
  nc: NatsConnection;
  clickhouse: ClickHouseClient;
  /** for processes that connect by themselves */
  nats: NatsEndpoint;
}

export interface FoldAgainInput {
  shards: number;
  live: ShardState;
  eventsPerSecond?: number;
}

export interface Compared extends Pick<ReplayResult, 'events' | 'rejects' | 'seconds' | 'gone'> {
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

export function createRebuildActivities({ nc, clickhouse, nats }: ReplayDependencies) {
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
        const replayed = await replayInProcess({ nats, shard, shards, settings, to: seq, eventsPerSecond }, (progress) => pulse.tell({ ...progress, to: seq }));
        const { events, rejects, seconds, gone } = replayed;
        const parts = differing(live.parts, replayed.parts);
        return { shard, seq, bytes: live.bytes, same: parts.length === 0, differing: parts, events, rejects, seconds, gone };
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

export type RebuildActivities = ReturnType<typeof createRebuildActivities>;
