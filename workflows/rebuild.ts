/**
 * Proof that the live states are what the stream says, shard by shard:
 *
 *   ask (sequence and hashes of the live state) -> fold the stream from nothing up to it, in a process of its own -> compare -> row
 */
import { ApplicationFailure, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Compared, RebuildActivities } from '../activities/rebuild.js';
import { checking, replaying } from './retry.js';

export interface RebuildInput {
  /** how many shards there are */
  shards: number;
  /** which of them; all when absent */
  only?: number[];
  /** events a second at most, for a machine that has other things to do */
  eventsPerSecond?: number;
}

export interface RebuildResult {
  same: boolean;
  shards: Compared[];
}

const shardsMax = 256;

const { askState, recordRebuild } = proxyActivities<RebuildActivities>(checking);
const { foldAgain } = proxyActivities<RebuildActivities>(replaying);

export async function rebuild(given: RebuildInput): Promise<RebuildResult> {
  const { shards, only, eventsPerSecond } = checked(given);
  const { workflowId, startTime } = workflowInfo();
  const compared: Compared[] = [];
  // One after the other: a state at its limit takes gigabytes.
  for (const shard of only ?? Array.from({ length: shards }, (_, n) => n)) {
    const live = await askState(shard);
    const one = await foldAgain({ shards, live, ...(eventsPerSecond !== undefined && { eventsPerSecond }) });
    await recordRebuild({ run: workflowId, atMs: startTime.getTime(), compared: one });
    compared.push(one);
  }
  return { same: compared.every(({ same }) => same), shards: compared };
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: Partial<RebuildInput> | undefined): RebuildInput {
  const { shards, only, eventsPerSecond } = given ?? {};
  if (!isWhole(shards, 1, shardsMax)) throw refused('shards', `a whole number from 1 to ${shardsMax}`, shards);
  if (only !== undefined && !(Array.isArray(only) && only.length > 0 && only.every((shard) => isWhole(shard, 0, shards - 1)))) throw refused('only', `a list of shards from 0 to ${shards - 1}`, only);
  if (eventsPerSecond !== undefined && !isWhole(eventsPerSecond, 1, 1e9)) throw refused('eventsPerSecond', 'a whole number from 1 to 1000000000', eventsPerSecond);
  return { shards, ...(only !== undefined && { only }), ...(eventsPerSecond !== undefined && { eventsPerSecond }) };
}

const isWhole = (value: unknown, minimum: number, maximum: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum;

const refused = (field: keyof RebuildInput, wanted: string, value: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`rebuild: ${field} must be ${wanted}, got ${JSON.stringify(value)}`, 'bad_request');
