/**
 * The registry: who is champion, what was made and how it was judged, and which version shall be live. Each activity may be
 * repeated after any crash: rows carry tokens, and a promotion that is repeated finds that it has been made.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { clickHouseRows } from '../pipelines/runtime/clickhouse.js';
import { challengerOf } from '../pipelines/canary.js';
import { promote, retire } from '../pipelines/runtime/jetstream/promote.js';
import { challengedRecord, endedRecord, nobody, promotedRecord, rolledBackRecord, type Decision, type LiveRecord, type LiveVersions, type VersionRef } from '../pipelines/runtime/live-versions.js';
import { arrowBatch } from '../schemas/arrow.js';
import type { Table } from '../schemas/columns.js';
import { AftercareError } from '../schemas/errors.js';
import { evaluationsTable, modelsTable, trainingRunsTable, type TrainingRunRow } from '../schemas/model-tables.js';
import { cardOf } from './card.js';
import { asking, type DataSet } from './cut.js';
import { withPulse } from './pulse.js';
import { recipeOf } from './recipes/index.js';
import type { Champion, TrainedModel, Verdict } from './train.js';

/** Of the model and its rivals, what a promotion is decided on. */
export interface Standing {
  /** of each record, by model: a promotion is refused when one has changed */
  revisions: Record<string, number>;
  champion?: Champion;
}

export interface RegisterInput {
  model: string;
  version: number;
  run: string;
  /** of the rows: the workflow's clock */
  atMs: number;
  ref: ArtefactRef;
  data?: DataSet;
  trained: TrainedModel;
  verdict?: Verdict;
}

export interface GoLiveInput {
  model: string;
  shards: number;
  /** a version; `before`: what was live before the version that is; of a challenger also `none` */
  to: VersionRef | 'before' | 'none';
  /** refused where one of the records has another revision. Absent: whatever they are. */
  revisions?: Record<string, number>;
  /** refused where another version is live, or another one is the challenger */
  instead?: number;
  /** present: it is about the model's challenger, and what is live stays */
  challenger?: {
    /** of the customers for whom it decides; 0: it only scores */
    percent: number;
  };
  /** when it was decided: the same in every attempt */
  atMs: number;
  by: string;
  reason: string;
}

export interface WentLive {
  /** absent: none, it was retired, and what decided before its first version decides */
  live?: VersionRef;
  /** that was live before, or the challenger that ended; absent: none */
  instead?: VersionRef;
  /** the challenger that is none any more, as it went live itself */
  ended?: VersionRef;
  /** sequences of EVENTS from which each shard decides by it */
  seqs: number[];
}

export interface RegistryDependencies {
  nc: NatsConnection;
  clickhouse: ClickHouseClient;
  artefacts: Artefacts;
  liveVersions: LiveVersions;
}

/** The type of the failure when somebody else was first. */
export const championChanged = 'champion_changed';

export function createRegistryActivities({ nc, clickhouse, artefacts, liveVersions }: RegistryDependencies) {
  const rows = clickHouseRows(clickhouse);
  const insert = async <Row>(table: Table<Row>, token: string, all: readonly Row[]): Promise<void> => {
    const batch = arrowBatch(table);
    for (const row of all) batch.push(row);
    await rows.insert(table.name, table.columns.map(({ name }) => name), batch.finish(), token);
  };
  /** What was promoted before there were records, and challengers before they were in them, are found in the table of promotions. */
  const read = async (model: string) => {
    const { record, revision } = await liveVersions.read(model);
    const own = revision === 0 ? await recordOf(clickhouse, model) : record;
    if (own.challenger !== undefined || own.ended !== undefined) return { record: own, revision };
    const challenger = await lastPromoted(clickhouse, challengerOf(model));
    return { record: challenger === undefined ? own : { ...own, challenger: { ...challenger, atMs: 0, by: '', reason: '' } }, revision };
  };
  return {
    standing({ model }: { model: string }): Promise<Standing> {
      return withPulse({}, async () => {
        const found = await Promise.all(rivalsOf(model).map(async (name) => ({ name, ...(await read(name)) })));
        const revisions = Object.fromEntries(found.map(({ name, revision }) => [name, revision]));
        const [latest] = found.filter(({ record }) => record.live !== undefined).sort((a, b) => b.record.atMs - a.record.atMs);
        if (latest?.record.live === undefined) return { revisions };
        const ref = { name: latest.name, ...latest.record.live };
        return { revisions, champion: { ref, trainedToMs: await trainedTo(clickhouse, ref) } };
      });
    },

    recordRun(row: TrainingRunRow): Promise<void> {
      return withPulse({}, () => insert(trainingRunsTable, `training_runs:${row.run}:${row.step}:${row.atMs}`, [row]));
    },

    /** The version with its card, and how it was judged. */
    registerModel({ model, version, run, atMs, ref, data, trained, verdict }: RegisterInput): Promise<void> {
      return withPulse({}, async () => {
        const judged = { model, version, atMs, run, champion: verdict?.champion ?? '' };
        if (verdict !== undefined) await insert(evaluationsTable, `evaluations:${model}:${version}`, [
          ...verdict.metrics.map(({ name, challenger, champion }) => ({
            ...judged, kind: 'metric' as const, name, slice: '', value: challenger ?? NaN, championValue: champion ?? NaN, low: NaN, high: NaN, relation: '' as const, limit: NaN, passed: true, rows: verdict.rows,
          })),
          ...verdict.checks.map(({ value, low, high, ...check }) => ({ ...judged, kind: 'check' as const, ...check, value: value ?? NaN, championValue: NaN, low: low ?? NaN, high: high ?? NaN })),
        ]);
        const card = cardOf({ model, card: recipeOf(model).card }, version, { trained, ...(data !== undefined && { data }), ...(verdict !== undefined && { verdict }) });
        await insert(modelsTable, `models:${model}:${version}`, [{
          model, version, atMs, sha256: ref.sha256, bytes: ref.bytes, run,
          dataSha256: data?.ref.sha256 ?? '', dataBytes: data?.ref.bytes ?? 0, dataRows: data?.rows ?? 0, dataFromMs: data?.fromMs ?? 0, dataToMs: data?.toMs ?? 0, dataSeq: data?.seq ?? 0,
          trainedRows: trained.rows, trainedToMs: trained.toMs, epochs: trained.epochs, seconds: trained.seconds, card,
        }]);
      });
    },

    /** @returns the version's reference. @throws bad_request where it was never registered */
    findVersion({ model, version }: { model: string; version: number }): Promise<VersionRef> {
      return withPulse({}, async () => {
        const [found] = await query<VersionRef>(clickhouse, 'models', 'SELECT version, sha256, bytes FROM models WHERE model = {model:String} AND version = {version:UInt64} ORDER BY at DESC LIMIT 1', { model, version });
        if (found === undefined) throw new AftercareError('bad_request', `${model} has no version ${version}; "aftercare models --model ${model}" lists them`);
        return found;
      });
    },

    /** Compare-and-set, and then the event for each shard. */
    goLive(input: GoLiveInput): Promise<WentLive> {
      return withPulse({}, async () => {
        const { model, challenger } = input;
        const { record, revision } = await read(model);
        // An earlier attempt has written it, and perhaps died before every shard was told.
        const mine = revision > 0 && isOf(input, record);
        const next = mine ? record : await decide(input, record, revision, read);
        if (!mine) {
          // Before the record: what is not there any more must not be meant.
          if (challenger !== undefined) await place(artefacts, model, next);
          else if (next.live !== undefined) await artefacts.keep({ name: model, ...next.live });
          await liveVersions.write(model, next, revision).catch((error: unknown) => {
            throw error instanceof AftercareError && error.code === 'fenced' ? changed(model, 'what is live of it has changed meanwhile') : error;
          });
        }
        return challenger === undefined ? tell(input, next) : tellChallenger(input, next);
      });
    },
  };

  async function tell({ model, shards, atMs }: GoLiveInput, { live, instead, ended }: LiveRecord): Promise<WentLive> {
    const { seqs } = live === undefined
      ? await retire(nc, shards, { model, version: instead?.version ?? 0, atMs })
      : await promote(nc, artefacts, shards, { ref: { name: model, ...live }, atMs });
    const gone = ended?.atMs === atMs ? ended : undefined;
    if (gone !== undefined) await retire(nc, shards, { model: challengerOf(model), version: gone.version, atMs });
    return { ...(live !== undefined && { live }), ...(instead !== undefined && { instead }), ...(gone !== undefined && { ended: refOf(gone) }), seqs };
  }

  async function tellChallenger({ model, shards, atMs, to }: GoLiveInput, { challenger, ended }: LiveRecord): Promise<WentLive> {
    const name = challengerOf(model);
    if (to === 'none') {
      const { seqs } = await retire(nc, shards, { model: name, version: ended?.version ?? 0, atMs });
      return { ...(ended !== undefined && { instead: refOf(ended) }), seqs };
    }
    if (challenger === undefined) throw changed(model, 'its challenger has ended meanwhile');
    const { seqs } = await promote(nc, artefacts, shards, { ref: { name, ...refOf(challenger) }, atMs, percent: challenger.percent });
    return { live: refOf(challenger), seqs };
  }
}

export type RegistryActivities = ReturnType<typeof createRegistryActivities>;

const changed = (model: string, what: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`${model}: ${what}; what was decided on another champion does not count, start it again`, championChanged);

/** Models of which the one promoted last decides. */
const rivalsOf = (model: string): readonly string[] => recipeOf(model).rivals;

type Read = (model: string) => Promise<{ record: LiveRecord; revision: number }>;

const refOf = ({ version, sha256, bytes }: VersionRef): VersionRef => ({ version, sha256, bytes });

/** Whether the record is what this very decision made of it. */
function isOf({ challenger, to, atMs, by, reason }: GoLiveInput, record: LiveRecord): boolean {
  const made = challenger === undefined ? record : to === 'none' ? record.ended : record.challenger;
  return made !== undefined && made.atMs === atMs && made.by === by && made.reason === reason;
}

/** The challenger's bytes under its own name: a promotion finds its artefact by the model's. */
async function place(artefacts: Artefacts, model: string, { challenger }: LiveRecord): Promise<void> {
  if (challenger === undefined) return;
  const ref = refOf(challenger);
  const beside = { name: challengerOf(model), ...ref };
  const there = (await artefacts.list(beside.name)).some(({ version, sha256 }) => version === ref.version && sha256 === ref.sha256);
  if (!there) await artefacts.put(beside.name, ref.version, await artefacts.load({ name: model, ...ref }));
  await artefacts.keep(beside);
}

/** @returns the record that shall be. @throws champion_changed; bad_request where there is nothing to roll back or to end */
async function decide({ model, to, revisions, instead, challenger, atMs, by, reason }: GoLiveInput, record: LiveRecord, revision: number, read: Read): Promise<LiveRecord> {
  for (const [name, wanted] of Object.entries(revisions ?? {})) {
    const found = name === model ? revision : (await read(name)).revision;
    if (found !== wanted) throw changed(model, `what is live of ${name} has changed meanwhile`);
  }
  const why = { atMs, by, reason };
  if (challenger !== undefined) return decideChallenger({ model, to, instead, percent: challenger.percent }, record, why);
  if (instead !== undefined && record.live?.version !== instead) throw changed(model, `version ${record.live?.version ?? 'none'} is live, not ${instead}`);
  if (to === 'none') throw new AftercareError('bad_request', `${model}: only a challenger can be none; a live version is rolled back`);
  if (to !== 'before') return promotedRecord(record, to, why);
  if (record.live === undefined) throw new AftercareError('bad_request', `${model} has no live version to roll back`);
  return rolledBackRecord(record, why);
}

function decideChallenger({ model, to, instead, percent }: Pick<GoLiveInput, 'model' | 'to'> & { instead: number | undefined; percent: number }, record: LiveRecord, why: Decision): LiveRecord {
  const known = record.challenger?.version;
  if (instead !== undefined && known !== instead) throw changed(model, `version ${known ?? 'none'} is its challenger, not ${instead}`);
  if (to === 'before') throw new AftercareError('bad_request', `${model}: a challenger has none before it; name a version, or end it`);
  if (to === 'none') {
    if (known === undefined) throw new AftercareError('bad_request', `${model} has no challenger to end`);
    return endedRecord(record, why);
  }
  if (record.live?.version === to.version) throw new AftercareError('bad_request', `${model} ${to.version} is live: it cannot challenge itself`);
  return challengedRecord(record, to, percent, why);
}

async function query<Row>(clickhouse: ClickHouseClient, what: string, text: string, parameters: Record<string, unknown>): Promise<Row[]> {
  return asking(what, async () => {
    const result = await clickhouse.query({ query: text, query_params: parameters, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return result.json<Row>();
  });
}

/** Of a version that went live without a record: by an older program, or by hand on the stream. */
async function recordOf(clickhouse: ClickHouseClient, model: string): Promise<LiveRecord> {
  const live = await lastPromoted(clickhouse, model);
  return live === undefined ? nobody : { ...nobody, live: refOf(live) };
}

/** What shards have made live last, unless it has stepped aside. */
async function lastPromoted(clickhouse: ClickHouseClient, model: string): Promise<(VersionRef & { percent: number }) | undefined> {
  const [last] = await query<VersionRef & { percent: number; outcome: string }>(clickhouse, 'promotions', `SELECT version, sha256, bytes, percent, outcome FROM promotions WHERE model = {model:String} AND outcome IN ('live', 'retired') ORDER BY seq DESC LIMIT 1`, { model });
  return last === undefined || last.outcome === 'retired' ? undefined : { ...refOf(last), percent: last.percent };
}

/** One that was never registered has seen no more than what there was when it was made: its version is that moment. */
async function trainedTo(clickhouse: ClickHouseClient, { name, version }: ArtefactRef): Promise<number> {
  const [found] = await query<{ ms: number }>(clickhouse, 'models', 'SELECT toUnixTimestamp64Milli(trained_to) AS ms FROM models WHERE model = {name:String} AND version = {version:UInt64} LIMIT 1', { name, version });
  return found?.ms ?? version;
}
