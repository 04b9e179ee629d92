/**
 * The factorisation of what customers did, and its switch to live in every shard:
 *
 *   cut (up to which event) -> factorise (ClickHouse -> artefact) -> check -> promote (an event on the stream of each shard)
 */
import { ApplicationFailure, patched, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SvdActivities } from '../activities/refresh-svd.js';
import { admit, standingOf } from './admit.js';
import { checking, collecting } from './retry.js';

export interface RefreshSvdInput {
  /** how many shards there are; each one is told */
  shards: number;
  /** days after which what a customer did counts half, as the shards have it */
  halfLifeDays: number;
  /** entries of a customer at most */
  history: number;
  /** components, and items at most; the model's defaults when absent */
  rank?: number;
  items?: number;
}

export interface RefreshSvdResult {
  version: number;
  /** position of the newest event that it knows */
  seq: number;
  customers: number;
  items: number;
  entries: number;
  rank: number;
  /** share of the customers that was taken */
  share: number;
  /** of the artefact; absent where there was nothing to factorise, and what was live stays */
  sha256?: string;
  bytes?: number;
  /** sequences of EVENTS from which each shard decides by it; empty where it was refused */
  live: number[];
  /** why it was refused */
  reason?: string;
}

const bounds = { shards: 256, history: 10_000, rank: 512, items: 1_000_000 } as const;

const { factoriseInteractions } = proxyActivities<SvdActivities>(collecting);
const { cutInteractions, promoteSvd, checkSvd } = proxyActivities<SvdActivities>(checking);

export async function refreshSvd(given: RefreshSvdInput): Promise<RefreshSvdResult> {
  const { shards, ...input } = checked(given);
  // The same in every retry and replay, so that a promotion that is repeated has the id of the first time.
  const version = workflowInfo().startTime.getTime();
  // Runs of before the registry go on as they began.
  const registered = patched('registry');
  const found = registered ? await standingOf('svd') : undefined;
  const startMs = Date.now();
  const cut = await cutInteractions();
  const { ref, ...counts } = await factoriseInteractions({ version, cut, ...input });
  if (ref === undefined) return { version, seq: cut.seq, ...counts, live: [] };
  if (found !== undefined) {
    const verdict = await checkSvd({ ref, ...counts, ...(found.champion !== undefined && { champion: found.champion.ref }) });
    const trained = { rows: counts.customers, toMs: cut.asOfMs, epochs: 1, resumed: 0, seconds: (Date.now() - startMs) / 1000 };
    const { live, reason } = await admit({ model: 'svd', version, ref, trained, verdict, shards, revisions: found.revisions });
    return { version, seq: cut.seq, ...counts, sha256: ref.sha256, bytes: ref.bytes, live, ...(reason !== undefined && { reason }) };
  }
  const { seqs } = await promoteSvd({ ref, shards, atMs: version });
  return { version, seq: cut.seq, ...counts, sha256: ref.sha256, bytes: ref.bytes, live: seqs };
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: Partial<RefreshSvdInput> | undefined): RefreshSvdInput {
  const { shards, halfLifeDays, history, rank, items } = given ?? {};
  if (!(typeof halfLifeDays === 'number' && halfLifeDays >= 0.01 && halfLifeDays <= 36_500)) throw refused('halfLifeDays', 'a number from 0.01 to 36500', halfLifeDays);
  return {
    shards: whole('shards', shards),
    history: whole('history', history),
    halfLifeDays,
    ...(rank !== undefined && { rank: whole('rank', rank) }),
    ...(items !== undefined && { items: whole('items', items) }),
  };
}

function whole(field: keyof typeof bounds, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= bounds[field]) return value;
  throw refused(field, `a whole number from 1 to ${bounds[field]}`, value);
}

const refused = (field: string, wanted: string, value: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`refreshSvd: ${field} must be ${wanted}, got ${JSON.stringify(value)}`, 'bad_request');
