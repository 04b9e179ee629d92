/**
 * The effects of the workflow `backfill`. A replay that was killed goes on where its rows ended: its heartbeat says where, and what
 * it inserts again ClickHouse knows.
 */
import { activityInfo } from '@temporalio/activity';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import type { ClickHouseEndpoint } from '../pipelines/runtime/clickhouse.js';
import { decisionTables } from '../pipelines/runtime/collectors.js';
import type { ShardState } from '../pipelines/runtime/serve.js';
import { AftercareError } from '../schemas/errors.js';
import { ensureShadow } from '../schemas/shadow-tables.js';
import type { BackfillDone } from './backfill-run.js';
import { withPulse } from './pulse.js';
import type { ReplayDependencies } from './rebuild.js';
import { recipes } from './recipes/index.js';
import { replayInProcess, type ReplayProgress } from './replay-child.js';

export interface BackfillDependencies extends ReplayDependencies {
  artefacts: Artefacts;
  /** for processes that connect by themselves */
  store: ClickHouseEndpoint;
}

export interface FillInput {
  run: string;
  shards: number;
  live: Pick<ShardState, 'shard' | 'settings' | 'seq'>;
  model: ArtefactRef;
  from: number;
  to: number;
  eventsPerSecond?: number;
}

export interface Filled {
  shard: number;
  from: number;
  to: number;
  events: number;
  seconds: number;
  /** of each shadow table */
  rows: Record<string, number>;
  /** see `ReplayResult` */
  gone: string[];
}

export function createBackfillActivities({ clickhouse, artefacts, nats, store }: BackfillDependencies) {
  return {
    /** The version's artefact, and tables for what it decides. */
    prepareBackfill({ model, version }: { model: string; version: number }): Promise<ArtefactRef> {
      return withPulse({}, async () => {
        const versions = await artefacts.list(model);
        const found = versions.find((ref) => ref.version === version);
        if (found === undefined) throw new AftercareError('bad_request', `${model} has no artefact of version ${version}; there are ${versions.map((ref) => ref.version).join(', ') || 'none'}`);
        for (const statement of decisionTables.flatMap(ensureShadow)) await clickhouse.command({ query: statement });
        return found;
      });
    },

    /** Folds a shard's stream again, and from `from` on with the model. */
    fillShadow({ run, shards, live, model, from, to, eventsPerSecond }: FillInput): Promise<Filled> {
      const { done } = (activityInfo().heartbeatDetails ?? {}) as { done?: BackfillDone };
      type Told = ReplayProgress & { to: number };
      return withPulse<Told, Filled>({ seq: 0, events: 0, to, ...(done !== undefined && { done }) }, async (pulse) => {
        const { shard, settings } = live;
        const end = Math.min(to, live.seq);
        const rivals = Object.hasOwn(recipes, model.name) ? recipes[model.name].rivals : [];
        const backfill = { run, from, model, instead: [model.name, ...rivals], done, clickhouse: store };
        const { events, seconds, rows = {}, gone } = await replayInProcess({ nats, shard, shards, settings, to: end, eventsPerSecond, backfill }, (progress) => pulse.tell({ ...progress, to: end }));
        return { shard, from, to: end, events, seconds, rows, gone };
      });
    },
  };
}

export type BackfillActivities = ReturnType<typeof createBackfillActivities>;
