/**
 * The effects of the workflow `forget`. Each may be repeated after any crash: what is gone is passed over, and counts that were
 * taken before are in the heartbeat. The customer's name is looked up by its hash; Temporal never sees it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import { jetstream } from '@nats-io/jetstream';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { clickHouseRows } from '../pipelines/runtime/clickhouse.js';
import { jetstreamCommits } from '../pipelines/runtime/jetstream/commits.js';
import { jetstreamForgotten, type Forgotten } from '../pipelines/runtime/jetstream/forgotten.js';
import { jetstreamLog } from '../pipelines/runtime/jetstream/log.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardState, ShardStatus } from '../pipelines/runtime/serve.js';
import type { SinkProgress } from '../pipelines/runtime/sinks.js';
import { arrowBatch } from '../schemas/arrow.js';
import { checkEvent } from '../schemas/decode.js';
import { AftercareError } from '../schemas/errors.js';
import { forgetReceiptsTable, type ForgetReceiptRow } from '../schemas/ops-tables.js';
import { eventSubject, partitionOf, shardServiceSubject, streams } from '../schemas/subjects.js';
import { eraseCommits, eraseDecisions, eraseLetters, eraseMessages, messagesOf, type ErasedMessages } from './erase-messages.js';
import { countRows, eraseRows } from './erase-rows.js';
import { cutArtefact } from './cut.js';
import { withPulse } from './pulse.js';
import { recipes } from './recipes/index.js';
import { replayInProcess, type ReplayProgress } from './replay-child.js';
import type { RebuildDependencies } from './rebuild.js';
import { dropAllStops } from './replay-stops.js';

export interface ForgetDependencies extends RebuildDependencies {
  artefacts: Artefacts;
}

export interface Asked {
  /** sha256 of the customer */
  key: string;
  shards: number;
  /** start of the run: the same in every attempt */
  atMs: number;
}

/** Where the customer ends. */
export interface End {
  key: string;
  shard: number;
  /** sequence of EVENTS of the event that takes the customer back */
  seq: number;
}

export interface Removed {
  /** `table events`, `stream EVENTS`, ... */
  place: string;
  removed: number;
  note: string;
}

const timeoutMs = 10_000;
const pollMs = 50;
const stateTimeoutMs = 120_000;

export function createForgetActivities(dependencies: ForgetDependencies) {
  const { nc, clickhouse, artefacts, stops } = dependencies;
  const rows = clickHouseRows(clickhouse);
  let opened: Promise<Forgotten> | undefined;
  const forgotten = (): Promise<Forgotten> => (opened ??= jetstreamForgotten(nc, 1));
  const nameOf = async (key: string): Promise<string> => {
    const name = await (await forgotten()).nameOf(key);
    if (name === undefined) throw new AftercareError('bad_request', `forget: nobody is asked for by ${key}; start it with "aftercare forget <customer>"`);
    return name;
  };
  return {
    /** The event that subtracts the customer from the live models. A repeat is dropped by its id, and would subtract nothing. */
    publishForget({ key, shards, atMs }: Asked): Promise<End> {
      return withPulse({}, async () => {
        const customer = await nameOf(key);
        const event = { v: 1, type: 'control', id: `forget-${atMs.toString(36)}-${key.slice(0, 12)}`, customer, atMs, command: 'forget' };
        const checked = checkEvent(event);
        if ('error' in checked) throw new AftercareError('bad_request', `forget: ${checked.error}`);
        const { seq } = await jetstream(nc, { timeout: timeoutMs }).publish(eventSubject('control', customer), Buffer.from(JSON.stringify(event)), { msgID: event.id, timeout: timeoutMs });
        return { key, shard: partitionOf(customer, shards), seq };
      });
    },

    /**
     * Until the shard has folded and committed the event and keeps a snapshot from behind it, and the sink has stored everything up
     * to there: it would bring rows back otherwise.
     */
    awaitSettled({ shard, seq }: End): Promise<void> {
      return withPulse({}, async (pulse) => {
        const until = async (what: string, reached: () => Promise<boolean>): Promise<void> => {
          while (!(await reached())) {
            await pulse.tell({ waiting: what });
            await delay(pollMs);
          }
        };
        const status = () => requestService<ShardStatus>(nc, shardServiceSubject(shard, 'status'), {}, timeoutMs);
        const sink = () => requestService<SinkProgress>(nc, 'aftercare.sink.status', {}, timeoutMs);
        await until('for the shard', async () => (await status()).committedTo >= seq);
        const out = await jetstreamLog(nc, streams.out).lastSeq();
        await until('for the sink', async () => { const { eventsSeq, outSeq } = await sink(); return eventsSeq >= seq && outSeq >= out; });
        // What the sink has recalled for verdicts of the customer is behind the event.
        const last = await jetstreamLog(nc, streams.events).lastSeq();
        await until('for what was recalled', async () => (await sink()).eventsSeq >= last);
        await requestService<ShardState>(nc, shardServiceSubject(shard, 'state'), {}, stateTimeoutMs); // takes a snapshot
        await until('for a snapshot', async () => (await status()).snapshotSeq >= seq);
        await (await forgotten()).raiseFloor(shard, seq);
      });
    },

    /** Before the rows go: they tell in which messages the customer occurs. */
    eraseFromStream({ key, seq }: End): Promise<ErasedMessages> {
      return withPulse<{ seq: number; to: number }, ErasedMessages>({ seq: 0, to: 0 }, async (pulse) => {
        const customer = await nameOf(key);
        const messages = await messagesOf(clickhouse, customer, seq);
        return eraseMessages(nc, customer, messages, (done) => pulse.tell({ seq: done, to: messages.length }));
      });
    },

    /** @returns rows by table, as they were counted by the first attempt */
    eraseFromTables({ key, seq }: End): Promise<Record<string, number>> {
      const { counts } = (activityInfo().heartbeatDetails ?? {}) as { counts?: Record<string, number> };
      return withPulse<{ counts?: Record<string, number> }, Record<string, number>>({ ...(counts !== undefined && { counts }) }, async (pulse) => {
        const customer = await nameOf(key);
        const now = await countRows(clickhouse, customer, seq);
        const first = counts ?? now;
        await pulse.tell({ counts: first });
        for (const [table, count] of Object.entries(now)) if (count > 0) await eraseRows(clickhouse, table, customer, seq);
        return first;
      });
    },

    ...stateActivities(dependencies, forgotten),

    /** Coupons, replies and alerts that were sent, dead letters, and commits that are stored. */
    eraseMessagesSent({ key, shard }: End): Promise<Removed[]> {
      return withPulse({}, async () => {
        const customer = await nameOf(key);
        const { promoted } = await requestService<ShardStatus>(nc, shardServiceSubject(shard, 'status'), {}, timeoutMs);
        const models = Object.entries(promoted).map(([model, version]) => `${model} ${version}`);
        const { outSeq } = await requestService<SinkProgress>(nc, 'aftercare.sink.status', {}, timeoutMs);
        const newest = (await jetstreamCommits(nc).last(shard))?.seq ?? 0;
        return [
          { place: `stream ${streams.decisions}`, removed: await eraseDecisions(nc, customer), note: 'coupons, replies and alerts' },
          { place: `stream ${streams.dlq}`, removed: await eraseLetters(nc, customer), note: 'dead letters that name the customer' },
          { place: `stream ${streams.out}`, removed: await eraseCommits(nc, shard, outSeq, newest, customer), note: 'commits that name the customer; those that the sink has dropped before leave their bytes to NATS, which reuses the space' },
          { place: 'replays', removed: await dropAllStops(stops), note: 'states that rebuilds have put down on this machine; other machines remove theirs when the rebuild ends, or a day later' },
          { place: 'data sets', removed: await dropCuts(), note: 'cuts of retraining, whoever they are of; what is trained from here on is without the customer' },
          ...(models.length === 0 ? [] : [{ place: 'models', removed: 0, note: `trained before, so the next retrain is the first without the customer: ${models.join(', ')}` }]),
        ];
      });
    },

    recordReceipt({ run, atMs, end, removed }: { run: string; atMs: number; end: End; removed: Removed[] }): Promise<void> {
      return withPulse({}, async () => {
        const batch = arrowBatch(forgetReceiptsTable);
        for (const one of removed) batch.push({ run, atMs, ...end, ...one } satisfies ForgetReceiptRow);
        await rows.insert(forgetReceiptsTable.name, forgetReceiptsTable.columns.map(({ name }) => name), batch.finish(), `${forgetReceiptsTable.name}:${run}:${end.key}`);
        await (await forgotten()).done(end.key, { shard: end.shard, seq: end.seq, atMs });
      });
    },
  };

  /** A training that is under way loses its data, and has to: it would learn from the customer. */
  async function dropCuts(): Promise<number> {
    let dropped = 0;
    for (const model of Object.keys(recipes)) {
      for (const { name, version } of await artefacts.list(cutArtefact(model))) {
        await artefacts.drop(name, version);
        dropped += 1;
      }
    }
    return dropped;
  }
}

/** The shard's own state, made again. */
function stateActivities({ nc, nats, artefacts }: ForgetDependencies, forgotten: () => Promise<Forgotten>) {
  return {
    /** Folds the stream again, in which the customer is no longer, and leaves the state for the shard. */
    foldWithout({ shard, shards, version }: { shard: number; shards: number; version: number }): Promise<{ ref: ArtefactRef; seq: number; events: number; gone: string[] }> {
      return withPulse<ReplayProgress & { to: number }, { ref: ArtefactRef; seq: number; events: number; gone: string[] }>({ seq: 0, events: 0, to: 0 }, async (pulse) => {
        const { settings, seq: to } = await requestService<ShardState>(nc, shardServiceSubject(shard, 'state'), {}, stateTimeoutMs);
        const request = { nats, shard, shards, settings, to, keepAs: { name: stateName(shard), version } };
        const { ref, seq, events, gone } = await replayInProcess(request, (progress) => pulse.tell({ ...progress, to }));
        if (ref === undefined) throw new AftercareError('unavailable', `the replay of shard ${shard} left no state`);
        // Nothing may have come between the last message that is left and the last one folded: the state holds for all of it.
        return { ref, seq: Math.max(seq, to), events, gone };
      });
    },

    /** The state becomes the shard's; older snapshots are removed. */
    adoptState({ shard, ref, seq }: { shard: number; ref: ArtefactRef; seq: number }): Promise<void> {
      return withPulse({}, async () => {
        await (await forgotten()).raiseFloor(shard, seq);
        await requestService(nc, shardServiceSubject(shard, 'adopt'), { ref: { name: ref.name, version: ref.version, sha256: ref.sha256, bytes: ref.bytes }, seq }, stateTimeoutMs);
        await artefacts.drop(ref.name, ref.version);
      });
    },
  };
}

/** Of the artefact that holds a shard's state on its way. */
const stateName = (shard: number): string => `state-${shard}`;

export type ForgetActivities = ReturnType<typeof createForgetActivities>;
