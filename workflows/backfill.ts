/**
 * The same events, decided by another version of a model, into shadow tables for analysts to compare:
 *
 *   find the version's artefact -> ask a shard (settings, sequence) -> fold its stream again, from `from` on with the version -> rows
 */
import { ApplicationFailure, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { BackfillActivities, Filled } from '../activities/backfill.js';
import type { RebuildActivities } from '../activities/rebuild.js';
import { checking, replaying } from './retry.js';

export interface BackfillInput {
  /** how many shards there are; each one's stream is folded */
  shards: number;
  model: string;
  version: number;
  /** sequence of EVENTS from which the version decides; the first when absent */
  from?: number;
  /** sequence of the last message; what the shard has folded when absent */
  to?: number;
  /** events a second at most, of each shard's fold from its first event on */
  eventsPerSecond?: number;
}

export interface BackfillResult {
  /** the rows' `run` */
  run: string;
  model: string;
  version: number;
  shards: Filled[];
}

const { askState } = proxyActivities<RebuildActivities>(checking);
const { prepareBackfill } = proxyActivities<BackfillActivities>(checking);
const { fillShadow } = proxyActivities<BackfillActivities>(replaying);

export async function backfill(given: BackfillInput): Promise<BackfillResult> {
  const { shards, model, version, from = 1, to = Number.MAX_SAFE_INTEGER, eventsPerSecond } = checked(given);
  const { workflowId: run } = workflowInfo();
  const ref = await prepareBackfill({ model, version });
  const filled: Filled[] = [];
  // One after the other: a state at its limit takes gigabytes.
  for (let shard = 0; shard < shards; shard += 1) {
    const { settings, seq } = await askState(shard);
    const limit = eventsPerSecond === undefined ? {} : { eventsPerSecond };
    filled.push(await fillShadow({ run, shards, live: { shard, settings, seq }, model: ref, from, to, ...limit }));
  }
  return { run, model, version, shards: filled };
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: Partial<BackfillInput> | undefined): BackfillInput {
  const { shards, model, version, from, to, eventsPerSecond } = given ?? {};
  if (typeof model !== 'string' || !/^[a-z][a-z0-9_-]{0,23}$/.test(model)) throw refused('model', 'a name of small letters, digits, _ and -', model);
  const optional = { from: whole('from', from), to: whole('to', to), eventsPerSecond: whole('eventsPerSecond', eventsPerSecond) };
  if (optional.from !== undefined && optional.to !== undefined && optional.from > optional.to) throw refused('to', `a sequence from ${optional.from} on`, to);
  const found = { shards: whole('shards', shards, 256), version: whole('version', version) };
  if (found.shards === undefined || found.version === undefined) throw refused(found.shards === undefined ? 'shards' : 'version', 'given', undefined);
  return { shards: found.shards, model, version: found.version, ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) };
}

function whole(field: keyof BackfillInput, value: unknown, maximum = Number.MAX_SAFE_INTEGER): number | undefined {
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maximum)) return value;
  throw refused(field, `a whole number from 1 to ${maximum}`, value);
}

const refused = (field: keyof BackfillInput, wanted: string, value: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`backfill: ${field} must be ${wanted}, got ${JSON.stringify(value)}`, 'bad_request');
