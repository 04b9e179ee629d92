/**
 * Customers out of everything that holds something of them. They are named by their hashes: Temporal keeps inputs, and shall keep no name.
 *
 *   an event (subtract in the live models) -> wait for shard and sink -> messages -> rows -> fold the shard's stream again without
 *   them, and put that state in the live one's place -> what was sent -> receipt
 */
import { ActivityFailure, ApplicationFailure, isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { End, ForgetActivities, Removed } from '../activities/forget.js';
import { checking, replaying, writing } from './retry.js';

export interface ForgetInput {
  /** how many shards there are */
  shards: number;
  /** sha256 of each customer, as they were asked for */
  keys: string[];
  /** false: only subtract. What cannot be subtracted (weights that were learnt from all) stays until a later refold */
  refold?: boolean;
}

export interface Forgotten {
  customerSha256: string;
  shard: number;
  seq: number;
  removed: Removed[];
}

export interface ForgetResult {
  customers: Forgotten[];
  /** of the shards' states: whether each is what a rebuild gives from a stream without the customers */
  exact: boolean;
}

const { publishForget, eraseMessagesSent, recordReceipt } = proxyActivities<ForgetActivities>(checking);
const { awaitSettled, eraseFromTables, adoptState } = proxyActivities<ForgetActivities>(writing);
// NATS overwrites some fifty messages a second.
const { eraseFromStream, foldWithout } = proxyActivities<ForgetActivities>(replaying);

const keysMax = 1000;

export async function forget(given: ForgetInput): Promise<ForgetResult> {
  const { shards, keys, refold = true } = checked(given);
  const { runId, startTime } = workflowInfo();
  const atMs = startTime.getTime();
  const ends: End[] = [];
  for (const key of keys) ends.push(await publishForget({ key, shards, atMs }));
  const removed = new Map<string, Removed[]>();
  for (const end of ends) {
    await awaitSettled(end);
    const { deleted, rewritten } = await eraseFromStream(end);
    const rows = await eraseFromTables(end);
    removed.set(end.key, [
      { place: 'stream EVENTS', removed: deleted, note: 'messages of the customer alone, overwritten on the disk' },
      { place: 'stream EVENTS, shared', removed: rewritten, note: 'messages with lines of others too: overwritten, and replaced by what is left of them' },
      ...Object.entries(rows).filter(([, count]) => count > 0).map(([table, count]) => ({ place: `table ${table}`, removed: count, note: 'rows; ClickHouse removes the old parts from the disk within minutes' })),
    ]);
  }
  const states = new Map<number, Removed>();
  for (const shard of new Set(ends.map((end) => end.shard))) states.set(shard, refold ? await stateWithout(shard, shards, atMs) : subtracted('as it was asked for'));
  for (const end of ends) {
    const state = states.get(end.shard) ?? subtracted('');
    const all = [state, ...(removed.get(end.key) ?? []), ...(await eraseMessagesSent(end))];
    await recordReceipt({ run: runId, atMs, end, removed: all });
    removed.set(end.key, all);
  }
  return {
    customers: ends.map(({ key, shard, seq }) => ({ customerSha256: key, shard, seq, removed: removed.get(key) ?? [] })),
    exact: [...states.values()].every(({ place }) => place === exactly),
  };
}

const exactly = 'state, folded again';

/** Where that fails the customer is subtracted all the same, and the receipt says what is left. */
async function stateWithout(shard: number, shards: number, version: number): Promise<Removed> {
  try {
    const { ref, seq, events, gone } = await foldWithout({ shard, shards, version });
    await adoptState({ shard, ref, seq });
    const lost = gone.length === 0 ? '' : `; promotions whose artefact is gone were passed over: ${gone.join(', ')}`;
    return { place: exactly, removed: 1, note: `the shard's state is that of the ${events} events up to message ${seq} without the customer, and its older snapshots are removed${lost}` };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return subtracted(error.cause?.message ?? error.message);
  }
}

const subtracted = (why: string): Removed =>
  ({ place: 'state, subtracted', removed: 1, note: `subtracted from the live models, ${why}; sums over all customers (the weights of the risk regression, calibrations, the clock of the coupons) keep what the customer added` });

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: Partial<ForgetInput> | undefined): ForgetInput {
  const { shards, keys, refold } = given ?? {};
  if (!(typeof shards === 'number' && Number.isInteger(shards) && shards >= 1 && shards <= 256)) throw refused('shards', 'a whole number from 1 to 256', shards);
  if (!(Array.isArray(keys) && keys.length >= 1 && keys.length <= keysMax && keys.every((key) => typeof key === 'string' && /^[0-9a-f]{64}$/.test(key)))) throw refused('keys', `1 to ${keysMax} hashes of 64 hexadecimal digits`, keys);
  return { shards, keys: [...new Set(keys)], ...(refold !== undefined && { refold }) };
}

const refused = (field: keyof ForgetInput, wanted: string, value: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`forget: ${field} must be ${wanted}, got ${JSON.stringify(value)}`, 'bad_request');
