/** The data set of a training: which events it may know, and its rows as an Arrow artefact. Both may be repeated after any crash. */
import type { Readable } from 'node:stream';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { RecordBatchReader } from 'apache-arrow';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardStatus } from '../pipelines/runtime/serve.js';
import type { SinkProgress } from '../pipelines/runtime/sinks.js';
import { positionOf } from '../schemas/decode.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { limits } from '../schemas/limits.js';
import { shardFilter, shardServiceSubject, streams } from '../schemas/subjects.js';
import { createCutWriter } from './arrow-cut.js';
import { withPulse } from './pulse.js';
import { recipeOf } from './recipes/index.js';
import { atColumn, type RecipeSettings } from './recipes/recipe.js';

/** What a data set may know, for ever: rows of later events do not change it. */
export interface CutPosition {
  /** position of the newest event, see `positionOf` */
  seq: number;
  /** time of the newest event, milliseconds since 1970, no later than it was received */
  asOfMs: number;
}

export interface CutInput extends CutPosition {
  model: string;
  /** of the artefact: the run's */
  version: number;
  settings?: RecipeSettings;
}

export interface DataSet extends CutPosition {
  ref: ArtefactRef;
  rows: number;
  /** of the first and the last row; 0 without rows */
  fromMs: number;
  toMs: number;
}

export interface CutDependencies {
  nc: NatsConnection;
  clickhouse: ClickHouseClient;
  artefacts: Artefacts;
}

/** What is on its way into ClickHouse arrives within a second; a sink that is away comes back within a lease. */
const storedPatienceMs = 60_000;
const pollMs = 50;

export const cutArtefact = (model: string): string => `cut-${model}`;

export function createCutActivities({ nc, clickhouse, artefacts }: CutDependencies) {
  return {
    /** The newest event of all whose rows and decisions are all in ClickHouse. */
    cutPosition({ shards }: { shards: number }): Promise<CutPosition> {
      return withPulse({}, async () => {
        const seq = await everythingStored(nc, shards);
        return { seq, asOfMs: await timeOf(clickhouse, seq) };
      });
    },

    cutData({ model, version, settings, seq, asOfMs }: CutInput): Promise<DataSet> {
      return withPulse({ rows: 0 }, async (pulse) => {
        const { plan } = recipeOf(model);
        const writer = createCutWriter(plan.columns);
        const rows = await ask(clickhouse, model, { ...plan.settings, ...settings, seq, asOf: asOfMs });
        const span = { fromMs: 0, toMs: 0 };
        async function* parts(): AsyncGenerator<Uint8Array> {
          for await (const batch of await RecordBatchReader.from(rows)) {
            const times = batch.getChild(atColumn);
            if (batch.numRows === 0 || times === null) continue;
            if (writer.rows === 0) span.fromMs = Number(times.get(0));
            span.toMs = Number(times.get(batch.numRows - 1));
            yield* writer.push(batch);
            await pulse.tell({ rows: writer.rows });
          }
          yield* writer.end();
        }
        const ref = await artefacts.put(cutArtefact(model), version, parts());
        return { ref, rows: writer.rows, ...span, seq, asOfMs };
      });
    },
  };
}

export type CutActivities = ReturnType<typeof createCutActivities>;

/**
 * Waits until the events that are there now are folded, committed and stored.
 * @returns the last position that they may have. @throws AftercareError unavailable when that takes too long
 */
async function everythingStored(nc: NatsConnection, shards: number): Promise<number> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const last = (await jsm.streams.info(streams.events)).state.last_seq;
  const until = performance.now() + storedPatienceMs;
  const wait = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) {
      if (performance.now() > until) throw new AftercareError('unavailable', `cut: ${what} within a minute; see "aftercare status"`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  };
  for (let shard = 0; shard < shards; shard += 1) {
    const own = await lastOf(jsm, shard, last);
    await wait(`shard ${shard} has not committed sequence ${own}`, async () => {
      const status = await requestService<ShardStatus>(nc, shardServiceSubject(shard, 'status'), {}, 2000).catch(() => undefined);
      return (status?.committedTo ?? 0) >= own;
    });
  }
  const committed = (await jsm.streams.info(streams.out)).state.last_seq;
  await wait(`the sink has not stored event ${last} and commit ${committed}`, async () => {
    const status = await requestService<SinkProgress>(nc, 'aftercare.sink.status', {}, 2000).catch(() => undefined);
    return status !== undefined && status.eventsSeq >= last && status.outSeq >= committed;
  });
  return positionOf(last, limits.envelopeEventsMax);
}

/** Sequence of the shard's newest message, no later than `most`; a later one is as good, and comes of itself. */
async function lastOf(jsm: JetStreamManager, shard: number, most: number): Promise<number> {
  const found = await jsm.streams.getMessage(streams.events, { last_by_subj: shardFilter(shard) });
  return Math.min(found?.seq ?? 0, most);
}

async function timeOf(clickhouse: ClickHouseClient, seq: number): Promise<number> {
  const query = 'SELECT toUnixTimestamp64Milli(max(least(at, received_at))) AS ms FROM events WHERE seq <= {seq:UInt64}';
  const rows = await asking('events', async () => {
    const result = await clickhouse.query({ query, query_params: { seq }, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return result.json<{ ms: number }>();
  });
  return rows[0].ms;
}

/** The rows as ClickHouse's own Arrow stream. */
async function ask(clickhouse: ClickHouseClient, model: string, parameters: Record<string, unknown>): Promise<Readable> {
  const { plan } = recipeOf(model);
  return asking(`the data set of ${model}`, async () => {
    const { stream } = await clickhouse.exec({
      query: `${plan.query}\nFORMAT ArrowStream`,
      query_params: { ...plan.parameters, ...parameters, most: plan.rowsMax },
      clickhouse_settings: {
        wait_end_of_query: 1, // an error in the middle would otherwise look like the end of the rows
        output_format_arrow_string_as_string: 1, output_format_arrow_low_cardinality_as_dictionary: 0, output_format_arrow_compression_method: 'none',
      },
    });
    return stream;
  });
}

export async function asking<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof ClickHouseError ? 'refused' : 'unavailable';
    throw new AftercareError(code, `ClickHouse: reading ${what}: ${messageOf(error)}`, { cause: error });
  }
}
